#define _POSIX_C_SOURCE 200809L

#include "net/websocket.h"

#include "base/buffer.h"
#include "net/websocket_output.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

/* read() takes bytes from below into the caller's buffer, where the frames become their payload. So
 * nothing is kept here but what came behind the opening handshake in the same read. */

/* What there is until both ends speak frames. */
struct handshake {
    struct buffer in;  /* up to UPGRADE_BYTES_MAX; afterwards what has come of frames */
    struct buffer out; /* what is still to be written */
    size_t in_at;      /* of `in`, where the frames are */
    size_t discarded;
    char key[UPGRADE_KEY_CHARS + 1]; /* a client's */
    bool is_agreed;
    bool is_refused;
    char problem[UPGRADE_WHY_BYTES];
};

struct websocket {
    struct stream stream;
    const struct wilco_alloc *alloc;
    struct stream *below;
    const struct upgrade_terms *terms; /* NULL: of a client */
    struct handshake *handshake;       /* NULL: over, and nothing left of it */
    struct websocket_input input;
    struct websocket_output output;
    const char *problem;
    bool is_ended;     /* the peer has said Close; or */
    bool is_broken;    /* something wrong */
    bool is_told;      /* read() has said so */
    bool is_finishing; /* and below is still to be finished */
};

static struct websocket *
websocket_of(struct stream *s)
{
    return CONTAINER_OF(s, struct websocket, stream);
}

static const struct websocket *
websocket_of_const(const struct stream *s)
{
    return (const struct websocket *)(const void *)s; /* its first member */
}

static bool
is_over(const struct websocket *w)
{
    return w->is_ended || w->is_broken;
}

static enum wilco_status
wrong(struct websocket *w, const char *problem)
{
    w->is_broken = true;
    w->problem = problem;
    errno = EPROTO;
    return WILCO_EIO;
}

/* ---- The opening handshake ---- */

static void
drop_handshake(struct websocket *w)
{
    if (w->handshake != NULL) {
        buffer_fini(&w->handshake->in);
        buffer_fini(&w->handshake->out);
        mem_free(w->alloc, w->handshake);
        w->handshake = NULL;
    }
}

/* WILCO_OK: nothing is left to be written. */
static enum wilco_status
write_rest(struct websocket *w)
{
    struct handshake *h = w->handshake;
    enum wilco_status st = WILCO_OK;

    while (h->out.len > 0 && st == WILCO_OK) {
        struct span bytes = buffer_span(&h->out);
        size_t len = 0;

        st = stream_write(w->below, &bytes, 1, &len);
        if (st == WILCO_OK) {
            buffer_consume(&h->out, len);
        }
    }
    return st;
}

static enum wilco_status
answer(struct websocket *w, const struct upgrade_request *r)
{
    struct handshake *h = w->handshake;
    char text[UPGRADE_ANSWER_BYTES];
    size_t len = upgrade_answer_write(text, r);

    h->is_agreed = r->status == UPGRADE_SWITCHING;
    h->is_refused = !h->is_agreed;
    h->in_at = r->bytes;
    (void)snprintf(h->problem, sizeof(h->problem), "%d: %s", (int)r->status, r->why);
    return buffer_append(&h->out, span_of(text, len));
}

/* Looks at what has come. WILCO_AGAIN: it is not all. */
static enum wilco_status
look(struct websocket *w)
{
    struct handshake *h = w->handshake;
    struct upgrade_request r;
    enum wilco_status st = WILCO_OK;

    if (w->terms == NULL) {
        st = upgrade_answer_read(buffer_span(&h->in), h->key, &h->in_at, h->problem);
        h->is_agreed = st == WILCO_OK;
        return st == WILCO_EPROTOCOL ? wrong(w, h->problem) : st;
    }
    st = upgrade_request_read(&r, buffer_span(&h->in), w->terms);
    return st == WILCO_OK ? answer(w, &r) : st;
}

