/* Who subscribes with `rr-observe`=`1` watches: it gets what matches, and is nobody to answer. */
#include "support/asking.h"
#include "support/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TOPIC "service/x"

struct scene {
    struct rig r;
    struct rig_client asker;
    struct rig_client watcher;
    struct rig_client responder;
    char inbox[INBOX_TEXT_BYTES];
    struct wire_any request;
};

static void
open_scene(struct scene *s, unsigned shards)
{
    static const char *const prefixes[] = {"asker", "watcher", "responder"};
    char names[3][RIG_NAME_BYTES];

    memset(s, 0, sizeof(*s));
    rig_open(&s->r, shards, NULL);
    for (unsigned i = 0; i < 3; i++) {
        rig_name_in(&s->r, i, prefixes[i], names[i]);
    }
    asker_connect(&s->r, &s->asker, names[0], ASKER_FULL, s->inbox);
    rig_resume(&s->r, &s->watcher, names[1], false);
    rig_client_connect(&s->r, &s->responder, names[2]);
}

static void
close_scene(struct scene *s)
{
    rig_expect_nothing(&s->asker);
    audit_requests_ended(&s->r);
    rig_client_close(&s->asker);
    rig_client_close(&s->watcher);
    rig_client_close(&s->responder);
    rig_close(&s->r);
}

/* Subscribes to one filter, at QoS 1 and with this `rr-observe` (NULL: without). */
static void
subscribe(struct rig_client *c, const char *filter, const char *observe, uint32_t identifier,
          uint8_t reason_code)
{
    const struct wire_user_property user = {SPAN_LITERAL("rr-observe"), span_of_text(observe)};
    const struct wire_subscription w = {.filter = span_of_text(filter), .qos = 1};
    struct wire_any packet = {
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = 3, .count = 1, .subscriptions = &w},
    };
    struct wire_properties *v = &packet.as.subscribe.properties;
    struct wire_any suback;

    if (observe != NULL) {
        v->users = &user;
        v->user_count = 1;
        wire_properties_set(v, WIRE_USER_PROPERTY);
    }
    if (identifier != 0) {
        v->subscription_identifier = identifier;
        wire_properties_set(v, WIRE_SUBSCRIPTION_IDENTIFIER);
    }
    rig_send(c, &packet);
    rig_expect(c, WIRE_SUBACK, &suback);
    assert_int_equal(suback.as.suback.reason_codes.len, 1);
    assert_int_equal(suback.as.suback.reason_codes.data[0], reason_code);
    assert_int_equal(suback.as.suback.properties.reason_string.len > 0, reason_code == 0x83);
}

static void
ask_it(struct scene *s, const struct wire_user_property *user, uint8_t reason_code)
{
    ask(&s->asker, &(struct ask){.topic = TOPIC,
                                 .response_topic = s->inbox,
                                 .correlation = "c",
                                 .qos = 1,
                                 .packet_id = 5,
                                 .users = user,
                                 .user_count = user != NULL});
    rig_expect_ack(&s->asker, WIRE_PUBACK, 5, reason_code);
}

static void
answer_it(struct scene *s, struct rig_client *c, uint8_t reason_code)
{
    respond(c, &s->request.as.publish, "answer", 1, 9);
    rig_expect_ack(c, WIRE_PUBACK, 9, reason_code);
    if (reason_code == 0) {
        expect_response(&s->asker, "c", "answer");
    }
}

/* Alone it sees the request, but nobody has that: twice, as the second goes by another way than
 * through the topic index. */
static void
nobody_is_there(void **state)
{
    static const char *const filters[] = {"#", "service/+", TOPIC};
    static const struct wire_user_property fan = USER("rr-fan", "1");

    (void)state;
    for (unsigned row = 0; row < 9; row++) {
        struct scene s;

        open_scene(&s, 1 + row / 3);
        subscribe(&s.watcher, filters[row % 3], "1", 0, 1);
        for (unsigned n = 0; n < 3; n++) {
            if (n == 2) {
                struct wire_any packet;

                ask(&s.asker, &(struct ask){.topic = TOPIC,
                                            .response_topic = s.inbox,
                                            .correlation = "c",
                                            .qos = 1,
                                            .packet_id = 6,
                                            .users = &fan,
                                            .user_count = 1});
                rig_expect(&s.asker, WIRE_PUBACK, &packet);
                assert_int_equal(packet.as.ack.reason_code, 0x10);
            } else {
                ask_it(&s, NULL, 0x10);
            }
            expect_status(&s.asker, "c", "503", "rejected", "no");
            expect_request(&s.watcher, true, &s.request);
            answer_it(&s, &s.watcher, 0x87);
        }
        assert_int_equal(audit_count(&s.r, COUNTER(publish_unmatched)), 0); /* somebody saw it */
        assert_int_equal(audit_count(&s.r, COUNTER(rr_no_responder)), 3);
        close_scene(&s);
    }
}

/* A responder answers beside it, and has the request alone, under its own name in the figures. */
static void
beside_a_responder(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 3; shards++) {
        const struct request_stats *all = NULL;
        struct scene s;
        uint64_t requests = 0;

        open_scene(&s, shards);
        subscribe(&s.watcher, "#", "1", 0, 1);
        rig_subscribe(&s.responder, "service/+", 1);
        ask_it(&s, NULL, 0);
        expect_request(&s.watcher, true, &s.request);
        answer_it(&s, &s.watcher, 0x87);
        assert_int_equal(audit_count(&s.r, COUNTER(rr_in_flight)), 1);
        expect_request(&s.responder, true, &s.request);
        answer_it(&s, &s.responder, 0);
        for (uint32_t n = 1; n < service_table_end(s.r.broker.services); n++) {
            for (unsigned i = 0; i < shards; i++) {
                all = request_stats_read(&s.r.broker.shards[i]->request_stats, n);
                requests +=
                    all != NULL && span_equal(service_table_name(s.r.broker.services, n).filter,
                                              SPAN_LITERAL("service/+"))
                        ? all->requests
                        : 0;
            }
        }
        assert_int_equal(requests, 1);
        close_scene(&s);
    }
}

