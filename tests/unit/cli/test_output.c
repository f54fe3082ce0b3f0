#define _POSIX_C_SOURCE 200809L

#include "cli/output.h"

#include "said.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct view_pair pairs[] = {
    {{"name", 4}, {"value", 5}},
    {{"name", 4}, {"a \"quoted\" one", 14}},
};

static struct view
full_view(void)
{
    return (struct view){
        .topic = WILCO_TEXT("requests/device1/getConfig"),
        .payload = WILCO_TEXT("{}"),
        .content_type = WILCO_TEXT("application/json"),
        .response_topic = WILCO_TEXT("responses/device1/getConfig"),
        .correlation_data = WILCO_TEXT("{ \"requestId\": \"abcdef12345\" }"),
        .user_properties = pairs,
        .user_property_count = 2,
        .qos = 1,
        .is_utf8 = true,
        .has_expiry = true,
        .expiry_s = 10,
    };
}

static void
check_json(const struct view *v, const char *want)
{
    char *json = output_json(v);

    assert_string_equal(json, want);
    free(json);
}

static void
json_has_everything(void **state)
{
    struct view v = full_view();

    (void)state;
    check_json(&v,
               "{\"topic\":\"requests/device1/getConfig\",\"payload\":\"{}\",\"qos\":1,"
               "\"retain\":false,\"properties\":{\"payload_format_indicator\":1,"
               "\"message_expiry_interval\":10,\"content_type\":\"application/json\","
               "\"response_topic\":\"responses/device1/getConfig\","
               "\"correlation_data\":\"{ \\\"requestId\\\": \\\"abcdef12345\\\" }\"},"
               "\"user_properties\":[[\"name\",\"value\"],[\"name\",\"a \\\"quoted\\\" one\"]]}");
}

static void
json_leaves_out_what_is_not_there(void **state)
{
    struct view v = {.topic = WILCO_TEXT("t"), .retain = true, .status = 204};

    (void)state;
    check_json(&v, "{\"topic\":\"t\",\"payload\":\"\",\"qos\":0,\"retain\":true,\"status\":204,"
                   "\"properties\":{},\"user_properties\":[]}");
}

static void
json_says_what_became_of_a_request(void **state)
{
    static const struct {
        struct wilco_error why;
        const char *want;
    } rows[] = {
        {{.text = "t: timed out"}, "{\"topic\":\"t\",\"error\":\"t: timed out\"}"},
        {{.stage = WILCO_STAGE_REJECTED, .executed = WILCO_EXECUTED_NO, .text = "t: no"},
         "{\"topic\":\"t\",\"error\":\"t: no\",\"stage\":\"rejected\",\"executed\":\"no\"}"},
        {{.stage = WILCO_STAGE_QUEUED, .text = "t"},
         "{\"topic\":\"t\",\"error\":\"t\",\"stage\":\"queued\"}"},
        {{.stage = WILCO_STAGE_DELIVERED, .executed = WILCO_EXECUTED_MAYBE, .text = "t"},
         "{\"topic\":\"t\",\"error\":\"t\",\"stage\":\"delivered\",\"executed\":\"maybe\"}"},
        {{.stage = WILCO_STAGE_ACKED, .text = "t"},
         "{\"topic\":\"t\",\"error\":\"t\",\"stage\":\"acked\"}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *json = output_failure_json("t", &rows[i].why);

        assert_string_equal(json, rows[i].want);
        free(json);
    }
}

static void
json_has_base64_for_what_is_no_text(void **state)
{
    struct view v = {
        .topic = WILCO_TEXT("t"),
        .payload = WILCO_TEXT("\xff\x00\xfe"),
        .correlation_data = WILCO_TEXT("\x80"),
    };

    (void)state;
    check_json(&v, "{\"topic\":\"t\",\"payload_base64\":\"/wD+\",\"qos\":0,\"retain\":false,"
                   "\"properties\":{\"correlation_data_base64\":\"gA==\"},\"user_properties\":[]}");
    v = (struct view){.topic = WILCO_TEXT("t"), .payload = WILCO_TEXT("a\0b")};
    check_json(&v, "{\"topic\":\"t\",\"payload\":\"a\\u0000b\",\"qos\":0,\"retain\":false,"
                   "\"properties\":{},\"user_properties\":[]}");
}

static void
formats_of_standard_output(void **state)
{
    static const struct {
        struct output output;
        const char *want;
    } rows[] = {
        {{0}, "on\n"},
        {{.no_newline = true}, "on"},
        {{.topic = true}, "lights/kitchen on\n"},
        {{.topic = true, .no_newline = true}, "lights/kitchen on"},
        {{.json = true, .topic = true, .no_newline = true},
         "{\"topic\":\"lights/kitchen\",\"payload\":\"on\",\"qos\":0,\"retain\":false,"
         "\"properties\":{},\"user_properties\":[]}\n"},
    };
    struct view v = {.topic = WILCO_TEXT("lights/kitchen"), .payload = WILCO_TEXT("on")};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct said said;
        bool is_written;

        said_begin(&said, stdout);
        is_written = output_message(&rows[i].output, &v);
        assert_string_equal(said_end(&said), rows[i].want);
        assert_true(is_written);
    }
}

