#include "base/word_set.h"

#include <assert.h>
#include <stdbool.h>

#define CAPACITY_MIN 4U

void
word_set_fini(struct word_set *s, const struct wilco_alloc *a)
{
    if (s->capacity > 0) {
        mem_free(a, s->in.table);
    }
    *s = (struct word_set){.count = 0};
}

/* Addresses differ in their middle bits: spread them over all. */
static size_t
home_of(const struct word_set *s, uintptr_t word)
{
    return (size_t)((uint64_t)word * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (s->capacity - 1);
}

/* Where the table has the word, or where it would get it. */
static size_t
place_of(const struct word_set *s, uintptr_t word)
{
    size_t at = home_of(s, word);

    while (s->in.table[at] != 0 && s->in.table[at] != word) {
        at = (at + 1) & (s->capacity - 1);
    }
    return at;
}

/* A table with twice the room; the first one takes in the word that had none. */
static enum wilco_status
grow(struct word_set *s, const struct wilco_alloc *a)
{
    struct word_set old = *s;
    uint32_t capacity = s->capacity == 0 ? CAPACITY_MIN : s->capacity * 2;
    uintptr_t *table = mem_zalloc(a, capacity * sizeof(*table));
    size_t cursor = 0;
    uintptr_t word = 0;

    if (table == NULL) {
        return WILCO_ENOMEM;
    }
    s->in.table = table;
    s->capacity = capacity;
    while ((word = word_set_each(&old, &cursor)) != 0) {
        table[place_of(s, word)] = word;
    }
    word_set_fini(&old, a);
    return WILCO_OK;
}

/* At most three quarters of a table are in use. */
static bool
is_full(const struct word_set *s)
{
    return s->capacity == 0 ? s->count == 1 : s->count >= s->capacity / 4 * 3;
}

enum wilco_status
word_set_add(struct word_set *s, const struct wilco_alloc *a, uintptr_t word)
{
    assert(word != 0);
    if (is_full(s) && grow(s, a) != WILCO_OK) {
        return WILCO_ENOMEM;
    }
    if (s->capacity == 0) {
        s->in.word = word;
    } else {
        s->in.table[place_of(s, word)] = word;
    }
    s->count++;
    return WILCO_OK;
}

/* Empties a place and closes the gap: what stands behind it and may stand in it moves up. */
static void
empty_place(struct word_set *s, size_t gap)
{
    size_t mask = s->capacity - 1;

    for (size_t at = (gap + 1) & mask; s->in.table[at] != 0; at = (at + 1) & mask) {
        size_t home = home_of(s, s->in.table[at]);

        if (((at - home) & mask) >= ((at - gap) & mask)) {
            s->in.table[gap] = s->in.table[at];
            gap = at;
        }
    }
    s->in.table[gap] = 0;
}

void
word_set_remove(struct word_set *s, const struct wilco_alloc *a, uintptr_t word)
{
    if (s->capacity == 0) {
        assert(s->in.word == word);
        s->in.word = 0;
    } else {
        size_t at = place_of(s, word);

        assert(s->in.table[at] == word);
        empty_place(s, at);
    }
    s->count--;
    if (s->count == 0) {
        word_set_fini(s, a);
    }
}

uintptr_t
word_set_each(const struct word_set *s, size_t *cursor)
{
    if (s->capacity == 0) {
        return (*cursor)++ == 0 ? s->in.word : 0;
    }
    while (*cursor < s->capacity) {
        uintptr_t word = s->in.table[(*cursor)++];

        if (word != 0) {
            return word;
        }
    }
    return 0;
}
