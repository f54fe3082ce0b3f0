#include "link/output.h"

#include <assert.h>

/* A chunk holds bytes and, in the order in which they go out, the entries that name them: a run of
 * the chunk's own bytes, or a reference to bytes elsewhere. Runs that follow each other are one
 * entry, so packet after packet of copied bytes costs two additions each. A chunk is full when
 * either its bytes or its entries are. Only the last chunk of an output is written into.
 *
 * Chunks come in two sizes. Of a thousand outputs that get one small packet each, as in a fan-out,
 * each takes a small one, and all of them together stay in the processor's cache. */

#define SMALL_ENTRIES 4U
#define LARGE_ENTRIES 64U

struct output_entry {
    const uint8_t *data; /* what has not been written of it */
    size_t len;
    void (*release)(void *owner); /* NULL: a run of this chunk */
    void *owner;
};

struct output_chunk {
    struct output_chunk *next;
    uint8_t *data;     /* behind the entries */
    uint32_t capacity; /* of `data` */
    uint32_t used;
    uint16_t entry_max;
    uint16_t first; /* the entry to write next */
    uint16_t count; /* entries made */
    bool is_open;   /* the last entry is a run, which ends at `used` */
    struct output_entry entries[];
};

#define SMALL_SIZE                                                                                 \
    (sizeof(struct output_chunk) + SMALL_ENTRIES * sizeof(struct output_entry) + OUTPUT_SMALL_BYTES)
#define LARGE_SIZE                                                                                 \
    (sizeof(struct output_chunk) + LARGE_ENTRIES * sizeof(struct output_entry) + OUTPUT_CHUNK_BYTES)

void
output_pool_init(struct output_pool *p, const struct wilco_alloc *a, size_t free_bytes_max)
{
    *p = (struct output_pool){
        .alloc = a,
        .small = {.max = free_bytes_max / SMALL_SIZE},
        .large = {.max = free_bytes_max / LARGE_SIZE},
    };
}

static void
shelf_clear(struct output_shelf *s, const struct wilco_alloc *a)
{
    while (s->free != NULL) {
        struct output_chunk *c = s->free;

        s->free = c->next;
        mem_free(a, c);
    }
    s->count = 0;
}

void
output_pool_fini(struct output_pool *p)
{
    shelf_clear(&p->small, p->alloc);
    shelf_clear(&p->large, p->alloc);
}

static struct output_chunk *
chunk_new(const struct wilco_alloc *a, bool is_small)
{
    struct output_chunk *c = mem_alloc(a, is_small ? SMALL_SIZE : LARGE_SIZE);

    if (c != NULL) {
        c->entry_max = is_small ? SMALL_ENTRIES : LARGE_ENTRIES;
        c->capacity = is_small ? OUTPUT_SMALL_BYTES : OUTPUT_CHUNK_BYTES;
        c->data = (uint8_t *)&c->entries[c->entry_max];
    }
    return c;
}

static struct output_chunk *
chunk_take(struct output_pool *p, bool is_small)
{
    struct output_shelf *shelf = is_small ? &p->small : &p->large;
    struct output_chunk *c = shelf->free;

    if (c != NULL) {
        shelf->free = c->next;
        shelf->count--;
    } else {
        c = chunk_new(p->alloc, is_small);
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
    struct output_shelf *shelf = c->capacity == OUTPUT_SMALL_BYTES ? &p->small : &p->large;

    if (shelf->count >= shelf->max) {
        mem_free(p->alloc, c);
        return;
    }
    c->next = shelf->free;
    shelf->free = c;
    shelf->count++;
}

/* Whether a small chunk does for the next `len` bytes. */
static bool
takes_small(const struct output *o, size_t len)
{
    return o->last == NULL && len <= OUTPUT_SMALL_BYTES;
}

/* As many empty chunks as hold `len` bytes more, linked; false: out of memory, and none is taken.
 */
static bool
chunks_take(const struct output *o, struct output_pool *p, size_t len, struct output_chunk **chunks)
{
    *chunks = NULL;
    for (size_t got = 0; got < len; got += OUTPUT_CHUNK_BYTES) {
        struct output_chunk *c = chunk_take(p, takes_small(o, len));

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
    if (c == NULL || (!c->is_open && c->count == c->entry_max)) {
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
        c = chunk_take(p, takes_small(o, len));
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

    if (bytes.len > room && !chunks_take(o, p, bytes.len - room, &fresh)) {
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
    if (c == NULL || c->count == c->entry_max) {
        c = chunk_take(p, takes_small(o, 0));
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
