#ifndef WILCO_NET_TLS_PRIVATE_H
#define WILCO_NET_TLS_PRIVATE_H

#include "net/tls.h"

#include <openssl/ssl.h>
#include <pthread.h>

/* Between the files of tls.h; nobody else includes this. */

/* ---- tls_files.c: puts files into a context ---- */

/* Each: WILCO_EINVAL, and `reason` names the file. `name` is what the configuration calls it. */
WILCO_MUST_CHECK enum wilco_status tls_use_certificate(SSL_CTX *ctx, const char *certfile,
                                                       const char *keyfile,
                                                       char reason[TLS_REASON_BYTES]);
/* Either may be empty. */
WILCO_MUST_CHECK enum wilco_status tls_use_authorities(SSL_CTX *ctx, const char *cafile,
                                                       const char *capath,
                                                       char reason[TLS_REASON_BYTES]);
WILCO_MUST_CHECK enum wilco_status tls_use_revocations(SSL_CTX *ctx, const char *crlfile,
                                                       char reason[TLS_REASON_BYTES]);

/* ---- tls_context.c: what both ends have in common ---- */

struct tls_common {
    const char *ciphers;       /* empty: the standard ones */
    const char *ciphers_tls13; /* likewise */
    enum tls_versions versions;
};

/* NULL, and `reason`. */
SSL_CTX *tls_context_new(const SSL_METHOD *method, const struct tls_common *common,
                         char reason[TLS_REASON_BYTES]);

/* ---- tls_bio.c: OpenSSL's view of the stream below ---- */

BIO_METHOD *tls_bio_method_new(void); /* NULL: out of memory */

/* What a BIO reads from and writes to, and how that went last. */
struct tls_below {
    struct stream *stream;
    enum wilco_status status;
    int error; /* errno, after WILCO_EIO */
};

/* ---- tls_stream.c ---- */

struct tls_stream;

/* Takes `ssl` and `below`. NULL: out of memory, and both are released. */
struct stream *tls_stream_new(SSL *ssl, BIO_METHOD *method, struct stream *below,
                              const struct wilco_alloc *a);
/* The other direction, for callbacks of OpenSSL. */
struct tls_stream *tls_stream_of_ssl(const SSL *ssl);

/* Exactly one of them is there: which end this is. */
void tls_stream_set_server(struct stream *s, struct tls_server *server); /* takes a reference */
void tls_stream_set_client(struct stream *s, struct tls_client *t, unsigned era);
struct tls_server *tls_stream_server(const struct tls_stream *t);
struct tls_client *tls_stream_client(const struct tls_stream *t);
unsigned tls_stream_era(const struct tls_stream *t); /* the client's, at its beginning */

/* ---- tls_tickets.c: the keys of a server's tickets ---- */

struct tls_ticket_key {
    unsigned char name[16];
    unsigned char cipher[32];
    unsigned char mac[32];
};

/* Safe from any thread, between init and fini. */
struct tls_tickets {
    pthread_mutex_t lock;
    struct tls_ticket_key keys[2]; /* the present one, and the one before */
    uint64_t made_ms;              /* the present one */
};

WILCO_MUST_CHECK bool tls_tickets_init(struct tls_tickets *t); /* false: no random numbers */
void tls_tickets_fini(struct tls_tickets *t);
void tls_tickets_rotate(struct tls_tickets *t);
void tls_tickets_use(SSL_CTX *ctx); /* whose streams have a server with tickets */

/* ---- tls_why.c ---- */

/* What was wrong, as OpenSSL's error queue and `ssl` have it, in words. */
void tls_explain(const SSL *ssl, char out[TLS_REASON_BYTES]);
/* The first entry of the error queue. */
const char *tls_error_text(void);

/* ---- tls_user.c ---- */

/* "" where `certificate` (NULL is allowed) has none, or none that fits. */
void tls_user_name(const X509 *certificate, enum tls_user from, char *out, size_t bytes);

/* ---- tls_server.c ---- */

enum tls_user tls_server_user_from(const struct tls_server *t);
struct tls_tickets *tls_server_tickets(struct tls_server *t);

#endif
