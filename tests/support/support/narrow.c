#include "support/narrow.h"

#include <stdlib.h>

struct narrow {
    struct stream stream;
    struct stream *below;
};

static struct stream *
below_of(const struct stream *s)
{
    return ((const struct narrow *)(const void *)s)->below;
}

static enum wilco_status
narrow_read(struct stream *s, void *out, size_t capacity, size_t *len)
{
    return stream_read(below_of(s), out, capacity < 1 ? capacity : 1, len);
}

static enum wilco_status
narrow_write(struct stream *s, const struct span *spans, size_t count, size_t *len)
{
    struct span first = SPAN_EMPTY;

    for (size_t i = 0; i < count && first.len == 0; i++) {
        first = span_first(spans[i], spans[i].len < 1 ? spans[i].len : 1);
    }
    return stream_write(below_of(s), &first, 1, len);
}

static unsigned
narrow_interest(const struct stream *s, bool writing)
{
    return stream_interest(below_of(s), writing);
}

static bool
narrow_has_pending(const struct stream *s)
{
    return stream_has_pending(below_of(s));
}

static int
narrow_fd(const struct stream *s)
{
    return stream_fd(below_of(s));
}

static void
narrow_finish(struct stream *s)
{
    below_of(s)->ops->finish(below_of(s));
}

static void
narrow_close(struct stream *s)
{
    stream_close(below_of(s));
    free(s);
}

static const struct stream_ops narrow_ops = {
    .name = "narrow",
    .read = narrow_read,
    .write = narrow_write,
    .interest = narrow_interest,
    .has_pending = narrow_has_pending,
    .fd = narrow_fd,
    .finish = narrow_finish,
    .close = narrow_close,
};

struct stream *
narrow_new(struct stream *below)
{
    struct narrow *n = malloc(sizeof(*n));

    if (n == NULL) {
        return NULL;
    }
    *n = (struct narrow){.stream = {.ops = &narrow_ops}, .below = below};
    return &n->stream;
}
