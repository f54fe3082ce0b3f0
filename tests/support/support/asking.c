#include "support/asking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

void
asker_connect(struct rig *r, struct rig_client *c, const char *client_id, unsigned kind,
              char inbox[INBOX_TEXT_BYTES])
{
    static const struct wire_user_property rr = USER("rr", "1");
    struct wire_connect how = {
        .version = WIRE_V5, .clean_start = true, .client_id = span_of_text(client_id)};
    struct wire_any connack;
    struct span information = SPAN_EMPTY;

    if ((kind & ASKER_LASTS) != 0) {
        how = rig_lasting(client_id, UINT32_MAX);
    }
    if ((kind & ASKER_RRI) != 0) {
        how.properties.request_response_information = 1;
        wire_properties_set(&how.properties, WIRE_REQUEST_RESPONSE_INFORMATION);
    }
    if ((kind & ASKER_RR) != 0) {
        how.properties.users = &rr;
        how.properties.user_count = 1;
        wire_properties_set(&how.properties, WIRE_USER_PROPERTY);
    }
    rig_connect(r, c, &how, &connack);
    assert_int_equal(connack.as.connack.reason_code, 0);
    information = connack.as.connack.properties.response_information;
    assert_true(information.len < INBOX_TEXT_BYTES);
    if (information.len > 0) {
        memcpy(inbox, information.data, information.len);
    }
    inbox[information.len] = '\0';
}

void
ask(struct rig_client *c, const struct ask *a)
{
    struct wire_any packet = rig_publish_packet(a->topic, a->payload, a->qos, a->packet_id);
    struct wire_properties *v = &packet.as.publish.properties;

    packet.as.publish.retain = a->retain;
    if (a->response_topic != NULL) {
        v->response_topic = span_of_text(a->response_topic);
        wire_properties_set(v, WIRE_RESPONSE_TOPIC);
    }
    if (a->correlation != NULL) {
        v->correlation_data = span_of_text(a->correlation);
        wire_properties_set(v, WIRE_CORRELATION_DATA);
    }
    if (a->expiry_s != 0) {
        v->message_expiry_interval = a->expiry_s;
        wire_properties_set(v, WIRE_MESSAGE_EXPIRY_INTERVAL);
    }
    if (a->user_count > 0) {
        v->users = a->users;
        v->user_count = a->user_count;
        wire_properties_set(v, WIRE_USER_PROPERTY);
    }
    rig_send(c, &packet);
}

static void
acknowledge(struct rig_client *c, const struct wire_publish *p)
{
    if (p->qos == 1) {
        rig_ack(c, WIRE_PUBACK, p->packet_id);
    } else if (p->qos == 2) {
        rig_ack(c, WIRE_PUBREC, p->packet_id);
        rig_expect_ack(c, WIRE_PUBREL, p->packet_id, 0);
        rig_ack(c, WIRE_PUBCOMP, p->packet_id);
    }
}

void
expect_request(struct rig_client *c, bool ack, struct wire_any *out)
{
    rig_expect(c, WIRE_PUBLISH, out);
    assert_true(wire_properties_has(&out->as.publish.properties, WIRE_RESPONSE_TOPIC));
    if (ack) {
        acknowledge(c, &out->as.publish);
    }
}

void
respond(struct rig_client *c, const struct wire_publish *request, const char *payload, uint8_t qos,
        uint16_t packet_id)
{
    struct wire_any packet = {
        .type = WIRE_PUBLISH,
        .as.publish = {.qos = qos,
                       .packet_id = packet_id,
                       .topic = request->properties.response_topic,
                       .payload = span_of_text(payload)},
    };

    if (wire_properties_has(&request->properties, WIRE_CORRELATION_DATA)) {
        packet.as.publish.properties.correlation_data = request->properties.correlation_data;
        wire_properties_set(&packet.as.publish.properties, WIRE_CORRELATION_DATA);
    }
    rig_send(c, &packet);
}

static void
expect_correlated(struct rig_client *c, const char *correlation, const char *payload,
                  struct wire_any *out)
{
    rig_expect_publish(c, payload, out);
    assert_true(span_equal(out->as.publish.properties.correlation_data, span_of_text(correlation)));
    acknowledge(c, &out->as.publish);
}

void
expect_response(struct rig_client *c, const char *correlation, const char *payload)
{
    struct wire_any packet;

    expect_correlated(c, correlation, payload, &packet);
}

struct span
user_of(const struct wire_publish *p, const char *name)
{
    struct span value = SPAN_EMPTY;

    if (!wire_properties_user(&p->properties, span_of_text(name), &value)) {
        fail_msg("no User Property %s", name);
    }
    return value;
}

static void
assert_user(const struct wire_publish *p, const char *name, const char *want)
{
    struct span value = user_of(p, name);

    if (!span_equal(value, span_of_text(want))) {
        fail_msg("%s is %.*s, not %s", name, (int)value.len, (const char *)value.data, want);
    }
}

void
expect_status(struct rig_client *c, const char *correlation, const char *status, const char *stage,
              const char *exec)
{
    struct wire_any packet;

    expect_correlated(c, correlation, "", &packet);
    assert_user(&packet.as.publish, "__stat", status);
    assert_user(&packet.as.publish, "rr-src", "broker");
    assert_user(&packet.as.publish, "rr-stage", stage);
    assert_user(&packet.as.publish, "rr-exec", exec);
    assert_true(user_of(&packet.as.publish, "__stMsg").len > 0);
}

struct stats
rig_stats(const struct rig *r)
{
    struct stats sum = {0};

    for (unsigned i = 0; i < r->broker.shard_count; i++) {
        stats_add(&sum, &r->broker.shards[i]->stats);
    }
    return sum;
}
