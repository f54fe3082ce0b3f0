/* What an ACL file says. Rows that mosquitto is asked about too are in tests/interop/test_acl.py.
 */
#include "broker/auth/acl.h"

#include "base/clock.h"
#include "base/log.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct acl *
make_with(const struct wilco_alloc *a, const char *text)
{
    char problem[ACL_PROBLEM_BYTES] = "";
    struct acl *acl = NULL;

    if (acl_new(&acl, a, 77, span_of_text(text), problem) != WILCO_OK) {
        fail_msg("%s", problem);
    }
    return acl;
}

static struct acl *
make(const char *text)
{
    return make_with(alloc_system(), text);
}

static const char house[] = "# 1: who has no user name\n"
                            "topic read public/#\n"
                            "topic deny public/secret\n"
                            "\n"
                            "user ann\n" /* 5 */
                            "topic readwrite home/+/light\n"
                            "topic write home/log\n"
                            "topic read $SYS/broker/#\n"
                            "topic deny home/cellar/#\n"
                            "user bob\n" /* 10 */
                            "topic #\n"
                            "topic deny private/#\n"
                            "pattern read mail/%u/#\n"
                            "pattern write dev/%c/state\n"
                            "pattern deny mail/+/trash\n" /* 15 */
                            "pattern read tag-%c/x\n"
                            "user ann\n"
                            "topic read more\n"
                            "pattern deny lost/%c/#\n"
                            "pattern lost/#\n" /* 20 */
                            "pattern read %c/own\n";

static const struct {
    const char *user, *client_id;
    enum access_action action;
    const char *topic;
    bool may;
    uint32_t line; /* 0: none */
} rows[] = {
    {"", "c", ACCESS_RECEIVE, "public/news", true, 2},
    {"", "c", ACCESS_PUBLISH, "public/news", false, 0},
    {"", "c", ACCESS_RECEIVE, "public/secret", false, 3},
    {"", "c", ACCESS_RECEIVE, "public", true, 2},
    {"", "c", ACCESS_RECEIVE, "more", false, 0},
    {"ann", "c", ACCESS_RECEIVE, "public/news", false, 0}, /* the general lines are not hers */
    {"ann", "c", ACCESS_PUBLISH, "home/hall/light", true, 6},
    {"ann", "c", ACCESS_PUBLISH, "home/cellar/light", false, 9},
    {"ann", "c", ACCESS_PUBLISH, "home/hall/light/x", false, 0},
    {"ann", "c", ACCESS_RECEIVE, "home/log", false, 0},
    {"ann", "c", ACCESS_PUBLISH, "home/log", true, 7},
    {"ann", "c", ACCESS_RECEIVE, "$SYS/broker/uptime", true, 8},
    {"ann", "c", ACCESS_RECEIVE, "more", true, 18}, /* a user may have several parts */
    {"bob", "c", ACCESS_PUBLISH, "anything/at/all", true, 11},
    {"bob", "c", ACCESS_RECEIVE, "$SYS/broker/uptime", false, 0},
    {"bob", "c", ACCESS_RECEIVE, "private/x", false, 12},
    {"bob", "c", ACCESS_RECEIVE, "mail/bob/trash", true, 11}, /* his own lines come first */
    {"ann", "c", ACCESS_RECEIVE, "mail/ann/inbox", true, 13},
    {"ann", "c", ACCESS_RECEIVE, "mail/ann/trash", false, 15},
    {"ann", "c", ACCESS_RECEIVE, "mail/bob/inbox", false, 0},
    {"", "c", ACCESS_RECEIVE, "mail//inbox", false, 0},
    {"", "c", ACCESS_PUBLISH, "dev/c/state", true, 14},
    {"", "d", ACCESS_PUBLISH, "dev/c/state", false, 0},
    {"", "c", ACCESS_RECEIVE, "dev/c/state", false, 0},
    {"", "c", ACCESS_RECEIVE, "tag-c/x", true, 16},
    {"", "d", ACCESS_RECEIVE, "tag-c/x", false, 0},
    {"eve", "c", ACCESS_RECEIVE, "tag-c/x", true, 16}, /* a user without lines has the patterns */
    {"", "c", ACCESS_PUBLISH, "lost/x", true, 20},
    {"", "c", ACCESS_PUBLISH, "lost/c/x", false, 19},
    /* Names that would widen a pattern. */
    {"", "+", ACCESS_PUBLISH, "dev/+/state", false, 0},
    {"", "#", ACCESS_PUBLISH, "dev/c/state", false, 0},
    {"+", "c", ACCESS_RECEIVE, "mail/ann/inbox", false, 0},
    {"#", "c", ACCESS_PUBLISH, "dev/c/state", false, 0},
    {"", "c/state", ACCESS_PUBLISH, "dev/c/state", false, 0},
    {"", "a/b", ACCESS_PUBLISH, "dev/a/b/state", false, 0},
    {"", "a/b", ACCESS_RECEIVE, "tag-a/b/x", false, 0},
    {"", "a/b", ACCESS_PUBLISH, "lost/a/b/x", false, 19}, /* but what denies goes on denying */
    {"", "a/b", ACCESS_PUBLISH, "lost/x", true, 20},
    {"", "$SYS", ACCESS_RECEIVE, "$SYS/own", false, 0},
    {"", "c", ACCESS_RECEIVE, "c/own", true, 21},
    /* Subscriptions: is there anything for it? */
    {"", "c", ACCESS_SUBSCRIBE, "public/secret", false, 3},
    {"", "c", ACCESS_SUBSCRIBE, "public/news", true, 2},
    {"", "c", ACCESS_SUBSCRIBE, "#", true, 2},
    {"", "c", ACCESS_SUBSCRIBE, "public/+", true, 2},
    {"", "c", ACCESS_SUBSCRIBE, "home/#", false, 0},
    {"", "c", ACCESS_SUBSCRIBE, "$SYS/#", false, 0},
    {"ann", "c", ACCESS_SUBSCRIBE, "$SYS/#", true, 8},
    {"ann", "c", ACCESS_SUBSCRIBE, "home/cellar/+", false, 9},
    {"ann", "c", ACCESS_SUBSCRIBE, "home/+/light", true, 6},
    {"ann", "c", ACCESS_SUBSCRIBE, "home/log", false, 0},
    {"ann", "c", ACCESS_SUBSCRIBE, "home/log/+", true, 6},
    {"ann", "c", ACCESS_SUBSCRIBE, "attic/#", false, 0},
    {"bob", "c", ACCESS_SUBSCRIBE, "private/#", false, 12},
    {"bob", "c", ACCESS_SUBSCRIBE, "+/x", true, 11},
    {"ann", "c", ACCESS_SUBSCRIBE, "mail/+/inbox", true, 13},
    {"eve", "c", ACCESS_SUBSCRIBE, "mail/+/trash", false, 15},
    {"", "c", ACCESS_SUBSCRIBE, "lost/c/+", false, 19},
    {"", "c", ACCESS_SUBSCRIBE, "lost/+/+", true, 20},
    {"", "+", ACCESS_SUBSCRIBE, "dev/+/+", false, 0},
    {"", "$SYS", ACCESS_SUBSCRIBE, "$SYS/#", false, 0},
};

