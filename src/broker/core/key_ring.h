#ifndef WILCO_BROKER_CORE_KEY_RING_H
#define WILCO_BROKER_CORE_KEY_RING_H

#include "base/list.h"
#include "base/map.h"

/* Nodes by a key of 64 bits, a hash of what they are found by, where any number of them may have
 * the same one: these form a ring, the oldest first, of which only the oldest is in the map. So
 * adding and removing takes constant time however many there are of a key. Nodes are embedded in
 * their owners, who know whether they are in a map; the caller looks whether what he finds is what
 * he wants, as different things may have one hash. */
struct key_ring_node {
    struct list same;       /* the ring */
    struct map_node by_key; /* in the map, if it is the oldest; its hash is the key in any case */
};

/* The node, which is in no list, becomes the newest of its key. WILCO_ENOMEM only while the map is
 * empty. */
WILCO_MUST_CHECK enum wilco_status key_ring_add(struct map *m, struct key_ring_node *node,
                                                uint64_t key);
void key_ring_remove(struct map *m, struct key_ring_node *node); /* must be there */

struct key_ring_node *key_ring_oldest(const struct map *m, uint64_t key); /* NULL: there is none */
/* The one that came next after `node`; NULL: that is the newest. */
struct key_ring_node *key_ring_next(const struct key_ring_node *oldest,
                                    const struct key_ring_node *node);

#endif
