/* Acknowledged stays acknowledged, also when memory ends: at each allocation once, and from each on
 * until a while later. Whatever the broker has said yes to, it does: messages arrive, in a session
 * or as retained ones, and subscriptions get them. */
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    MESSAGES = 12,
    SUBSCRIBERS = 3, /* one is away, one is there, one does not acknowledge; all sessions last */
    RETAINED = 3,
};

static const char *const names[SUBSCRIBERS] = {"away", "there", "silent"};

struct scene {
    struct rig r;
    struct rig_client publisher;
    struct rig_client subscribers[SUBSCRIBERS];
    bool was_acked[MESSAGES];
    bool has_come[SUBSCRIBERS][MESSAGES];
    bool was_retained[RETAINED];
    bool has_subscribed; /* a further subscription of the one that is there */
    bool has_its_message;
};

static void
note_message(struct scene *s, size_t i, const struct wire_publish *p)
{
    unsigned number = 0;
    char text[8] = "";

    if (p->payload.len > 0 && p->payload.len < sizeof(text)) {
        memcpy(text, p->payload.data, p->payload.len);
    }
    if (text[0] == 'm') {
        number = (unsigned)strtoul(text + 1, NULL, 10);
        assert_true(number < MESSAGES);
        s->has_come[i][number] = true;
    }
    s->has_its_message = s->has_its_message || strcmp(text, "later") == 0;
}

static void
read_all(struct scene *s, size_t i, bool acks)
{
    struct rig_client *c = &s->subscribers[i];
    struct wire_any packet;

    while (rig_next(c, &packet)) {
        const struct wire_publish *p = &packet.as.publish;

        if (packet.type == WIRE_PUBLISH) {
            note_message(s, i, p);
        }
        if (packet.type == WIRE_PUBLISH && p->qos > 0 && acks) {
            rig_ack(c, p->qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, p->packet_id);
        } else if (packet.type == WIRE_PUBREL) {
            rig_ack(c, WIRE_PUBCOMP, packet.as.ack.packet_id);
        } else if (packet.type == WIRE_SUBACK && packet.as.suback.packet_id == 2) {
            s->has_subscribed = packet.as.suback.reason_codes.data[0] < 0x80;
        }
    }
}

/* Whether it was acknowledged, and not refused. */
static bool
publish(struct scene *s, const char *topic, const char *payload, uint8_t qos, bool retain)
{
    struct wire_any packet = rig_publish_packet(topic, payload, qos, 1);
    struct wire_any answer;
    bool is_acked = false;

    packet.as.publish.retain = retain;
    rig_send(&s->publisher, &packet);
    while (rig_next(&s->publisher, &answer)) {
        bool is_ack = answer.type == WIRE_PUBACK || answer.type == WIRE_PUBREC;

        is_acked = is_acked || (is_ack && answer.as.ack.reason_code < 0x80);
        if (answer.type == WIRE_PUBREC && answer.as.ack.reason_code < 0x80) {
            rig_ack(&s->publisher, WIRE_PUBREL, 1);
        }
    }
    return is_acked;
}

/* It comes back if it was thrown out. */
static void
come_back(struct scene *s)
{
    struct wire_any packet;

    if (!s->publisher.is_open) {
        rig_client_close(&s->publisher);
        rig_client_open(&s->r, &s->publisher, "publisher", WIRE_V5);
        packet = rig_connect_packet(&s->publisher, "publisher");
        rig_send(&s->publisher, &packet);
        while (rig_next(&s->publisher, &packet)) {
        }
    }
}

static void
open_scene(struct scene *s, unsigned shards)
{
    memset(s, 0, sizeof(*s));
    rig_open(&s->r, shards, NULL);
    rig_client_connect(&s->r, &s->publisher, "publisher");
    for (size_t i = 0; i < SUBSCRIBERS; i++) {
        rig_resume(&s->r, &s->subscribers[i], names[i], false);
        rig_subscribe(&s->subscribers[i], "a/#", i == 1 ? 2 : 1);
    }
    rig_client_close(&s->subscribers[0]);
}

