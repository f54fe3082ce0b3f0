#define _POSIX_C_SOURCE 200809L

#include "broker/auth/secret_file.h"

#include "support/failing_alloc.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/wilco-secret-XXXXXX";
static char path[sizeof(folder) + 16];

static int
make_folder(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof(path), "%s", mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/file", folder);
    return 0;
}

static int
remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void
write_file(const void *text, size_t len, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static const struct {
    mode_t mode;
    bool is_secret;
    enum wilco_status want;
} modes[] = {
    {0600, true, WILCO_OK},  {0400, true, WILCO_OK},  {0640, true, WILCO_OK},
    {0644, true, WILCO_EIO}, {0604, true, WILCO_EIO}, {0660, true, WILCO_EIO},
    {0602, true, WILCO_EIO}, {0644, false, WILCO_OK}, {0666, false, WILCO_OK},
};

static void
keeps_secrets_from_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        struct buffer text;
        char why[SECRET_FILE_WHY_BYTES];

        write_file("a\0b", 3, modes[i].mode);
        assert_int_equal(
            secret_file_read(&text, alloc_system(), path, modes[i].is_secret, 100, why),
            modes[i].want);
        if (modes[i].want == WILCO_OK) {
            assert_true(span_equal(buffer_span(&text), span_of("a\0b", 3)));
            secret_file_wipe(&text);
        } else {
            assert_non_null(strstr(why, "file: its secrets are open to others: chmod o=,g-w it"));
        }
    }
}

static void
reads_no_more_than_allowed(void **state)
{
    static char large[9000];
    struct buffer text;
    char why[SECRET_FILE_WHY_BYTES];

    (void)state;
    memset(large, 'x', sizeof(large));
    write_file(large, sizeof(large), 0600);
    assert_int_equal(secret_file_read(&text, alloc_system(), path, true, sizeof(large), why),
                     WILCO_OK);
    assert_int_equal(text.len, sizeof(large));
    secret_file_wipe(&text);
    for (size_t max = sizeof(large) - 1; max > 0; max /= 2) {
        assert_int_equal(secret_file_read(&text, alloc_system(), path, true, max, why),
                         WILCO_ELIMIT);
        assert_non_null(strstr(why, "file: it is too large"));
    }
}

static void
says_what_is_wrong_with_a_path(void **state)
{
    struct buffer text;
    char why[SECRET_FILE_WHY_BYTES];

    (void)state;
    assert_int_equal(secret_file_read(&text, alloc_system(), "/no/such/file", true, 100, why),
                     WILCO_EIO);
    assert_string_equal(why, "/no/such/file: No such file or directory");
    assert_int_equal(secret_file_read(&text, alloc_system(), folder, true, 100, why), WILCO_EIO);
    assert_non_null(strstr(why, ": it is not a file"));
    (void)unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody will ever write to it */
    assert_int_equal(secret_file_read(&text, alloc_system(), path, true, 100, why), WILCO_EIO);
    assert_non_null(strstr(why, ": it is not a file"));
    assert_int_equal(unlink(path), 0);
}

static void
survives_every_failing_allocation(void **state)
{
    struct failing_alloc f;
    size_t fail_at = 0;

    (void)state;
    write_file("secret", 6, 0600);
    do {
        struct buffer text;
        char why[SECRET_FILE_WHY_BYTES];
        enum wilco_status got = WILCO_OK;

        failing_alloc_init(&f, ++fail_at);
        got = secret_file_read(&text, &f.alloc, path, true, 100, why);
        assert_int_equal(got, fail_at > f.attempts ? WILCO_OK : WILCO_ENOMEM);
        secret_file_wipe(&text);
        assert_int_equal(f.live, 0);
    } while (fail_at <= f.attempts);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_secrets_from_others),
        cmocka_unit_test(reads_no_more_than_allowed),
        cmocka_unit_test(says_what_is_wrong_with_a_path),
        cmocka_unit_test(survives_every_failing_allocation),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
