#include "client/explain.h"

#include "client/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A response with this `__stat` and `__stMsg`. */
static struct wilco_message *
response_of(const char *status, const char *text)
{
    struct wire_user_property users[] = {
        {SPAN_LITERAL("__stat"), span_of_text(status)},
        {SPAN_LITERAL("__stMsg"), span_of_text(text)},
    };
    struct wire_publish p = {.topic = SPAN_LITERAL("back")};
    uint8_t bytes[1024];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    struct wire_header header;
    struct wilco_message *m = NULL;
    struct span packet;
    size_t len = 0;

    p.properties.users = users;
    p.properties.user_count = text == NULL ? 1 : 2;
    wire_publish_encode(&w, &p, WIRE_V5);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    packet = span_of(bytes, len);
    assert_int_equal(wire_header_decode(&header, packet), WILCO_OK);
    assert_int_equal(
        wire_publish_decode(&p, header.flags, span_skip(packet, header.header_bytes), WIRE_V5),
        WILCO_OK);
    m = message_new(alloc_system(), &p, 0);
    assert_non_null(m);
    return m;
}

static void
says_how_a_request_ended(void **state)
{
    static const struct {
        enum wilco_status status;
        uint8_t reason_code;
        const char *response_status, *response_text, *want;
    } rows[] = {
        {WILCO_OK, 0, NULL, NULL, "do"},
        {WILCO_ETIMEDOUT, 0, NULL, NULL, "do: timed out"},
        {WILCO_EREFUSED, 0x87, NULL, NULL, "do: refused by the server: Not authorized (0x87)"},
        {WILCO_EREMOTE, 0, "404", "not here",
         "do: the responder answered with an error: 404: not here"},
        {WILCO_EREMOTE, 0, "500", NULL, "do: the responder answered with an error: 500"},
        {WILCO_EREMOTE, 0, "500", "two\nlines\x7F",
         "do: the responder answered with an error: 500: two lines "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wilco_message *response = NULL;
        struct wilco_error why;

        if (rows[i].response_status != NULL) {
            response = response_of(rows[i].response_status, rows[i].response_text);
        }
        explain_request(&why, "do");
        explain_outcome(&why, rows[i].status, rows[i].reason_code, response);
        assert_string_equal(why.text, rows[i].want);
        assert_int_equal(why.reason_code, rows[i].reason_code);
        wilco_message_unref(response);
    }
}

static void
cuts_what_is_too_long(void **state)
{
    char topic[500];
    char text[500];
    struct wilco_message *response = NULL;
    struct wilco_error why;

    (void)state;
    memset(topic, 't', sizeof(topic) - 1);
    memset(text, 'x', sizeof(text) - 1);
    topic[sizeof(topic) - 1] = '\0';
    text[sizeof(text) - 1] = '\0';
    response = response_of("599", text);
    explain_request(&why, topic);
    explain_outcome(&why, WILCO_EREMOTE, 0, response);
    assert_non_null(strstr(why.text, ": 599: xxx"));
    assert_true(strlen(why.text) < sizeof(why.text));
    wilco_message_unref(response);
    explain_request(NULL, topic); /* nobody wants to know */
    explain_outcome(NULL, WILCO_EREMOTE, 0, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_how_a_request_ended),
        cmocka_unit_test(cuts_what_is_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
