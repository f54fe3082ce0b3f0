#define _POSIX_C_SOURCE 200809L

#include "support/certificates.h"

#include <dirent.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOUR_S 3600
#define DAY_S  86400

static void
must(bool is_true)
{
    if (!is_true) {
        (void)fputs("certificates for the tests cannot be made\n", stderr);
        abort();
    }
}

void
certificates_init(struct certificates *c)
{
    const char *base = getenv("TMPDIR");

    if (base == NULL || strlen(base) > 30) {
        base = "/tmp";
    }
    (void)snprintf(c->folder, sizeof(c->folder), "%s/wilco-certs-XXXXXX", base);
    must(mkdtemp(c->folder) != NULL);
}

const char *
certificates_path(const struct certificates *c, const char *file, char out[CERTIFICATES_PATH_BYTES])
{
    int len = snprintf(out, CERTIFICATES_PATH_BYTES, "%s/%s", c->folder, file);

    must(len > 0 && (unsigned)len < CERTIFICATES_PATH_BYTES);
    return out;
}

void
certificates_fini(struct certificates *c)
{
    DIR *dir = opendir(c->folder);
    const struct dirent *entry = NULL;
    char path[CERTIFICATES_PATH_BYTES];

    must(dir != NULL);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            must(unlink(certificates_path(c, entry->d_name, path)) == 0);
        }
    }
    must(closedir(dir) == 0);
    must(rmdir(c->folder) == 0);
}

static FILE *
open_file(const struct certificates *c, const char *name, const char *ending, const char *mode)
{
    char file[64];
    char path[CERTIFICATES_PATH_BYTES];
    FILE *f = NULL;

    (void)snprintf(file, sizeof(file), "%s.%s", name, ending);
    f = fopen(certificates_path(c, file, path), mode);
    must(f != NULL);
    must(mode[0] == 'r' || chmod(path, S_IRUSR | S_IWUSR) == 0);
    return f;
}

static EVP_PKEY *
read_key(const struct certificates *c, const char *name)
{
    FILE *f = open_file(c, name, "key", "r");
    EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);

    must(key != NULL);
    must(fclose(f) == 0);
    return key;
}

static X509 *
read_certificate(const struct certificates *c, const char *name)
{
    FILE *f = open_file(c, name, "pem", "r");
    X509 *certificate = PEM_read_X509(f, NULL, NULL, NULL);

    must(certificate != NULL);
    must(fclose(f) == 0);
    return certificate;
}

static void
extend(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension = NULL;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    must(extension != NULL);
    must(X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static void
set_names(X509 *certificate, const struct certificate_wish *wish)
{
    static unsigned serial;
    X509_NAME *subject = X509_get_subject_name(certificate);

    must(X509_set_version(certificate, X509_VERSION_3) == 1);
    must(ASN1_INTEGER_set(X509_get_serialNumber(certificate), (long)++serial) == 1);
    must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                    (const unsigned char *)wish->common_name, -1, -1, 0) == 1);
}

static void
set_times(X509 *certificate, const struct certificate_wish *wish)
{
    bool is_standard = wish->from_s == 0 && wish->until_s == 0;

    must(X509_gmtime_adj(X509_getm_notBefore(certificate), is_standard ? -HOUR_S : wish->from_s) !=
         NULL);
    must(X509_gmtime_adj(X509_getm_notAfter(certificate), is_standard ? DAY_S : wish->until_s) !=
         NULL);
}

static void
write_both(const struct certificates *c, const char *name, X509 *certificate, EVP_PKEY *key)
{
    FILE *f = open_file(c, name, "pem", "w");

    must(PEM_write_X509(f, certificate) == 1);
    must(fclose(f) == 0);
    f = open_file(c, name, "key", "w");
    must(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1);
    must(fclose(f) == 0);
}

