/* Every bound and switch of requests is reached, and what it keeps out is told and counted (C37).
 */
#include "base/log.h"
#include "support/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Asks `count` times, with the correlations "0", "1" ..., and takes what the broker says to it. */
static void
ask_many(struct scene *s, const char *response_topic, unsigned first, unsigned count)
{
    char correlation[16];

    for (unsigned i = first; i < first + count; i++) {
        (void)snprintf(correlation, sizeof(correlation), "%u", i);
        ask(&s->asker, &(struct ask){.topic = "service/x",
                                     .response_topic = response_topic,
                                     .correlation = correlation,
                                     .payload = "0123456789",
                                     .qos = 1,
                                     .packet_id = 1});
        rig_expect_ack(&s->asker, WIRE_PUBACK, 1, 0);
    }
}

/* The responder has got so many requests, and no more. */
static void
expect_requests(struct scene *s, unsigned count, struct wire_any *last)
{
    for (unsigned i = 0; i < count; i++) {
        expect_request(&s->responder, false, last);
    }
    rig_expect_nothing(&s->responder);
}

/* Beyond the bounds on what is tracked: a request that wants its response in an inbox is refused,
 * as nobody could answer it there; others go on, and nothing is known of them. */
static void
check_untracked(const struct settings *settings, unsigned shards, unsigned tracked)
{
    struct scene s;
    struct wire_any request;
    char last[16];

    scene_open(&s, shards, settings, ASKER_FULL);
    ask_many(&s, s.inbox, 0, tracked + 1);
    expect_requests(&s, tracked, &request);
    (void)snprintf(last, sizeof(last), "%u", tracked);
    expect_status(&s.asker, last, "429", "queued", "no");
    rig_expect_nothing(&s.asker);
    rig_subscribe(&s.asker, "answers", 0);
    ask_many(&s, "answers", 100, 1);
    expect_requests(&s, 1, &request);
    assert_int_equal(rig_stats(&s.r).rr_untracked, 1);
    assert_int_equal(rig_stats(&s.r).rr_not_taken, 1);
    respond(&s.responder, &request.as.publish, "untracked", 0, 0);
    expect_response(&s.asker, "100", "untracked");
    assert_int_equal(rig_stats(&s.r).rr_in_flight, tracked);
    rig_advance(&s.r, 60000); /* all of them end, and there is room again */
    for (unsigned i = 0; i < tracked; i++) {
        rig_expect(&s.asker, WIRE_PUBLISH, &request);
        assert_true(span_equal(user_of(&request.as.publish, "__stat"), SPAN_LITERAL("504")));
    }
    rig_expect_nothing(&s.asker);
    assert_int_equal(rig_stats(&s.r).rr_in_flight_bytes, 0);
    ask_many(&s, s.inbox, 0, tracked);
    expect_requests(&s, tracked, &request);
    rig_expect_nothing(&s.asker);
    scene_close(&s);
}

static void
requests_held(void **state)
{
    struct settings settings = settings_default();

    (void)state;
    settings.requests_held_max = 3;
    check_untracked(&settings, 1, 3);
    check_untracked(&settings, 4, 3);
    settings = settings_default();
    settings.requests_held_bytes_max = 170; /* one is 51 bytes, or 39 */
    check_untracked(&settings, 1, 3);
}

static void
requests_in_all(void **state)
{
    struct settings settings = settings_default();

    (void)state;
    settings.requests_max = 2;
    check_untracked(&settings, 1, 2);
    settings.requests_max = 8; /* a quarter for each shard */
    check_untracked(&settings, 4, 2);
    settings = settings_default();
    settings.requests_bytes_max = 340; /* half for each */
    check_untracked(&settings, 2, 3);
}

/* How one of two requests in flight comes to its end. */
enum end {
    ANSWERED,
    DECLINED,
    EXPIRED,
    LOST,
    UNSERVED, /* it was none: nobody has subscribed */
};

