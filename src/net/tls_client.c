#define _POSIX_C_SOURCE 200809L

#include "net/tls_private.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define HOST_BYTES 256U

struct tls_client {
    const struct wilco_alloc *alloc;
    SSL_CTX *ctx;
    BIO_METHOD *method;
    SSL_SESSION *session; /* to resume; NULL: none yet */
    /* A session that goes on is not verified again, so it is for the host alone that it began with:
     * another host is another era. */
    char host[HOST_BYTES];
    unsigned era;
};

/* OpenSSL's callback: 1 takes the session over. */
static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
    const struct tls_stream *s = tls_stream_of_ssl(ssl);
    struct tls_client *t = tls_stream_client(s);

    if (tls_stream_era(s) != t->era) {
        return 0;
    }
    SSL_SESSION_free(t->session);
    t->session = session;
    return 1;
}

static const char *
or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

/* Which servers are trusted. */
static enum wilco_status
use_trust(SSL_CTX *ctx, const struct tls_client_options *o, char reason[TLS_REASON_BYTES])
{
    enum wilco_status st = WILCO_OK;

    if (o->cafile != NULL || o->capath != NULL) {
        st = tls_use_authorities(ctx, or_empty(o->cafile), or_empty(o->capath), reason);
    } else if (!o->is_insecure && SSL_CTX_set_default_verify_paths(ctx) != 1) {
        (void)snprintf(reason, TLS_REASON_BYTES, "the system's CAs cannot be had: name a cafile");
        st = WILCO_EINVAL;
    }
    if (st == WILCO_OK && o->crlfile != NULL) {
        st = tls_use_revocations(ctx, o->crlfile, reason);
    }
    return st;
}

/* Those who give an empty name have not meant "none". */
static enum wilco_status
check_options(const struct tls_client_options *o, char reason[TLS_REASON_BYTES])
{
    const char *paths[] = {o->cafile, o->capath, o->certfile, o->keyfile, o->crlfile};
    const char *names[] = {"cafile", "capath", "certfile", "keyfile", "crlfile"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (paths[i] != NULL && paths[i][0] == '\0') {
            (void)snprintf(reason, TLS_REASON_BYTES, "%s: the name of the file is empty", names[i]);
            return WILCO_EINVAL;
        }
    }
    if ((o->certfile == NULL) != (o->keyfile == NULL)) {
        (void)snprintf(reason, TLS_REASON_BYTES, "a %s needs a %s",
                       o->certfile == NULL ? "keyfile" : "certfile",
                       o->certfile == NULL ? "certfile" : "keyfile");
        return WILCO_EINVAL;
    }
    return WILCO_OK;
}

/* The length of the name, and the name. */
static bool
offer(SSL_CTX *ctx, const char *alpn)
{
    unsigned char list[32];
    size_t len = strlen(alpn);

    list[0] = (unsigned char)len;
    memcpy(list + 1, alpn, len);
    return SSL_CTX_set_alpn_protos(ctx, list, (unsigned)len + 1) == 0;
}

static enum wilco_status
set_up(struct tls_client *t, const struct tls_client_options *o, const char *alpn,
       char reason[TLS_REASON_BYTES])
{
    const struct tls_common common = {or_empty(o->ciphers), or_empty(o->ciphers_tls13),
                                      o->versions};
    enum wilco_status st = check_options(o, reason);

    if (st != WILCO_OK) {
        return st;
    }
    t->ctx = tls_context_new(TLS_client_method(), &common, reason);
    if (t->ctx == NULL) {
        return WILCO_EINVAL;
    }
    SSL_CTX_set_verify(t->ctx, o->is_insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(t->ctx, keep_session);
    if (!offer(t->ctx, alpn)) {
        return WILCO_ENOMEM;
    }
    st = use_trust(t->ctx, o, reason);
    if (st == WILCO_OK && o->certfile != NULL) {
        st = tls_use_certificate(t->ctx, o->certfile, o->keyfile, reason);
    }
    return st;
}

enum wilco_status
tls_client_new(struct tls_client **out, const struct tls_client_options *options, const char *alpn,
               const struct wilco_alloc *a, char reason[TLS_REASON_BYTES])
{
    struct tls_client *t = mem_zalloc(a, sizeof(*t));
    enum wilco_status st = WILCO_ENOMEM;

    *out = NULL;
    (void)snprintf(reason, TLS_REASON_BYTES, "out of memory");
    if (t == NULL) {
        return st;
    }
    t->alloc = a;
    t->method = tls_bio_method_new();
    if (t->method != NULL) {
        st = set_up(t, options, alpn, reason);
    }
    if (st == WILCO_OK) {
        *out = t;
    } else {
        tls_client_free(t);
    }
    return st;
}

void
tls_client_free(struct tls_client *t)
{
    if (t != NULL) {
        SSL_SESSION_free(t->session);
        SSL_CTX_free(t->ctx);
        BIO_meth_free(t->method);
        mem_free(t->alloc, t);
    }
}

/* Without the zone of an IPv6 address, which certificates do not know. */
static void
plain_host(char out[HOST_BYTES], const char *host)
{
    (void)snprintf(out, HOST_BYTES, "%.*s", (int)strcspn(host, "%"), host);
}

static bool
is_address(const char *host)
{
    unsigned char address[16];

    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* Whom to expect. False: out of memory, or no name can be like this. */
static bool
expect(SSL *ssl, const char *given)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    char host[HOST_BYTES];

    if (strlen(given) >= HOST_BYTES) {
        return false;
    }
    plain_host(host, given);
    if (is_address(host)) {
        return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
    }
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return host[0] != '\0' && X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, host) == 1;
}

/* Of at most so many bytes: longer ones are refused by expect(). */
static void
begin_era(struct tls_client *t, const char *host)
{
    if (strncmp(t->host, host, HOST_BYTES - 1) != 0) {
        (void)snprintf(t->host, HOST_BYTES, "%s", host);
        t->era++;
        SSL_SESSION_free(t->session);
        t->session = NULL;
    }
}

struct stream *
tls_client_stream(struct tls_client *t, const char *host, struct stream *below,
                  const struct wilco_alloc *a)
{
    SSL *ssl = SSL_new(t->ctx);
    struct stream *s = NULL;

    begin_era(t, host);
    if (ssl != NULL && !expect(ssl, host)) {
        SSL_free(ssl);
        ssl = NULL;
    }
    if (ssl != NULL) {
        SSL_set_connect_state(ssl);
        if (t->session != NULL) { /* if it cannot go on, a new one begins */
            (void)SSL_set_session(ssl, t->session);
        }
    }
    s = tls_stream_new(ssl, t->method, below, a);
    if (s != NULL) {
        tls_stream_set_client(s, t, t->era);
    }
    return s;
}
