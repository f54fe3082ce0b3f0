#include "peer.h"

#include "client/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* What Azure mRPC 1.0 expects of an invoker of unary calls: the properties of a request, and what
 * each response means. */

#define TEXT(literal) SPAN_INIT(literal)

/* ---- What a request says ---- */

static bool
has_user(const struct wire_properties *p, const char *name, const char *value)
{
    struct span found;

    return wire_properties_user(p, span_of_text(name), &found) &&
           span_equal(found, span_of_text(value));
}

static void
says_what_an_executor_needs(void **state)
{
    static const struct {
        uint32_t timeout_ms, want_expiry_s;
    } rows[] = {{0, 10}, {1, 1}, {999, 1}, {1000, 1}, {1001, 2}, {30000, 30}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct wilco_options options = {.client_id = "me"};
        const struct wilco_request r = {
            .topic = "svc/method",
            .payload = {"{}", 2},
            .is_utf8 = true,
            .content_type = "application/json",
            .timeout_ms = rows[i].timeout_ms,
        };
        struct wire_any packet;
        const struct wire_publish *publish = &packet.as.publish;
        struct peer p;

        peer_open(&p, &options, NULL);
        (void)peer_ask(&p, &r);
        (void)peer_grant(&p, 1);
        peer_expect(&p, WIRE_PUBLISH, &packet);
        assert_int_equal(publish->qos, 1);
        assert_false(publish->retain);
        assert_int_equal(publish->properties.correlation_data.len, 16);
        assert_true(wire_properties_has(&publish->properties, WIRE_RESPONSE_TOPIC));
        assert_int_equal(publish->properties.message_expiry_interval, rows[i].want_expiry_s);
        assert_int_equal(publish->properties.payload_format_indicator, 1);
        assert_true(span_equal(publish->properties.content_type, SPAN_LITERAL("application/json")));
        assert_true(has_user(&publish->properties, "__protVer", "1.0"));
        assert_true(has_user(&publish->properties, "__srcId", "me"));
        assert_true(has_user(&publish->properties, "$partition", "me"));
        peer_close(&p);
    }
}

static void
partitions_as_it_is_told(void **state)
{
    const struct wilco_options options = {.client_id = "me"};
    const struct wilco_request r = {.topic = "svc/method", .partition = "floor 3"};
    struct wire_any packet;
    struct peer p;

    (void)state;
    peer_open(&p, &options, NULL);
    (void)peer_ask(&p, &r);
    (void)peer_grant(&p, 1);
    peer_expect(&p, WIRE_PUBLISH, &packet);
    assert_true(has_user(&packet.as.publish.properties, "$partition", "floor 3"));
    assert_true(has_user(&packet.as.publish.properties, "__srcId", "me"));
    peer_close(&p);
}

/* ---- What a response means ---- */