static void
end_one(struct scene *s, enum end how, const struct wire_any *request)
{
    switch (how) {
    case ANSWERED:
        respond(&s->responder, &request->as.publish, "answer", 0, 0);
        expect_response(&s->asker, "1", "answer");
        break;
    case DECLINED:
        rig_send(&s->responder,
                 &(struct wire_any){
                     .type = WIRE_PUBACK,
                     .as.ack = {.packet_id = request->as.publish.packet_id, .reason_code = 0x80}});
        expect_status(&s->asker, "1", "503", "delivered", "maybe");
        break;
    case EXPIRED:
        rig_advance(&s->r, 30000);
        expect_status(&s->asker, "0", "504", "delivered", "maybe");
        expect_status(&s->asker, "1", "504", "delivered", "maybe");
        break;
    case LOST:
        rig_client_drop(&s->responder);
        expect_status(&s->asker, "0", "503", "delivered", "maybe");
        expect_status(&s->asker, "1", "503", "delivered", "maybe");
        rig_client_close(&s->responder);
        rig_client_connect(&s->r, &s->responder, "responder");
        rig_subscribe(&s->responder, "service/x", 1);
        break;
    case UNSERVED: break;
    }
}

static void
refused_for_quota(struct scene *s, uint8_t qos)
{
    ask(&s->asker, &(struct ask){.topic = "service/x",
                                 .response_topic = s->inbox,
                                 .correlation = "too many",
                                 .qos = qos,
                                 .packet_id = qos});
    if (qos > 0) {
        rig_expect_ack(&s->asker, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, qos, 0x97);
    }
    expect_status(&s->asker, "too many", "429", "rejected", "no");
    rig_expect_nothing(&s->asker);
    rig_expect_nothing(&s->responder);
}

/* A client has as many requests in flight as it may, in whatever shard; each end makes room. */
static void
in_flight(void **state)
{
    struct settings settings = settings_default();
    struct scene s;
    struct wire_any request;

    (void)state;
    settings.requests_in_flight_max = 2;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        for (unsigned how = ANSWERED; how <= UNSERVED; how++) {
            scene_open(&s, shards, &settings, ASKER_FULL);
            if (how == UNSERVED) { /* never in flight */
                for (unsigned i = 0; i < 5; i++) {
                    ask(&s.asker, &(struct ask){.topic = "nowhere",
                                                .response_topic = s.inbox,
                                                .correlation = "c"});
                    expect_status(&s.asker, "c", "503", "rejected", "no");
                }
            }
            ask_many(&s, s.inbox, 0, 2);
            expect_requests(&s, 2, &request);
            for (uint8_t qos = 0; qos <= 2; qos++) {
                refused_for_quota(&s, qos);
            }
            assert_int_equal(rig_stats(&s.r).rr_refused, 3);
            end_one(&s, (enum end)how, &request);
            if (how != UNSERVED) {
                ask_many(&s, s.inbox, 7, 1);
                expect_requests(&s, 1, &request);
                rig_expect_nothing(&s.asker);
            }
            rig_publish_qos(&s.asker, "service/x", "no request", 1, 9); /* is none of them */
            rig_expect_ack(&s.asker, WIRE_PUBACK, 9, 0);
            scene_close(&s);
        }
    }
}

/* Untracked ones are not in flight: nobody will know when they end. */
static void
in_flight_and_untracked(void **state)
{
    struct settings settings = settings_default();
    struct scene s;
    struct wire_any request;

    (void)state;
    settings.requests_in_flight_max = 2;
    settings.requests_held_max = 1;
    scene_open(&s, 4, &settings, ASKER_FULL);
    ask_many(&s, "answers", 0, 10);
    expect_requests(&s, 10, &request);
    assert_int_equal(rig_stats(&s.r).rr_untracked, 9);
    scene_close(&s);
}

