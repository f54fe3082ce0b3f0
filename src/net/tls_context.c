#include "net/tls_private.h"

#include <openssl/err.h>
#include <stdio.h>

/* Forward secrecy and authenticated encryption. Those of TLS 1.3 all have both. */
#define STANDARD_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

static const char *
apply(SSL_CTX *ctx, const struct tls_common *common)
{
    const char *ciphers = common->ciphers[0] == '\0' ? STANDARD_CIPHERS : common->ciphers;
    int least = common->versions == TLS_13_ONLY ? TLS1_3_VERSION : TLS1_2_VERSION;
    int most = common->versions == TLS_12_ONLY ? TLS1_2_VERSION : TLS1_3_VERSION;

    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_security_level(ctx, 2);
    if (SSL_CTX_set_min_proto_version(ctx, least) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, most) != 1) {
        return "this version of TLS cannot be had";
    }
    if (SSL_CTX_set_cipher_list(ctx, ciphers) != 1) {
        return "ciphers: OpenSSL knows none of them; openssl ciphers lists them";
    }
    if (common->ciphers_tls13[0] != '\0' &&
        SSL_CTX_set_ciphersuites(ctx, common->ciphers_tls13) != 1) {
        return "ciphers_tls1.3: OpenSSL does not know them all; openssl ciphers -tls1_3 lists them";
    }
    return NULL;
}

SSL_CTX *
tls_context_new(const SSL_METHOD *method, const struct tls_common *common,
                char reason[TLS_REASON_BYTES])
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    const char *why = ctx == NULL ? "out of memory" : apply(ctx, common);

    if (why == NULL) {
        return ctx;
    }
    (void)snprintf(reason, TLS_REASON_BYTES, "%s", why);
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return NULL;
}
