#include "broker/core/v3_response.h"

#include "broker/core/entrance.h"
#include "broker/core/message.h"
#include "broker/core/request.h"

/* What stands before the suffix; empty: it does not end so, or there is nothing before. */
static struct span
without_suffix(struct span topic, struct span suffix)
{
    struct span asked = span_first(topic, topic.len > suffix.len ? topic.len - suffix.len : 0);

    return span_equal(span_skip(topic, asked.len), suffix) ? asked : SPAN_EMPTY;
}

/* The oldest request to this topic that the session was sent; NULL: there is none. */
static struct request *
find(const struct session *s, struct span topic)
{
    LIST_EACH(link, &s->requests)
    {
        struct request *r = CONTAINER_OF(link, struct request, of_holder);

        if (r->stage != REQUEST_QUEUED && span_equal(message_topic(r->message), topic)) {
            return r;
        }
    }
    return NULL;
}

static void
translate(struct v3_response *out, const struct wire_publish *p)
{
    const struct message *request = out->request->message;
    struct wire_properties *v = &out->p.properties;

    out->users = (struct wire_user_property){
        SPAN_LITERAL("__stat"), p->payload.len > 0 ? SPAN_LITERAL("200") : SPAN_LITERAL("204")};
    out->p = (struct wire_publish){
        .qos = p->qos,
        .topic = message_response_topic(request),
        .payload = p->payload,
        .properties = {.users = &out->users, .user_count = 1},
    };
    wire_properties_set(v, WIRE_USER_PROPERTY);
    if (request->request.correlation_offset != 0) {
        v->correlation_data = message_correlation(request);
        wire_properties_set(v, WIRE_CORRELATION_DATA);
    }
}

bool
v3_response_read(struct v3_response *out, const struct session *s, const struct entrance *e,
                 const struct wire_publish *p)
{
    struct span suffix = span_of_text(e->v3_response_suffix);
    struct span topic = suffix.len == 0 ? SPAN_EMPTY : without_suffix(p->topic, suffix);

    out->request = topic.len == 0 ? NULL : find(s, topic);
    if (out->request == NULL) {
        return false;
    }
    translate(out, p);
    return true;
}
