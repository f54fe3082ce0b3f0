#include "broker/core/topic_group.h"

struct topic_group *
topic_group_new(const struct wilco_alloc *a, struct span name, uint32_t number)
{
    struct topic_group *g = mem_zalloc(a, sizeof(*g) + name.len);

    if (g != NULL) {
        g->number = number;
        g->name_bytes = (uint32_t)name.len;
        memcpy(g->name, name.data, name.len);
    }
    return g;
}

void
topic_group_free(struct topic_group *g, const struct wilco_alloc *a)
{
    subscriber_set_fini(&g->members, a);
    mem_free(a, g);
}

uint32_t
topic_group_turn(struct topic_group *g)
{
    return atomic_fetch_add_explicit(&g->turns, 1, memory_order_relaxed);
}

bool
topic_group_next(struct topic_group *g, uint32_t start, struct topic_group_cursor *cursor,
                 struct topic_match *out)
{
    return subscriber_set_next(&g->members, start, &cursor->members, out);
}
