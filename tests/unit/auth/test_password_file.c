#define _POSIX_C_SOURCE 200809L

#include "broker/auth/password_file.h"

#include "support/failing_alloc.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HASH                                                                                       \
    "$6$US5rFMYL/UaSgg8/$V4eSE/WLOHJASnGODlYl59fSb1f5hiwyXPTKxFdOZ//"                              \
    "FpaY/OxAmiupJC8hXi+V6NCGG7WMjdIZXnj7swE7t/g=="
#define HASH7                                                                                      \
    "$7$101$Qgze0Y/RxWuLONfW$Rd4BjJ2BYj7uZ6SvyhhOLNCCtcPsBExZN6z2U8a1vEy6i5qyPp9Gca+"              \
    "vacucBySJgErm9+0KwJSLfSgiEB12/Q=="

static enum wilco_status
parse(struct password_file **out, struct span text, const struct wilco_alloc *a, char *reason)
{
    return password_file_parse(out, text, 7, a, random_system(), reason);
}

static bool
knows(const struct password_file *f, const char *user, const char *password)
{
    bool is_known = false;
    bool is_right = false;
    const struct password_hash *h = password_file_find(f, span_of_text(user), &is_known);

    assert_int_equal(password_hash_check(h, span_of_text(password), &is_right), WILCO_OK);
    return is_known && is_right;
}

