#define _GNU_SOURCE /* getresuid() */

#include "broker/server/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 1000

static const struct {
    const char *wanted;
    uid_t euid;
    enum wilco_status want;
    bool is_change;
    const char *text; /* the user, or part of the reason */
} rows[] = {
    {"", NOBODY, WILCO_OK, false, ""},
    {"nobody", NOBODY, WILCO_OK, false, ""},
    {"no such user", NOBODY, WILCO_OK, false, ""},
    {"root", 0, WILCO_OK, false, ""},
    {"nobody", 0, WILCO_OK, true, "nobody"},
    {"no such user", 0, WILCO_EINVAL, false, "user no such user: there is no such user"},
    {"a-name-that-is-longer-than-any-user-may-have-on-any-system-of-today", 0, WILCO_EINVAL, false,
     "there is no such user"},
};

static void
finds_whom_to_become(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct privileges_user user;
        char reason[PRIVILEGES_REASON_BYTES] = "";

        assert_int_equal(privileges_find(&user, rows[i].wanted, rows[i].euid, reason),
                         rows[i].want);
        if (rows[i].want == WILCO_OK) {
            assert_string_equal(user.name, rows[i].text);
            assert_int_equal(user.is_change, rows[i].is_change);
            assert_int_equal(user.is_change, user.uid != 0);
        } else {
            assert_non_null(strstr(reason, rows[i].text));
        }
    }
}

static void
root_does_not_stay_by_default(void **state)
{
    struct privileges_user user;
    char reason[PRIVILEGES_REASON_BYTES] = "";

    (void)state;
    assert_int_equal(privileges_find(&user, "", 0, reason), WILCO_OK);
    assert_true(user.is_change);
    assert_string_equal(user.name, getpwnam("wilco") != NULL ? "wilco" : "nobody");
    assert_int_not_equal(user.uid, 0);
    assert_int_not_equal(user.gid, 0);
}

/* What `line` of /proc/self/status says behind its colon. */
static bool
status_says(const char *line, const char *value)
{
    FILE *file = fopen("/proc/self/status", "r");
    char text[256];
    bool is_so = false;

    while (file != NULL && fgets(text, sizeof(text), file) != NULL) {
        size_t len = strlen(line);

        if (strncmp(text, line, len) == 0 && text[len] == ':') {
            const char *found = text + len + 1 + strspn(text + len + 1, " \t");

            is_so = strncmp(found, value, strlen(value)) == 0;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return is_so;
}

/* In a child, which ends with 0 if all is well, otherwise with the number of what is not. */
static void
expect(int (*run)(void))
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        _exit(run());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int
become_nobody(void)
{
    struct privileges_user user;
    char reason[PRIVILEGES_REASON_BYTES] = "";
    uid_t real = 0, effective = 0, saved = 0;
    gid_t groups[64];

    if (privileges_find(&user, "nobody", 0, reason) != WILCO_OK ||
        privileges_become(&user, reason) != WILCO_OK) {
        return 1;
    }
    if (getresuid(&real, &effective, &saved) != 0 || real != user.uid || effective != user.uid ||
        saved != user.uid || getgid() != user.gid) {
        return 2;
    }
    if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0) {
        return 3;
    }
    for (int i = 0, count = getgroups(64, groups); i < count; i++) {
        if (groups[i] == 0) {
            return 4;
        }
    }
    return status_says("CapBnd", "0000000000000000") ? 0 : 5;
}

static void
becomes_another_for_good(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("not tried, as this is not root\n");
        skip();
    }
    expect(become_nobody);
}

static int
become_without_the_right(void)
{
    struct privileges_user user;
    char reason[PRIVILEGES_REASON_BYTES] = "";

    if (privileges_find(&user, "nobody", 0, reason) != WILCO_OK || setuid(user.uid + 1) != 0) {
        return geteuid() == 0;
    }
    if (privileges_become(&user, reason) != WILCO_EIO) {
        return 2;
    }
    return strstr(reason, "cannot become user nobody: ") == NULL ? 3 : 0;
}

static void
says_that_it_cannot(void **state)
{
    (void)state;
    expect(become_without_the_right);
}

static int
give_up(void)
{
    static const char *const sets[] = {"CapInh", "CapPrm", "CapEff", "CapAmb"};

    if (privileges_give_up() != WILCO_OK) {
        return 1;
    }
    for (int i = 0; i < 4; i++) {
        if (!status_says(sets[i], "0000000000000000")) {
            return 2 + i;
        }
    }
    if (geteuid() == 0 && !status_says("CapBnd", "0000000000000000")) {
        return 6;
    }
    return status_says("NoNewPrivs", "1") ? 0 : 7;
}

static void
has_no_capabilities_left(void **state)
{
    (void)state;
    expect(give_up);
}

static int
hide(void)
{
    struct rlimit limit = {.rlim_cur = 1, .rlim_max = 1};

    if (privileges_hide_memory() != WILCO_OK || getrlimit(RLIMIT_CORE, &limit) != 0) {
        return 1;
    }
    if (limit.rlim_cur != 0 || limit.rlim_max != 0) {
        return 2;
    }
    return prctl(PR_GET_DUMPABLE) == 0 ? 0 : 3;
}

static void
leaves_no_core(void **state)
{
    (void)state;
    expect(hide);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_whom_to_become),     cmocka_unit_test(root_does_not_stay_by_default),
        cmocka_unit_test(becomes_another_for_good), cmocka_unit_test(says_that_it_cannot),
        cmocka_unit_test(has_no_capabilities_left), cmocka_unit_test(leaves_no_core),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
