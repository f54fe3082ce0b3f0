#include "cli/exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct wilco_bytes
bytes_of(const char *text)
{
    return (struct wilco_bytes){text, strlen(text)};
}

static void
assert_bytes(struct wilco_bytes got, struct wilco_bytes want)
{
    assert_int_equal(got.data == NULL, want.data == NULL);
    assert_int_equal(got.len, want.len);
    if (want.len > 0) {
        assert_memory_equal(got.data, want.data, want.len);
    }
}

static void
assert_message(const struct view *got, const struct view *want)
{
    assert_bytes(got->topic, want->topic);
    assert_bytes(got->payload, want->payload);
    assert_bytes(got->content_type, want->content_type);
    assert_bytes(got->response_topic, want->response_topic);
    assert_bytes(got->correlation_data, want->correlation_data);
    assert_int_equal(got->qos, want->qos);
    assert_int_equal(got->retain, want->retain);
    assert_int_equal(got->is_utf8, want->is_utf8);
    assert_int_equal(got->has_expiry, want->has_expiry);
    assert_int_equal(got->expiry_s, want->expiry_s);
    assert_int_equal(got->status, want->status);
    assert_int_equal(got->is_part, want->is_part);
    assert_int_equal(got->user_property_count, want->user_property_count);
    for (size_t i = 0; i < want->user_property_count; i++) {
        assert_bytes(got->user_properties[i].name, want->user_properties[i].name);
        assert_bytes(got->user_properties[i].value, want->user_properties[i].value);
    }
}

static void
what_is_written_is_read(void **state)
{
    struct view_pair pairs[] = {{WILCO_TEXT("a"), WILCO_TEXT("1")},
                                {WILCO_TEXT("a"), WILCO_TEXT("")}};
    const struct exchange rows[] = {
        {.id = 1, .message = {.topic = WILCO_TEXT("t"), .payload = WILCO_TEXT("")}},
        {.id = 2,
         .time_us = UINT64_C(1) << 50,
         .message = {.topic = WILCO_TEXT("a/b"),
                     .payload = WILCO_TEXT("{\0\"n\":\"\xc3\xa9\"}\n"),
                     .content_type = WILCO_TEXT("application/json"),
                     .response_topic = WILCO_TEXT("answers"),
                     .correlation_data = WILCO_TEXT("\x00\xff\x80"),
                     .user_properties = pairs,
                     .user_property_count = 2,
                     .qos = 2,
                     .retain = true,
                     .is_utf8 = true,
                     .has_expiry = true,
                     .expiry_s = UINT32_MAX}},
        {.id = 3,
         .response_to = 2,
         .message = {.topic = WILCO_TEXT("answers"),
                     .payload = WILCO_TEXT("\xff\xfe"),
                     .status = 503,
                     .is_part = true}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *line = exchange_write(&rows[i]);
        struct exchange got;

        assert_null(strchr(line, '\n'));
        assert_true(exchange_read(&got, bytes_of(line)));
        assert_int_equal(got.id, rows[i].id);
        assert_int_equal(got.time_us, rows[i].time_us);
        assert_int_equal(got.response_to, rows[i].response_to);
        assert_message(&got.message, &rows[i].message);
        assert_int_equal(exchange_is_request(&got), i == 1);
        exchange_fini(&got);
        free(line);
    }
}

static void
other_lines_are_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "7",
        "[]",
        "{}",
        "{\"topic\":7}",
        "{\"topic\":\"\"}",
        "{\"topic\":\"a\"} more",
        "{\"topic\":\"a\",\"id\":-1}",
        "{\"topic\":\"a\",\"id\":\"1\"}",
        "{\"topic\":\"a\",\"time_us\":1.5}",
        "{\"topic\":\"a\",\"response_to\":null}",
        "{\"topic\":\"a\",\"qos\":3}",
        "{\"topic\":\"a\",\"qos\":-1}",
        "{\"topic\":\"a\",\"status\":1000}",
        "{\"topic\":\"a\",\"payload\":{}}",
        "{\"topic\":\"a\",\"payload_base64\":\"=\"}",
        "{\"topic\":\"a\",\"payload_base64\":7}",
        "{\"topic\":\"a\",\"properties\":{\"content_type\":7}}",
        "{\"topic\":\"a\",\"properties\":{\"message_expiry_interval\":4294967296}}",
        "{\"topic\":\"a\",\"properties\":{\"message_expiry_interval\":-1}}",
        "{\"topic\":\"a\",\"user_properties\":[[\"a\"]]}",
        "{\"topic\":\"a\",\"user_properties\":[[\"a\",\"b\"],7]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct exchange e;

        if (exchange_read(&e, bytes_of(rows[i]))) {
            fail_msg("%s", rows[i]);
        }
    }
}

/* Cut at any byte it is no line, and nothing is read behind the cut. */
static void
a_line_that_is_cut_short(void **state)
{
    static const char line[] =
        "{\"id\":1,\"topic\":\"a\",\"payload_base64\":\"/wA=\",\"user_properties\":"
        "[[\"a\",\"b\"]]}";

    (void)state;
    for (size_t len = 0; len < sizeof(line) - 1; len++) {
        char *copy = malloc(len + 1);
        struct exchange e;

        assert_non_null(copy);
        memcpy(copy, line, len);
        assert_false(exchange_read(&e, (struct wilco_bytes){copy, len}));
        free(copy);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(other_lines_are_refused),
        cmocka_unit_test(a_line_that_is_cut_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