static void
a_full_disk_is_an_error(void **state)
{
    struct view v = {.topic = WILCO_TEXT("t"), .payload = WILCO_TEXT("payload")};
    const struct output output = {0};
    FILE *full = fopen("/dev/full", "w");
    struct said said;
    int original = dup(STDOUT_FILENO);
    bool is_written;

    (void)state;
    if (full == NULL) {
        skip(); /* not on this system */
    }
    (void)fflush(stdout);
    assert_true(dup2(fileno(full), STDOUT_FILENO) >= 0);
    said_begin(&said, stderr);
    is_written = output_message(&output, &v);
    (void)said_end(&said);
    assert_true(dup2(original, STDOUT_FILENO) >= 0);
    clearerr(stdout);
    (void)close(original);
    (void)fclose(full);
    assert_false(is_written);
    assert_string_equal(said.text,
                        "wilco: cannot write to standard output: No space left on device\n");
}

static void
check_shown(const struct view *v, const char *want)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    output_show(out, "request", v);
    (void)fclose(out);
    assert_string_equal(text, want);
    free(text);
}

static void
shown_to_people(void **state)
{
    struct view v = full_view();

    (void)state;
    check_shown(&v, "request\n"
                    "    topic             requests/device1/getConfig\n"
                    "    response topic    responses/device1/getConfig\n"
                    "    correlation data  { \"requestId\": \"abcdef12345\" }\n"
                    "    content type      application/json\n"
                    "    expires in        10 s\n"
                    "    user property     name: value\n"
                    "    user property     name: a \"quoted\" one\n"
                    "    payload           {}\n\n");
}

static void
shown_safely(void **state)
{
    struct view v = {
        .topic = WILCO_TEXT("evil\x1b[2J"),
        .payload = WILCO_TEXT("{\r\n  \"a\": 1\n}\n"),
        .status = 500,
    };

    (void)state;
    check_shown(&v, "request\n"
                    "    topic             0x6576696c1b5b324a\n"
                    "    status            500\n"
                    "    payload           {\n"
                    "                        \"a\": 1\n"
                    "                      }\n\n");
}

static void
nothing_is_said_to_be_nothing(void **state)
{
    struct view v = {.topic = WILCO_TEXT("t"), .correlation_data = {"", 0}};

    (void)state;
    check_shown(&v, "request\n"
                    "    topic             t\n"
                    "    correlation data  (empty)\n"
                    "    payload           (empty)\n\n");
}

static void
long_values_are_cut_between_characters(void **state)
{
    char payload[3001], want[4096];
    struct view v = {.topic = WILCO_TEXT("t"), .payload = {payload, 3000}};

    (void)state;
    memset(payload, 'x', sizeof(payload));
    memcpy(payload + 2046, "\xe2\x82\xac", 3); /* across the limit of 2048 */
    (void)snprintf(want, sizeof(want),
                   "request\n    topic             t\n    payload           %.2046s"
                   "... (3000 bytes)\n\n",
                   payload);
    check_shown(&v, want);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_everything),
        cmocka_unit_test(json_leaves_out_what_is_not_there),
        cmocka_unit_test(json_says_what_became_of_a_request),
        cmocka_unit_test(json_has_base64_for_what_is_no_text),
        cmocka_unit_test(formats_of_standard_output),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(shown_to_people),
        cmocka_unit_test(shown_safely),
        cmocka_unit_test(nothing_is_said_to_be_nothing),
        cmocka_unit_test(long_values_are_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
