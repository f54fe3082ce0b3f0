#define _POSIX_C_SOURCE 200809L

#include "net/proxied.h"

#include "base/buffer.h"

#include <assert.h>
#include <errno.h>

#define READ_BYTES 1024U

struct proxied {
    struct stream stream;
    const struct wilco_alloc *alloc;
    struct stream *below;
    struct buffer in; /* the header; then what came behind it */
    size_t at;        /* of `in`, where that is */
    const char *problem;
    char *user;             /* NULL: nobody */
    struct address *source; /* NULL: none */
    uint8_t versions;
    bool is_open; /* the header is read */
};

static struct proxied *
proxied_of(struct stream *s)
{
    return CONTAINER_OF(s, struct proxied, stream);
}

static const struct proxied *
proxied_of_const(const struct stream *s)
{
    return (const struct proxied *)(const void *)s; /* its first member */
}

static enum wilco_status
broken(struct proxied *p, const char *problem, int error)
{
    p->problem = problem;
    errno = error;
    return WILCO_EIO;
}

/* A copy; false: out of memory. */
static bool
keep(const struct wilco_alloc *a, void *place, const void *data, size_t len)
{
    void *copy = mem_alloc(a, len);

    if (copy != NULL) {
        memcpy(copy, data, len);
        memcpy(place, &copy, sizeof(copy));
    }
    return copy != NULL;
}

static enum wilco_status
take_header(struct proxied *p, const struct proxy_header *h)
{
    size_t user_len = strlen(h->user);

    if ((h->source.len > 0 && !keep(p->alloc, &p->source, &h->source, sizeof(h->source))) ||
        (user_len > 0 && !keep(p->alloc, &p->user, h->user, user_len + 1))) {
        return broken(p, "out of memory", ENOMEM);
    }
    p->at = h->bytes;
    p->is_open = true;
    if (p->at == p->in.len) {
        buffer_fini(&p->in);
        p->at = 0;
    }
    return WILCO_OK;
}

static enum wilco_status
read_some(struct proxied *p)
{
    uint8_t bytes[READ_BYTES];
    size_t len = 0;
    enum wilco_status st = stream_read(p->below, bytes, sizeof(bytes), &len);

    if (st == WILCO_OK && buffer_append(&p->in, span_of(bytes, len)) != WILCO_OK) {
        return broken(p, "out of memory", ENOMEM);
    }
    return st;
}

static enum wilco_status
read_header(struct proxied *p)
{
    enum wilco_status st = p->problem == NULL ? WILCO_OK : broken(p, p->problem, EPROTO);

    while (st == WILCO_OK && !p->is_open) {
        struct proxy_header h;
        const char *why = NULL;

        st = read_some(p);
        if (st != WILCO_OK) {
            return st;
        }
        st = proxy_header_read(&h, buffer_span(&p->in), p->versions, &why);
        if (st == WILCO_OK) {
            st = take_header(p, &h);
        } else if (st == WILCO_AGAIN) {
            st = WILCO_OK;
        } else {
            st = broken(p, why, EPROTO);
        }
    }
    return st;
}

/* What came behind the header. */
static size_t
take_rest(struct proxied *p, void *out, size_t capacity)
{
    size_t left = p->in.len - p->at;
    size_t len = left < capacity ? left : capacity;

    memcpy(out, p->in.data + p->at, len);
    p->at += len;
    if (p->at == p->in.len) {
        buffer_fini(&p->in);
        p->at = 0;
    }
    return len;
}

static enum wilco_status
proxied_read(struct stream *s, void *out, size_t capacity, size_t *len)
{
    struct proxied *p = proxied_of(s);
    enum wilco_status st = p->is_open ? WILCO_OK : read_header(p);

    assert(capacity > 0);
    if (st != WILCO_OK) {
        return st;
    }
    if (p->in.len > 0) {
        *len = take_rest(p, out, capacity);
        return WILCO_OK;
    }
    return stream_read(p->below, out, capacity, len);
}

static enum wilco_status
proxied_write(struct stream *s, const struct span *spans, size_t count, size_t *len)
{
    struct proxied *p = proxied_of(s);
    enum wilco_status st = p->is_open ? WILCO_OK : read_header(p);

    return st == WILCO_OK ? stream_write(p->below, spans, count, len) : st;
}

static unsigned
proxied_interest(const struct stream *s, bool writing)
{
    const struct proxied *p = proxied_of_const(s);

    return stream_interest(p->below, writing && p->is_open);
}

static bool
proxied_has_pending(const struct stream *s)
{
    const struct proxied *p = proxied_of_const(s);

    return (p->is_open && p->in.len > 0) || stream_has_pending(p->below);
}

static int
proxied_fd(const struct stream *s)
{
    return stream_fd(proxied_of_const(s)->below);
}

static void
proxied_finish(struct stream *s)
{
    struct stream *below = proxied_of(s)->below;

    below->ops->finish(below);
}

static void
proxied_close(struct stream *s)
{
    struct proxied *p = proxied_of(s);

    stream_close(p->below);
    buffer_fini(&p->in);
    mem_free(p->alloc, p->user);
    mem_free(p->alloc, p->source);
    mem_free(p->alloc, p);
}

static void
proxied_describe(const struct stream *s, struct stream_peer *out)
{
    const struct proxied *p = proxied_of_const(s);

    stream_describe(p->below, out);
    if (p->source != NULL) {
        out->address = *p->source;
    }
    if (p->user != NULL) {
        memcpy(out->user, p->user, strlen(p->user) + 1);
    }
}

static enum wilco_status
proxied_shake_hands(struct stream *s)
{
    struct proxied *p = proxied_of(s);
    enum wilco_status st = stream_shake_hands(p->below);

    return st == WILCO_OK && !p->is_open ? read_header(p) : st;
}

static const char *
proxied_why(const struct stream *s)
{
    const struct proxied *p = proxied_of_const(s);

    return p->problem != NULL ? p->problem : stream_why(p->below);
}

static const struct stream_ops proxied_ops = {
    .name = "proxied",
    .read = proxied_read,
    .write = proxied_write,
    .interest = proxied_interest,
    .has_pending = proxied_has_pending,
    .fd = proxied_fd,
    .finish = proxied_finish,
    .close = proxied_close,
    .describe = proxied_describe,
    .shake_hands = proxied_shake_hands,
    .why = proxied_why,
};

struct stream *
stream_of_proxied(struct stream *below, unsigned versions, const struct wilco_alloc *a)
{
    struct proxied *p = mem_zalloc(a, sizeof(*p));

    if (p == NULL) {
        return NULL;
    }
    p->stream.ops = &proxied_ops;
    p->alloc = a;
    p->below = below;
    p->versions = (uint8_t)versions;
    buffer_init(&p->in, a, PROXY_HEADER_BYTES_MAX + READ_BYTES);
    return &p->stream;
}
