/* What a request's way is told as (`rr-trace`), to its requester alone. */
#include "support/asking.h"
#include "support/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TOPIC    "service/x"
#define TEXT_MAX 400
/* The end of a trace: on the birthday of the rig, or 2 ms later. */
#define WALL       "\"wall\":\"2026-01-01T00:00:00.000Z\"}"
#define WALL_LATER "\"wall\":\"2026-01-01T00:00:00.002Z\"}"

struct scene {
    struct rig r;
    struct rig_client asker;
    struct rig_client responder;
    char responder_name[RIG_NAME_BYTES];
    char inbox[INBOX_TEXT_BYTES];
    char trace[INBOX_TEXT_BYTES + 8];
    struct wire_any request;
};

static void
open_scene(struct scene *s, unsigned shards, const char *filter)
{
    char name[RIG_NAME_BYTES];

    memset(s, 0, sizeof(*s));
    rig_open(&s->r, shards, NULL);
    rig_name_in(&s->r, 0, "asker", name);
    rig_name_in(&s->r, 1, "responder", s->responder_name);
    asker_connect(&s->r, &s->asker, name, ASKER_FULL, s->inbox);
    (void)snprintf(s->trace, sizeof(s->trace), "%s/trace", s->inbox);
    if (filter != NULL) {
        rig_client_connect(&s->r, &s->responder, s->responder_name);
        rig_subscribe(&s->responder, filter, 1);
    }
}

static void
close_scene(struct scene *s)
{
    rig_expect_nothing(&s->asker);
    audit_requests_ended(&s->r);
    rig_client_close(&s->asker);
    rig_client_close(&s->responder);
    rig_close(&s->r);
}

/* Asks for a trace on this topic. */
static void
ask_traced(struct scene *s, const char *trace, uint8_t reason_code)
{
    const struct wire_user_property users[] = {
        {SPAN_LITERAL("rr-trace"), SPAN_LITERAL("not/the/last")},
        {SPAN_LITERAL("rr-trace"), span_of_text(trace)},
    };
    struct wire_any packet;

    ask(&s->asker, &(struct ask){.topic = TOPIC,
                                 .response_topic = s->inbox,
                                 .correlation = "c",
                                 .qos = 1,
                                 .packet_id = 5,
                                 .users = users,
                                 .user_count = 2});
    rig_expect(&s->asker, WIRE_PUBACK, &packet);
    assert_int_equal(packet.as.ack.reason_code, reason_code);
}

/* The next thing is a trace with this text, in which "%h" stands for the holder. */
static void
expect_trace(struct scene *s, const char *want)
{
    const struct wire_publish *p = NULL;
    const char *hole = strstr(want, "%h");
    char text[TEXT_MAX];
    struct wire_any packet;

    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(hole == NULL ? 0 : hole - want), want,
                   hole == NULL ? "" : s->responder_name, hole == NULL ? want : hole + 2);
    rig_expect(&s->asker, WIRE_PUBLISH, &packet);
    p = &packet.as.publish;
    rig_ack(&s->asker, WIRE_PUBACK, p->packet_id);
    assert_true(span_equal(p->topic, span_of_text(s->trace)));
    assert_true(span_equal(p->properties.correlation_data, SPAN_LITERAL("c")));
    assert_true(span_equal(p->properties.content_type, SPAN_LITERAL("application/json")));
    assert_int_equal(p->properties.payload_format_indicator, 1);
    assert_true(span_equal(user_of(p, "rr-src"), SPAN_LITERAL("broker")));
    if (!span_equal(p->payload, span_of_text(text))) {
        fail_msg("%.*s\nis not\n%s", (int)p->payload.len, (const char *)p->payload.data, text);
    }
}