static enum wilco_status
read_head(struct websocket *w)
{
    struct handshake *h = w->handshake;
    uint8_t bytes[1024];
    size_t len = 0;
    enum wilco_status st = WILCO_AGAIN;

    while (st == WILCO_AGAIN) {
        st = stream_read(w->below, bytes, sizeof(bytes), &len);
        if (st == WILCO_OK) {
            st = buffer_append(&h->in, span_of(bytes, len));
        } else {
            return st;
        }
        if (st == WILCO_OK) {
            st = look(w);
        }
    }
    return st;
}

/* Who was refused shall hear why: a socket closed with bytes unread would lose it. */
static enum wilco_status
discard(struct websocket *w)
{
    struct handshake *h = w->handshake;
    uint8_t bytes[1024];
    size_t len = 0;
    enum wilco_status st = write_rest(w);

    if (st == WILCO_OK && !w->is_finishing) {
        w->is_finishing = true;
        w->below->ops->finish(w->below);
    }
    while (st == WILCO_OK && h->discarded < WEBSOCKET_REFUSED_BYTES_MAX) {
        st = stream_read(w->below, bytes, sizeof(bytes), &len);
        h->discarded += st == WILCO_OK ? len : 0;
    }
    return st == WILCO_AGAIN ? st : wrong(w, h->problem);
}

/* WILCO_OK: both ends speak frames. */
static enum wilco_status
shake(struct websocket *w)
{
    struct handshake *h = w->handshake;
    enum wilco_status st = write_rest(w);

    if (st == WILCO_OK && !h->is_agreed && !h->is_refused) {
        st = read_head(w);
    }
    if (h->is_refused) {
        return discard(w);
    }
    if (st == WILCO_OK) {
        st = write_rest(w);
    }
    if (st == WILCO_OK && h->in_at == h->in.len) {
        drop_handshake(w);
    }
    return st;
}

static bool
is_open(const struct websocket *w)
{
    const struct handshake *h = w->handshake;

    return h == NULL || (h->is_agreed && h->out.len == 0);
}

/* ---- Reading ---- */

/* First what came behind the handshake. */
static enum wilco_status
read_below(struct websocket *w, void *out, size_t capacity, size_t *len)
{
    struct handshake *h = w->handshake;
    size_t left = 0;

    if (h == NULL) {
        return stream_read(w->below, out, capacity, len);
    }
    left = h->in.len - h->in_at;
    *len = left < capacity ? left : capacity;
    memcpy(out, h->in.data + h->in_at, *len);
    h->in_at += *len;
    if (h->in_at == h->in.len) {
        drop_handshake(w);
    }
    return WILCO_OK;
}

static void
flush(struct websocket *w)
{
    enum wilco_status st = websocket_output_flush(&w->output, w->below);

    if (w->is_finishing && st != WILCO_AGAIN) {
        w->is_finishing = false;
        w->below->ops->finish(w->below);
    }
}

static const char *
problem_of(uint16_t close_code)
{
    return close_code == WEBSOCKET_CLOSE_UNSUPPORTED ? "a text frame, where MQTT is binary"
                                                     : "a frame against the rules of WebSocket";
}

/* What came beside the payload. */
static enum wilco_status
hear(struct websocket *w, enum wilco_status st, const struct websocket_news *news)
{
    if (st == WILCO_OK && news->has_ping) {
        st = websocket_output_pong(&w->output, &news->ping);
    }
    if (st == WILCO_ENOMEM) {
        errno = ENOMEM;
        w->is_broken = true;
        return WILCO_EIO;
    }
    if (st == WILCO_EPROTOCOL) {
        websocket_output_close(&w->output, news->close_code);
        st = wrong(w, problem_of(news->close_code));
    } else if (news->has_close) {
        w->is_ended = true;
    }
    /* The end is told by the next read. When there is payload to hand out first, the socket must
     * become readable once more for that: the peer closes when it has heard our Close. */
    if (is_over(w) && news->bytes > 0) {
        websocket_output_close(&w->output, WEBSOCKET_CLOSE_NORMAL);
        w->is_finishing = true;
    }
    flush(w);
    return st;
}

