#include "desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What Azure mRPC 1.0 expects of those who execute commands: which requests are refused and how,
 * and what every response says. Requests that do not speak of `__protVer` are plain MQTT 5.0 and
 * are served whatever they leave out. */

#define ID "0123456789abcdef"

static void
checks_requests(void **state)
{
    static const struct {
        const char *name, *protocol, *correlation;
        uint32_t expiry_s;
        const char *status, *property, *supported, *requested; /* status NULL: it is served */
    } rows[] = {
        {"as it should be", "1.0", ID, 10, NULL, "", "", ""},
        {"a later minor version", "1.7", ID, 10, NULL, "", "", ""},
        {"without a minor version", "1", ID, 10, NULL, "", "", ""},
        {"another length of correlation", "1.0", "abc", 10, NULL, "", "", ""},
        {"no correlation", "1.0", NULL, 10, "400", "Correlation Data", "", ""},
        {"empty correlation", "1.0", "", 10, "400", "Correlation Data", "", ""},
        {"no expiry", "1.0", ID, 0, "400", "Message Expiry", "", ""},
        {"version 2", "2.0", ID, 10, "505", "", "1", "2.0"},
        {"version 0.1", "0.1", ID, 10, "505", "", "1", "0.1"},
        {"no number", "one", ID, 10, "505", "", "1", "one"},
        {"no version", "", ID, 10, "505", "", "1", ""},
        {"signed", "-1.0", ID, 10, "505", "", "1", "-1.0"},
        {"far too large", "99999999999999999999.0", ID, 10, "505", "", "1",
         "99999999999999999999.0"},
        {"too long to be shown", "2.00000000000000000000000000000000", ID, 10, "505", "", "1", ""},
        {"version before what is missing", "3.0", NULL, 0, "505", "", "1", "3.0"},
        {"plain, no correlation", NULL, NULL, 10, NULL, "", "", ""},
        {"plain, no expiry", NULL, "x", 0, NULL, "", "", ""},
        {"plain, nothing", NULL, NULL, 0, NULL, "", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct desk_request request = {.correlation = rows[i].correlation,
                                             .expiry_s = rows[i].expiry_s,
                                             .protocol = rows[i].protocol};
        struct desk_answer answer;
        struct peer p;

        print_message("%s\n", rows[i].name);
        desk_open(&p, NULL, false);
        desk_deliver(&p, &request);
        if (rows[i].status == NULL) {
            peer_drop_call(&p, desk_expect_call(&p, rows[i].correlation));
        } else {
            peer_no_event(&p);
            desk_expect_answer(&p, &answer);
            assert_string_equal(answer.status, rows[i].status);
            assert_string_equal(answer.property, rows[i].property);
            assert_string_equal(answer.supported, rows[i].supported);
            assert_string_equal(answer.requested, rows[i].requested);
            assert_string_equal(answer.application_error, "");
            assert_string_equal(answer.version, "1.0");
            assert_true(answer.text[0] != '\0');
            assert_int_equal(peer_counters(&p).calls_refused, 1);
            peer_expect_nothing(&p);
        }
        peer_close(&p);
    }
}

/* What a handler does, and the response to it. */
static void
answers_requests(void **state)
{
    static const struct {
        const char *name;
        struct wilco_reply reply;
        bool is_silent; /* the handler lets go without an answer */
        const char *status, *text, *application_error;
    } rows[] = {
        {"a payload", {.payload = {"x", 1}}, false, "200", "", ""},
        {"no payload", {.status = 0}, false, "204", "", ""},
        {"a status of its own", {.status = 201}, false, "201", "", ""},
        {"an application error",
         {.status = 422, .status_text = "no such city"},
         false,
         "422",
         "no such city",
         "true"},
        {"a failure", {.status = 500, .status_text = "oops"}, false, "500", "oops", "true"},
        {"a content type it does not know", {.status = 415}, false, "415", "", "true"},
        {"nothing", {.status = 0}, true, "500", "the handler did not answer", "true"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct desk_answer answer;
        struct wilco_call *call = NULL;
        const struct wire_properties *properties = &answer.packet.as.publish.properties;
        struct peer p;

        print_message("%s\n", rows[i].name);
        desk_open(&p, NULL, false);
        desk_deliver(&p, &(struct desk_request){
                             .correlation = ID, .expiry_s = 10, .packet_id = 3, .protocol = "1.0"});
        call = desk_expect_call(&p, ID);
        peer_no_event(&p);
        desk_expect_puback(&p, 3);
        peer_advance(&p, 4500);
        if (!rows[i].is_silent) {
            assert_int_equal(core_reply(p.core, call, &rows[i].reply, p.now_ms), WILCO_OK);
        }
        peer_drop_call(&p, call);
        desk_expect_answer(&p, &answer);
        assert_string_equal(answer.status, rows[i].status);
        assert_string_equal(answer.text, rows[i].text);
        assert_string_equal(answer.application_error, rows[i].application_error);
        assert_string_equal(answer.version, "1.0");
        assert_string_equal(answer.correlation, ID);
        assert_int_equal(answer.packet.as.publish.qos, 1);
        assert_int_equal(properties->message_expiry_interval, 6); /* what is left */
        peer_close(&p);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_requests),
        cmocka_unit_test(answers_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
