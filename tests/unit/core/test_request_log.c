/* The lines in the log about requests that fail or are slow. */
#include "broker/core/session.h"
#include "support/asking.h"
#include "support/audit.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define LINES_MAX 32

/* What the log got. */
struct lines {
    char text[LINES_MAX][LOG_LINE_MAX + 1];
    unsigned count;
};

static void
note_line(void *context, enum log_level level, struct span line)
{
    struct lines *lines = context;

    assert_true(level <= LOG_INFO);
    assert_true(lines->count < LINES_MAX && line.len <= LOG_LINE_MAX);
    memcpy(lines->text[lines->count], line.data, line.len);
    lines->text[lines->count++][line.len] = '\0';
}

struct scene {
    struct rig r;
    struct lines lines;
    struct logger logger;
    struct rig_client asker;
    struct rig_client responder;
    char inbox[INBOX_TEXT_BYTES];
    char responder_name[RIG_NAME_BYTES];
    struct wire_any request;
};

static void
open_scene(struct scene *s, unsigned shards, const struct settings *settings)
{
    memset(s, 0, sizeof(*s));
    rig_open(&s->r, shards, settings);
    s->logger = (struct logger){.level = LOG_INFO, .sink = note_line, .context = (void *)&s->lines};
    s->r.broker.log = &s->logger;
    rig_name_in(&s->r, 1, "responder", s->responder_name);
    asker_connect(&s->r, &s->asker, "asker", ASKER_RRI, s->inbox);
    rig_client_connect(&s->r, &s->responder, s->responder_name);
    rig_subscribe(&s->responder, "service/+", 1);
}

static void
close_scene(struct scene *s)
{
    rig_client_close(&s->asker);
    rig_client_close(&s->responder);
    rig_close(&s->r);
}

/* The only line there is now says all of this. */
static void
expect_line(struct scene *s, const char *const *parts)
{
    assert_int_equal(s->lines.count, 1);
    for (; *parts != NULL; parts++) {
        if (strstr(s->lines.text[0], *parts) == NULL) {
            fail_msg("\"%s\" is not in \"%s\"", *parts, s->lines.text[0]);
        }
    }
    s->lines.count = 0;
}

static void
ask_for(struct scene *s, const char *topic)
{
    ask(&s->asker, &(struct ask){.topic = topic,
                                 .response_topic = s->inbox,
                                 .correlation = "c1",
                                 .qos = 1,
                                 .packet_id = 1});
}

/* ---- failures ---- */

enum come { NOWHERE, DELIVERED, ACKED };

static const struct failure {
    enum come come;
    uint64_t before_ms; /* until it is acknowledged */
    uint64_t after_ms;  /* from there until it is lost; 0: until its deadline */
    const char *parts[8];
    const char *never; /* what must not be in the line */
} failures[] = {
    {NOWHERE,
     0,
     0,
     {"event=request_failed", "topic=\"nowhere\"", "corr=\"c1\"", "requester=\"asker\"",
      "status=503 reason=\"nobody has subscribed", "stage=rejected exec=no queue_ms=0"},
     "responder="},
    {DELIVERED,
     0,
     40,
     {"event=request_failed", "topic=\"service/x\"", "corr=\"c1\"", "requester=\"asker\"",
      "responder=\"responder", "status=503 reason=\"the responder was lost\"",
      "stage=delivered exec=maybe queue_ms=0 service_ms=40 total_ms=40"},
     "ack_ms"},
    {ACKED,
     15,
     40,
     {"event=request_failed", "status=503", "stage=acked exec=maybe",
      "queue_ms=0 ack_ms=15 service_ms=55 total_ms=55"},
     NULL},
    {ACKED,
     15,
     0,
     {"event=request_failed", "status=504 reason=\"the deadline of the request has passed\"",
      "stage=acked exec=maybe", "queue_ms=0 ack_ms=15 service_ms=30000 total_ms=30000"},
     NULL},
};

static void
bring(struct scene *s, const struct failure *row)
{
    expect_request(&s->responder, false, &s->request);
    rig_advance(&s->r, row->before_ms);
    if (row->come == ACKED) {
        rig_ack(&s->responder, WIRE_PUBACK, s->request.as.publish.packet_id);
    }
    assert_int_equal(s->lines.count, 0);
    if (row->after_ms == 0) {
        rig_advance(&s->r, 30000 - row->before_ms);
    } else {
        rig_advance(&s->r, row->after_ms);
        rig_client_drop(&s->responder);
    }
}