/* As many at once as in a second, and then as fast as that. */
static void
per_second(void **state)
{
    static const uint64_t limits[] = {1, 3, 10, 600, 5000};
    struct settings settings = settings_default();

    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct scene s;
        unsigned accepted = 0;

        settings.requests_per_second_max = limits[i];
        scene_open(&s, 1, &settings, ASKER_PLAIN);
        for (uint64_t n = 0; n < limits[i]; n++) {
            ask(&s.asker, &(struct ask){.topic = "nowhere", .response_topic = "a"});
        }
        assert_int_equal(rig_stats(&s.r).rr_refused, 0);
        ask(&s.asker,
            &(struct ask){.topic = "nowhere", .response_topic = "a", .qos = 1, .packet_id = 9});
        rig_expect_ack(&s.asker, WIRE_PUBACK, 9, 0x97);
        for (unsigned ms = 0; ms < 2000; ms++) { /* more than it may, all the time */
            uint64_t before = rig_stats(&s.r).rr_no_responder;

            rig_advance(&s.r, 1);
            for (uint64_t n = 0; n <= limits[i] / 500; n++) {
                ask(&s.asker, &(struct ask){.topic = "nowhere", .response_topic = "a"});
            }
            accepted += (unsigned)(rig_stats(&s.r).rr_no_responder - before);
        }
        print_message("%u of %u\n", accepted, 2 * (unsigned)limits[i]);
        assert_in_range(accepted, 2 * limits[i] * 99 / 100, 2 * limits[i] * 101 / 100);
        scene_close(&s);
    }
}

/* What says no deadline itself. */
static void
a_deadline_for_those_without(void **state)
{
    struct settings settings = settings_default();
    struct scene s;
    struct wire_any request;

    (void)state;
    settings.request_deadline_ms = 1234;
    scene_open(&s, 2, &settings, ASKER_FULL);
    ask_many(&s, s.inbox, 0, 1);
    expect_requests(&s, 1, &request);
    rig_advance(&s.r, 1233);
    rig_expect_nothing(&s.asker);
    rig_advance(&s.r, 1);
    expect_status(&s.asker, "0", "504", "delivered", "maybe");
    assert_int_equal(rig_stats(&s.r).rr_timed_out, 1);
    scene_close(&s);
}

/* MQTT 5.0 as any broker has it. */
static void
no_tracking(void **state)
{
    struct settings settings = settings_default();
    struct scene s;
    struct wire_any request;

    (void)state;
    settings.request_tracking = 0;
    scene_open(&s, 2, &settings, ASKER_FULL);
    assert_string_equal(s.inbox, "");
    rig_subscribe(&s.asker, "answers/x", 0);
    ask(&s.asker, &(struct ask){.topic = "nowhere",
                                .response_topic = "answers/x",
                                .qos = 1,
                                .packet_id = 1,
                                USERS(USER("rr-ttl", "nonsense"), USER("__srcId", "forged"))});
    rig_expect_ack(&s.asker, WIRE_PUBACK, 1, 0x10);
    ask(&s.asker,
        &(struct ask){.topic = "service/x", .response_topic = "answers/x", .expiry_s = 1});
    expect_request(&s.responder, true, &request);
    rig_advance(&s.r, 1000);
    for (unsigned i = 0; i < 2; i++) {
        rig_publish_qos(&s.responder, "answers/x", "answer", 1, 9);
        rig_expect_ack(&s.responder, WIRE_PUBACK, 9, 0);
        expect_response(&s.asker, "", "answer");
    }
    rig_client_drop(&s.responder);
    rig_expect_nothing(&s.asker);
    assert_int_equal(rig_stats(&s.r).rr_requests, 0);
    assert_int_equal(rig_stats(&s.r).rr_statuses, 0);
    scene_close(&s);
}

/* Filters beyond the bound share their figures. */
static void
filters_with_figures(void **state)
{
    static const char *const topics[] = {"a", "b", "c", "d"};
    struct settings settings = settings_default();
    struct scene s;
    struct wire_any packet;
    const struct request_stats *stats = NULL;
    struct service_table *services = NULL;
    uint64_t requests[4] = {0};

    (void)state;
    settings.request_filters_max = 2;
    scene_open(&s, 1, &settings, ASKER_PLAIN);
    services = s.r.broker.services;
    for (size_t i = 0; i < 4; i++) {
        rig_subscribe(&s.responder, topics[i], 0);
        for (size_t n = 0; n <= i; n++) {
            ask(&s.asker, &(struct ask){.topic = topics[i], .response_topic = "answers"});
            expect_request(&s.responder, true, &packet);
        }
    }
    assert_true(service_table_end(services) <= 4);
    for (uint32_t n = SERVICE_OTHER; n < service_table_end(services); n++) {
        stats = request_stats_read(&s.r.broker.shards[0]->request_stats, n);
        requests[n] = stats == NULL ? 0 : stats->requests;
    }
    assert_int_equal(requests[SERVICE_OTHER], 3 + 4);
    assert_int_equal(requests[2], 1);
    assert_int_equal(requests[3], 2);
    scene_close(&s);
}