static void
the_line_that_decides(void **state)
{
    struct acl *acl = make(house);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct access_subject who = {.client_id = span_of_text(rows[i].client_id),
                                           .user = span_of_text(rows[i].user)};
        struct span topic = span_of_text(rows[i].topic);
        const struct acl_verdict v = acl_judge(acl, &who, rows[i].action, topic);

        if (v.may != rows[i].may || v.line != rows[i].line || (v.line == 0) != (v.words != NULL)) {
            fail_msg("row %zu: %s: %d by line %u", i, rows[i].topic, v.may, (unsigned)v.line);
        }
        assert_int_equal(access_may(acl_policy(acl), &who, rows[i].action, topic), rows[i].may);
    }
    assert_true(span_equal(acl_line_text(acl, 9), SPAN_LITERAL("topic deny home/cellar/#")));
    assert_int_equal(acl_line_text(acl, 0).len, 0);
    assert_int_equal(acl_line_text(acl, 99).len, 0);
    assert_int_equal(acl_size(acl).users, 2);
    assert_int_equal(acl_size(acl).rules, 16);
    acl_free(acl);
}

/* CVE-2018-12550. */
static void
nothing_permits_nothing(void **state)
{
    static const char *const texts[] = {"", "\n\n", "# topic read #\n", "user ann\n"};
    static const enum access_action actions[] = {ACCESS_PUBLISH, ACCESS_SUBSCRIBE, ACCESS_RECEIVE};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct acl *acl = make(texts[i]);

        for (size_t a = 0; a < 3; a++) {
            const struct access_subject who = {.client_id = SPAN_LITERAL("c"),
                                               .user = SPAN_LITERAL("ann")};
            const struct access_subject nobody = {.client_id = SPAN_LITERAL("c")};

            assert_false(acl_judge(acl, &who, actions[a], SPAN_LITERAL("a")).may);
            assert_false(acl_judge(acl, &nobody, actions[a], SPAN_LITERAL("a")).may);
        }
        acl_free(acl);
    }
}

