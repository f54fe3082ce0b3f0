#ifndef WILCO_NET_TLS_H
#define WILCO_NET_TLS_H

#include "net/stream.h"

/* TLS 1.2 and 1.3, by OpenSSL, as a stream on top of another one. Both ends: a context is made once
 * of files, and any number of streams with it. No compression, no renegotiation, forward secrecy
 * and authenticated encryption with every cipher unless told otherwise; a private key that others
 * can read is refused. OpenSSL allocates from the C library; the streams themselves, and what they
 * hold back, are from the allocator given. */

#define TLS_PATH_BYTES       256U
#define TLS_CIPHERS_BYTES    512U
#define TLS_CERTIFICATES_MAX 4U
#define TLS_REASON_BYTES     400U

/* What may be spoken. */
enum tls_versions {
    TLS_12_OR_13,
    TLS_13_ONLY,
    TLS_12_ONLY,
};

/* What a server uses as the user name of a client whose certificate it has verified. */
enum tls_user {
    TLS_USER_NONE,
    TLS_USER_CN,  /* the Common Name of its subject */
    TLS_USER_SAN, /* the first of its other names that is an e-mail address, a DNS name or a URI */
};

/* ---- Servers ---- */

/* What is configured. It owns nothing; all zero: nothing is. */
struct tls_server_options {
    /* Certificate chains, the server's own first, and their keys: which one a client sees follows
     * from the name it asks for; the first one, if it matches none. */
    char certfile[TLS_CERTIFICATES_MAX][TLS_PATH_BYTES];
    char keyfile[TLS_CERTIFICATES_MAX][TLS_PATH_BYTES];
    size_t certfile_count;
    size_t keyfile_count;
    char cafile[TLS_PATH_BYTES];           /* who issues clients' certificates */
    char capath[TLS_PATH_BYTES];           /* the same, a folder that c_rehash has seen */
    char crlfile[TLS_PATH_BYTES];          /* which of them are revoked */
    char ciphers[TLS_CIPHERS_BYTES];       /* of TLS 1.2, as OpenSSL names them */
    char ciphers_tls13[TLS_CIPHERS_BYTES]; /* of TLS 1.3 */
    enum tls_versions versions;
    bool requires_certificate; /* of each client */
    enum tls_user user_from;   /* for stream_describe() */
};

bool tls_server_options_equal(const struct tls_server_options *a,
                              const struct tls_server_options *b);

/* Counted, safe from any thread. Streams hold it. */
struct tls_server;

/* `alpn`, a static text, is the protocol to agree on: clients that offer others only are refused.
 * WILCO_EINVAL: a file or an option is wrong, and `reason` says in one line which, and what to do.
 * WILCO_ENOMEM. One reference. */
WILCO_MUST_CHECK enum wilco_status tls_server_new(struct tls_server **out,
                                                  const struct tls_server_options *options,
                                                  const char *alpn, const struct wilco_alloc *a,
                                                  char reason[TLS_REASON_BYTES]);
struct tls_server *tls_server_ref(struct tls_server *t);
void tls_server_unref(struct tls_server *t); /* NULL is allowed */

/* Sessions are resumed by tickets, under a key that is replaced every so many seconds; the one
 * before is accepted for as long again. This does it now. */
#define TLS_TICKET_KEY_S 3600U
void tls_server_rotate_tickets(struct tls_server *t);

/* Takes `below`. NULL: out of memory, and `below` is closed. */
struct stream *tls_server_stream(struct tls_server *t, struct stream *below,
                                 const struct wilco_alloc *a);

/* ---- Clients ---- */

/* NULL: it says nothing of this. */
struct tls_client_options {
    const char *cafile; /* whom to trust in place of those whom the system trusts */
    const char *capath;
    const char *certfile; /* to show to the server, and ... */
    const char *keyfile;  /* ... its key; neither or both */
    const char *crlfile;
    const char *ciphers;
    const char *ciphers_tls13;
    enum tls_versions versions;
    bool is_insecure; /* any certificate of any server will do: encrypted, but to whom? */
};

/* One thread at a time, the streams' included; outlives its streams. Remembers the last session,
 * with which the next stream to the same host resumes. */
struct tls_client;

/* As tls_server_new(). */
WILCO_MUST_CHECK enum wilco_status tls_client_new(struct tls_client **out,
                                                  const struct tls_client_options *options,
                                                  const char *alpn, const struct wilco_alloc *a,
                                                  char reason[TLS_REASON_BYTES]);
void tls_client_free(struct tls_client *t); /* NULL is allowed */

/* Takes `below`, at whose other end there must be `host`, a name or an address. NULL: out of
 * memory, and `below` is closed. */
struct stream *tls_client_stream(struct tls_client *t, const char *host, struct stream *below,
                                 const struct wilco_alloc *a);

/* ---- Of either, for tests and logs; `s` is such a stream ---- */

/* "TLSv1.3" and the like, and whether an earlier session went on; once hands are shaken. */
const char *tls_stream_version(const struct stream *s);
bool tls_stream_is_resumed(const struct stream *s);

#endif
