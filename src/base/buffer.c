#include "base/buffer.h"

#include <assert.h>
#include <string.h>

#define CAPACITY_MIN 64U

void
buffer_init(struct buffer *b, const struct wilco_alloc *a, size_t bytes_max)
{
    *b = (struct buffer){.bytes_max = bytes_max, .alloc = a};
}

void
buffer_fini(struct buffer *b)
{
    mem_free(b->alloc, b->data);
    buffer_init(b, b->alloc, b->bytes_max);
}

/* At least `need`, at most the ceiling, and doubling in between so that appending stays linear. */
static size_t
grown_capacity(const struct buffer *b, size_t need)
{
    size_t capacity = b->capacity > b->bytes_max / 2 ? b->bytes_max : b->capacity * 2;

    if (capacity < CAPACITY_MIN) {
        capacity = b->bytes_max < CAPACITY_MIN ? b->bytes_max : CAPACITY_MIN;
    }
    return capacity < need ? need : capacity;
}

enum wilco_status
buffer_reserve(struct buffer *b, size_t n)
{
    size_t capacity;
    void *data;

    if (n > b->bytes_max - b->len) {
        return WILCO_ELIMIT;
    }
    if (n <= b->capacity - b->len) {
        return WILCO_OK;
    }
    capacity = grown_capacity(b, b->len + n);
    data = mem_realloc(b->alloc, b->data, capacity);
    if (data == NULL) {
        return WILCO_ENOMEM;
    }
    b->data = data;
    b->capacity = capacity;
    return WILCO_OK;
}

enum wilco_status
buffer_append(struct buffer *b, struct span bytes)
{
    enum wilco_status st = buffer_reserve(b, bytes.len);

    if (st == WILCO_OK && bytes.len > 0) {
        memcpy(b->data + b->len, bytes.data, bytes.len);
        b->len += bytes.len;
    }
    return st;
}

void
buffer_consume(struct buffer *b, size_t n)
{
    assert(n <= b->len);
    if (n == 0) {
        return;
    }
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
}
