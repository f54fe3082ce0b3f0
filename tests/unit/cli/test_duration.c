#include "cli/duration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *text;
    bool is_valid;
    uint32_t milliseconds;
} rows[] = {
    {"500ms", true, 500},
    {"5s", true, 5000},
    {"5", true, 5000},
    {"2m", true, 120000},
    {"1.5h", true, 5400000},
    {"1d", true, 86400000},
    {"0.25", true, 250},
    {".5s", true, 500},
    {"0", true, 0},
    {"0.1ms", true, 1}, /* only zero is zero */
    {"0.0001", true, 1},
    {"4294967295ms", true, UINT32_MAX},
    {"4294967295.5ms", false, 0},
    {"4294967296ms", false, 0},
    {"50d", false, 0},
    {"99999999999999999999999999999999d", false, 0},
    {"", false, 0},
    {".", false, 0},
    {"s", false, 0},
    {"-1", false, 0},
    {"+1", false, 0},
    {" 1", false, 0},
    {"1 s", false, 0},
    {"1S", false, 0},
    {"1sec", false, 0},
    {"1.2.3", false, 0},
    {"1e3", false, 0},
    {"0x10", false, 0},
    {"inf", false, 0},
    {"nan", false, 0},
};

static void
every_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t milliseconds = 0;
        bool is_valid = duration_parse(rows[i].text, &milliseconds);

        if (is_valid != rows[i].is_valid || milliseconds != rows[i].milliseconds) {
            fail_msg("\"%s\": %s, %lu ms", rows[i].text, is_valid ? "valid" : "refused",
                     (unsigned long)milliseconds);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
