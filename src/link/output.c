#include "link/output.h"

#include <assert.h>

/* A chunk holds bytes and, in the order in which they go out, the entries that name them: a run of
 * the chunk's own bytes, or a reference to bytes elsewhere. Runs that follow each other are one
 * entry, so packet after packet of copied bytes costs two additions each. A chunk is full when
 * either its bytes or its entries are. Only the last chunk of an output is written into. */

#define ENTRIES_LARGE 64U
#define ENTRIES_SMALL 4U
#define BYTES_SMALL   1024U /* of a small chunk, with everything */

struct output_entry {
    const uint8_t *data; /* what has not been written of it */
    size_t len;
    void (*release)(void *owner); /* NULL: a run of this chunk */
    void *owner;
};

struct output_chunk {
    struct output_chunk *next;
    uint8_t *data; /* behind the entries */
    uint32_t capacity;
    uint32_t used;
    uint16_t entries_max;
    uint16_t first; /* the entry to write next */
    uint16_t count; /* entries made */
    bool is_open;   /* the last entry is a run, which ends at `used` */
    struct output_entry entries[];
};

#define HEAD_BYTES(entries)                                                                        \
    (sizeof(struct output_chunk) + (size_t)(entries) * sizeof(struct output_entry))
#define CAPACITY_SMALL ((uint32_t)(BYTES_SMALL - HEAD_BYTES(ENTRIES_SMALL)))

void
output_pool_init(struct output_pool *p, const struct wilco_alloc *a, size_t free_max)
{
    *p = (struct output_pool){.alloc = a, .free_max = free_max};
}

static void
free_all(const struct output_pool *p, struct output_free *from)
{
    while (from->first != NULL) {
        struct output_chunk *c = from->first;

        from->first = c->next;
        mem_free(p->alloc, c);
    }
    from->count = 0;
}

void
output_pool_fini(struct output_pool *p)
{
    free_all(p, &p->small);
    free_all(p, &p->large);
}

static struct output_chunk *
chunk_new(const struct output_pool *p, uint16_t entries_max, uint32_t capacity)
{
    struct output_chunk *c = mem_alloc(p->alloc, HEAD_BYTES(entries_max) + capacity);

    if (c != NULL) {
        c->data = (uint8_t *)&c->entries[entries_max];
        c->entries_max = entries_max;
        c->capacity = capacity;
    }
    return c;
}

static bool
is_small(const struct output_chunk *c)
{
    return c->entries_max == ENTRIES_SMALL;
}

/* One that holds `len` bytes, or a large one where there is more before it. */
static struct output_chunk *
chunk_take(struct output_pool *p, bool is_first, size_t len)
{
    bool small = is_first && len <= CAPACITY_SMALL;
    struct output_free *from = small ? &p->small : &p->large;
    struct output_chunk *c = from->first;

    if (c != NULL) {
        from->first = c->next;
        from->count--;
    } else {
        c = small ? chunk_new(p, ENTRIES_SMALL, CAPACITY_SMALL)
                  : chunk_new(p, ENTRIES_LARGE, OUTPUT_CHUNK_BYTES);
        if (c == NULL) {
            return NULL;
        }
    }
    c->next = NULL;
    c->used = 0;
    c->first = 0;
    c->count = 0;
    c->is_open = false;
    return c;
}

static void
chunk_give_back(struct output_pool *p, struct output_chunk *c)
{
    struct output_free *to = is_small(c) ? &p->small : &p->large;
    size_t max = is_small(c) ? p->free_max * (OUTPUT_CHUNK_BYTES / BYTES_SMALL) : p->free_max;

    if (to->count >= max) {
        mem_free(p->alloc, c);
        return;
    }
    c->next = to->first;
    to->first = c;
    to->count++;
}

/* As many empty chunks as hold `len` bytes, linked; false: out of memory, and none is taken. */
static bool
chunks_take(struct output_pool *p, bool is_first, size_t len, struct output_chunk **chunks)
{
    *chunks = NULL;
    for (size_t got = 0; got < len; got += OUTPUT_CHUNK_BYTES) {
        struct output_chunk *c = chunk_take(p, is_first, len);

        while (c == NULL && *chunks != NULL) {
            struct output_chunk *next = (*chunks)->next;

            chunk_give_back(p, *chunks);
            *chunks = next;
        }
        if (c == NULL) {
            return false;
        }
        c->next = *chunks;
        *chunks = c;
    }
    return true;
}

static void
append_chunk(struct output *o, struct output_chunk *c)
{
    c->next = NULL;
    if (o->last == NULL) {
        o->first = c;
    } else {
        o->last->next = c;
    }
    o->last = c;
}

