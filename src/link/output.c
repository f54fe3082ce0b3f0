#include "link/output.h"

#include <assert.h>

/* A chunk holds bytes and, in the order in which they go out, the entries that name them: a run of
 * the chunk's own bytes, or a reference to bytes elsewhere. Runs that follow each other are one
 * entry, so packet after packet of copied bytes costs two additions each. A chunk is full when
 * either its bytes or its entries are. Only the last chunk of an output is written into. */

#define CHUNK_ENTRIES 64U

struct output_entry {
    const uint8_t *data; /* what has not been written of it */
    size_t len;
    void (*release)(void *owner); /* NULL: a run of this chunk */
    void *owner;
};

struct output_chunk {
    struct output_chunk *next;
    size_t used;  /* of `data` */
    size_t first; /* the entry to write next */
    size_t count; /* entries made */
    bool is_open; /* the last entry is a run, which ends at `used` */
    struct output_entry entries[CHUNK_ENTRIES];
    uint8_t data[OUTPUT_CHUNK_BYTES];
};

void
output_pool_init(struct output_pool *p, const struct wilco_alloc *a, size_t free_max)
{
    *p = (struct output_pool){.alloc = a, .free_max = free_max};
}

void
output_pool_fini(struct output_pool *p)
{
    while (p->free_chunks != NULL) {
        struct output_chunk *c = p->free_chunks;

        p->free_chunks = c->next;
        mem_free(p->alloc, c);
    }
    p->free_count = 0;
}

static struct output_chunk *
chunk_take(struct output_pool *p)
{
    struct output_chunk *c = p->free_chunks;

    if (c != NULL) {
        p->free_chunks = c->next;
        p->free_count--;
    } else {
        c = mem_alloc(p->alloc, sizeof(*c));
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
    if (p->free_count >= p->free_max) {
        mem_free(p->alloc, c);
        return;
    }
    c->next = p->free_chunks;
    p->free_chunks = c;
    p->free_count++;
}

/* As many empty chunks as hold `len` bytes, linked; false: out of memory, and none is taken. */
static bool
chunks_take(struct output_pool *p, size_t len, struct output_chunk **chunks)
{
    *chunks = NULL;
    for (size_t got = 0; got < len; got += OUTPUT_CHUNK_BYTES) {
        struct output_chunk *c = chunk_take(p);

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
    if (c == NULL || (!c->is_open && c->count == CHUNK_ENTRIES)) {
        return 0;
    }
    return OUTPUT_CHUNK_BYTES - c->used;
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
        c = chunk_take(p);
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

    assert(c != NULL && c->is_open && len <= OUTPUT_CHUNK_BYTES - c->used);
    c->used += len;
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

    if (bytes.len > room && !chunks_take(p, bytes.len - room, &fresh)) {
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
    if (c == NULL || c->count == CHUNK_ENTRIES) {
        c = chunk_take(p);
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
