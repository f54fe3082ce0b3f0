#include "broker/core/entrance.h"

#include "support/bytes.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TEN "0123456789"

static const struct {
    const char *prefix; /* bytes (support/bytes.h) */
    const char *why;    /* NULL: it is right */
} prefixes[] = {
    {"'$r'", NULL},
    {"'$r/a'", NULL},
    {"'$r/a b/$r'", NULL},
    {"'$r/%c'", NULL},
    {"'$r/%u/x%c%cx'", NULL},
    {"'$r/' C3 A4", NULL},
    {"'$r/" TEN TEN TEN TEN TEN TEN "1'", NULL},
    {"'$r/" TEN TEN TEN TEN TEN TEN "12'", "it is longer than 64 bytes"},
    {"", "it is neither $r nor begins with $r/"},
    {"'$'", "it is neither $r nor begins with $r/"},
    {"'$R'", "it is neither $r nor begins with $r/"},
    {"'$rx/a'", "it is neither $r nor begins with $r/"},
    {"'$r%c'", "it is neither $r nor begins with $r/"},
    {"'r/a'", "it is neither $r nor begins with $r/"},
    {"' $r'", "it is neither $r nor begins with $r/"},
    {"'/$r'", "it is neither $r nor begins with $r/"},
    {"'$r/'", "a level is empty"},
    {"'$r/a/'", "a level is empty"},
    {"'$r//a'", "a level is empty"},
    {"'$r/a//b'", "a level is empty"},
    {"'$r/+'", "it must not contain + or #"},
    {"'$r/a#'", "it must not contain + or #"},
    {"'$r/a' 00", "it is not UTF-8 without a zero byte"},
    {"'$r/' C3", "it is not UTF-8 without a zero byte"},
    {"'$r/' C0 AF", "it is not UTF-8 without a zero byte"},
    {"'$r/%'", "behind % stands c (the Client Identifier) or u (the user name)"},
    {"'$r/%/c'", "behind % stands c (the Client Identifier) or u (the user name)"},
    {"'$r/%%'", "behind % stands c (the Client Identifier) or u (the user name)"},
    {"'$r/%c%C'", "behind % stands c (the Client Identifier) or u (the user name)"},
};

static void
only_templates_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        struct span prefix = bytes_from(prefixes[i].prefix);
        struct entrance e = entrance_standard;
        const char *why = "not told";
        enum wilco_status st = entrance_set_inbox_prefix(&e, prefix, &why);

        print_message("%s\n", prefixes[i].prefix);
        if (prefixes[i].why == NULL) {
            assert_null(why);
            assert_int_equal(st, WILCO_OK);
            assert_true(span_equal(span_of_text(e.inbox_prefix), prefix));
        } else {
            assert_int_equal(st, WILCO_EINVAL);
            assert_string_equal(why, prefixes[i].why);
            assert_true(entrance_equal(&e, &entrance_standard));
        }
        bytes_free(prefix);
    }
}

#define A16 "abcdefghijklmnop"

static const struct {
    const char *suffix; /* as bytes_from() takes it */
    const char *why;
    const char *want;
} suffixes[] = {
    {"'/re'", NULL, "/re"},
    {"'/'", NULL, "/"},
    {"'/a/b c'", NULL, "/a/b c"},
    {"'off'", NULL, ""},
    {"'/" A16 A16 A16 "abcdefghijklmno'", NULL, "/" A16 A16 A16 "abcdefghijklmno"},
    {"", "it is neither off nor begins with /", NULL},
    {"'re'", "it is neither off nor begins with /", NULL},
    {"'/" A16 A16 A16 A16 "'", "it is longer than 64 bytes", NULL},
    {"'/' C3", "it is not UTF-8 without a zero byte", NULL},
    {"'/' 00", "it is not UTF-8 without a zero byte", NULL},
    {"'/+'", "it must not contain + or #", NULL},
    {"'/a/#'", "it must not contain + or #", NULL},
};

static void
only_suffixes_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        struct span suffix = bytes_from(suffixes[i].suffix);
        struct entrance e = entrance_standard;
        const char *why = "not told";
        enum wilco_status st = entrance_set_v3_response_suffix(&e, suffix, &why);

        print_message("%s\n", suffixes[i].suffix);
        assert_int_equal(st, suffixes[i].why == NULL ? WILCO_OK : WILCO_EINVAL);
        if (suffixes[i].why != NULL) {
            assert_string_equal(why, suffixes[i].why);
            assert_true(entrance_equal(&e, &entrance_standard));
        } else {
            assert_null(why);
            assert_string_equal(e.v3_response_suffix, suffixes[i].want);
            assert_false(entrance_equal(&e, &entrance_standard));
        }
        bytes_free(suffix);
    }
}

static void
the_standard_says_nothing(void **state)
{
    struct entrance e = entrance_standard;

    (void)state;
    assert_string_equal(e.inbox_prefix, "$r");
    assert_int_equal(e.no_matching_subscribers, ENTRANCE_AS_SET);
    assert_true(entrance_equal(&e, &entrance_standard));
    e.no_matching_subscribers = ENTRANCE_YES; /* the same for now, but not when the setting is 0 */
    assert_false(entrance_equal(&e, &entrance_standard));
    e = entrance_standard;
    e.inbox_prefix[2] = '/';
    assert_false(entrance_equal(&e, &entrance_standard));
}

static const struct {
    enum entrance_choice choice;
    uint64_t setting;
    uint8_t want;
} answers[] = {
    {ENTRANCE_AS_SET, 1, WIRE_REASON_NO_MATCHING_SUBSCRIBERS},
    {ENTRANCE_AS_SET, 0, WIRE_REASON_SUCCESS},
    {ENTRANCE_NO, 1, WIRE_REASON_SUCCESS},
    {ENTRANCE_NO, 0, WIRE_REASON_SUCCESS},
    {ENTRANCE_YES, 1, WIRE_REASON_NO_MATCHING_SUBSCRIBERS},
    {ENTRANCE_YES, 0, WIRE_REASON_NO_MATCHING_SUBSCRIBERS},
};

static void
a_choice_prevails_over_the_setting(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct entrance e = entrance_standard;
        struct settings settings = settings_default();
        struct rig r;
        struct rig_client c;

        e.no_matching_subscribers = answers[i].choice;
        settings.no_matching_subscribers = answers[i].setting;
        rig_open(&r, 1, &settings);
        rig_client_connect(&r, &c, "c");
        c.conn.entrance = &e;
        rig_publish_qos(&c, "t", "x", 1, 1);
        rig_expect_ack(&c, WIRE_PUBACK, 1, answers[i].want);
        rig_publish_qos(&c, "t", "x", 2, 2);
        rig_expect_ack(&c, WIRE_PUBREC, 2, answers[i].want);
        rig_client_close(&c);
        rig_close(&r);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_templates_are_taken),
        cmocka_unit_test(only_suffixes_are_taken),
        cmocka_unit_test(the_standard_says_nothing),
        cmocka_unit_test(a_choice_prevails_over_the_setting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
