#include "net/tls_private.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* Sessions resume by tickets, for which nothing is kept here; so a session cannot outlive the
 * context that has made it: with other certificates, or another list of those revoked, everyone
 * shakes hands anew. */
static const unsigned char session_context[] = "wilco";

struct tls_server {
    const struct wilco_alloc *alloc;
    atomic_size_t refs;
    SSL_CTX *contexts[TLS_CERTIFICATES_MAX]; /* one for each certificate */
    size_t count;
    BIO_METHOD *method;
    struct tls_tickets tickets;
    const char *alpn;
    enum tls_user user_from;
};

static bool
files_equal(const char a[TLS_CERTIFICATES_MAX][TLS_PATH_BYTES],
            const char b[TLS_CERTIFICATES_MAX][TLS_PATH_BYTES])
{
    bool are_equal = true;

    for (size_t i = 0; i < TLS_CERTIFICATES_MAX; i++) {
        are_equal = are_equal && strcmp(a[i], b[i]) == 0;
    }
    return are_equal;
}

bool
tls_server_options_equal(const struct tls_server_options *a, const struct tls_server_options *b)
{
    return a->certfile_count == b->certfile_count && a->keyfile_count == b->keyfile_count &&
           files_equal(a->certfile, b->certfile) && files_equal(a->keyfile, b->keyfile) &&
           strcmp(a->cafile, b->cafile) == 0 && strcmp(a->capath, b->capath) == 0 &&
           strcmp(a->crlfile, b->crlfile) == 0 && strcmp(a->ciphers, b->ciphers) == 0 &&
           strcmp(a->ciphers_tls13, b->ciphers_tls13) == 0 && a->versions == b->versions &&
           a->requires_certificate == b->requires_certificate && a->user_from == b->user_from;
}

/* OpenSSL's callback: which of the protocols that the client offers. Whoever offers none is not
 * asked. */
static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                const unsigned char *in, unsigned in_len, void *context)
{
    const struct tls_server *t = context;
    size_t len = strlen(t->alpn);
    unsigned at = 0;

    (void)ssl;
    while (at < in_len && in[at] <= in_len - at - 1) {
        if (in[at] == len && memcmp(in + at + 1, t->alpn, len) == 0) {
            *out = in + at + 1;
            *out_len = in[at];
            return SSL_TLSEXT_ERR_OK;
        }
        at += in[at] + 1U;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* OpenSSL's callback: the certificate for the name that the client has asked for. */
static int /* NOLINTNEXTLINE(readability-non-const-parameter): the type is OpenSSL's */
choose_certificate(SSL *ssl, int *alert, void *context)
{
    const struct tls_server *t = context;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)alert;
    for (size_t i = 0; name != NULL && i < t->count; i++) {
        X509 *certificate = SSL_CTX_get0_certificate(t->contexts[i]);

        if (X509_check_host(certificate, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) ==
            1) {
            (void)SSL_set_SSL_CTX(ssl, t->contexts[i]);
            break;
        }
    }
    return SSL_TLSEXT_ERR_OK;
}

static enum wilco_status
use_clients(SSL_CTX *ctx, const struct tls_server_options *o, char reason[TLS_REASON_BYTES])
{
    enum wilco_status st = tls_use_authorities(ctx, o->cafile, o->capath, reason);

    if (st == WILCO_OK && o->crlfile[0] != '\0') {
        st = tls_use_revocations(ctx, o->crlfile, reason);
    }
    if (st == WILCO_OK && o->requires_certificate) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        if (o->cafile[0] != '\0') { /* tells clients which of their certificates to show */
            SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(o->cafile));
        }
    }
    return st;
}

