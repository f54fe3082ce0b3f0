#define _POSIX_C_SOURCE 200809L /* clock_gettime */

#include "broker/core/rcu.h"
#include "broker/core/topic_index.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* What a match costs, and what a subscription weighs: one line for each size of the index. Every
 * filter has one subscriber. "hot" matches sixteen topics again and again, "cold" walks through all
 * of them. */

#define TEXT_BYTES 64U
#define HOT        16U
#define ROUNDS     2000000U

struct counted {
    struct wilco_alloc alloc;
    atomic_size_t bytes; /* asked for and not given back; each block knows its size */
};

static void *
counted_alloc(void *context, size_t size)
{
    struct counted *c = context;
    size_t *block = malloc(size + 2 * sizeof(size_t));

    if (block == NULL) {
        return NULL;
    }
    c->bytes += size;
    block[0] = size;
    return block + 2;
}

static void
counted_free(void *context, void *memory)
{
    struct counted *c = context;
    size_t *block = (size_t *)memory - 2;

    c->bytes -= block[0];
    free(block);
}

static double
now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct span
text_of(char *out, const char *tail, unsigned number)
{
    int len = snprintf(out, TEXT_BYTES, "requests/device%u/%s", number, tail);

    return span_of(out, (size_t)len);
}

static void
must(enum wilco_status st)
{
    if (st != WILCO_OK) {
        (void)fprintf(stderr, "%s\n", status_text(st));
        exit(1);
    }
}

/* Nanoseconds a match of `count` topics in turn, read sections included. */
static double
measure(struct topic_index *index, struct topic_matches *out, struct span *topics, unsigned count)
{
    size_t found = 0;
    unsigned at = 0;
    double start = now_ns();

    for (unsigned i = 0; i < ROUNDS; i++) {
        rcu_read_begin();
        must(topic_index_match(index, topics[at], out));
        rcu_read_end();
        found += out->count;
        at = at + 1 == count ? 0 : at + 1;
    }
    if (found != ROUNDS) {
        (void)fprintf(stderr, "%zu matches of %u\n", found, ROUNDS);
        exit(1);
    }
    return (now_ns() - start) / ROUNDS;
}

/* Topics in an order in which nothing is a neighbour in memory. */
static struct span *
make_topics(char *texts, unsigned count)
{
    struct span *topics = malloc(count * sizeof(*topics));

    for (unsigned i = 0; topics != NULL && i < count; i++) {
        topics[i] = text_of(texts + (size_t)i * TEXT_BYTES, "getConfig",
                            (unsigned)((uint64_t)i * 7368787 % count));
    }
    return topics;
}

static void
bench(const char *name, const char *tail, unsigned count)
{
    struct counted memory;
    struct topic_index *index;
    struct topic_matches out;
    char *texts = malloc((size_t)count * TEXT_BYTES);
    struct span *topics = texts == NULL ? NULL : make_topics(texts, count);
    size_t text_bytes = 0;
    double start;
    double subscribe_ns;

    atomic_init(&memory.bytes, 0);
    memory.alloc = (struct wilco_alloc){counted_alloc, NULL, counted_free, &memory};
    index = topic_index_new(&memory.alloc, 4711);
    topic_matches_init(&out, alloc_system());
    if (index == NULL || topics == NULL) {
        must(WILCO_ENOMEM);
    }
    start = now_ns();
    for (unsigned i = 0; i < count; i++) {
        struct subscription_how how = {.qos = 1};
        char text[TEXT_BYTES];
        struct span filter = text_of(text, tail, i);
        bool existed;

        text_bytes += filter.len;
        must(topic_index_subscribe(index, filter, SPAN_EMPTY, (uint64_t)i + 1, &how, &existed));
    }
    subscribe_ns = (now_ns() - start) / count;
    for (int i = 0; i < 3; i++) { /* what was outgrown goes back */
        rcu_settle();
    }
    (void)printf("%-9s %8u filters: hot %6.1f ns, cold %6.1f ns a match; %6.1f ns to subscribe; "
                 "%5.1f bytes each "
                 "beside %4.1f of text\n",
                 name, count, measure(index, &out, topics, count < HOT ? count : HOT),
                 measure(index, &out, topics, count), subscribe_ns,
                 (double)(atomic_load(&memory.bytes) - text_bytes) / count,
                 (double)text_bytes / count);
    topic_matches_fini(&out);
    topic_index_free(index);
    free(topics);
    free(texts);
}

int
main(void)
{
    static const unsigned counts[] = {10, 1000, 1000000};

    rcu_thread_enter();
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        bench("exact", "getConfig", counts[i]);
        bench("one \"+\"", "+", counts[i]);
        bench("\"#\"", "#", counts[i]);
    }
    rcu_thread_leave();
    return 0;
}
