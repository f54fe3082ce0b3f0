#ifndef WILCO_BASE_WORD_SET_H
#define WILCO_BASE_WORD_SET_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* A set of words, such as pointers, none of them 0. It takes two words itself and no other memory
 * while there is but one in it, for those who have hardly ever more; adding and removing take
 * constant time. All zero: empty. */
struct word_set {
    union {
        uintptr_t word;   /* while `capacity` is 0; 0: none */
        uintptr_t *table; /* owned; open addressing, 0: free */
    } in;
    uint32_t count;
    uint32_t capacity; /* of the table, a power of two */
};

void word_set_fini(struct word_set *s, const struct wilco_alloc *a);

/* Adds a word that is not there. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status word_set_add(struct word_set *s, const struct wilco_alloc *a,
                                                uintptr_t word);
/* The word is there. A table stays until the last one has gone. */
void word_set_remove(struct word_set *s, const struct wilco_alloc *a, uintptr_t word);

/* Walks over all: the next one from `*cursor` on, which starts at 0; 0 at the end. */
uintptr_t word_set_each(const struct word_set *s, size_t *cursor);

#endif
