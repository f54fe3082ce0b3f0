#include "client/subscriptions.h"

#include "base/hash.h"
#include "wire/topic.h"

#include <assert.h>

#define ID_MAX 268435455U /* MQTT 5.0, 3.8.2.1.2 */

void
subscriptions_init(struct subscriptions *t, const struct wilco_alloc *a, uint64_t seed)
{
    *t = (struct subscriptions){.alloc = a, .seed = seed};
    map_init(&t->by_filter, a);
    map_init(&t->by_id, a);
    list_init(&t->in_order);
}

static struct span
filter_of(const struct subscription *s)
{
    return span_of(s->filter, s->len);
}

/* Without `$share/<group>/`. */
static struct span
matched_part(const struct subscription *s)
{
    return span_skip(filter_of(s), s->match_offset);
}

void
subscriptions_remove(struct subscriptions *t, struct subscription *s)
{
    assert(s->request_count == 0 && list_is_empty(&s->waiting));
    map_remove(&t->by_filter, &s->by_filter);
    map_remove(&t->by_id, &s->by_id);
    list_remove(&s->link);
    t->count--;
    t->inbox_count -= s->inbox != INBOX_NONE;
    responder_unref(s->to.responder);
    mem_free(t->alloc, s);
}

void
subscriptions_fini(struct subscriptions *t)
{
    while (!list_is_empty(&t->in_order)) {
        subscriptions_remove(t, CONTAINER_OF(t->in_order.next, struct subscription, link));
    }
    map_fini(&t->by_filter);
    map_fini(&t->by_id);
}

static struct subscription *
find(const struct subscriptions *t, struct span filter, bool is_assigned)
{
    struct map_node *node = map_first(&t->by_filter, hash_bytes(filter, t->seed));

    while (node != NULL) {
        struct subscription *s = CONTAINER_OF(node, struct subscription, by_filter);

        if ((s->inbox == INBOX_ASSIGNED) == is_assigned && span_equal(filter_of(s), filter)) {
            return s;
        }
        node = map_next(node);
    }
    return NULL;
}

struct subscription *
subscriptions_find(const struct subscriptions *t, struct span filter)
{
    return find(t, filter, false);
}

struct subscription *
subscriptions_find_assigned(const struct subscriptions *t, struct span topic)
{
    return find(t, topic, true);
}

struct subscription *
subscriptions_find_id(const struct subscriptions *t, uint32_t id)
{
    struct map_node *node = map_first(&t->by_id, id);

    return node == NULL ? NULL : CONTAINER_OF(node, struct subscription, by_id);
}

struct subscription *
subscriptions_find_shared(const struct subscriptions *t, struct span inner)
{
    LIST_EACH(node, &t->in_order)
    {
        struct subscription *s = CONTAINER_OF(node, struct subscription, link);

        if (s->match_offset > 0 && span_equal(matched_part(s), inner)) {
            return s;
        }
    }
    return NULL;
}

struct subscription *
subscriptions_idle_inbox(const struct subscriptions *t)
{
    LIST_EACH(node, &t->in_order)
    {
        struct subscription *s = CONTAINER_OF(node, struct subscription, link);

        if ((s->inbox == INBOX_GRANTED || s->inbox == INBOX_ASSIGNED) && s->request_count == 0) {
            return s;
        }
    }
    return NULL;
}

static struct subscription *
subscription_new(const struct subscriptions *t, struct span filter, enum inbox_state inbox)
{
    struct subscription *s = mem_alloc(t->alloc, sizeof(*s) + filter.len);
    struct span group, inner;

    if (s == NULL) {
        return NULL;
    }
    *s = (struct subscription){
        .id = t->last_id + 1,
        .inbox = inbox,
        .len = filter.len,
    };
    list_init(&s->waiting);
    memcpy(s->filter, filter.data, filter.len);
    if (inbox == INBOX_NONE && topic_share_split(filter, &group, &inner)) {
        s->match_offset = filter.len - inner.len;
    }
    return s;
}

enum wilco_status
subscriptions_add(struct subscriptions *t, struct span filter, enum inbox_state inbox,
                  struct subscription **out)
{
    bool is_inbox = inbox != INBOX_NONE;
    struct subscription *s = NULL;

    if (t->count >= SUBSCRIPTIONS_MAX || t->last_id == ID_MAX ||
        (is_inbox && t->inbox_count >= INBOXES_MAX)) {
        return WILCO_ELIMIT;
    }
    s = subscription_new(t, filter, inbox);
    if (s == NULL ||
        map_add(&t->by_filter, &s->by_filter, hash_bytes(filter, t->seed)) != WILCO_OK) {
        mem_free(t->alloc, s);
        return WILCO_ENOMEM;
    }
    if (map_add(&t->by_id, &s->by_id, s->id) != WILCO_OK) {
        map_remove(&t->by_filter, &s->by_filter);
        mem_free(t->alloc, s);
        return WILCO_ENOMEM;
    }
    list_push_back(&t->in_order, &s->link);
    t->last_id = s->id;
    t->count++;
    t->inbox_count += is_inbox;
    *out = s;
    return WILCO_OK;
}

/* Marks that `s` gets `m`; false: it has had it, or does not get messages at all. */
static bool
tell_once(struct subscription *s, const struct wilco_message *m)
{
    if (s->inbox != INBOX_NONE || s->told_number == m->number) {
        return false;
    }
    s->told_number = m->number;
    return true;
}

static struct subscription *
next_named(const struct subscriptions *t, struct wilco_message *m)
{
    struct wire_property p;

    while (wire_property_next(&m->cursor, &p)) {
        if (p.id == WIRE_SUBSCRIPTION_IDENTIFIER) {
            struct subscription *s = subscriptions_find_id(t, p.number);

            /* A kept session may still have identifiers of older clients, for other filters. */
            if (s != NULL && topic_matches(matched_part(s), m->topic) && tell_once(s, m)) {
                return s;
            }
        }
    }
    return NULL;
}

struct subscription *
subscriptions_next(struct subscriptions *t, struct wilco_message *m)
{
    if (m->has_identifiers) {
        return next_named(t, m);
    }
    LIST_EACH(node, &t->in_order)
    {
        struct subscription *s = CONTAINER_OF(node, struct subscription, link);

        if (s->told_number != m->number && topic_matches(matched_part(s), m->topic) &&
            tell_once(s, m)) {
            return s;
        }
    }
    return NULL;
}