/* The last line about a request. */
struct lines {
    char last[LOG_LINE_MAX + 1];
    unsigned count;
};

static void
collect(void *context, enum log_level level, struct span line)
{
    struct lines *l = context;

    (void)level;
    (void)snprintf(l->last, sizeof(l->last), "%.*s", (int)line.len, (const char *)line.data);
    l->count += strstr(l->last, "event=request_") != NULL;
}

static void
slow_requests(void **state)
{
    static const struct {
        uint64_t limit_ms;
        uint64_t took_ms;
        bool is_logged;
    } rows[] = {{250, 249, false}, {250, 250, true}, {250, 5000, true}, {0, 5000, false}};
    struct settings settings = settings_default();
    struct scene s;
    struct lines lines;
    struct logger logger = {.level = LOG_INFO, .sink = collect, .context = &lines};
    struct wire_any request;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        lines = (struct lines){.count = 0};
        settings.slow_request_ms = rows[i].limit_ms;
        scene_open(&s, 1, &settings, ASKER_FULL);
        s.r.broker.log = &logger;
        ask_many(&s, s.inbox, 7, 1);
        expect_request(&s.responder, false, &request);
        rig_advance(&s.r, rows[i].took_ms - 100);
        rig_ack(&s.responder, WIRE_PUBACK, request.as.publish.packet_id);
        rig_advance(&s.r, 100);
        respond(&s.responder, &request.as.publish, "answer", 0, 0);
        expect_response(&s.asker, "7", "answer");
        assert_int_equal(lines.count, rows[i].is_logged);
        if (rows[i].is_logged) {
            assert_non_null(strstr(lines.last, "event=request_slow topic=\"service/x\" corr=\"7\" "
                                               "requester=\"asker\" responder=\"responder\" "
                                               "queue_ms=0 ack_ms="));
            assert_non_null(strstr(lines.last, " service_ms="));
        }
        scene_close(&s);
    }
}

/* User Properties are the responder's to understand, but for these. */
static const struct {
    const char *name;
    const char *value;
    bool is_right;
} terms[] = {
    {"rr-ttl", "250", true},
    {"rr-ttl", "31536000000", true},
    {"rr-ttl", "31536000001", false},
    {"rr-ttl", "", false},
    {"rr-ttl", "-1", false},
    {"rr-ttl", "1.5", false},
    {"rr-ttl", " 1", false},
    {"rr-ttl", "0x10", false},
    {"rr-ttl", "18446744073709551617", false},
    {"rr-more", "0", true},
    {"rr-more", "1000000000", true},
    {"rr-more", "1000000001", false},
    {"rr-more", "many", false},
    {"rr-idem", "0", true},
    {"rr-idem", "1", true},
    {"rr-idem", "true", false},
    {"rr-idem", "", false},
    {"rr-if-offline", "wait", true},
    {"rr-if-offline", "fail", true},
    {"rr-if-offline", "refuse", true},
    {"rr-if-offline", "Fail", false},
    {"rr-if-offline", "", false},
    {"rr-unknown", "?", true},
    {"RR-TTL", "?", true},
};

static void
terms_that_make_no_sense(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
        const struct wire_user_property user = {span_of_text(terms[i].name),
                                                span_of_text(terms[i].value)};
        struct scene s;

        print_message("%s=%s\n", terms[i].name, terms[i].value);
        for (uint8_t qos = 0; qos <= 2; qos++) {
            scene_open(&s, 1, NULL, ASKER_FULL);
            ask(&s.asker, &(struct ask){.topic = "service/x",
                                        .response_topic = s.inbox,
                                        .correlation = "c",
                                        .qos = qos,
                                        .packet_id = qos,
                                        .users = &user,
                                        .user_count = 1});
            if (qos > 0) {
                rig_expect_ack(&s.asker, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, qos,
                               terms[i].is_right ? 0 : 0x83);
            }
            if (!terms[i].is_right) {
                expect_status(&s.asker, "c", "400", "rejected", "no");
            }
            rig_expect_nothing(&s.asker);
            assert_int_equal(rig_next(&s.responder, &(struct wire_any){0}), terms[i].is_right);
            scene_close(&s);
        }
    }
}

