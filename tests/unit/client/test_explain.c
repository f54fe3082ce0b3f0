#include "client/explain.h"

#include "client/message.h"
#include "peer.h"

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
    struct wire_user_property users[5];
    const struct peer_status s = {.status = status, .text = text};

    return peer_message(users, peer_status_users(&s, users));
}

static void
says_how_a_request_ended(void **state)
{
    static const struct {
        enum wilco_status status;
        uint8_t reason_code;
        enum wilco_executed executed;
        const char *response_status, *response_text, *want;
    } rows[] = {
        {WILCO_OK, 0, WILCO_EXECUTED_YES, NULL, NULL, "do"},
        {WILCO_ETIMEDOUT, 0, WILCO_EXECUTED_NO, NULL, NULL, "do: timed out"},
        {WILCO_ETIMEDOUT, 0, WILCO_EXECUTED_MAYBE, NULL, NULL,
         "do: timed out (may have been executed)"},
        {WILCO_EREFUSED, 0x87, WILCO_EXECUTED_NO, NULL, NULL,
         "do: refused by the server: Not authorized (0x87)"},
        {WILCO_EREMOTE, 0, WILCO_EXECUTED_YES, "404", "not here",
         "do: the responder answered with an error: 404: not here"},
        {WILCO_EREMOTE, 0, WILCO_EXECUTED_YES, "500", NULL,
         "do: the responder answered with an error: 500"},
        {WILCO_EREMOTE, 0, WILCO_EXECUTED_YES, "500", "two\nlines\x7F",
         "do: the responder answered with an error: 500: two lines "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct outcome outcome = {
            .status = rows[i].status,
            .reason_code = rows[i].reason_code,
            .stage = WILCO_STAGE_SENT,
            .executed = rows[i].executed,
        };
        struct wilco_message *response = NULL;
        struct wilco_error why;

        if (rows[i].response_status != NULL) {
            response = response_of(rows[i].response_status, rows[i].response_text);
        }
        outcome.response = response;
        explain_request(&why, "do");
        explain_outcome(&why, &outcome);
        assert_string_equal(why.text, rows[i].want);
        assert_int_equal(why.reason_code, rows[i].reason_code);
        assert_int_equal(why.executed,
                         rows[i].status == WILCO_OK ? WILCO_EXECUTED_UNKNOWN : rows[i].executed);
        wilco_message_unref(response);
    }
}

static void
says_what_the_server_says(void **state)
{
    static const struct {
        enum wilco_status status;
        enum wilco_executed executed;
        struct peer_status said;
        const char *want;
    } rows[] = {
        {WILCO_ENORESPONDER,
         WILCO_EXECUTED_NO,
         {"503", "all responders are offline", "broker", "rejected", "no"},
         "do: no responder: all responders are offline (not executed)"},
        {WILCO_ELOST,
         WILCO_EXECUTED_MAYBE,
         {"503", "the responder was lost", "broker", "acked", "maybe"},
         "do: no answer will come: the responder was lost (may have been executed)"},
        {WILCO_ETIMEDOUT,
         WILCO_EXECUTED_NO,
         {"504", NULL, "broker", "queued", "no"},
         "do: timed out (not executed)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wire_user_property users[5];
        struct wilco_message *m = peer_message(users, peer_status_users(&rows[i].said, users));
        struct wilco_error why;

        m->is_status_response = true;
        explain_request(&why, "do");
        explain_outcome(&why, &(struct outcome){.status = rows[i].status,
                                                .executed = rows[i].executed,
                                                .response = m});
        assert_string_equal(why.text, rows[i].want);
        wilco_message_unref(m);
    }
}

static void
cuts_what_is_too_long(void **state)
{
    char topic[500];
    char text[500];
    const struct peer_status said = {"599", text, "broker", "acked", "maybe"};
    struct wire_user_property users[5];
    struct outcome outcome = {.status = WILCO_EREMOTE, .executed = WILCO_EXECUTED_MAYBE};
    struct wilco_message *response = NULL;
    struct wilco_error why;

    (void)state;
    memset(topic, 't', sizeof(topic) - 1);
    memset(text, 'x', sizeof(text) - 1);
    topic[sizeof(topic) - 1] = '\0';
    text[sizeof(text) - 1] = '\0';
    response = response_of("599", text);
    explain_request(&why, topic);
    outcome.response = response;
    explain_outcome(&why, &outcome);
    assert_non_null(strstr(why.text, ": 599: xxx"));
    assert_true(strlen(why.text) < sizeof(why.text));
    wilco_message_unref(response);
    response = peer_message(users, peer_status_users(&said, users));
    response->is_status_response = true;
    explain_request(&why, topic);
    outcome.response = response;
    explain_outcome(&why, &outcome);
    assert_non_null(strstr(why.text, "xxx (may have been executed)")); /* that is never cut */
    wilco_message_unref(response);
    explain_request(NULL, topic); /* nobody wants to know */
    explain_outcome(NULL, &outcome);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_how_a_request_ended),
        cmocka_unit_test(says_what_the_server_says),
        cmocka_unit_test(cuts_what_is_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