static enum wilco_status
tell_end(struct websocket *w)
{
    w->is_told = true;
    if (w->is_broken) {
        errno = EPROTO;
        return WILCO_EIO;
    }
    return WILCO_ECLOSED;
}

/* Reads once from below, and adds the payload to the `*len` bytes in `out`. */
static enum wilco_status
read_frames(struct websocket *w, uint8_t *out, size_t capacity, size_t *len)
{
    struct websocket_news news;
    size_t n = 0;
    enum wilco_status st = read_below(w, out + *len, capacity - *len, &n);

    if (st == WILCO_OK) {
        st = hear(w, websocket_input_feed(&w->input, out + *len, n, &news), &news);
        *len += news.bytes;
    }
    return st;
}

/* What is below may keep something back only when it has filled all the room it was given. */
static enum wilco_status
read_payload(struct websocket *w, uint8_t *out, size_t capacity, size_t *len)
{
    enum wilco_status st = WILCO_OK;
    size_t got = 0;
    bool has_more = true;

    while (st == WILCO_OK && has_more && got < capacity && !is_over(w)) {
        st = read_frames(w, out, capacity, &got);
        has_more = w->handshake != NULL || stream_has_pending(w->below);
    }
    if (got > 0) {
        *len = got;
        return WILCO_OK;
    }
    if (is_over(w)) {
        return tell_end(w);
    }
    return st == WILCO_OK ? WILCO_AGAIN : st;
}

static enum wilco_status
websocket_read(struct stream *s, void *out, size_t capacity, size_t *len)
{
    struct websocket *w = websocket_of(s);
    enum wilco_status st = WILCO_OK;

    assert(capacity > 0);
    if (is_over(w)) {
        flush(w);
        return tell_end(w);
    }
    if (!is_open(w)) {
        st = shake(w);
    }
    if (st == WILCO_OK && websocket_output_waits(&w->output)) {
        flush(w);
    }
    return st == WILCO_OK ? read_payload(w, out, capacity, len) : st;
}

static enum wilco_status
websocket_shake_hands(struct stream *s)
{
    struct websocket *w = websocket_of(s);

    if (is_over(w)) {
        return tell_end(w);
    }
    return is_open(w) ? WILCO_OK : shake(w);
}

static bool
websocket_has_pending(const struct stream *s)
{
    const struct websocket *w = websocket_of_const(s);

    if (is_over(w)) {
        return !w->is_told;
    }
    return (w->handshake != NULL && is_open(w)) || stream_has_pending(w->below);
}

/* ---- Writing ---- */

static enum wilco_status
websocket_write(struct stream *s, const struct span *spans, size_t count, size_t *len)
{
    struct websocket *w = websocket_of(s);
    enum wilco_status st = WILCO_OK;

    if (!is_open(w)) {
        st = shake(w);
    }
    if (st == WILCO_OK) {
        st = websocket_output_write(&w->output, w->below, spans, count, len);
    }
    if (st == WILCO_ENOMEM) {
        errno = ENOMEM;
        return WILCO_EIO;
    }
    return st;
}

static unsigned
websocket_interest(const struct stream *s, bool writing)
{
    const struct websocket *w = websocket_of_const(s);
    const struct stream *below = w->below;
    const struct handshake *h = w->handshake;
    unsigned interest = stream_interest(below, writing);

    if (h != NULL && !h->is_agreed) {
        return stream_interest(below, h->out.len > 0);
    }
    if ((h != NULL && h->out.len > 0) || websocket_output_waits(&w->output)) {
        interest |= stream_interest(below, true);
    }
    return interest;
}

static int
websocket_fd(const struct stream *s)
{
    return stream_fd(websocket_of_const(s)->below);
}

/* ---- The end ---- */