static void
a_wrong_line_is_named(void **state)
{
    char problem[ACL_PROBLEM_BYTES] = "";
    struct acl *acl = NULL;

    (void)state;
    assert_int_equal(acl_new(&acl, alloc_system(), 1,
                             SPAN_LITERAL("# one\nuser ann\ntopic reed a\ntopic a\n"), problem),
                     WILCO_EINVAL);
    assert_null(acl);
    assert_string_equal(problem, "line 3: \"topic reed a\": what may be done is read, write, "
                                 "readwrite or deny");
}

static void
a_text_has_a_bound(void **state)
{
    char problem[ACL_PROBLEM_BYTES] = "";
    size_t len = ACL_TEXT_BYTES_MAX + 1;
    char *text = malloc(len);
    struct acl *acl = NULL;

    (void)state;
    assert_non_null(text);
    memset(text, '#', len);
    assert_int_equal(acl_new(&acl, alloc_system(), 1, span_of(text, len), problem), WILCO_EINVAL);
    assert_string_equal(problem, "larger than 16777216 bytes");
    assert_int_equal(acl_new(&acl, alloc_system(), 1, span_of(text, len - 1), problem), WILCO_OK);
    acl_free(acl);
    free(text);
}

/* Every allocation fails once; nothing leaks, and what is made says the same. */
static void
out_of_memory(void **state)
{
    struct failing_alloc f;
    size_t attempts = 0;
    size_t fail_at = 0;

    (void)state;
    do {
        char problem[ACL_PROBLEM_BYTES] = "";
        struct acl *acl = NULL;

        failing_alloc_init(&f, ++fail_at);
        if (acl_new(&acl, &f.alloc, 1, span_of_text(house), problem) == WILCO_OK) {
            const struct access_subject who = {.client_id = SPAN_LITERAL("c")};

            /* A filter that could not be put together is not permitted. */
            (void)acl_judge(acl, &who, ACCESS_SUBSCRIBE, SPAN_LITERAL("tag-c/+"));
            assert_false(acl_judge(acl, &who, ACCESS_SUBSCRIBE, SPAN_LITERAL("home/#")).may);
            acl_free(acl);
        } else {
            assert_string_equal(problem, "out of memory");
        }
        attempts = atomic_load(&f.attempts);
        assert_int_equal(atomic_load(&f.live), 0);
    } while (attempts >= fail_at);
    assert_true(attempts > 50);
}

/* So many lines of one user; a topic costs what its levels cost. ACL_LINES prints figures. */
static void
many_lines(void **state)
{
    const char *wanted = getenv("ACL_LINES");
    unsigned lines = wanted == NULL ? 10000 : (unsigned)strtoul(wanted, NULL, 10);
    const struct access_subject who = {.client_id = SPAN_LITERAL("c"), .user = SPAN_LITERAL("ann")};
    size_t capacity = 100 + (size_t)lines * 64;
    char *text = malloc(capacity);
    size_t len = 0;
    struct acl *acl = NULL;
    uint64_t start = 0;
    uint64_t made_ns = 0;
    uint64_t asked_ns = 0;

    (void)state;
    assert_non_null(text);
    len = (size_t)snprintf(text, capacity, "user ann\n");
    for (unsigned i = 0; i < lines; i++) {
        len += (size_t)snprintf(text + len, capacity - len, "topic read plant/%u/%s/%u\n", i % 100,
                                i % 3 == 0 ? "+" : "line", i);
    }
    start = clock_monotonic_ns();
    acl = make(text);
    made_ns = clock_monotonic_ns() - start;
    start = clock_monotonic_ns();
    for (unsigned i = 0; i < lines; i++) {
        char topic[64];

        (void)snprintf(topic, sizeof(topic), "plant/%u/line/%u", i % 100, i);
        assert_true(acl_judge(acl, &who, ACCESS_RECEIVE, span_of_text(topic)).may);
        assert_false(acl_judge(acl, &who, ACCESS_PUBLISH, span_of_text(topic)).may);
    }
    asked_ns = clock_monotonic_ns() - start;
    if (wanted != NULL) {
        print_message("%u lines: read in %llu ns, %llu ns a question\n", lines,
                      (unsigned long long)made_ns,
                      (unsigned long long)(asked_ns / (2 * (uint64_t)lines)));
    }
    acl_free(acl);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_that_decides), cmocka_unit_test(nothing_permits_nothing),
        cmocka_unit_test(a_wrong_line_is_named), cmocka_unit_test(a_text_has_a_bound),
        cmocka_unit_test(out_of_memory),         cmocka_unit_test(many_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