static void
play(struct scene *s)
{
    const struct wire_subscription w = {.filter = SPAN_LITERAL("later/+"), .qos = 1};
    const struct wire_any subscribe = {
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = 2, .count = 1, .subscriptions = &w},
    };
    char payload[8];
    char topic[16];

    for (unsigned i = 0; i < MESSAGES; i++) {
        (void)snprintf(payload, sizeof(payload), "m%u", i);
        come_back(s);
        s->was_acked[i] = publish(s, i < 6 ? "a/b" : "a/c/d", payload, i % 3 == 2 ? 2 : 1, false);
        read_all(s, 1, true);
        read_all(s, 2, false);
    }
    for (unsigned i = 0; i < RETAINED; i++) {
        (void)snprintf(topic, sizeof(topic), "kept/%u", i);
        come_back(s);
        s->was_retained[i] = publish(s, topic, "kept", 1, true);
    }
    rig_send(&s->subscribers[1], &subscribe);
    read_all(s, 1, true);
}

/* There is memory again. */
static void
expect_promises_kept(struct scene *s)
{
    struct rig_client c;
    struct wire_any packet;
    bool is_there[RETAINED] = {false};

    rig_advance(&s->r, 100); /* shards try again what they owe */
    come_back(s);
    for (size_t i = 0; i < SUBSCRIBERS; i++) {
        rig_client_close(&s->subscribers[i]);
        rig_resume(&s->r, &s->subscribers[i], names[i], true);
        read_all(s, i, true);
    }
    (void)publish(s, "later/on", "later", 1, false);
    read_all(s, 1, true);
    assert_true(s->has_its_message || !s->has_subscribed);
    for (size_t i = 0; i < SUBSCRIBERS; i++) {
        for (unsigned m = 0; m < MESSAGES; m++) {
            if (s->was_acked[m] && !s->has_come[i][m]) {
                fail_msg("message %u was acknowledged, and \"%s\" does not get it", m, names[i]);
            }
        }
    }
    rig_client_connect(&s->r, &c, "looks");
    rig_subscribe(&c, "kept/+", 0);
    while (rig_next(&c, &packet)) {
        is_there[packet.as.publish.topic.data[5] - '0'] = true;
    }
    for (unsigned i = 0; i < RETAINED; i++) {
        assert_true(is_there[i] || !s->was_retained[i]);
    }
    rig_client_close(&c);
}

/* The number of allocations made. */
static size_t
run(unsigned shards, size_t once, size_t from)
{
    static struct scene s;
    size_t before = 0;
    size_t attempts = 0;

    open_scene(&s, shards);
    before = s.r.alloc.attempts;
    s.r.alloc.fail_at = once == 0 ? 0 : before + once;
    s.r.alloc.fails_from = from == 0 ? 0 : before + from;
    play(&s);
    attempts = s.r.alloc.attempts - before;
    s.r.alloc.fail_at = 0;
    s.r.alloc.fails_from = 0;
    expect_promises_kept(&s);
    if (once == 0 && from == 0) {
        for (unsigned m = 0; m < MESSAGES; m++) {
            assert_true(s.was_acked[m]);
        }
        assert_true(s.was_retained[0] && s.has_subscribed);
    }
    for (size_t i = 0; i < SUBSCRIBERS; i++) {
        rig_client_close(&s.subscribers[i]);
    }
    rig_client_close(&s.publisher);
    rig_close(&s.r);
    return attempts;
}

static void
test_each_allocation_fails_once(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 3; shards += 2) {
        size_t at = 0;

        while (run(shards, at, 0) >= at) {
            at++;
        }
        print_message("%u allocations\n", (unsigned)(at - 1));
        assert_true(at > 20);
    }
}

static void
test_all_fail_from_each_on(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 3; shards += 2) {
        size_t from = 1;

        while (run(shards, 0, from) >= from) {
            from++;
        }
        assert_true(from > 20);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_fails_once),
        cmocka_unit_test(test_all_fail_from_each_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
