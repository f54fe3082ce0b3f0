#include "broker/auth/acl_parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *line;
    enum acl_line_kind kind;
    const char *access; /* of r, w and d */
    const char *name;
} rows[] = {
    {"", ACL_LINE_NOTHING, "", ""},
    {"   \t", ACL_LINE_NOTHING, "", ""},
    {"# topic read a", ACL_LINE_NOTHING, "", ""},
    {"  # indented", ACL_LINE_NOTHING, "", ""},
    {"user ann", ACL_LINE_USER, "", "ann"},
    {"user ann bee  ", ACL_LINE_USER, "", "ann bee"},
    {"topic a/b", ACL_LINE_TOPIC, "rw", "a/b"},
    {"topic read a/b", ACL_LINE_TOPIC, "r", "a/b"},
    {"topic write a/+/b/#\r", ACL_LINE_TOPIC, "w", "a/+/b/#"},
    {"topic readwrite #", ACL_LINE_TOPIC, "rw", "#"},
    {"topic deny a", ACL_LINE_TOPIC, "d", "a"},
    {"topic  read   a b ", ACL_LINE_TOPIC, "r", "a b"},
    {"topic read", ACL_LINE_TOPIC, "rw", "read"}, /* a topic of this name */
    {"topic deny", ACL_LINE_TOPIC, "rw", "deny"},
    {"  topic read a", ACL_LINE_TOPIC, "r", "a"},
    {"pattern write %u/%c", ACL_LINE_PATTERN, "w", "%u/%c"},
    {"pattern deny x", ACL_LINE_PATTERN, "d", "x"},
    {"topic read $SYS/#", ACL_LINE_TOPIC, "r", "$SYS/#"},
};

static void
lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct acl_line line;
        const char *why = NULL;

        assert_int_equal(acl_line_read(&line, span_of_text(rows[i].line), &why), WILCO_OK);
        assert_int_equal(line.kind, rows[i].kind);
        assert_int_equal(line.is_read, strchr(rows[i].access, 'r') != NULL);
        assert_int_equal(line.is_write, strchr(rows[i].access, 'w') != NULL);
        assert_int_equal(line.is_deny, strchr(rows[i].access, 'd') != NULL);
        assert_true(span_equal(line.name, span_of_text(rows[i].name)));
    }
}

static const struct {
    const char *line, *why;
} wrong[] = {
    {"topic", "a topic filter is missing"},
    {"pattern   ", "a topic filter is missing"},
    {"topic a b", "what may be done is read, write, readwrite or deny"},
    {"topic Read a", "what may be done is read, write, readwrite or deny"},
    {"topic read a/#/b", "this is no valid topic filter"},
    {"topic read a+", "this is no valid topic filter"},
    {"topic read \xff", "this is no valid topic filter"},
    {"topic\011read a", "a line begins with user, topic, pattern or #"},
    {"user", "the name of the user is missing"},
    {"user    ", "the name of the user is missing"},
    {"user \xff", "no user can have this name"},
    {"topics read a", "a line begins with user, topic, pattern or #"},
    {"users ann", "a line begins with user, topic, pattern or #"},
    {"allow a", "a line begins with user, topic, pattern or #"},
};

static void
wrong_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct acl_line line;
        const char *why = NULL;

        assert_int_equal(acl_line_read(&line, span_of_text(wrong[i].line), &why), WILCO_EINVAL);
        assert_string_equal(why, wrong[i].why);
    }
}

static void
text_to_lines(void **state)
{
    struct span rest = SPAN_LITERAL("one\n\ntwo\r\nthree");
    const char *const want[] = {"one", "", "two\r", "three"};
    struct span line = SPAN_EMPTY;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_true(acl_line_next(&rest, &line));
        assert_true(span_equal(line, span_of_text(want[i])));
    }
    assert_false(acl_line_next(&rest, &line));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(wrong_lines),
        cmocka_unit_test(text_to_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
