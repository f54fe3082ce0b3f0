#include "desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

void
desk_on_request(void *context, struct wilco_call *call)
{
    (void)context;
    (void)call;
    fail_msg("a core does not call back");
}

void
desk_on_changed(void *context, struct wilco_call *call)
{
    (void)context;
    (void)call;
    fail_msg("a core does not call back");
}

void
desk_open(struct peer *p, const struct wilco_responder *options, bool inbox)
{
    const struct core_subscriber to = {.on_request = desk_on_request, .options = options};
    const struct wilco_subscription s = {.filter = "do", .qos = 1};
    struct wire_properties connack = {.response_information = SPAN_LITERAL("$r/me")};
    struct core_event event;
    uint8_t reason_code = 0;

    wire_properties_set(&connack, WIRE_RESPONSE_INFORMATION);
    peer_open(p, NULL, inbox ? &connack : NULL);
    assert_int_equal(core_subscribe(p->core, &s, &to, p, &reason_code), WILCO_OK);
    (void)peer_grant(p, 1);
    peer_awaited(p, CORE_OPERATION, &event);
    assert_int_equal(event.status, WILCO_OK);
}

void
desk_deliver(struct peer *p, const struct desk_request *r)
{
    const char *const names[] = {"rr-op", "rr-more", "rr-ttl", "__protVer"};
    const char *const values[] = {r->op, r->more, r->ttl, r->protocol};
    struct wire_user_property users[4];
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_publish *publish = &packet.as.publish;
    struct wire_properties *properties = &publish->properties;

    publish->topic = SPAN_LITERAL("do");
    publish->payload = SPAN_LITERAL("please");
    publish->qos = r->packet_id != 0;
    publish->packet_id = r->packet_id;
    publish->dup = r->dup;
    properties->response_topic = SPAN_LITERAL("back");
    wire_properties_set(properties, WIRE_RESPONSE_TOPIC);
    if (r->correlation != NULL) {
        properties->correlation_data = span_of_text(r->correlation);
        wire_properties_set(properties, WIRE_CORRELATION_DATA);
    }
    if (r->expiry_s != 0) {
        properties->message_expiry_interval = r->expiry_s;
        wire_properties_set(properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    }
    if (r->identifier != 0) {
        properties->subscription_identifier = r->identifier;
        wire_properties_set(properties, WIRE_SUBSCRIPTION_IDENTIFIER);
    }
    properties->users = users;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (values[i] != NULL) {
            users[properties->user_count++] =
                (struct wire_user_property){span_of_text(names[i]), span_of_text(values[i])};
        }
    }
    peer_send(p, &packet);
}

struct wilco_call *
desk_expect_call(struct peer *p, const char *correlation)
{
    struct core_event event;

    peer_event(p, CORE_CALL, &event);
    assert_true(event.to.on_request == desk_on_request);
    assert_true(span_equal(event.call->message->correlation_data, span_of_text(correlation)));
    return event.call;
}

struct wilco_call *
desk_expect_change(struct peer *p)
{
    struct core_event event;

    peer_event(p, CORE_CHANGED, &event);
    assert_true(event.to.changed == desk_on_changed);
    return event.call;
}

void
desk_reply(struct peer *p, struct wilco_call *call, const char *payload, enum wilco_status want)
{
    const struct wilco_reply reply = {.payload = {payload, strlen(payload)}};

    assert_int_equal(core_reply(p->core, call, &reply, p->now_ms), want);
}

static void
copy(char *to, size_t size, struct span text)
{
    assert_true(text.len < size);
    (void)snprintf(to, size, "%.*s", (int)text.len, (const char *)text.data);
}

static void
copy_user(char *to, size_t size, const struct wire_publish *publish, const char *name)
{
    struct span value = SPAN_EMPTY;

    (void)wire_properties_user(&publish->properties, span_of_text(name), &value);
    copy(to, size, value);
}

void
desk_expect_answer(struct peer *p, struct desk_answer *out)
{
    const struct wire_publish *publish = &out->packet.as.publish;

    peer_expect(p, WIRE_PUBLISH, &out->packet);
    assert_true(span_equal(publish->topic, SPAN_LITERAL("back")));
    copy_user(out->status, sizeof(out->status), publish, "__stat");
    copy_user(out->text, sizeof(out->text), publish, "__stMsg");
    copy_user(out->sequence, sizeof(out->sequence), publish, "rr-seq");
    copy_user(out->more, sizeof(out->more), publish, "rr-more");
    copy_user(out->progress, sizeof(out->progress), publish, "rr-prog");
    copy_user(out->property, sizeof(out->property), publish, "__propName");
    copy_user(out->value, sizeof(out->value), publish, "__propVal");
    copy_user(out->supported, sizeof(out->supported), publish, "__supProtMajVer");
    copy_user(out->requested, sizeof(out->requested), publish, "__requestProtVer");
    copy_user(out->application_error, sizeof(out->application_error), publish, "__apErr");
    copy_user(out->version, sizeof(out->version), publish, "__protVer");
    copy(out->payload, sizeof(out->payload), publish->payload);
    copy(out->correlation, sizeof(out->correlation), publish->properties.correlation_data);
}

void
desk_expect_status(struct peer *p, const char *status, const char *correlation)
{
    struct desk_answer answer;

    desk_expect_answer(p, &answer);
    assert_string_equal(answer.status, status);
    assert_string_equal(answer.correlation, correlation);
}

void
desk_expect_puback(struct peer *p, uint16_t packet_id)
{
    struct wire_any packet;

    peer_expect(p, WIRE_PUBACK, &packet);
    assert_int_equal(packet.as.ack.packet_id, packet_id);
}
