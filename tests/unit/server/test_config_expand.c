#include "broker/server/config/expand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static char long_value[EXPANDED_BYTES + 1];

static const char *
get(void *context, const char *name)
{
    static const struct {
        const char *name, *value;
    } variables[] = {
        {"HOME_1", "/srv/wilco"}, {"_", "underscore"},  {"EMPTY", ""},
        {"NESTED", "${HOME_1}"},  {"LONG", long_value},
    };

    (void)context;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        if (strcmp(variables[i].name, name) == 0) {
            return variables[i].value;
        }
    }
    return NULL;
}

static const struct {
    const char *value;
    const char *want; /* or, when it is wrong, a part of the reason */
    bool is_good;
} rows[] = {
    {"", "", true},
    {"plain", "plain", true},
    {"${HOME_1}", "/srv/wilco", true},
    {"a${HOME_1}b${_}c", "a/srv/wilcobunderscorec", true},
    {"${EMPTY}", "", true},
    {"${NESTED}", "${HOME_1}", true}, /* what comes out is not looked at again */
    {"$", "$", true},
    {"$HOME_1", "$HOME_1", true},
    {"$SYS/#", "$SYS/#", true},
    {"a$", "a$", true},
    {"$$", "$$", true},
    {"{HOME_1}", "{HOME_1}", true},
    {"$${_}", "$underscore", true},
    {"${", "without its }", false},
    {"a ${HOME_1", "without its }", false},
    {"${}", "a name of letters", false},
    {"${1A}", "a name of letters", false},
    {"${A B}", "a name of letters", false},
    {"${HOME_1:-x}", "a name of letters", false},
    {"${UNSET}", "not set: UNSET", false},
    {"x ${home_1}", "not set: home_1", false},
};

static void
variables_are_replaced(void **state)
{
    const struct config_environment environment = {.get = get};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t len = strlen(rows[i].value);
        uint8_t *value = malloc(len == 0 ? 1 : len);
        char out[EXPANDED_BYTES] = "";
        char reason[EXPAND_REASON_BYTES] = "";
        enum wilco_status st = WILCO_OK;

        assert_non_null(value);
        memcpy(value, rows[i].value, len);
        st = expand(out, span_of(value, len), &environment, reason);
        assert_int_equal(st, rows[i].is_good ? WILCO_OK : WILCO_EINVAL);
        if (rows[i].is_good) {
            assert_string_equal(out, rows[i].want);
        } else if (strstr(reason, rows[i].want) == NULL) {
            fail_msg("%s: %s", rows[i].value, reason);
        }
        free(value);
    }
}

static void
the_result_has_a_length(void **state)
{
    const struct config_environment environment = {.get = get};
    char out[EXPANDED_BYTES];
    char reason[EXPAND_REASON_BYTES];

    (void)state;
    memset(long_value, 'a', EXPANDED_BYTES - 1);
    assert_int_equal(expand(out, SPAN_LITERAL("${LONG}"), &environment, reason), WILCO_OK);
    assert_string_equal(out, long_value);
    assert_int_equal(expand(out, SPAN_LITERAL("${LONG}b"), &environment, reason), WILCO_ELIMIT);
    assert_non_null(strstr(reason, "longer than 4096"));
    assert_int_equal(expand(out, SPAN_LITERAL("b${LONG}"), &environment, reason), WILCO_ELIMIT);
}

static void
a_long_name_is_no_variable(void **state)
{
    const struct config_environment environment = {.get = get};
    char value[600];
    char out[EXPANDED_BYTES];
    char reason[EXPAND_REASON_BYTES];

    (void)state;
    memset(value, 'A', sizeof(value));
    memcpy(value, "${", 2);
    value[sizeof(value) - 1] = '}';
    assert_int_equal(expand(out, span_of(value, sizeof(value)), &environment, reason),
                     WILCO_EINVAL);
    value[130] = '}';
    assert_int_equal(expand(out, span_of(value, 131), &environment, reason), WILCO_EINVAL);
    value[129] = '}';
    assert_int_equal(expand(out, span_of(value, 130), &environment, reason), WILCO_EINVAL);
    assert_non_null(strstr(reason, "not set: AAAA"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_are_replaced),
        cmocka_unit_test(the_result_has_a_length),
        cmocka_unit_test(a_long_name_is_no_variable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
