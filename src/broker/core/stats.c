#include "broker/core/stats.h"

#include <string.h>

_Static_assert(sizeof(struct stats) == STATS_WORDS * sizeof(uint64_t), "nothing but counters");

_Static_assert(offsetof(struct stats, reason_count) > offsetof(struct stats, reasons),
               "the reasons, and how many they are, come last");

#define WORD_OF(field) (offsetof(struct stats, field) / sizeof(uint64_t))

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

static void
share_words(struct stats_shared *out, const struct stats *s, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        atomic_store_explicit(&out->words[i], word_at(s, i), memory_order_relaxed);
    }
}

/* Runs at the end of every turn, so what changes rarely is copied only when it has. */
void
stats_share(struct stats_shared *out, const struct stats *s)
{
    if (atomic_load_explicit(&out->words[WORD_OF(reason_count)], memory_order_relaxed) !=
        s->reason_count) {
        share_words(out, s, WORD_OF(reasons), STATS_WORDS);
    }
    share_words(out, s, 0, WORD_OF(reasons));
}

void
stats_add_shared(struct stats *sum, const struct stats_shared *more)
{
    for (size_t i = 0; i < STATS_WORDS; i++) {
        add_at(sum, i, atomic_load_explicit(&more->words[i], memory_order_relaxed));
    }
}
