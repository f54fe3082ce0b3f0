#include "broker/core/topic_matches.h"

#define CAPACITY_MIN 16U

void
topic_matches_init(struct topic_matches *m, const struct wilco_alloc *a)
{
    *m = (struct topic_matches){.alloc = a};
}

void
topic_matches_fini(struct topic_matches *m)
{
    mem_free(m->alloc, m->items);
    mem_free(m->alloc, m->groups);
    mem_free(m->alloc, m->found);
    mem_free(m->alloc, m->steps);
    topic_matches_init(m, m->alloc);
}

void
topic_matches_clear(struct topic_matches *m)
{
    m->count = 0;
    m->group_count = 0;
    m->filters = 0;
}

static size_t
capacity_for(size_t capacity, size_t count)
{
    capacity = capacity == 0 ? CAPACITY_MIN : capacity;
    while (capacity < count) {
        capacity *= 2;
    }
    return capacity;
}

enum wilco_status
topic_matches_grow(struct topic_matches *m, size_t more)
{
    size_t capacity = capacity_for(m->capacity, m->count + more);
    struct topic_match *items = mem_realloc(m->alloc, m->items, capacity * sizeof(*items));

    if (items == NULL) {
        return WILCO_ENOMEM;
    }
    m->items = items;
    m->capacity = capacity;
    return WILCO_OK;
}

enum wilco_status
topic_matches_add_group(struct topic_matches *m, struct topic_group *g)
{
    if (m->group_count == m->group_capacity) {
        size_t capacity = capacity_for(m->group_capacity, m->group_count + 1);
        struct topic_group **groups =
            mem_realloc(m->alloc, m->groups, capacity * sizeof(struct topic_group *));

        if (groups == NULL) {
            return WILCO_ENOMEM;
        }
        m->groups = groups;
        m->group_capacity = capacity;
    }
    m->groups[m->group_count++] = g;
    return WILCO_OK;
}

enum wilco_status
topic_matches_grow_filters(struct topic_matches *m)
{
    size_t capacity = capacity_for(m->filter_capacity, m->filters + 1);
    struct topic_found *found = mem_realloc(m->alloc, m->found, capacity * sizeof(*found));

    if (found == NULL) {
        return WILCO_ENOMEM;
    }
    m->found = found;
    m->filter_capacity = capacity;
    return WILCO_OK;
}

enum wilco_status
topic_matches_grow_steps(struct topic_matches *m, size_t count)
{
    size_t capacity = capacity_for(m->step_capacity, count);
    struct topic_step *steps = mem_realloc(m->alloc, m->steps, capacity * sizeof(*steps));

    if (steps == NULL) {
        return WILCO_ENOMEM;
    }
    m->steps = steps;
    m->step_capacity = capacity;
    return WILCO_OK;
}
