#define _POSIX_C_SOURCE 200809L

#include "broker/auth/acl_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void
a_file(void **state)
{
    char path[] = "/tmp/wilco-acl-XXXXXX";
    char problem[ACL_PROBLEM_BYTES] = "";
    int fd = mkstemp(path);
    const struct access_subject who = {.client_id = SPAN_LITERAL("c")};
    struct acl *acl = NULL;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "topic a\n", 8), 8);
    assert_int_equal(acl_file_read(&acl, alloc_system(), path, problem), WILCO_OK);
    assert_true(acl_judge(acl, &who, ACCESS_PUBLISH, SPAN_LITERAL("a")).may);
    acl_free(acl);
    acl = NULL;
    assert_int_equal(write(fd, "topic\n", 6), 6);
    assert_int_equal(acl_file_read(&acl, alloc_system(), path, problem), WILCO_EINVAL);
    assert_string_equal(problem, "line 2: \"topic\": a topic filter is missing");
    assert_null(acl);
    /* A hole of zeros: no memory is needed for it on the disk. */
    assert_int_equal(ftruncate(fd, (off_t)ACL_TEXT_BYTES_MAX + 1), 0);
    assert_int_equal(acl_file_read(&acl, alloc_system(), path, problem), WILCO_EINVAL);
    assert_string_equal(problem, "larger than 16777216 bytes");
    (void)close(fd);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(acl_file_read(&acl, alloc_system(), path, problem), WILCO_EIO);
    assert_string_equal(problem, "cannot be read: No such file or directory");
    assert_int_equal(acl_file_read(&acl, alloc_system(), "/", problem), WILCO_EIO);
    assert_string_equal(problem, "cannot be read: it is not a file");
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes, and nobody waits for that */
    assert_int_equal(acl_file_read(&acl, alloc_system(), path, problem), WILCO_EIO);
    assert_string_equal(problem, "cannot be read: it is not a file");
    assert_int_equal(unlink(path), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