/* How many bytes can still be copied into `c`. */
static size_t
chunk_room(const struct output_chunk *c)
{
    if (c == NULL || (!c->is_open && c->count == c->entries_max)) {
        return 0;
    }
    return c->capacity - c->used;
}

static void
open_run(struct output_chunk *c)
{
    if (!c->is_open) {
        c->entries[c->count] = (struct output_entry){.data = c->data + c->used};
        c->count++;
        c->is_open = true;
    }
}

uint8_t *
output_reserve(struct output *o, struct output_pool *p, size_t len)
{
    struct output_chunk *c = o->last;

    assert(len <= OUTPUT_CHUNK_BYTES);
    if (chunk_room(c) < len || c == NULL) {
        c = chunk_take(p, c == NULL, len);
        if (c == NULL) {
            return NULL;
        }
        append_chunk(o, c);
    }
    open_run(c);
    return c->data + c->used;
}

void
output_commit(struct output *o, size_t len)
{
    struct output_chunk *c = o->last;

    assert(c != NULL && c->is_open && len <= c->capacity - c->used);
    c->used += (uint32_t)len;
    c->entries[c->count - 1].len += len;
    o->bytes += len;
}

/* Copies as much of `bytes` as fits into the last chunk; what is left. */
static struct span
copy_into_last(struct output *o, struct span bytes)
{
    size_t room = chunk_room(o->last);
    size_t len = bytes.len < room ? bytes.len : room;

    if (len > 0) {
        open_run(o->last);
        memcpy(o->last->data + o->last->used, bytes.data, len);
        output_commit(o, len);
    }
    return span_skip(bytes, len);
}

enum wilco_status
output_copy(struct output *o, struct output_pool *p, struct span bytes)
{
    size_t room = chunk_room(o->last);
    struct output_chunk *fresh = NULL;

    if (bytes.len > room && !chunks_take(p, o->last == NULL, bytes.len - room, &fresh)) {
        return WILCO_ENOMEM;
    }
    bytes = copy_into_last(o, bytes);
    while (fresh != NULL) {
        struct output_chunk *c = fresh;

        fresh = c->next;
        append_chunk(o, c);
        bytes = copy_into_last(o, bytes);
    }
    assert(bytes.len == 0);
    return WILCO_OK;
}

enum wilco_status
output_reference(struct output *o, struct output_pool *p, struct span bytes,
                 void (*release)(void *owner), void *owner)
{
    struct output_chunk *c = o->last;

    if (bytes.len == 0) {
        release(owner);
        return WILCO_OK;
    }
    if (c == NULL || c->count == c->entries_max) {
        c = chunk_take(p, c == NULL, 0);
        if (c == NULL) {
            return WILCO_ENOMEM;
        }
        append_chunk(o, c);
    }
    c->entries[c->count] = (struct output_entry){
        .data = bytes.data, .len = bytes.len, .release = release, .owner = owner};
    c->count++;
    c->is_open = false;
    o->bytes += bytes.len;
    return WILCO_OK;
}

size_t
output_spans(const struct output *o, struct span *spans, size_t max)
{
    size_t n = 0;

    for (const struct output_chunk *c = o->first; c != NULL; c = c->next) {
        for (size_t i = c->first; i < c->count; i++) {
            if (n == max) {
                return n;
            }
            if (c->entries[i].len > 0) { /* a run that was opened and not used has none */
                spans[n] = span_of(c->entries[i].data, c->entries[i].len);
                n++;
            }
        }
    }
    return n;
}

/* Lets go of the first entry, and of its chunk when that was the last entry in it. */
static void
drop_first_entry(struct output *o, struct output_pool *p)
{
    struct output_chunk *c = o->first;
    struct output_entry *e = &c->entries[c->first];

    c->first++;
    if (e->release != NULL) {
        e->release(e->owner);
    }
    if (c->first == c->count) { /* after the last chunk there are no bytes left: see the caller */
        o->first = c->next;
        chunk_give_back(p, c);
    }
}

void
output_consume(struct output *o, struct output_pool *p, size_t len)
{
    assert(len <= o->bytes);
    o->bytes -= len;
    while (len > 0) {
        struct output_entry *e = &o->first->entries[o->first->first];
        size_t n = len < e->len ? len : e->len;

        e->data += n;
        e->len -= n;
        len -= n;
        if (e->len == 0) {
            drop_first_entry(o, p);
        }
    }
    if (o->bytes == 0) {
        output_clear(o, p);
    }
}

void
output_clear(struct output *o, struct output_pool *p)
{
    while (o->first != NULL) {
        struct output_chunk *c = o->first;

        for (size_t i = c->first; i < c->count; i++) {
            if (c->entries[i].release != NULL) {
                c->entries[i].release(c->entries[i].owner);
            }
        }
        o->first = c->next;
        chunk_give_back(p, c);
    }
    *o = (struct output){.bytes = 0};
}