/* A responder is lost, or away: that somebody watches does not change what is said of it. */
static void
a_responder_fails(void **state)
{
    static const struct wire_user_property fail = USER("rr-if-offline", "fail");

    (void)state;
    for (unsigned shards = 1; shards <= 3; shards++) {
        struct scene s;

        open_scene(&s, shards);
        subscribe(&s.watcher, "#", "1", 0, 1);
        rig_subscribe(&s.responder, "service/+", 1);
        ask_it(&s, NULL, 0);
        expect_request(&s.watcher, true, &s.request);
        expect_request(&s.responder, true, &s.request);
        rig_client_drop(&s.responder);
        expect_status(&s.asker, "c", "503", "acked", "maybe");
        rig_client_drop(&s.watcher); /* who is away is not a responder who is away, either */
        ask_it(&s, &fail, 0x10);
        expect_status(&s.asker, "c", "503", "rejected", "no");
        assert_int_equal(audit_count(&s.r, COUNTER(rr_offline)), 0);
        assert_int_equal(audit_count(&s.r, COUNTER(rr_no_responder)), 1);
        close_scene(&s);
    }
}

static unsigned
count_identifiers(const struct wire_publish *p)
{
    struct wire_property_iterator it = wire_property_iterate(p->properties.block);
    struct wire_property property;
    unsigned count = 0;

    while (wire_property_next(&it, &property)) {
        count += property.id == WIRE_SUBSCRIPTION_IDENTIFIER;
    }
    return count;
}

/* Who watches and is asked as well gets one copy, for all its subscriptions, and is asked. */
static void
the_ordinary_one_wins(void **state)
{
    static const struct {
        const char *first, *second; /* filters */
        const char *observe_first, *observe_second;
    } rows[] = {
        {"#", "service/+", "1", NULL},
        {"service/+", "#", NULL, "1"},
        {TOPIC, "service/#", "1", "0"},
        {"service/#", TOPIC, "1", NULL},
    };

    (void)state;
    for (size_t row = 0; row < 2 * sizeof(rows) / sizeof(rows[0]); row++) {
        struct scene s;

        open_scene(&s, row % 2 == 0 ? 1 : 3);
        subscribe(&s.watcher, rows[row / 2].first, rows[row / 2].observe_first, 11, 1);
        subscribe(&s.watcher, rows[row / 2].second, rows[row / 2].observe_second, 12, 1);
        ask_it(&s, NULL, 0);
        expect_request(&s.watcher, true, &s.request);
        assert_int_equal(count_identifiers(&s.request.as.publish), 2);
        rig_expect_nothing(&s.watcher);
        answer_it(&s, &s.watcher, 0);
        close_scene(&s);
    }
}

/* Subscribing again replaces what the first one was. */
static void
subscribing_again(void **state)
{
    struct scene s;

    (void)state;
    open_scene(&s, 2);
    subscribe(&s.watcher, "service/+", "1", 0, 1);
    ask_it(&s, NULL, 0x10);
    expect_status(&s.asker, "c", "503", "rejected", "no");
    expect_request(&s.watcher, true, &s.request);
    subscribe(&s.watcher, "service/+", "0", 0, 1);
    ask_it(&s, NULL, 0);
    expect_request(&s.watcher, true, &s.request);
    answer_it(&s, &s.watcher, 0);
    close_scene(&s);
}

/* What is no request comes as to anybody else, and somebody has got it. */
static void
other_messages(void **state)
{
    struct scene s;
    struct wire_any packet;

    (void)state;
    open_scene(&s, 2);
    subscribe(&s.watcher, "#", "1", 0, 1);
    for (unsigned n = 0; n < 2; n++) {
        rig_publish_qos(&s.asker, "news", "n", 1, 5);
        rig_expect_ack(&s.asker, WIRE_PUBACK, 5, 0);
        rig_expect_publish(&s.watcher, "n", &packet);
        rig_ack(&s.watcher, WIRE_PUBACK, packet.as.publish.packet_id);
    }
    close_scene(&s);
}

/* Nobody watches in the place of others, or in an inbox. */
static void
what_is_refused(void **state)
{
    struct scene s;

    (void)state;
    open_scene(&s, 2);
    subscribe(&s.watcher, "$share/g/service/+", "1", 0, 0x83);
    subscribe(&s.watcher, "service/+", "yes", 0, 0x83);
    subscribe(&s.watcher, "service/+", "", 0, 0x83);
    subscribe(&s.asker, s.inbox, "1", 0, 0x83);
    subscribe(&s.watcher, "$share/g/service/+", "0", 0, 1);
    subscribe(&s.asker, s.inbox, "0", 0, 1);
    close_scene(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_there),   cmocka_unit_test(beside_a_responder),
        cmocka_unit_test(a_responder_fails), cmocka_unit_test(the_ordinary_one_wins),
        cmocka_unit_test(subscribing_again), cmocka_unit_test(other_messages),
        cmocka_unit_test(what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