static const struct {
    const char *name;
    struct wire_user_property users[4];
    enum wilco_status want;
    int want_status;
    bool is_applications;
    const char *text; /* in the error; NULL: there is none */
} rows[] = {
    {"success", {{TEXT("__stat"), TEXT("200")}}, WILCO_OK, 200, false, NULL},
    {"no content", {{TEXT("__stat"), TEXT("204")}}, WILCO_OK, 204, false, NULL},
    {"no status: it knows nothing of mRPC", {{TEXT("a"), TEXT("b")}}, WILCO_OK, 200, false, NULL},
    {"any other success", {{TEXT("__stat"), TEXT("299")}}, WILCO_OK, 299, false, NULL},
    {"a version and a time",
     {{TEXT("__stat"), TEXT("200")},
      {TEXT("__protVer"), TEXT("1.0")},
      {TEXT("__ts"), TEXT("1:2:x")}},
     WILCO_OK,
     200,
     false,
     NULL},
    {"a later minor version",
     {{TEXT("__stat"), TEXT("200")}, {TEXT("__protVer"), TEXT("1.7")}},
     WILCO_OK,
     200,
     false,
     NULL},
    {"the draft's version",
     {{TEXT("__stat"), TEXT("200")}, {TEXT("__protVer"), TEXT("0.1")}},
     WILCO_OK,
     200,
     false,
     NULL},
    {"a later major version",
     {{TEXT("__stat"), TEXT("200")}, {TEXT("__protVer"), TEXT("2.0")}},
     WILCO_EPROTOCOL,
     200,
     false,
     "protocol"},
    {"a version that is none",
     {{TEXT("__stat"), TEXT("200")}, {TEXT("__protVer"), TEXT("new")}},
     WILCO_OK,
     200,
     false,
     NULL},
    {"reserved names we do not know",
     {{TEXT("__stat"), TEXT("200")}, {TEXT("__other"), TEXT("x")}},
     WILCO_OK,
     200,
     false,
     NULL},
    {"a garbled status", {{TEXT("__stat"), TEXT("yes")}}, WILCO_EREMOTE, 500, false, "500"},
    {"a status of two digits", {{TEXT("__stat"), TEXT("20")}}, WILCO_EREMOTE, 500, false, "500"},
    {"an empty status", {{TEXT("__stat"), TEXT("")}}, WILCO_EREMOTE, 500, false, "500"},
    {"bad request: a header is missing",
     {{TEXT("__stat"), TEXT("400")},
      {TEXT("__stMsg"), TEXT("no expiry")},
      {TEXT("__propName"), TEXT("MessageExpiry")}},
     WILCO_EREMOTE,
     400,
     false,
     "400: no expiry"},
    {"bad request: a header is invalid",
     {{TEXT("__stat"), TEXT("400")},
      {TEXT("__propName"), TEXT("__protVer")},
      {TEXT("__propVal"), TEXT("x")}},
     WILCO_EREMOTE,
     400,
     false,
     "400"},
    {"bad request: the payload", {{TEXT("__stat"), TEXT("400")}}, WILCO_EREMOTE, 400, false, "400"},
    {"execution timeout",
     {{TEXT("__stat"), TEXT("408")},
      {TEXT("__propName"), TEXT("ExecutionTimeout")},
      {TEXT("__propVal"), TEXT("PT5S")}},
     WILCO_EREMOTE,
     408,
     false,
     "408"},
    {"unsupported media type", {{TEXT("__stat"), TEXT("415")}}, WILCO_EREMOTE, 415, false, "415"},
    {"execution error",
     {{TEXT("__stat"), TEXT("500")},
      {TEXT("__stMsg"), TEXT("boom")},
      {TEXT("__apErr"), TEXT("true")}},
     WILCO_EREMOTE,
     500,
     true,
     "500: boom"},
    {"execution error with a code of the application's",
     {{TEXT("__stat"), TEXT("500")},
      {TEXT("__apErr"), TEXT("yes")},
      {TEXT("AppErrCode"), TEXT("E1")}},
     WILCO_EREMOTE,
     500,
     true,
     "500"},
    {"internal error", {{TEXT("__stat"), TEXT("500")}}, WILCO_EREMOTE, 500, false, "500"},
    {"internal error, said twice",
     {{TEXT("__stat"), TEXT("500")}, {TEXT("__apErr"), TEXT("false")}},
     WILCO_EREMOTE,
     500,
     false,
     "500"},
    {"internal error, said by nothing",
     {{TEXT("__stat"), TEXT("500")}, {TEXT("__apErr"), TEXT("")}},
     WILCO_EREMOTE,
     500,
     false,
     "500"},
    {"an application error that is none",
     {{TEXT("__stat"), TEXT("200")}, {TEXT("__apErr"), TEXT("true")}},
     WILCO_OK,
     200,
     false,
     NULL},
    {"invalid state", {{TEXT("__stat"), TEXT("503")}}, WILCO_EREMOTE, 503, false, "503"},
    {"unsupported version",
     {{TEXT("__stat"), TEXT("505")},
      {TEXT("__supProtMajVer"), TEXT("2 3")},
      {TEXT("__requestProtVer"), TEXT("1.0")}},
     WILCO_EREMOTE,
     505,
     false,
     "505"},
    {"cancelled", {{TEXT("__stat"), TEXT("499")}}, WILCO_EREMOTE, 499, false, "499"},
    {"busy", {{TEXT("__stat"), TEXT("429")}}, WILCO_EREMOTE, 429, false, "429"},
    {"too large", {{TEXT("__stat"), TEXT("413")}}, WILCO_EREMOTE, 413, false, "413"},
    {"withdrawn from mRPC", {{TEXT("__stat"), TEXT("422")}}, WILCO_EREMOTE, 422, false, "422"},
    {"a status of another world",
     {{TEXT("__stat"), TEXT("999")}},
     WILCO_EREMOTE,
     999,
     false,
     "999"},
};

