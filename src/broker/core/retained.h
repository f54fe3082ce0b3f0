#ifndef WILCO_BROKER_CORE_RETAINED_H
#define WILCO_BROKER_CORE_RETAINED_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/status.h"
#include "broker/core/message.h"

#include <stddef.h>

/* The retained messages, one for each topic at most (MQTT 5.0, 3.3.1.3), of any QoS [U-3.3.1-2],
 * shared by all shards. Each call takes the store's lock for as long as it lasts. Holds a reference
 * to each message. A filter without wildcards costs one probe; one with wildcards the part of the
 * tree of topics that it matches. Messages of the broker itself (of no publisher) are kept beside
 * those of clients: they count for no limit. */
struct retained;

struct retained_limits {
    size_t count_max;
    size_t bytes_max; /* packet bytes of all messages together */
};

/* NULL: out of memory. */
struct retained *retained_new(const struct wilco_alloc *a, uint64_t hash_seed,
                              struct retained_limits limits);
void retained_free(struct retained *r); /* NULL is allowed */

/* Replaces what the topic had [MQTT-3.3.1-5]; an empty payload removes it and is not stored
 * [MQTT-3.3.1-6, 3.3.1-7]. At a bound, some of those that have expired are looked for and make
 * room. WILCO_ELIMIT: the bound stands; WILCO_ENOMEM; in both cases the topic keeps what it had. */
WILCO_MUST_CHECK enum wilco_status retained_set(struct retained *r, struct message *m,
                                                uint64_t now_ms);

/* Messages that match a filter, each a reference of the caller's. */
struct retained_matches {
    struct message **items;
    size_t count;
    size_t capacity;
    const struct wilco_alloc *alloc;
};

/* Collects every message that matches the valid filter and has not expired; expired ones met on the
 * way are removed. A topic comes before the topics below it, and those of one level come in the
 * order in which the level first had them. WILCO_ENOMEM: nothing collected. */
WILCO_MUST_CHECK enum wilco_status retained_match(struct retained *r, struct span filter,
                                                  uint64_t now_ms, struct retained_matches *out,
                                                  const struct wilco_alloc *a);
void retained_matches_fini(struct retained_matches *m); /* drops the references left in it */

/* Of clients. */
size_t retained_count(struct retained *r);
size_t retained_bytes(struct retained *r);

#endif