static void
test_failures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        struct scene s;

        open_scene(&s, 1, NULL);
        ask_for(&s, failures[i].come == NOWHERE ? "nowhere" : "service/x");
        if (failures[i].come != NOWHERE) {
            bring(&s, &failures[i]);
        }
        assert_true(failures[i].never == NULL ||
                    strstr(s.lines.text[0], failures[i].never) == NULL);
        expect_line(&s, failures[i].parts);
        close_scene(&s);
    }
}

/* A client in another shard is named by the number of its session. */
static void
test_other_shard(void **state)
{
    struct scene s;
    char requester[40];

    (void)state;
    open_scene(&s, 2, NULL);
    rig_client_close(&s.asker);
    rig_name_in(&s.r, 0, "other", s.responder_name);
    asker_connect(&s.r, &s.asker, s.responder_name, ASKER_RRI, s.inbox);
    ask_for(&s, "service/x");
    (void)snprintf(requester, sizeof(requester), "requester=#%" PRIx64 " ",
                   s.asker.conn.session->id);
    rig_client_drop(&s.responder);
    expect_line(&s, (const char *const[]){requester, "responder=\"responder", NULL});
    close_scene(&s);
}

/* Correlation Data is anything. */
static void
test_correlations(void **state)
{
    static const struct {
        struct span correlation;
        const char *want;
    } rows[] = {
        {SPAN_INIT("plain-1"), "corr=\"plain-1\" "},
        {SPAN_INIT(""), "corr=\"\" "},
        {SPAN_INIT("a b"), "corr=\"612062\" "},
        {SPAN_INIT("a\"b"), "corr=\"612262\" "},
        {SPAN_INIT("a\\"), "corr=\"615c\" "},
        {SPAN_INIT("\x00\x01\xff"), "corr=\"0001ff\" "},
        {SPAN_INIT("\n"), "corr=\"0a\" "},
        {SPAN_INIT("0123456789abcdef0123456789abcdef"),
         "corr=\"0123456789abcdef0123456789abcdef\" "},
        {SPAN_INIT("0123456789abcdef0123456789abcdefg"),
         "corr=\"0123456789abcdef0123456789abcdef...\" "},
        {SPAN_INIT(" 123456789abcdef0123456789abcdefg"),
         "corr=\"2031323334353637383961626364656630313233343536373839616263646566...\" "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wire_any packet = rig_publish_packet("nowhere", "", 0, 0);
        struct wire_properties *v = &packet.as.publish.properties;
        struct scene s;

        open_scene(&s, 1, NULL);
        v->response_topic = span_of_text(s.inbox);
        v->correlation_data = rows[i].correlation;
        wire_properties_set(v, WIRE_RESPONSE_TOPIC);
        wire_properties_set(v, WIRE_CORRELATION_DATA);
        rig_send(&s.asker, &packet);
        expect_line(&s, (const char *const[]){rows[i].want, NULL});
        close_scene(&s);
    }
}

/* ---- slow ones ---- */

static void
test_slow(void **state)
{
    static const char *const parts[] = {"event=request_slow",
                                        "topic=\"service/x\"",
                                        "corr=\"c1\"",
                                        "requester=\"asker\"",
                                        "responder=\"responder",
                                        "queue_ms=0 ack_ms=0 service_ms=100 total_ms=100",
                                        NULL};
    static const struct {
        uint64_t slow_ms, takes_ms;
        bool is_slow;
    } rows[] = {{100, 99, false}, {100, 100, true}, {0, 20000, false}};
    struct settings settings = settings_default();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scene s;

        settings.slow_request_ms = rows[i].slow_ms;
        open_scene(&s, 1, &settings);
        ask_for(&s, "service/x");
        expect_request(&s.responder, true, &s.request);
        rig_advance(&s.r, rows[i].takes_ms);
        respond(&s.responder, &s.request.as.publish, "answer", 0, 0);
        assert_int_equal(s.lines.count, rows[i].is_slow);
        if (rows[i].is_slow) {
            expect_line(&s, parts);
        }
        close_scene(&s);
    }
}

/* Nobody can fill the log with requests; of those left out the number is told. */
static void
test_bound(void **state)
{
    struct settings settings = settings_default();
    struct scene s;

    (void)state;
    settings.log_refusals_max = 3;
    open_scene(&s, 1, &settings);
    for (int i = 0; i < 20; i++) {
        ask_for(&s, "nowhere");
    }
    assert_int_equal(s.lines.count, 3);
    rig_advance(&s.r, 1000);
    assert_int_equal(s.lines.count, 4);
    assert_non_null(strstr(s.lines.text[3], "count=17"));
    ask_for(&s, "nowhere");
    assert_int_equal(s.lines.count, 5);
    close_scene(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failures),     cmocka_unit_test(test_other_shard),
        cmocka_unit_test(test_correlations), cmocka_unit_test(test_slow),
        cmocka_unit_test(test_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
