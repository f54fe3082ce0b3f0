#include "client/status_response.h"

#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct wilco_message *
message_of(const struct peer_status *s)
{
    struct wire_user_property users[5];

    return peer_message(users, peer_status_users(s, users));
}

static void
tells_how_a_request_ended(void **state)
{
    static const struct {
        const char *status, *executed;
        enum wilco_status want;
    } rows[] = {
        {"503", "no", WILCO_ENORESPONDER},
        {"503", "maybe", WILCO_ELOST},
        {"503", "perhaps", WILCO_ELOST}, /* only a clear no means that it is safe */
        {"503", NULL, WILCO_ELOST},
        {"504", "maybe", WILCO_ETIMEDOUT},
        {"413", "maybe", WILCO_ELIMIT},
        {"429", "no", WILCO_EREFUSED},
        {"403", "no", WILCO_EREFUSED},
        {"400", "no", WILCO_EREFUSED},
        {"499", "maybe", WILCO_ECANCELLED},
        {"500", "maybe", WILCO_EREMOTE},
        {"599", NULL, WILCO_EREMOTE},
        {"200", "maybe", WILCO_EREMOTE}, /* it is no answer, whatever it says */
        {"junk", NULL, WILCO_EREMOTE},
        {NULL, NULL, WILCO_EREMOTE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wilco_message *m = message_of(
            &(struct peer_status){.status = rows[i].status, .executed = rows[i].executed});

        assert_int_equal(status_response_outcome(m), rows[i].want);
        wilco_message_unref(m);
    }
}

static void
tells_how_far_it_came(void **state)
{
    static const struct {
        const char *word;
        enum wilco_stage want;
    } rows[] = {
        {"rejected", WILCO_STAGE_REJECTED},   {"queued", WILCO_STAGE_QUEUED},
        {"delivered", WILCO_STAGE_DELIVERED}, {"acked", WILCO_STAGE_ACKED},
        {"Acked", WILCO_STAGE_UNKNOWN},       {"", WILCO_STAGE_UNKNOWN},
        {NULL, WILCO_STAGE_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wilco_message *m = message_of(&(struct peer_status){.stage = rows[i].word});

        assert_int_equal(status_response_stage(m), rows[i].want);
        wilco_message_unref(m);
    }
}

static void
tells_whether_it_was_executed(void **state)
{
    static const struct {
        const char *word;
        enum wilco_executed want;
    } rows[] = {
        {"no", WILCO_EXECUTED_NO},
        {"maybe", WILCO_EXECUTED_MAYBE},
        {"yes", WILCO_EXECUTED_UNKNOWN},
        {NULL, WILCO_EXECUTED_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wilco_message *m = message_of(&(struct peer_status){.executed = rows[i].word});

        assert_int_equal(status_response_executed(m), rows[i].want);
        wilco_message_unref(m);
    }
}

static void
says_whose_word_it_is(void **state)
{
    static const struct {
        const char *source;
        bool want;
    } rows[] = {
        {"broker", true}, {"Broker", false}, {"broker ", false}, {"", false}, {NULL, false}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wilco_message *m =
            message_of(&(struct peer_status){.status = "503", .source = rows[i].source});

        assert_int_equal(status_response_is(m), rows[i].want);
        wilco_message_unref(m);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_how_a_request_ended),
        cmocka_unit_test(tells_how_far_it_came),
        cmocka_unit_test(tells_whether_it_was_executed),
        cmocka_unit_test(says_whose_word_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