/* Connects again, for packets of no more than so many bytes. */
static void
narrow(struct rig *r, struct rig_client *c, const char *client_id, uint32_t bytes_max)
{
    static const struct wire_user_property rr = USER("rr", "1");
    struct wire_connect how = rig_lasting(client_id, 60);
    struct wire_any connack;

    rig_client_close(c);
    how.properties.maximum_packet_size = bytes_max;
    how.properties.users = &rr;
    how.properties.user_count = 1;
    wire_properties_set(&how.properties, WIRE_MAXIMUM_PACKET_SIZE);
    wire_properties_set(&how.properties, WIRE_USER_PROPERTY);
    rig_connect(r, c, &how, &connack);
    assert_int_equal(connack.as.connack.reason_code, 0);
}

/* [MQTT-3.1.2-25] has it dropped in silence; the requester hears that it will not be executed. */
static void
a_request_too_large(void **state)
{
    struct scene s;
    char payload[1000];

    (void)state;
    memset(payload, 'x', sizeof(payload) - 1);
    payload[sizeof(payload) - 1] = '\0';
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        for (uint8_t qos = 0; qos <= 2; qos++) {
            scene_open(&s, shards, NULL, ASKER_FULL);
            narrow(&s.r, &s.responder, "responder", 500);
            rig_subscribe(&s.responder, "service/x", qos);
            ask(&s.asker, &(struct ask){.topic = "service/x",
                                        .response_topic = s.inbox,
                                        .correlation = "c",
                                        .payload = payload,
                                        .qos = qos,
                                        .packet_id = qos});
            if (qos > 0) {
                rig_expect_ack(&s.asker, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, qos, 0);
            }
            expect_status(&s.asker, "c", "413", "queued", "no");
            rig_expect_nothing(&s.asker);
            rig_expect_nothing(&s.responder);
            assert_int_equal(rig_stats(&s.r).rr_in_flight, 0);
            scene_close(&s);
        }
    }
}

/* T13: not silence. Whether it comes at once or has waited for the requester. */
static void
a_response_too_large(void **state)
{
    struct scene s;
    struct wire_any request;
    char payload[1000];

    (void)state;
    memset(payload, 'x', sizeof(payload) - 1);
    payload[sizeof(payload) - 1] = '\0';
    for (unsigned away = 0; away <= 1; away++) {
        for (uint8_t qos = 0; qos <= 2; qos++) {
            scene_open(&s, qos + 1U, NULL, ASKER_FULL | ASKER_LASTS);
            if (away == 0) {
                narrow(&s.r, &s.asker, "asker", 500);
            }
            ask(&s.asker,
                &(struct ask){.topic = "service/x", .response_topic = s.inbox, .correlation = "c"});
            expect_request(&s.responder, true, &request);
            if (away == 1) {
                rig_client_close(&s.asker);
            }
            respond(&s.responder, &request.as.publish, payload, qos, 9);
            if (qos > 0) {
                rig_expect_ack(&s.responder, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, 9, 0);
            }
            if (away == 1) {
                narrow(&s.r, &s.asker, "asker", 500);
            }
            /* At QoS 0 it was dropped while nobody was there. */
            expect_status(&s.asker, "c", away == 1 && qos == 0 ? "503" : "413", "acked", "maybe");
            rig_expect_nothing(&s.asker);
            assert_int_equal(rig_stats(&s.r).rr_response_lost, 1);
            scene_close(&s);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_held),       cmocka_unit_test(requests_in_all),
        cmocka_unit_test(in_flight),           cmocka_unit_test(in_flight_and_untracked),
        cmocka_unit_test(per_second),          cmocka_unit_test(a_deadline_for_those_without),
        cmocka_unit_test(no_tracking),         cmocka_unit_test(filters_with_figures),
        cmocka_unit_test(slow_requests),       cmocka_unit_test(terms_that_make_no_sense),
        cmocka_unit_test(a_request_too_large), cmocka_unit_test(a_response_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
