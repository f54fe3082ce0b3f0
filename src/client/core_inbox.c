#include "client/core_private.h"
#include "wire/topic.h"

/* A broker of ours gives each session an inbox, says in CONNACK's Response Information where that
 * is, and has subscribed us to it and to everything below, so that requests need no SUBSCRIBE.
 * Other servers may send a Response Information too, but as no more than a prefix, to which nothing
 * comes unasked: there is no telling what it means unless it begins like ours. We do not follow
 * those, but subscribe to a response topic that nobody can guess, as with servers that say nothing.
 */

#define ASSIGNED_PREFIX SPAN_LITERAL("$r/")

static bool
begins_with(struct span text, struct span prefix)
{
    return text.len >= prefix.len && span_equal(span_first(text, prefix.len), prefix);
}

/* It is UTF-8, for it has been decoded. */
static bool
is_inbox(struct span information)
{
    return begins_with(information, ASSIGNED_PREFIX) && information.len > ASSIGNED_PREFIX.len &&
           topic_name_is_valid(information);
}

enum wilco_status
core_take_inbox(struct core *c, const struct wire_properties *connack)
{
    if (c->former_inbox.len == 0) {
        c->former_inbox = c->assigned_inbox;
    } else {
        buffer_fini(&c->assigned_inbox);
    }
    buffer_init(&c->assigned_inbox, c->alloc, UINT16_MAX);
    if (!wire_properties_has(connack, WIRE_RESPONSE_INFORMATION) ||
        !is_inbox(connack->response_information)) {
        return WILCO_OK;
    }
    return buffer_append(&c->assigned_inbox, connack->response_information);
}

/* What was not sent yet names the former inbox. */
static void
move_responses(struct core *c)
{
    LIST_EACH(node, &c->queue)
    {
        struct outgoing *o = CONTAINER_OF(node, struct outgoing, event.link);

        if (o->request != NULL && o->request->inbox->inbox == INBOX_ASSIGNED) {
            outgoing_move_response(o, buffer_span(&c->former_inbox),
                                   buffer_span(&c->assigned_inbox));
        }
    }
}

static enum wilco_status
move(struct core *c, struct subscription *s)
{
    struct buffer topic;
    enum wilco_status st;

    buffer_init(&topic, c->alloc, UINT16_MAX);
    st = buffer_append(&topic, buffer_span(&c->assigned_inbox));
    if (st == WILCO_OK) {
        st = buffer_append(&topic, span_skip(span_of(s->filter, s->len), topic.len));
    }
    if (st == WILCO_OK) {
        subscriptions_rename(&c->subscriptions, s, buffer_span(&topic));
    }
    buffer_fini(&topic);
    return st;
}

void
core_end_requests_of(struct core *c, const struct subscription *s, enum wilco_status status,
                     uint8_t reason_code)
{
    struct map_node *node = map_walk(&c->requester.by_key, NULL);

    while (node != NULL) {
        struct request *request = CONTAINER_OF(node, struct request, by_key);

        node = map_walk(&c->requester.by_key, node);
        if (request->inbox == s) {
            core_end_request(c, request, status, reason_code);
        }
    }
}

static enum wilco_status
follow(struct core *c)
{
    struct list *all = &c->subscriptions.in_order;
    struct list *next = NULL;
    bool is_as_long = c->former_inbox.len == c->assigned_inbox.len;
    enum wilco_status st = WILCO_OK;

    for (struct list *node = all->next; st == WILCO_OK && node != all; node = next) {
        struct subscription *s = CONTAINER_OF(node, struct subscription, link);

        next = node->next;
        if (s->inbox != INBOX_ASSIGNED) {
            continue;
        }
        if (!is_as_long) { /* it has no place in packets that are made already */
            core_end_requests_of(c, s, WILCO_ECLOSED, 0);
        }
        if (s->request_count == 0) {
            subscriptions_remove(&c->subscriptions, s);
        } else {
            st = move(c, s);
        }
    }
    if (is_as_long) {
        move_responses(c);
    }
    return st;
}

bool
core_inbox_is_another(const struct core *c)
{
    return c->former_inbox.len > 0 && c->assigned_inbox.len > 0 &&
           !span_equal(buffer_span(&c->former_inbox), buffer_span(&c->assigned_inbox));
}

enum wilco_status
core_follow_inbox(struct core *c)
{
    enum wilco_status st = WILCO_OK;

    if (c->former_inbox.len > 0 &&
        !span_equal(buffer_span(&c->former_inbox), buffer_span(&c->assigned_inbox))) {
        st = follow(c);
    }
    buffer_fini(&c->former_inbox);
    return st;
}

struct span
core_response_topic(const struct core *c)
{
    struct span assigned = buffer_span(&c->assigned_inbox);

    return assigned.len > 0 ? assigned : span_of_text(c->inbox);
}

bool
core_is_assigned(const struct core *c, struct span topic)
{
    struct span inbox = buffer_span(&c->assigned_inbox);

    return inbox.len > 0 && begins_with(topic, inbox) &&
           (topic.len == inbox.len || topic.data[inbox.len] == '/');
}
