#define _POSIX_C_SOURCE 200809L

#include "net/tls_private.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHERS_MAY (S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH)

static enum wilco_status
refuse(char reason[TLS_REASON_BYTES], const char *name, const char *path, const char *why)
{
    (void)snprintf(reason, TLS_REASON_BYTES, "%s %.180s: %.200s", name, path, why);
    ERR_clear_error();
    return WILCO_EINVAL;
}

/* False: it cannot be read, and `reason` says why. `*mode` may be NULL. */
static bool
can_be_read(const char *name, const char *path, bool wants_folder, mode_t *mode,
            char reason[TLS_REASON_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info = {.st_mode = 0};
    char why[128] = "";

    if (fd < 0 || fstat(fd, &info) != 0) {
        (void)strerror_r(errno, why, sizeof(why));
    } else if (S_ISDIR(info.st_mode) != wants_folder) {
        (void)snprintf(why, sizeof(why), "%s", wants_folder ? "is no folder" : "is a folder");
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (mode != NULL) {
        *mode = info.st_mode;
    }
    if (why[0] != '\0') {
        (void)refuse(reason, name, path, why);
    }
    return why[0] == '\0';
}

/* Nobody is asked for it: a server has no terminal. */
static int /* NOLINTNEXTLINE(readability-non-const-parameter): the type is OpenSSL's */
no_passphrase(char *out, int size, int is_writing, void *context)
{
    (void)out;
    (void)size;
    (void)is_writing;
    (void)context;
    return -1;
}

static enum wilco_status
use_key(SSL_CTX *ctx, const char *path, char reason[TLS_REASON_BYTES])
{
    mode_t mode = 0;
    char why[64 + TLS_PATH_BYTES];

    if (!can_be_read("keyfile", path, false, &mode, reason)) {
        return WILCO_EINVAL;
    }
    if ((mode & OTHERS_MAY) != 0) {
        (void)snprintf(why, sizeof(why), "others can read or write it: chmod 600 %.250s", path);
        return refuse(reason, "keyfile", path, why);
    }
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    if (SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) != 1) {
        unsigned long error = ERR_peek_error();

        if (ERR_GET_LIB(error) == ERR_LIB_X509 &&
            ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH) {
            return refuse(reason, "keyfile", path, "is not the key of the certificate");
        }
        return refuse(reason, "keyfile", path,
                      "is no private key in PEM, or is protected by a passphrase, which cannot be "
                      "asked for");
    }
    return WILCO_OK;
}

enum wilco_status
tls_use_certificate(SSL_CTX *ctx, const char *certfile, const char *keyfile,
                    char reason[TLS_REASON_BYTES])
{
    if (!can_be_read("certfile", certfile, false, NULL, reason)) {
        return WILCO_EINVAL;
    }
    if (SSL_CTX_use_certificate_chain_file(ctx, certfile) != 1) {
        char why[160];

        (void)snprintf(why, sizeof(why), "is no certificate in PEM that can be used: %s",
                       tls_error_text());
        return refuse(reason, "certfile", certfile, why);
    }
    return use_key(ctx, keyfile, reason);
}

static bool
has_certificate(X509_STORE *store)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);

    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        if (X509_OBJECT_get_type(sk_X509_OBJECT_value(objects, i)) == X509_LU_X509) {
            return true;
        }
    }
    return false;
}

enum wilco_status
tls_use_authorities(SSL_CTX *ctx, const char *cafile, const char *capath,
                    char reason[TLS_REASON_BYTES])
{
    if (cafile[0] != '\0') {
        if (!can_be_read("cafile", cafile, false, NULL, reason)) {
            return WILCO_EINVAL;
        }
        if (SSL_CTX_load_verify_file(ctx, cafile) != 1 ||
            !has_certificate(SSL_CTX_get_cert_store(ctx))) {
            return refuse(reason, "cafile", cafile, "has no certificate in PEM in it");
        }
    }
    if (capath[0] != '\0') {
        if (!can_be_read("capath", capath, true, NULL, reason)) {
            return WILCO_EINVAL;
        }
        if (SSL_CTX_load_verify_dir(ctx, capath) != 1) {
            return refuse(reason, "capath", capath, "cannot be used");
        }
    }
    return WILCO_OK;
}

enum wilco_status
tls_use_revocations(SSL_CTX *ctx, const char *crlfile, char reason[TLS_REASON_BYTES])
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    X509_LOOKUP *lookup = NULL;

    if (!can_be_read("crlfile", crlfile, false, NULL, reason)) {
        return WILCO_EINVAL;
    }
    lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (lookup == NULL || X509_load_crl_file(lookup, crlfile, X509_FILETYPE_PEM) <= 0) {
        return refuse(reason, "crlfile", crlfile,
                      "has no certificate revocation list in PEM in it");
    }
    if (X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK) != 1) {
        return refuse(reason, "crlfile", crlfile, "cannot be used");
    }
    return WILCO_OK;
}