/* From the moment that the broker has it: 3 ms until it is acknowledged, 4 until it is answered. */
static void
answered(void **state)
{
    static const struct {
        unsigned shards;
        const char *filter, *names;
        const char *status; /* of the response; NULL: it says none */
    } rows[] = {
        {1, "service/+", "\"filter\":\"service/+\",", NULL},
        {2, "service/+", "\"filter\":\"service/+\",", "503"},
        {1, "$share/g/service/#", "\"filter\":\"service/#\",\"group\":\"g\",", "204"},
        {4, "$share/g/service/#", "\"filter\":\"service/#\",\"group\":\"g\",", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wire_user_property status = {SPAN_LITERAL("__stat"), span_of_text(rows[i].status)};
        bool is_near = rows[i].shards == 1;
        char want[TEXT_MAX];
        struct scene s;

        open_scene(&s, rows[i].shards, rows[i].filter);
        ask_traced(&s, s.trace, 0);
        expect_request(&s.responder, false, &s.request);
        rig_advance(&s.r, 3);
        rig_ack(&s.responder, WIRE_PUBACK, s.request.as.publish.packet_id);
        rig_advance(&s.r, 4);
        ask(&s.responder, &(struct ask){.topic = s.inbox,
                                        .correlation = "c",
                                        .payload = "answer",
                                        .users = &status,
                                        .user_count = rows[i].status != NULL});
        expect_response(&s.asker, "c", "answer");
        (void)snprintf(want, sizeof(want),
                       "{\"topic\":\"service/x\",%s\"holder\":\"%%h\",\"outcome\":\"answered\","
                       "\"status\":%s,\"executed\":\"yes\",\"times_us\":{\"received\":0,"
                       "\"delivered\":0,\"acknowledged\":3000,\"responded\":7000%s}," WALL,
                       rows[i].names, rows[i].status == NULL ? "200" : rows[i].status,
                       is_near ? ",\"forwarded\":7000" : "");
        expect_trace(&s, want);
        assert_int_equal(audit_count(&s.r, COUNTER(rr_traces)), 1);
        close_scene(&s);
    }
}

/* The requester does not read: the response is there, but not on its way to it. */
static void
answered_and_kept(void **state)
{
    struct settings settings = settings_default();
    struct wire_any packet;
    struct scene s;
    char large[2000] = "";

    (void)state;
    settings.output_bytes_max = 1024;
    memset(&s, 0, sizeof(s));
    memset(large, 'x', sizeof(large) - 1);
    rig_open(&s.r, 1, &settings);
    (void)snprintf(s.responder_name, sizeof(s.responder_name), "responder");
    asker_connect(&s.r, &s.asker, "asker", ASKER_FULL, s.inbox);
    rig_client_connect(&s.r, &s.responder, "responder");
    (void)snprintf(s.trace, sizeof(s.trace), "%s/trace", s.inbox);
    rig_subscribe(&s.responder, TOPIC, 0);
    rig_subscribe(&s.asker, "bulk", 0);
    ask_traced(&s, s.trace, 0);
    expect_request(&s.responder, false, &s.request);
    s.asker.is_stuck = true;
    rig_publish(&s.responder, "bulk", large);
    respond(&s.responder, &s.request.as.publish, "answer", 1, 9);
    rig_expect_ack(&s.responder, WIRE_PUBACK, 9, 0);
    s.asker.is_stuck = false;
    conn_touch(&s.asker.conn);
    rig_settle(&s.r);
    rig_expect_publish(&s.asker, large, &packet);
    expect_response(&s.asker, "c", "answer");
    expect_trace(&s, "{\"topic\":\"service/x\",\"filter\":\"service/x\",\"holder\":\"%h\","
                     "\"outcome\":\"answered\",\"status\":200,\"executed\":\"yes\","
                     "\"times_us\":{\"received\":0,\"delivered\":0,\"responded\":0}," WALL);
    close_scene(&s);
}

/* Its end without an answer: the status first, then the trace. */
static void
failed(void **state)
{
    struct scene s;

    (void)state;
    for (unsigned shards = 1; shards <= 2; shards++) {
        open_scene(&s, shards, "service/+");
        ask_traced(&s, s.trace, 0);
        expect_request(&s.responder, false, &s.request);
        rig_advance(&s.r, 2);
        rig_client_drop(&s.responder);
        expect_status(&s.asker, "c", "503", "delivered", "maybe");
        expect_trace(&s, "{\"topic\":\"service/x\",\"filter\":\"service/+\",\"holder\":\"%h\","
                         "\"outcome\":\"failed\",\"status\":503,\"executed\":\"maybe\","
                         "\"times_us\":{\"received\":0,\"delivered\":0}," WALL);
        ask_traced(&s, s.trace, 0x10); /* now nobody is there */
        expect_status(&s.asker, "c", "503", "rejected", "no");
        expect_trace(&s, "{\"topic\":\"service/x\",\"outcome\":\"failed\",\"status\":503,"
                         "\"executed\":\"no\",\"times_us\":{\"received\":0}," WALL_LATER);
        close_scene(&s);
    }
}

/* Each of several has a trace of its own. */
static void
of_several(void **state)
{
    struct rig_client second = {.rig = NULL};
    struct wire_any request;
    struct scene s;

    (void)state;
    open_scene(&s, 1, "service/+");
    rig_client_connect(&s.r, &second, "second");
    rig_subscribe(&second, "service/x", 0);
    ask_traced(&s, s.trace, 0);
    expect_request(&s.responder, true, &s.request);
    expect_request(&second, true, &request);
    rig_client_close(&second);
    (void)snprintf(s.responder_name, sizeof(s.responder_name), "second");
    expect_trace(&s, "{\"topic\":\"service/x\",\"filter\":\"service/x\",\"holder\":\"%h\","
                     "\"outcome\":\"failed\",\"status\":503,\"executed\":\"maybe\","
                     "\"times_us\":{\"received\":0,\"delivered\":0}," WALL);
    rig_name_in(&s.r, 1, "responder", s.responder_name);
    respond(&s.responder, &s.request.as.publish, "answer", 0, 0);
    expect_response(&s.asker, "c", "answer");
    expect_trace(&s, "{\"topic\":\"service/x\",\"filter\":\"service/x\",\"holder\":\"%h\","
                     "\"outcome\":\"answered\",\"status\":200,\"executed\":\"yes\","
                     "\"times_us\":{\"received\":0,\"delivered\":0,\"acknowledged\":0,"
                     "\"responded\":0,\"forwarded\":0}," WALL);
    close_scene(&s);
}

/* Only in the requester's own inbox, and only to whom takes what the broker has to say. */
static void
refused(void **state)
{
    static const struct {
        const char *trace; /* "%s": the inbox */
        unsigned kind;
        uint8_t reason_code;
    } rows[] = {
        {"trace", ASKER_FULL, 0x87},      {"$r/nobody/trace", ASKER_FULL, 0x87},
        {"$SYS/trace", ASKER_FULL, 0x87}, {"%s/trace", ASKER_RRI, 0x87},
        {"%s/+", ASKER_FULL, 0x83},       {"%s/trace", ASKER_RR, 0x87},
        {"%s", ASKER_FULL, 0x10},         {"%s/a/b", ASKER_FULL, 0x10},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *hole = strstr(rows[i].trace, "%s");
        struct rig_client c = {.rig = NULL};
        char inbox[INBOX_TEXT_BYTES];
        char topic[2 * INBOX_TEXT_BYTES];
        struct wire_user_property user = {.name = SPAN_LITERAL("rr-trace")};
        struct wire_any packet;
        struct rig r;

        rig_open(&r, 2, NULL);
        asker_connect(&r, &c, "asker", rows[i].kind, inbox);
        (void)snprintf(topic, sizeof(topic), "%s%s", hole == NULL ? rows[i].trace : inbox,
                       hole == NULL ? "" : hole + 2);
        user.value = span_of_text(topic);
        ask(&c, &(struct ask){.topic = TOPIC,
                              .response_topic = "answers",
                              .correlation = "c",
                              .qos = 1,
                              .packet_id = 5,
                              .users = &user,
                              .user_count = 1});
        rig_expect(&c, WIRE_PUBACK, &packet);
        assert_int_equal(packet.as.ack.reason_code, rows[i].reason_code);
        if (rows[i].reason_code != 0x10) {
            rig_expect_nothing(&c);
            assert_int_equal(audit_count(&r, COUNTER(rr_traces)), 0);
        }
        rig_client_close(&c);
        rig_close(&r);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answered),   cmocka_unit_test(answered_and_kept), cmocka_unit_test(failed),
        cmocka_unit_test(of_several), cmocka_unit_test(refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