static void
what_is_taken(void **state)
{
    static const struct {
        const char *text;
        size_t users;
    } rows[] = {
        {"", 0},
        {"\n\n", 0},
        {"# nobody\n", 0},
        {"bob:" HASH "\n", 1},
        {"bob:" HASH, 1},
        {"bob:" HASH "\r\n", 1},
        {"# who\r\n\r\nbob:" HASH "\r\nalice:" HASH7 "\r\n", 2},
        {"alice:" HASH7 "\n\n#x\nbob:" HASH "\n", 2},
        {"bob:" HASH "\nBob:" HASH "\n bob:" HASH "\nb\xc3\xb6"
         "b:" HASH "\n",
         4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct password_file *f = NULL;
        char reason[PASSWORD_LINE_REASON_BYTES] = "";

        assert_int_equal(parse(&f, span_of_text(rows[i].text), alloc_system(), reason), WILCO_OK);
        assert_int_equal(password_file_users(f), rows[i].users);
        assert_int_equal(knows(f, "bob", "hunter"), rows[i].users > 0);
        assert_false(knows(f, "bob", "Hunter"));
        assert_false(knows(f, "", "hunter"));
        assert_false(knows(f, "nobody", "hunter"));
        password_file_free(f);
    }
}

#define TEXT(literal) literal, sizeof(literal) - 1

static void
what_makes_all_of_it_wrong(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        const char *reason;
    } rows[] = {
        {TEXT("bob\n"), "line 1: there is no colon behind a user name"},
        {TEXT("bob:" HASH "\n  \n"), "line 2: there is no colon behind a user name"},
        {TEXT(":" HASH "\n"), "line 1: the user name is empty, too long or not UTF-8"},
        {TEXT("\xff:" HASH "\n"), "line 1: the user name is empty, too long or not UTF-8"},
        {TEXT("#\n\nbob:\n"),
         "line 3: behind the colon is no hash that is known here ($argon2id$, $7$ or $6$)"},
        {TEXT("bob:secret\n"),
         "line 1: behind the colon is no hash that is known here ($argon2id$, $7$ or $6$)"},
        {TEXT("bob:" HASH "\nbob:" HASH7 "\n"), "line 2: the same user as in line 1"},
        {TEXT("bob:" HASH "\r\r\n"), "line 1: salt or key of the $6$ hash is broken"},
        {TEXT("bob:" HASH " \n"), "line 1: salt or key of the $6$ hash is broken"},
        {TEXT("bo\0b:" HASH "\n"), "line 1: there is a zero byte in it"},
        {TEXT("bob:" HASH "\n\0"), "line 2: there is a zero byte in it"},
        {TEXT("bob:" HASH "x:y\n"), "line 1: salt or key of the $6$ hash is broken"},
        {TEXT("\xef\xbb\xbf"
              "\n"),
         "line 1: there is no colon behind a user name"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct password_file *f = NULL;
        char reason[PASSWORD_LINE_REASON_BYTES] = "";

        assert_int_equal(parse(&f, span_of(rows[i].text, rows[i].len), alloc_system(), reason),
                         WILCO_EMALFORMED);
        assert_string_equal(reason, rows[i].reason);
        assert_null(f);
    }
}

static void
lines_have_a_bound(void **state)
{
    const size_t len = 1048576;
    char *text = malloc(len);
    struct password_file *f = NULL;
    char reason[PASSWORD_LINE_REASON_BYTES] = "";

    (void)state;
    assert_non_null(text);
    memset(text, 'a', len);
    text[len - 1] = '\n';
    assert_int_equal(parse(&f, span_of(text, len), alloc_system(), reason), WILCO_EMALFORMED);
    assert_string_equal(reason, "line 1: it is longer than 66000 bytes");
    free(text);
}

/* A user who is not there costs what most others cost. */
static void
nobody_is_like_most(void **state)
{
    static const struct {
        const char *text;
        struct password_cost cost;
    } rows[] = {
        {"a:" HASH7 "\nb:" HASH "\nc:" HASH7 "\n", {.scheme = PASSWORD_PBKDF2, .iterations = 101}},
        {"a:" HASH7 "\nb:" HASH "\nc:" HASH "\n", {.scheme = PASSWORD_SHA512, .iterations = 1}},
        {"", {.scheme = PASSWORD_ARGON2ID, .iterations = 2, .memory_kib = 19456, .lanes = 1}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct password_file *f = NULL;
        char reason[PASSWORD_LINE_REASON_BYTES] = "";
        bool is_known = true;
        const struct password_hash *h = NULL;
        const struct password_hash *a = NULL;

        assert_int_equal(parse(&f, span_of_text(rows[i].text), alloc_system(), reason), WILCO_OK);
        h = password_file_find(f, span_of_text("mallory"), &is_known);
        assert_false(is_known);
        assert_true(password_cost_equal(&h->cost, &rows[i].cost));
        a = password_file_find(f, span_of_text("a"), &is_known);
        if (is_known && password_cost_equal(&a->cost, &h->cost)) {
            assert_int_equal(a->salt_bytes, h->salt_bytes);
            assert_int_equal(a->key_bytes, h->key_bytes);
            assert_memory_not_equal(a->key, h->key, h->key_bytes);
        }
        password_file_free(f);
    }
}

static void
each_allocation_may_fail(void **state)
{
    enum wilco_status status = WILCO_ENOMEM;

    (void)state;
    for (size_t fail_at = 1; status != WILCO_OK; fail_at++) {
        struct failing_alloc a;
        struct password_file *f = NULL;
        char reason[PASSWORD_LINE_REASON_BYTES] = "";

        failing_alloc_init(&a, fail_at);
        status = parse(&f, SPAN_LITERAL("a:" HASH "\nb:" HASH7 "\n"), &a.alloc, reason);
        if (status != WILCO_OK) {
            assert_int_equal(status, WILCO_ENOMEM);
            assert_string_equal(reason, "out of memory");
        } else {
            assert_true(fail_at > 3);
        }
        password_file_free(f);
        assert_int_equal(atomic_load(&a.live), 0);
    }
}

static void
files(void **state)
{
    static const struct {
        mode_t mode;
        enum wilco_status status;
        bool is_exposed;
    } rows[] = {
        {0600, WILCO_OK, false},    {0640, WILCO_OK, false},     {0644, WILCO_OK, true},
        {0606, WILCO_EINVAL, true}, {0602, WILCO_EINVAL, false},
    };
    char folder[] = "/tmp/wilco-password-XXXXXX";
    char path[sizeof(folder) + 16];
    struct password_file *f = NULL;
    char reason[PASSWORD_REASON_BYTES] = "";

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/file", folder);
    assert_int_equal(password_file_load(&f, path, 1, alloc_system(), random_system(), reason),
                     WILCO_EIO);
    assert_non_null(strstr(reason, path));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        (void)fputs("bob:" HASH "\n", file);
        (void)fclose(file);
        assert_int_equal(chmod(path, rows[i].mode), 0);
        assert_int_equal(password_file_load(&f, path, 1, alloc_system(), random_system(), reason),
                         rows[i].status);
        if (rows[i].status == WILCO_OK) {
            assert_int_equal(password_file_is_exposed(f), rows[i].is_exposed);
            assert_true(knows(f, "bob", "hunter"));
            password_file_free(f);
        } else {
            assert_non_null(strstr(reason, "chmod o-w"));
        }
    }
    (void)unlink(path);
    (void)rmdir(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken),
        cmocka_unit_test(what_makes_all_of_it_wrong),
        cmocka_unit_test(lines_have_a_bound),
        cmocka_unit_test(nobody_is_like_most),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