void
certificates_make(const struct certificates *c, const struct certificate_wish *wish)
{
    X509 *certificate = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *issuer = wish->issuer == NULL ? certificate : read_certificate(c, wish->issuer);
    EVP_PKEY *issuer_key = wish->issuer == NULL ? key : read_key(c, wish->issuer);
    bool is_ca = wish->use != NULL && strcmp(wish->use, "CA") == 0;

    must(certificate != NULL && key != NULL);
    set_names(certificate, wish);
    set_times(certificate, wish);
    must(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1);
    must(X509_set_pubkey(certificate, key) == 1);
    extend(certificate, issuer, NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (is_ca) {
        extend(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
    } else if (wish->use != NULL) {
        extend(certificate, issuer, NID_ext_key_usage, wish->use);
    }
    if (wish->other_names != NULL) {
        extend(certificate, issuer, NID_subject_alt_name, wish->other_names);
    }
    must(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
    write_both(c, wish->name, certificate, key);
    if (issuer != certificate) {
        X509_free(issuer);
        EVP_PKEY_free(issuer_key);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void
add_revoked(const struct certificates *c, X509_CRL *crl, const char *name)
{
    X509 *certificate = read_certificate(c, name);
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, -60);

    must(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate)) == 1);
    must(X509_REVOKED_set_revocationDate(entry, now) == 1);
    must(X509_CRL_add0_revoked(crl, entry) == 1);
    ASN1_TIME_free(now);
    X509_free(certificate);
}

void
certificates_revoke(const struct certificates *c, const char *name, const char *issuer,
                    const char *revoked)
{
    X509_CRL *crl = X509_CRL_new();
    X509 *ca = read_certificate(c, issuer);
    EVP_PKEY *key = read_key(c, issuer);
    ASN1_TIME *from = X509_gmtime_adj(NULL, -HOUR_S);
    ASN1_TIME *until = X509_gmtime_adj(NULL, DAY_S);
    FILE *f = open_file(c, name, "crl", "w");

    must(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1);
    must(X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca)) == 1);
    must(X509_CRL_set1_lastUpdate(crl, from) == 1);
    must(X509_CRL_set1_nextUpdate(crl, until) == 1);
    if (revoked != NULL) {
        add_revoked(c, crl, revoked);
    }
    must(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
    must(PEM_write_X509_CRL(f, crl) == 1);
    must(fclose(f) == 0);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    X509_CRL_free(crl);
    X509_free(ca);
    EVP_PKEY_free(key);
}

#define HERE "DNS:localhost,IP:127.0.0.1,IP:::1"

static const struct certificate_wish standard[] = {
    {.name = "ca", .common_name = "Test CA", .use = "CA"},
    {.name = "other-ca", .common_name = "Other CA", .use = "CA"},
    {.name = "server",
     .issuer = "ca",
     .common_name = "server",
     .other_names = HERE,
     .use = "serverAuth"},
    {.name = "client",
     .issuer = "ca",
     .common_name = "alice",
     .other_names = "DNS:alice.example",
     .use = "clientAuth"},
    {.name = "expired",
     .issuer = "ca",
     .common_name = "localhost",
     .other_names = HERE,
     .from_s = -DAY_S,
     .until_s = -HOUR_S},
    {.name = "early",
     .issuer = "ca",
     .common_name = "localhost",
     .other_names = HERE,
     .from_s = HOUR_S,
     .until_s = DAY_S},
    {.name = "self", .common_name = "localhost", .other_names = HERE},
    {.name = "foreign", .issuer = "other-ca", .common_name = "localhost", .other_names = HERE},
    {.name = "elsewhere",
     .issuer = "ca",
     .common_name = "elsewhere.example",
     .other_names = "DNS:elsewhere.example,IP:192.0.2.1"},
    {.name = "star", .issuer = "ca", .common_name = "star", .other_names = "DNS:*.example"},
    {.name = "revoked", .issuer = "ca", .common_name = "localhost", .other_names = HERE},
};

void
certificates_make_standard(const struct certificates *c)
{
    FILE *empty = open_file(c, "empty", "pem", "w");

    must(fclose(empty) == 0);
    for (size_t i = 0; i < sizeof(standard) / sizeof(standard[0]); i++) {
        certificates_make(c, &standard[i]);
    }
    certificates_revoke(c, "ca", "ca", "revoked");
}
