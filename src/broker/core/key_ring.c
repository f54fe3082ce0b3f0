#include "broker/core/key_ring.h"

#include <assert.h>

enum wilco_status
key_ring_add(struct map *m, struct key_ring_node *node, uint64_t key)
{
    struct key_ring_node *oldest = key_ring_oldest(m, key);

    list_init(&node->same);
    if (oldest == NULL) {
        return map_add(m, &node->by_key, key);
    }
    node->by_key.hash = key;
    list_push_back(&oldest->same, &node->same);
    return WILCO_OK;
}

void
key_ring_remove(struct map *m, struct key_ring_node *node)
{
    struct key_ring_node *second = CONTAINER_OF(node->same.next, struct key_ring_node, same);

    if (key_ring_oldest(m, node->by_key.hash) == node) {
        if (second != node) {
            enum wilco_status status = map_add(m, &second->by_key, node->by_key.hash);

            assert(status == WILCO_OK); /* the map is not empty */
            (void)status;
        }
        map_remove(m, &node->by_key);
    }
    list_remove(&node->same);
}

struct key_ring_node *
key_ring_oldest(const struct map *m, uint64_t key)
{
    struct map_node *found = map_first(m, key);

    return found == NULL ? NULL : CONTAINER_OF(found, struct key_ring_node, by_key);
}

struct key_ring_node *
key_ring_next(const struct key_ring_node *oldest, const struct key_ring_node *node)
{
    struct key_ring_node *next = CONTAINER_OF(node->same.next, struct key_ring_node, same);

    return next == oldest ? NULL : next;
}