static size_t
count_of(const struct wire_user_property *users)
{
    size_t count = 0;

    while (count < 4 && users[count].name.data != NULL) {
        count++;
    }
    return count;
}

static void
knows_what_each_response_means(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wilco_error error = {.text = ""};
        const struct wilco_request r = {.topic = "svc/method", .error = &error};
        struct peer_request request;
        struct core_event event;
        struct peer p;

        peer_open(&p, NULL, NULL);
        (void)peer_ask_first(&p, &r, &request);
        peer_answer_with(&p, &request, "x", rows[i].users, count_of(rows[i].users), false);
        peer_event(&p, CORE_RESPONSE, &event);
        if (event.status != rows[i].want ||
            wilco_message_status(event.message) != rows[i].want_status ||
            wilco_message_is_application_error(event.message) != rows[i].is_applications ||
            (rows[i].text == NULL) != (error.text[0] == '\0') ||
            (rows[i].text != NULL && strstr(error.text, rows[i].text) == NULL)) {
            fail_msg("%s: %s", rows[i].name, error.text);
        }
        assert_int_equal(error.executed, rows[i].want == WILCO_OK     ? WILCO_EXECUTED_UNKNOWN
                                         : rows[i].want_status == 429 ? WILCO_EXECUTED_NO
                                                                      : WILCO_EXECUTED_YES);
        wilco_message_unref(event.message);
        peer_close(&p);
    }
}

/* ---- What is no response ---- */

static void
accepts_nothing_else(void **state)
{
    enum wrong { CORRELATION, NO_CORRELATION, TOPIC, RETAINED };

    (void)state;
    for (enum wrong wrong = CORRELATION; wrong <= RETAINED; wrong++) {
        const struct wilco_request r = {.topic = "svc/method"};
        struct peer_request request, other;
        struct core_event event;
        struct peer p;

        peer_open(&p, NULL, NULL);
        (void)peer_ask_first(&p, &r, &request);
        other = request;
        other.correlation[15] ^= wrong == CORRELATION;
        other.correlation_len = wrong == NO_CORRELATION ? 0 : other.correlation_len;
        if (wrong == TOPIC) {
            (void)snprintf(other.topic, sizeof(other.topic), "elsewhere");
        }
        peer_answer_with(&p, &other, "x", NULL, 0, wrong == RETAINED);
        peer_no_event(&p);
        assert_int_equal(peer_counters(&p).pending, 1);
        peer_advance(&p, 10000);
        peer_event(&p, CORE_RESPONSE, &event);
        assert_int_equal(event.status, WILCO_ETIMEDOUT);
        peer_answer(&p, &request, "x", "200"); /* too late */
        peer_no_event(&p);
        assert_int_equal(peer_counters(&p).responses_late, 1);
        peer_close(&p);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_an_executor_needs),
        cmocka_unit_test(partitions_as_it_is_told),
        cmocka_unit_test(knows_what_each_response_means),
        cmocka_unit_test(accepts_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
