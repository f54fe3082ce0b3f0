#ifndef WILCO_LINK_ALIAS_H
#define WILCO_LINK_ALIAS_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/list.h"
#include "base/map.h"
#include "base/span.h"
#include "base/status.h"

/* Topic Aliases (MQTT 5.0, 3.3.2.3.4), one table for each direction of one connection. Both own
 * copies of their topics and nothing before the first alias is used. */
struct alias_topic;

/* What the peer's aliases stand for. */
struct alias_in {
    struct alias_topic **topics; /* topics[alias - 1] */
    const struct wilco_alloc *alloc;
    uint16_t maximum; /* Topic Alias Maximum that we announced */
    size_t bytes;     /* held, for the account of the client */
};

void alias_in_init(struct alias_in *t, const struct wilco_alloc *a, uint16_t maximum);
void alias_in_fini(struct alias_in *t);
/* Applies the alias of a received PUBLISH, 1 to the maximum [MQTT-3.3.2-12]. With a topic:
 * remembers it, whatever the alias stood for before [U-3.3.2-5]. With an empty `*topic`: fills it
 * in (borrowed until the alias is bound anew). WILCO_EPROTOCOL with an alias of 0, above the
 * maximum, or not bound: DISCONNECT 0x94. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status alias_in_apply(struct alias_in *t, uint16_t alias,
                                                  struct span *topic);

/* Which aliases we have given out. When all are in use the one used longest ago is given again.
 * Must not move between init and fini. */
struct alias_out {
    struct map by_topic;
    struct list by_use; /* longest ago first */
    const struct wilco_alloc *alloc;
    uint64_t seed;
    size_t bytes; /* held, for the account of the client */
    uint16_t maximum;
    uint16_t used; /* aliases 1 to `used` are bound */
};

/* A topic of fewer bytes is as short as its alias. */
#define ALIAS_TOPIC_BYTES_MIN 4U

/* `maximum`: the lesser of the peer's Topic Alias Maximum and our own bound; 0: no aliases
 * [MQTT-3.1.2-27]. */

void alias_out_init(struct alias_out *t, const struct wilco_alloc *a, uint16_t maximum);
void alias_out_fini(struct alias_out *t);
/* The alias to send for `topic`, or 0 for none (no aliases allowed, topic too short to gain, out of
 * memory). `*is_new`: the topic must go along this once. Call it only for a packet that will be
 * sent. */
uint16_t alias_out_assign(struct alias_out *t, struct span topic, bool *is_new);

#endif
