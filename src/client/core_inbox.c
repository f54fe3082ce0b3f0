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
    if (!wire_properties_has(connack, WIRE_RESPONSE_INFORMATION) ||
        !is_inbox(connack->response_information)) {
        return WILCO_OK;
    }
    return buffer_append(&c->assigned_inbox, connack->response_information);
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
