/* OpenSSL encrypts a record and then insists on getting rid of that record, with the same bytes
 * given again, whereas those who write to a stream may come again with others in front of them gone
 * or more behind. So when the stream below takes a record in part only, or not at all, we keep the
 * record's bytes (`held`) and say that they were taken: all but the last one, for the caller has to
 * come again, or the record would stay here for ever. When he does, what is held goes first, and
 * the byte that he gives once more is skipped. */
#include "net/tls_private.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#define RECORD_BYTES 16384U /* of plain text, at most: RFC 8446, 5.1 */

struct tls_stream {
    struct stream stream;
    const struct wilco_alloc *alloc;
    struct tls_below below;
    SSL *ssl;
    struct tls_server *server; /* one of the two */
    struct tls_client *client;
    unsigned era;  /* of the client */
    uint8_t *held; /* NULL: nothing */
    size_t held_len;
    size_t held_used;
    char *why;                 /* NULL: nothing to say, or no memory to say it with */
    enum wilco_status broken;  /* WILCO_OK: it is not */
    int error;                 /* errno, with WILCO_EIO */
    bool is_open;              /* hands are shaken */
    bool is_ended;             /* by the peer, who may read on */
    bool is_end_told;          /* of either kind, by read() */
    bool is_drained;           /* what is left with OpenSSL is not a whole record */
    bool is_finished;          /* by us */
    bool owes_farewell;        /* but it is not out yet */
    bool reading_wants_write;  /* at last try */
    bool writing_wants_read;   /* likewise */
    bool has_told_all_but_one; /* of what is held, or was: the next byte is known already */
};

static struct tls_stream *
tls_stream_of(struct stream *s)
{
    return CONTAINER_OF(s, struct tls_stream, stream);
}

static const struct tls_stream *
const_tls_stream_of(const struct stream *s)
{
    return (const struct tls_stream *)(const void *)s; /* its first member */
}

