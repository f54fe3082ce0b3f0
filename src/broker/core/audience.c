#include "broker/core/audience.h"

/* Groups form a list, the newest first. The writer links a group when it has its first member and
 * unlinks it when the last one has left; a reader that stands on an unlinked group finds its way
 * on. */

typedef _Atomic(struct topic_group *) group_link;

static struct topic_group *
follow(const group_link *link)
{
    return atomic_load_explicit(link, memory_order_relaxed);
}

/* The link that leads to the group of this name, or the last one, which is NULL. */
static group_link *
find(struct audience *a, struct span name)
{
    group_link *link = &a->groups;

    for (struct topic_group *g = follow(link); g != NULL; g = follow(link)) {
        if (span_equal(span_of(g->name, g->name_bytes), name)) {
            break;
        }
        link = &g->next;
    }
    return link;
}

static enum wilco_status
found_group(struct audience *a, struct reclaim *r, const struct subscriber *who, bool *existed)
{
    struct topic_group *g = topic_group_new(r->alloc, who->group, who->group_number);
    enum wilco_status st;

    if (g == NULL) {
        return WILCO_ENOMEM;
    }
    g->audience = a;
    st = subscriber_set_put(&g->members, r, who->session_id, &who->how, existed);
    if (st != WILCO_OK) {
        topic_group_free(g, r->alloc);
        return st;
    }
    atomic_store_explicit(&g->next, follow(&a->groups), memory_order_relaxed);
    atomic_store_explicit(&a->groups, g, memory_order_release);
    return WILCO_OK;
}

enum wilco_status
audience_put(struct audience *a, struct reclaim *r, const struct subscriber *who, bool *existed)
{
    struct subscriber_set *set = &a->subscribers;

    if (who->group.len > 0) {
        struct topic_group *g = follow(find(a, who->group));

        if (g == NULL) {
            return found_group(a, r, who, existed);
        }
        set = &g->members;
    }
    return subscriber_set_put(set, r, who->session_id, &who->how, existed);
}

bool
audience_remove(struct audience *a, struct reclaim *r, const struct subscriber *who)
{
    group_link *link;
    struct topic_group *g;

    if (who->group.len == 0) {
        return subscriber_set_remove(&a->subscribers, r, who->session_id);
    }
    link = find(a, who->group);
    g = follow(link);
    if (g == NULL || !subscriber_set_remove(&g->members, r, who->session_id)) {
        return false;
    }
    if (subscriber_set_is_empty(&g->members)) {
        atomic_store_explicit(link, follow(&g->next), memory_order_release);
        reclaim_later(r, &g->reclaim);
    }
    return true;
}

bool
audience_has(struct audience *a, const struct subscriber *who, struct topic_group **group)
{
    *group = who->group.len == 0 ? NULL : follow(find(a, who->group));
    if (who->group.len > 0 && *group == NULL) {
        return false;
    }
    return subscriber_set_has(*group == NULL ? &a->subscribers : &(*group)->members,
                              who->session_id);
}

enum wilco_status
audience_list(struct audience *a, struct span group, struct topic_matches *out)
{
    const struct topic_group *g = group.len == 0 ? NULL : follow(find(a, group));

    if (group.len > 0 && g == NULL) {
        return WILCO_OK;
    }
    return subscriber_set_collect(g == NULL ? &a->subscribers : &g->members, out);
}

bool
audience_is_empty(const struct audience *a)
{
    return subscriber_set_is_empty(&a->subscribers) && follow(&a->groups) == NULL;
}

void
audience_fini(struct audience *a, const struct wilco_alloc *alloc)
{
    struct topic_group *g = follow(&a->groups);

    subscriber_set_fini(&a->subscribers, alloc);
    while (g != NULL) {
        struct topic_group *next = follow(&g->next);

        topic_group_free(g, alloc);
        g = next;
    }
    atomic_store_explicit(&a->groups, NULL, memory_order_relaxed);
}

static enum wilco_status
collect_groups(struct topic_group *g, struct topic_matches *out)
{
    enum wilco_status st = WILCO_OK;

    while (g != NULL && st == WILCO_OK) {
        st = topic_matches_add_group(out, g);
        g = atomic_load_explicit(&g->next, memory_order_acquire);
    }
    return st;
}

enum wilco_status
audience_collect(const struct audience *a, struct topic_matches *out)
{
    struct topic_group *g = atomic_load_explicit(&a->groups, memory_order_acquire);
    size_t before = out->count;
    enum wilco_status st = subscriber_set_collect(&a->subscribers, out);

    if (WILCO_UNLIKELY(g != NULL) && st == WILCO_OK) {
        st = collect_groups(g, out);
    }
    if (st == WILCO_OK && (out->count > before || g != NULL)) {
        st = topic_matches_add_audience(out, a, before);
    }
    return st;
}
