#include "cli/arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Only what lies in a word, whole, is overwritten. */
static void
hides_secrets(void **state)
{
    char tool[] = "wilco";
    char flag[] = "--password=secret";
    char url[] = "mqtt://me:secret@host";
    char other[] = "secret";
    char *words[] = {tool, flag, url, NULL};

    (void)state;
    arguments_hide(other, 6); /* nothing is remembered yet */
    arguments_remember(words);
    arguments_hide(flag + 11, 6);
    arguments_hide(url + 10, 6);
    arguments_hide(other, 6);
    arguments_hide(tool, 6); /* more than there is */
    assert_string_equal(flag, "--password=******");
    assert_string_equal(url, "mqtt://me:******@host");
    assert_string_equal(other, "secret");
    assert_string_equal(tool, "wilco");
    arguments_remember(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hides_secrets)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
