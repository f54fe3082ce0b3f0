#include "broker/core/stats.h"

#include <string.h>

_Static_assert(sizeof(struct stats) == STATS_WORDS * sizeof(uint64_t), "nothing but counters");

static uint64_t
word_at(const struct stats *s, size_t i)
{
    uint64_t word = 0;

    memcpy(&word, (const uint8_t *)s + i * sizeof(word), sizeof(word));
    return word;
}

static void
add_at(struct stats *sum, size_t i, uint64_t more)
{
    uint64_t word = word_at(sum, i) + more;

    memcpy((uint8_t *)sum + i * sizeof(word), &word, sizeof(word));
}

void
stats_increment(struct stats *s, size_t at)
{
    add_at(s, at, 1);
}

void
stats_add(struct stats *sum, const struct stats *more)
{
    for (size_t i = 0; i < STATS_WORDS; i++) {
        add_at(sum, i, word_at(more, i));
    }
}

void
stats_share(struct stats_shared *out, const struct stats *s)
{
    for (size_t i = 0; i < STATS_WORDS; i++) {
        atomic_store_explicit(&out->words[i], word_at(s, i), memory_order_relaxed);
    }
}

void
stats_add_shared(struct stats *sum, const struct stats_shared *more)
{
    for (size_t i = 0; i < STATS_WORDS; i++) {
        add_at(sum, i, atomic_load_explicit(&more->words[i], memory_order_relaxed));
    }
}
