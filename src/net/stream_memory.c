#include "net/stream.h"

#include <assert.h>

/* Both ends and the bytes on their way are one block of memory, which goes when both ends are
 * closed. Each end has the ring into which it writes; the other end reads from it. */

struct ring {
    uint8_t *data;
    size_t capacity;
    size_t start; /* where the oldest byte is */
    size_t len;
    bool is_finished; /* nothing more will be written */
};

struct memory_end {
    struct stream stream;
    struct memory_end *peer;
    struct ring sent;
    bool is_closed;
};

struct memory_pair {
    const struct wilco_alloc *alloc;
    struct memory_end ends[2];
    uint8_t data[];
};

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Puts in as much of `bytes` as there is room for; how much. */
static size_t
ring_put(struct ring *r, struct span bytes)
{
    size_t done = 0;

    while (done < bytes.len && r->len < r->capacity) {
        size_t end = (r->start + r->len) % r->capacity;
        size_t room = least(r->capacity - r->len, r->capacity - end);
        size_t n = least(bytes.len - done, room);

        memcpy(r->data + end, bytes.data + done, n);
        r->len += n;
        done += n;
    }
    return done;
}

static size_t
ring_take(struct ring *r, uint8_t *out, size_t capacity)
{
    size_t done = 0;

    while (done < capacity && r->len > 0) {
        size_t n = least(capacity - done, least(r->len, r->capacity - r->start));

        memcpy(out + done, r->data + r->start, n);
        r->start = (r->start + n) % r->capacity;
        r->len -= n;
        done += n;
    }
    return done;
}

static struct memory_end *
memory_end_of(struct stream *s)
{
    return CONTAINER_OF(s, struct memory_end, stream);
}

static enum wilco_status
memory_read(struct stream *s, void *out, size_t capacity, size_t *len)
{
    struct ring *r = &memory_end_of(s)->peer->sent;

    assert(capacity > 0);
    if (r->len == 0) {
        return r->is_finished ? WILCO_ECLOSED : WILCO_AGAIN;
    }
    *len = ring_take(r, out, capacity);
    return WILCO_OK;
}

static enum wilco_status
memory_write(struct stream *s, const struct span *spans, size_t count, size_t *len)
{
    struct memory_end *e = memory_end_of(s);
    size_t wanted = 0;
    size_t done = 0;

    if (e->sent.is_finished || e->peer->is_closed) {
        return WILCO_ECLOSED;
    }
    for (size_t i = 0; i < count; i++) { /* a full ring takes none of the later ones */
        wanted += spans[i].len;
        done += ring_put(&e->sent, spans[i]);
    }
    if (done == 0 && wanted > 0) {
        return WILCO_AGAIN;
    }
    *len = done;
    return WILCO_OK;
}

static unsigned
memory_interest(const struct stream *s, bool writing)
{
    (void)s;
    return writing ? STREAM_WRITABLE : STREAM_READABLE;
}

static bool
memory_has_pending(const struct stream *s)
{
    return ((const struct memory_end *)(const void *)s)->peer->sent.len > 0; /* its first member */
}

static int
memory_fd(const struct stream *s)
{
    (void)s;
    return -1;
}

static void
memory_finish(struct stream *s)
{
    memory_end_of(s)->sent.is_finished = true;
}

static void
memory_close(struct stream *s)
{
    struct memory_end *e = memory_end_of(s);

    e->is_closed = true;
    e->sent.is_finished = true;
    if (e->peer->is_closed) {
        struct memory_end *first = e < e->peer ? e : e->peer;
        struct memory_pair *pair = CONTAINER_OF(first, struct memory_pair, ends);

        mem_free(pair->alloc, pair);
    }
}

static const struct stream_ops memory_ops = {
    .name = "memory",
    .read = memory_read,
    .write = memory_write,
    .interest = memory_interest,
    .has_pending = memory_has_pending,
    .fd = memory_fd,
    .finish = memory_finish,
    .close = memory_close,
};

enum wilco_status
stream_memory_pair(struct stream *ends[2], const struct wilco_alloc *a, size_t capacity)
{
    struct memory_pair *pair = NULL;

    assert(capacity > 0);
    if (capacity > (SIZE_MAX - sizeof(*pair)) / 2) {
        return WILCO_ENOMEM;
    }
    pair = mem_alloc(a, sizeof(*pair) + 2 * capacity);
    if (pair == NULL) {
        return WILCO_ENOMEM;
    }
    pair->alloc = a;
    for (size_t i = 0; i < 2; i++) {
        pair->ends[i] = (struct memory_end){
            .stream = {.ops = &memory_ops},
            .peer = &pair->ends[1 - i],
            .sent = {.data = pair->data + i * capacity, .capacity = capacity},
        };
        ends[i] = &pair->ends[i].stream;
    }
    return WILCO_OK;
}