static enum wilco_status
add_context(struct tls_server *t, const struct tls_server_options *o, char reason[TLS_REASON_BYTES])
{
    const struct tls_common common = {o->ciphers, o->ciphers_tls13, o->versions};
    SSL_CTX *ctx = tls_context_new(TLS_server_method(), &common, reason);
    size_t i = t->count;
    enum wilco_status st = WILCO_OK;

    if (ctx == NULL) {
        return WILCO_EINVAL;
    }
    t->contexts[t->count++] = ctx;
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_session_id_context(ctx, session_context, sizeof(session_context));
    (void)SSL_CTX_set_num_tickets(ctx, 1);
    tls_tickets_use(ctx);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, t);
    (void)SSL_CTX_set_tlsext_servername_callback(ctx, choose_certificate);
    (void)SSL_CTX_set_tlsext_servername_arg(ctx, t);
    st = tls_use_certificate(ctx, o->certfile[i], o->keyfile[i], reason);
    return st == WILCO_OK ? use_clients(ctx, o, reason) : st;
}

static enum wilco_status
check_options(const struct tls_server_options *o, char reason[TLS_REASON_BYTES])
{
    const char *why = NULL;

    if (o->certfile_count == 0 || o->keyfile_count == 0) {
        why = "TLS needs a certfile and a keyfile: name them below the line of the listener, see "
              "docs/tls.md";
    } else if (o->certfile_count != o->keyfile_count) {
        why = "each certfile needs a keyfile of its own";
    } else if (o->requires_certificate && o->cafile[0] == '\0' && o->capath[0] == '\0') {
        why = "require_certificate needs a cafile or a capath: whose certificates?";
    } else if (o->user_from != TLS_USER_NONE && !o->requires_certificate) {
        why = "a user name from the certificate needs require_certificate true";
    } else if (o->crlfile[0] != '\0' && !o->requires_certificate) {
        why = "a crlfile needs require_certificate true";
    }
    (void)snprintf(reason, TLS_REASON_BYTES, "%s", why == NULL ? "" : why);
    return why == NULL ? WILCO_OK : WILCO_EINVAL;
}

enum wilco_status
tls_server_new(struct tls_server **out, const struct tls_server_options *options, const char *alpn,
               const struct wilco_alloc *a, char reason[TLS_REASON_BYTES])
{
    struct tls_server *t = NULL;
    enum wilco_status st = check_options(options, reason);

    *out = NULL;
    if (st != WILCO_OK) {
        return st;
    }
    t = mem_zalloc(a, sizeof(*t));
    if (t == NULL) {
        (void)snprintf(reason, TLS_REASON_BYTES, "out of memory");
        return WILCO_ENOMEM;
    }
    t->alloc = a;
    atomic_init(&t->refs, 1);
    t->alpn = alpn;
    t->user_from = options->user_from;
    t->method = tls_bio_method_new();
    st = !tls_tickets_init(&t->tickets) || t->method == NULL ? WILCO_ENOMEM : WILCO_OK;
    while (st == WILCO_OK && t->count < options->certfile_count) {
        st = add_context(t, options, reason);
    }
    if (st == WILCO_OK) {
        *out = t;
    } else {
        tls_server_unref(t);
    }
    return st;
}

struct tls_server *
tls_server_ref(struct tls_server *t)
{
    (void)atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void
tls_server_unref(struct tls_server *t)
{
    if (t == NULL || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = 0; i < t->count; i++) {
        SSL_CTX_free(t->contexts[i]);
    }
    BIO_meth_free(t->method);
    tls_tickets_fini(&t->tickets);
    mem_free(t->alloc, t);
}

struct tls_tickets *
tls_server_tickets(struct tls_server *t)
{
    return &t->tickets;
}

void
tls_server_rotate_tickets(struct tls_server *t)
{
    tls_tickets_rotate(&t->tickets);
}

enum tls_user
tls_server_user_from(const struct tls_server *t)
{
    return t->user_from;
}

struct stream *
tls_server_stream(struct tls_server *t, struct stream *below, const struct wilco_alloc *a)
{
    SSL *ssl = SSL_new(t->contexts[0]);
    struct stream *s = NULL;

    if (ssl != NULL) {
        SSL_set_accept_state(ssl);
    }
    s = tls_stream_new(ssl, t->method, below, a);
    if (s != NULL) {
        tls_stream_set_server(s, t);
    }
    return s;
}
