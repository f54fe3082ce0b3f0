#define _POSIX_C_SOURCE 200809L

#include "broker/auth/password_edit.h"

#include "broker/auth/password_file.h"
#include "support/failing_alloc.h"

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
#define OLD "old hash, whatever it is"

static struct password_hash
hash(void)
{
    struct password_hash h;
    const char *why = NULL;

    assert_int_equal(password_hash_parse(&h, SPAN_LITERAL(HASH), &why), WILCO_OK);
    return h;
}

static const struct {
    const char *before, *user, *after, *removed; /* NULL: there is no such user */
} rows[] = {
    {"", "bob", "bob:" HASH "\n", NULL},
    {"# x\n\n", "bob", "# x\n\nbob:" HASH "\n", NULL},
    {"al:" OLD, "bob", "al:" OLD "\nbob:" HASH "\n", NULL},
    {"al:" OLD "\r\n", "bob", "al:" OLD "\r\nbob:" HASH "\n", NULL},
    {"bob:" OLD, "bob", "bob:" HASH "\n", ""},
    {"al:" OLD "\nbob:" OLD "\n#\n", "bob", "al:" OLD "\nbob:" HASH "\n#\n", "al:" OLD "\n#\n"},
    {"bobby:" OLD "\nbo:" OLD "\n", "bob", "bobby:" OLD "\nbo:" OLD "\nbob:" HASH "\n", NULL},
    {"#bob:" OLD "\n", "bob", "#bob:" OLD "\nbob:" HASH "\n", NULL},
    {"bob:" OLD "\nx:y\nbob:" OLD "\n", "bob", "bob:" HASH "\nx:y\n", "x:y\n"},
};

static void
sets_and_removes(void **state)
{
    const struct password_hash h = hash();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buffer out;
        struct span before = span_of_text(rows[i].before);
        struct span user = span_of_text(rows[i].user);

        buffer_init(&out, alloc_system(), SIZE_MAX);
        assert_int_equal(password_edit_set(&out, before, user, &h), WILCO_OK);
        assert_int_equal(out.len, strlen(rows[i].after));
        assert_memory_equal(out.data, rows[i].after, out.len);
        buffer_fini(&out);
        assert_int_equal(password_edit_remove(&out, before, user),
                         rows[i].removed == NULL ? WILCO_ENOTFOUND : WILCO_OK);
        if (rows[i].removed != NULL) {
            assert_int_equal(out.len, strlen(rows[i].removed));
            assert_memory_equal(out.len == 0 ? (const uint8_t *)"" : out.data, rows[i].removed,
                                out.len);
        }
        buffer_fini(&out);
    }
}

static void
upgrades(void **state)
{
    static const struct {
        const char *text;
        enum wilco_status status;
        size_t count, line;
    } cases[] = {
        {"", WILCO_OK, 0, 0},
        {"a:one\n#x\n\nb:" HASH "\nc:t:wo\r\n", WILCO_OK, 2, 5},
        {"a:one\nb\n", WILCO_EMALFORMED, 1, 2},
        {"a:\n", WILCO_EMALFORMED, 0, 1},
        {":x\n", WILCO_EMALFORMED, 0, 1},
    };
    const struct password_cost cost = {.scheme = PASSWORD_PBKDF2, .iterations = 2};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer out;
        size_t count = 0;
        size_t line = 0;
        struct password_file *f = NULL;
        char reason[PASSWORD_LINE_REASON_BYTES];
        bool is_known = false;
        bool is_right = false;

        buffer_init(&out, alloc_system(), SIZE_MAX);
        assert_int_equal(password_edit_upgrade(&out, span_of_text(cases[i].text), &cost,
                                               random_system(), &count, &line),
                         cases[i].status);
        assert_int_equal(count, cases[i].count);
        assert_int_equal(line, cases[i].line);
        if (count == 2) {
            assert_int_equal(password_file_parse(&f, buffer_span(&out), 1, alloc_system(),
                                                 random_system(), reason),
                             WILCO_OK);
            assert_int_equal(
                password_hash_check(password_file_find(f, SPAN_LITERAL("c"), &is_known),
                                    SPAN_LITERAL("t:wo"), &is_right),
                WILCO_OK);
            assert_true(is_known && is_right);
            password_file_free(f);
        }
        buffer_fini(&out);
    }
}

static void
who_can_be_a_user(void **state)
{
    static const struct {
        const char *name;
        bool is_valid;
    } names[] = {
        {"a", true},   {"a b", true},   {"\xc3\xa4", true}, {"a#", true},
        {"", false},   {"a:b", false},  {"#a", false},      {"a\nb", false},
        {"\r", false}, {"\xff", false}, {"a\x7f", false},   {"\t", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(password_user_is_valid(span_of_text(names[i].name)), names[i].is_valid);
    }
}

static void
each_allocation_may_fail(void **state)
{
    const struct password_hash h = hash();
    enum wilco_status status = WILCO_ENOMEM;

    (void)state;
    for (size_t fail_at = 1; status != WILCO_OK; fail_at++) {
        struct failing_alloc a;
        struct buffer out;

        failing_alloc_init(&a, fail_at);
        buffer_init(&out, &a.alloc, SIZE_MAX);
        status = password_edit_set(&out, SPAN_LITERAL("al:x"), SPAN_LITERAL("bob"), &h);
        buffer_fini(&out);
        assert_int_equal(atomic_load(&a.live), 0);
    }
}

static mode_t
mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 0777;
}

static void
replaces_files(void **state)
{
    char folder[] = "/tmp/wilco-edit-XXXXXX";
    char path[64];
    char link[64];
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/users", folder);
    (void)snprintf(link, sizeof(link), "%s/link", folder);
    assert_int_equal(password_edit_write(path, SPAN_LITERAL("one\n")), WILCO_OK);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(password_edit_write(link, SPAN_LITERAL("two, longer\n")), WILCO_OK);
    assert_int_equal(mode_of(path), 0640); /* for everybody it never is */
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 12);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(password_edit_write("/nowhere/at/all", SPAN_LITERAL("x")), WILCO_EIO);
    assert_int_equal(rmdir(folder), 0); /* nothing else is left in it */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_and_removes),  cmocka_unit_test(upgrades),
        cmocka_unit_test(who_can_be_a_user), cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(replaces_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
