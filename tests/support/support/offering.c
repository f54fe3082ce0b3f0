#include "support/offering.h"

#include "broker/core/service_registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CORRELATION       "question"
#define PACKET_IDENTIFIER 7

void
offer(struct rig_client *c, const struct offer *o)
{
    const struct wire_subscription w = {.filter = span_of_text(o->filter), .qos = 1};
    struct wire_any packet = {
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = PACKET_IDENTIFIER, .count = 1, .subscriptions = &w},
    };
    struct wire_properties *v = &packet.as.subscribe.properties;

    if (o->user_count > 0) {
        v->users = o->users;
        v->user_count = o->user_count;
        wire_properties_set(v, WIRE_USER_PROPERTY);
    }
    rig_send(c, &packet);
    rig_expect(c, WIRE_SUBACK, &packet);
    assert_int_equal(packet.as.suback.reason_codes.data[0], o->refusal == 0 ? 1 : o->refusal);
    assert_int_equal(packet.as.suback.properties.reason_string.len > 0, o->refusal != 0);
}

void
withdraw(struct rig_client *c, const char *filter)
{
    const struct span filters[] = {span_of_text(filter)};
    struct wire_any packet = {
        .type = WIRE_UNSUBSCRIBE,
        .as.unsubscribe = {.packet_id = PACKET_IDENTIFIER, .count = 1, .filters = filters},
    };

    rig_send(c, &packet);
    rig_expect(c, WIRE_UNSUBACK, &packet);
    assert_int_equal(packet.as.suback.reason_codes.data[0], 0);
}

bool
offering_matches(struct span text, const char *pattern)
{
    for (; *pattern != '\0'; pattern++) {
        size_t len = *pattern == '@' ? SERVICE_ID_CHARS : 1;

        if (text.len < len || (*pattern != '@' && text.data[0] != (uint8_t)*pattern)) {
            return false;
        }
        text = span_skip(text, len);
    }
    return text.len == 0;
}

static void
assert_matches(struct span text, const char *pattern)
{
    if (!offering_matches(text, pattern)) {
        fail_msg("%.*s\nis not like\n%s", (int)text.len, (const char *)text.data, pattern);
    }
}

void
question(struct rig_client *c, const char *topic, const char *response_topic)
{
    ask(c, &(struct ask){
               .topic = topic, .response_topic = response_topic, .correlation = CORRELATION});
}

/* JSON from the broker. */
static void
expect_json(struct rig_client *c, struct wire_any *out)
{
    const struct wire_publish *p = &out->as.publish;

    rig_expect(c, WIRE_PUBLISH, out);
    if (p->qos == 1) {
        rig_ack(c, WIRE_PUBACK, p->packet_id);
    }
    assert_true(span_equal(p->properties.content_type, SPAN_LITERAL("application/json")));
    assert_int_equal(p->properties.payload_format_indicator, 1);
    assert_true(span_equal(user_of(p, "rr-src"), SPAN_LITERAL("broker")));
    assert_false(p->retain);
}

void
expect_answer(struct rig_client *c, unsigned place, bool has_more, const char *pattern)
{
    struct wire_any packet;
    const struct wire_publish *p = &packet.as.publish;
    struct span more = SPAN_EMPTY;
    char digits[12];

    expect_json(c, &packet);
    (void)snprintf(digits, sizeof(digits), "%u", place + 1);
    assert_matches(p->payload, pattern);
    assert_true(span_equal(p->properties.correlation_data, SPAN_LITERAL(CORRELATION)));
    assert_true(span_equal(user_of(p, "rr-seq"), span_of_text(digits)));
    assert_true(span_equal(user_of(p, "__stat"), span_of_text(pattern[0] == '\0' ? "413" : "200")));
    assert_int_equal(wire_properties_user(&p->properties, SPAN_LITERAL("rr-more"), &more),
                     has_more);
}

void
expect_no_service(struct rig_client *c)
{
    expect_status(c, CORRELATION, "503", "rejected", "no");
}

void
expect_event(struct rig_client *c, const char *topic_pattern, const char *pattern)
{
    struct wire_any packet;

    expect_json(c, &packet);
    assert_matches(packet.as.publish.topic, topic_pattern);
    assert_matches(packet.as.publish.payload, pattern);
}