static void
websocket_finish(struct stream *s)
{
    struct websocket *w = websocket_of(s);

    if (!is_open(w) || w->output.left > 0) { /* Close cannot come now */
        websocket_output_close(&w->output, WEBSOCKET_CLOSE_NORMAL);
        w->output.is_over = true;
        w->below->ops->finish(w->below);
        return;
    }
    websocket_output_close(&w->output, WEBSOCKET_CLOSE_NORMAL);
    w->is_finishing = true;
    flush(w);
}

static void
websocket_close(struct stream *s)
{
    struct websocket *w = websocket_of(s);

    if (is_open(w) && w->output.left == 0) {
        websocket_output_close(&w->output, WEBSOCKET_CLOSE_NORMAL);
        flush(w); /* if it goes at once */
    }
    drop_handshake(w);
    websocket_input_fini(&w->input);
    websocket_output_fini(&w->output);
    stream_close(w->below);
    mem_free(w->alloc, w);
}

static void
websocket_describe(const struct stream *s, struct stream_peer *out)
{
    stream_describe(websocket_of_const(s)->below, out);
}

static const char *
websocket_why(const struct stream *s)
{
    const struct websocket *w = websocket_of_const(s);

    return w->problem != NULL ? w->problem : stream_why(w->below);
}

static const struct stream_ops websocket_ops = {
    .name = "websocket",
    .read = websocket_read,
    .write = websocket_write,
    .interest = websocket_interest,
    .has_pending = websocket_has_pending,
    .fd = websocket_fd,
    .finish = websocket_finish,
    .close = websocket_close,
    .describe = websocket_describe,
    .shake_hands = websocket_shake_hands,
    .why = websocket_why,
};

/* ---- The beginning ---- */

static struct websocket *
websocket_new(struct stream *below, const struct upgrade_terms *terms,
              struct websocket_masks *masks, const struct wilco_alloc *a)
{
    struct websocket *w = mem_zalloc(a, sizeof(*w));
    struct handshake *h = mem_zalloc(a, sizeof(*h));

    if (w == NULL || h == NULL) {
        mem_free(a, w);
        mem_free(a, h);
        return NULL;
    }
    buffer_init(&h->in, a, UPGRADE_BYTES_MAX + 1024); /* and one read more */
    buffer_init(&h->out, a, UPGRADE_REQUEST_BYTES);
    w->stream.ops = &websocket_ops;
    w->alloc = a;
    w->below = below;
    w->terms = terms;
    w->handshake = h;
    websocket_input_init(&w->input, a, terms != NULL);
    websocket_output_init(&w->output, a, masks);
    return w;
}

struct stream *
websocket_serve(struct stream *below, const struct upgrade_terms *terms,
                const struct wilco_alloc *a)
{
    struct websocket *w = websocket_new(below, terms, NULL, a);

    return w == NULL ? NULL : &w->stream;
}

static bool
ask(struct websocket *w, const struct upgrade_target *target, const struct random_source *random)
{
    char text[UPGRADE_REQUEST_BYTES];
    uint8_t key[16];
    size_t len = 0;

    if (random_bytes(random, key, sizeof(key)) != WILCO_OK) {
        return false;
    }
    len = upgrade_request_write(text, target, key, w->handshake->key);
    return len > 0 && buffer_append(&w->handshake->out, span_of(text, len)) == WILCO_OK;
}

struct stream *
websocket_connect(struct stream *below, const struct upgrade_target *target,
                  const struct random_source *random, const struct wilco_alloc *a)
{
    struct websocket_masks *masks = mem_zalloc(a, sizeof(*masks));
    struct websocket *w = masks == NULL ? NULL : websocket_new(below, NULL, masks, a);

    if (w == NULL) {
        mem_free(a, masks);
        return NULL;
    }
    masks->random = random;
    if (!ask(w, target, random)) {
        drop_handshake(w);
        websocket_output_fini(&w->output);
        mem_free(a, w);
        return NULL;
    }
    return &w->stream;
}