struct tls_stream *
tls_stream_of_ssl(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

/* ---- What OpenSSL says ---- */

static enum wilco_status
give_up(struct tls_stream *t, enum wilco_status st, int error, const char *why)
{
    size_t bytes = strlen(why) + 1;

    t->broken = st;
    t->error = error;
    if (bytes > 1 && t->why == NULL) {
        t->why = mem_alloc(t->alloc, bytes);
        if (t->why != NULL) {
            memcpy(t->why, why, bytes);
        }
    }
    errno = error;
    return st;
}

static enum wilco_status
break_off(struct tls_stream *t)
{
    enum wilco_status below = t->below.status;
    char why[TLS_REASON_BYTES];

    if (ERR_peek_error() == 0 && below != WILCO_OK && below != WILCO_AGAIN) {
        return give_up(t, below, t->below.error, stream_why(t->below.stream));
    }
    tls_explain(t->ssl, why);
    return give_up(t, WILCO_EIO, EPROTO, why);
}

static enum wilco_status
end(struct tls_stream *t)
{
    t->is_ended = true;
    if (t->is_open) {
        return WILCO_ECLOSED;
    }
    return give_up(t, WILCO_ECLOSED, ECONNRESET,
                   SSL_is_server(t->ssl)
                       ? ""
                       : "the server has closed the connection in the middle of the TLS handshake");
}

/* After a function of OpenSSL that has not worked. */
static enum wilco_status
outcome(struct tls_stream *t, int result)
{
    switch (SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return WILCO_AGAIN;
    case SSL_ERROR_ZERO_RETURN: return end(t);
    default: return break_off(t);
    }
}

static enum wilco_status
tls_shake_hands(struct stream *s)
{
    struct tls_stream *t = tls_stream_of(s);
    int result = 0;

    if (t->broken != WILCO_OK) {
        errno = t->error;
        return t->broken;
    }
    if (t->is_open) {
        return WILCO_OK;
    }
    ERR_clear_error();
    result = SSL_do_handshake(t->ssl);
    if (result == 1) {
        t->is_open = true;
        t->reading_wants_write = false;
        t->writing_wants_read = false;
        return WILCO_OK;
    }
    t->reading_wants_write = SSL_want_write(t->ssl);
    t->writing_wants_read = !t->reading_wants_write;
    return outcome(t, result);
}

/* ---- Writing ---- */

static void
drop_held(struct tls_stream *t)
{
    mem_free(t->alloc, t->held);
    t->held = NULL;
    t->held_len = 0;
    t->held_used = 0;
}

static enum wilco_status
encrypt_some(struct tls_stream *t, struct span bytes, size_t *len)
{
    int result = 0;

    ERR_clear_error();
    result = SSL_write_ex(t->ssl, bytes.data, bytes.len, len);
    if (result == 1) {
        return WILCO_OK;
    }
    *len = 0;
    t->writing_wants_read = SSL_want_read(t->ssl);
    return outcome(t, result);
}

static enum wilco_status
write_held(struct tls_stream *t)
{
    enum wilco_status st = WILCO_OK;

    while (st == WILCO_OK && t->held_used < t->held_len) {
        size_t len = 0;

        st = encrypt_some(t, span_of(t->held + t->held_used, t->held_len - t->held_used), &len);
        t->held_used += len;
    }
    if (st == WILCO_OK) {
        drop_held(t);
    }
    return st;
}

static enum wilco_status
hold(struct tls_stream *t, struct span bytes)
{
    t->held = mem_alloc(t->alloc, bytes.len);
    if (t->held == NULL) {
        return give_up(t, WILCO_EIO, ENOMEM, "");
    }
    memcpy(t->held, bytes.data, bytes.len);
    t->held_len = bytes.len;
    t->held_used = 0;
    t->has_told_all_but_one = true;
    return WILCO_OK;
}

/* A place in what is to be written. */
struct cursor {
    const struct span *spans;
    size_t count;
    size_t offset; /* in the first of them */
};

static void
skip(struct cursor *c, size_t len)
{
    while (c->count > 0 && len >= c->spans[0].len - c->offset) {
        len -= c->spans[0].len - c->offset;
        c->offset = 0;
        c->spans++;
        c->count--;
    }
    c->offset += len;
}

/* What goes into the next record; where it lies in several pieces, it is put together in
 * `scratch`. */
static struct span
next_record(struct cursor c, uint8_t scratch[RECORD_BYTES])
{
    size_t len = 0;

    skip(&c, 0);
    if (c.count == 0) {
        return SPAN_EMPTY;
    }
    if (c.count == 1 || c.spans[0].len - c.offset >= RECORD_BYTES) {
        return span_first(span_skip(c.spans[0], c.offset), c.spans[0].len - c.offset < RECORD_BYTES
                                                               ? c.spans[0].len - c.offset
                                                               : RECORD_BYTES);
    }
    while (c.count > 0 && len < RECORD_BYTES) {
        size_t n = c.spans[0].len - c.offset;

        n = n < RECORD_BYTES - len ? n : RECORD_BYTES - len;
        if (n > 0) {
            memcpy(scratch + len, c.spans[0].data + c.offset, n);
        }
        len += n;
        skip(&c, n);
    }
    return span_of(scratch, len);
}

/* Writes one record at most; *len of it count as taken. */
static enum wilco_status
write_record(struct tls_stream *t, struct span record, size_t *len)
{
    enum wilco_status st = encrypt_some(t, record, len);

    if (st == WILCO_AGAIN) {
        if (hold(t, record) != WILCO_OK) {
            return t->broken;
        }
        *len = record.len - 1;
    }
    return st;
}

static enum wilco_status
write_all(struct tls_stream *t, struct cursor c, size_t *len)
{
    uint8_t scratch[RECORD_BYTES];
    enum wilco_status st = WILCO_OK;

    while (st == WILCO_OK) {
        struct span record = next_record(c, scratch);
        size_t n = 0;

        if (record.len == 0) {
            break;
        }
        st = write_record(t, record, &n);
        skip(&c, n);
        *len += n;
    }
    return st;
}

static enum wilco_status
tls_write(struct stream *s, const struct span *spans, size_t count, size_t *len)
{
    struct tls_stream *t = tls_stream_of(s);
    struct cursor c = {.spans = spans, .count = count};
    size_t done = 0;
    enum wilco_status st = t->is_finished ? WILCO_ECLOSED : tls_shake_hands(s);

    if (st == WILCO_OK) {
        st = write_held(t);
    }
    if (st != WILCO_OK) {
        return st;
    }
    skip(&c, 0);
    if (t->has_told_all_but_one && c.count > 0) {
        t->has_told_all_but_one = false;
        skip(&c, 1);
        done = 1;
    }
    st = write_all(t, c, &done);
    *len = done;
    return done > 0 ? WILCO_OK : st;
}

/* What was written before, then close_notify, then the end of the stream below. */
static void
say_farewell(struct tls_stream *t)
{
    enum wilco_status st = t->broken == WILCO_OK ? write_held(t) : t->broken;

    if (st == WILCO_OK) {
        int result = 0;

        ERR_clear_error();
        result = SSL_shutdown(t->ssl);
        if (result < 0 && SSL_get_error(t->ssl, result) == SSL_ERROR_WANT_WRITE) {
            st = WILCO_AGAIN;
        }
    }
    t->owes_farewell = st == WILCO_AGAIN;
    if (!t->owes_farewell) {
        t->below.stream->ops->finish(t->below.stream);
    }
}

static void
tls_finish(struct stream *s)
{
    struct tls_stream *t = tls_stream_of(s);

    if (t->is_finished) {
        return;
    }
    t->is_finished = true;
    if (t->is_open) {
        say_farewell(t);
    } else {
        t->below.stream->ops->finish(t->below.stream);
    }
}

/* ---- Reading ---- */

static enum wilco_status
read_records(struct tls_stream *t, uint8_t *out, size_t capacity, size_t *done)
{
    enum wilco_status st = WILCO_OK;

    do {
        size_t n = 0;
        int result = 0;

        ERR_clear_error();
        result = SSL_read_ex(t->ssl, out + *done, capacity - *done, &n);
        if (result != 1) {
            t->reading_wants_write = SSL_want_write(t->ssl);
            st = outcome(t, result);
        }
        *done += result == 1 ? n : 0;
    } while (st == WILCO_OK && *done < capacity && SSL_has_pending(t->ssl));
    t->is_drained = st == WILCO_AGAIN;
    return st;
}

static enum wilco_status
tls_read(struct stream *s, void *out, size_t capacity, size_t *len)
{
    struct tls_stream *t = tls_stream_of(s);
    size_t done = 0;
    enum wilco_status st = WILCO_OK;

    assert(capacity > 0);
    if (t->owes_farewell) {
        say_farewell(t);
    }
    st = tls_shake_hands(s);
    if (st == WILCO_OK) {
        st = t->is_ended ? WILCO_ECLOSED : read_records(t, out, capacity, &done);
    }
    if (done > 0) {
        *len = done;
        return WILCO_OK;
    }
    t->is_end_told = st != WILCO_AGAIN;
    return st;
}

static bool
tls_has_pending(const struct stream *s)
{
    const struct tls_stream *t = const_tls_stream_of(s);

    if (t->is_ended || t->broken != WILCO_OK) {
        return !t->is_end_told;
    }
    return (t->is_open && !t->is_drained && SSL_has_pending(t->ssl)) ||
           stream_has_pending(t->below.stream);
}

/* ---- The rest ---- */

static unsigned
tls_interest(const struct stream *s, bool writing)
{
    const struct tls_stream *t = const_tls_stream_of(s);
    const struct stream *below = t->below.stream;
    unsigned interest = 0;

    if (writing) {
        return stream_interest(below, !t->writing_wants_read);
    }
    interest = stream_interest(below, t->reading_wants_write);
    if (t->owes_farewell) {
        interest |= stream_interest(below, true);
    }
    return interest;
}

static int
tls_fd(const struct stream *s)
{
    return stream_fd(const_tls_stream_of(s)->below.stream);
}

/* A session whose connection just broke is as good as any; OpenSSL thinks otherwise unless it is
 * told that both have said good-bye. */
static void
tls_close(struct stream *s)
{
    struct tls_stream *t = tls_stream_of(s);

    if (t->is_open && t->broken == WILCO_OK && !t->is_finished) {
        ERR_clear_error();
        (void)SSL_shutdown(t->ssl);
    }
    if (t->broken != WILCO_EIO || t->error != EPROTO) {
        SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    SSL_free(t->ssl);
    ERR_clear_error();
    stream_close(t->below.stream);
    tls_server_unref(t->server);
    drop_held(t);
    mem_free(t->alloc, t->why);
    mem_free(t->alloc, t);
}

static void
tls_describe(const struct stream *s, struct stream_peer *out)
{
    const struct tls_stream *t = const_tls_stream_of(s);
    X509 *certificate = NULL;

    stream_describe(t->below.stream, out);
    if (t->server == NULL || !t->is_open || SSL_get_verify_result(t->ssl) != X509_V_OK ||
        (SSL_get_verify_mode(t->ssl) & SSL_VERIFY_PEER) == 0) {
        return;
    }
    certificate = SSL_get0_peer_certificate(t->ssl);
    tls_user_name(certificate, tls_server_user_from(t->server), out->user, sizeof(out->user));
}

static const char *
tls_why(const struct stream *s)
{
    const struct tls_stream *t = const_tls_stream_of(s);

    return t->why == NULL ? "" : t->why;
}

static const struct stream_ops tls_ops = {
    .name = "tls",
    .read = tls_read,
    .write = tls_write,
    .interest = tls_interest,
    .has_pending = tls_has_pending,
    .fd = tls_fd,
    .finish = tls_finish,
    .close = tls_close,
    .describe = tls_describe,
    .shake_hands = tls_shake_hands,
    .why = tls_why,
};

struct stream *
tls_stream_new(SSL *ssl, BIO_METHOD *method, struct stream *below, const struct wilco_alloc *a)
{
    struct tls_stream *t = mem_zalloc(a, sizeof(*t));
    BIO *bio = BIO_new(method);

    if (ssl == NULL || t == NULL || bio == NULL || SSL_set_app_data(ssl, t) != 1) {
        BIO_free(bio);
        mem_free(a, t);
        SSL_free(ssl);
        stream_close(below);
        ERR_clear_error();
        return NULL;
    }
    *t = (struct tls_stream){
        .stream = {.ops = &tls_ops},
        .alloc = a,
        .below = {.stream = below, .status = WILCO_OK},
        .ssl = ssl,
        .writing_wants_read = true, /* until hands are shaken */
    };
    BIO_set_data(bio, &t->below);
    SSL_set_bio(ssl, bio, bio);
    return &t->stream;
}

void
tls_stream_set_server(struct stream *s, struct tls_server *server)
{
    tls_stream_of(s)->server = tls_server_ref(server);
}

void
tls_stream_set_client(struct stream *s, struct tls_client *client, unsigned era)
{
    tls_stream_of(s)->client = client;
    tls_stream_of(s)->era = era;
}

struct tls_server *
tls_stream_server(const struct tls_stream *t)
{
    return t->server;
}

struct tls_client *
tls_stream_client(const struct tls_stream *t)
{
    return t->client;
}

unsigned
tls_stream_era(const struct tls_stream *t)
{
    return t->era;
}

const char *
tls_stream_version(const struct stream *s)
{
    return SSL_get_version(const_tls_stream_of(s)->ssl);
}

bool
tls_stream_is_resumed(const struct stream *s)
{
    return SSL_session_reused(const_tls_stream_of(s)->ssl) == 1;
}
