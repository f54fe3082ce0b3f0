#include "cli/payload_template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void
words_in_braces(void **state)
{
    const struct {
        struct wilco_bytes text;
        uint64_t n, time_ms;
        struct wilco_bytes want;
    } rows[] = {
        {WILCO_TEXT(""), 1, 2, WILCO_TEXT("")},
        {WILCO_TEXT("{{n}}"), 17, 0, WILCO_TEXT("17")},
        {WILCO_TEXT("{{n}}{{n}}"), UINT64_MAX, 0,
         WILCO_TEXT("1844674407370955161518446744073709551615")},
        {WILCO_TEXT("no. {{n}} at {{time}}!"), 1, 1700000000000,
         WILCO_TEXT("no. 1 at 1700000000000!")},
        {WILCO_TEXT("{{{n}}}"), 1, 0, WILCO_TEXT("{1}")},
        {WILCO_TEXT("{{n}"), 1, 0, WILCO_TEXT("{{n}")},
        {WILCO_TEXT("{{N}} {{ n }} {{uuid}} {n}"), 1, 0, WILCO_TEXT("{{N}} {{ n }} {{uuid}} {n}")},
        {WILCO_TEXT("a\0{{n}}\xff"), 1, 0,
         WILCO_TEXT("a\0"
                    "1\xff")},
        {WILCO_TEXT("{{time}}"), 1, UINT64_MAX, WILCO_TEXT("18446744073709551615")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t len = 0;
        char *got = payload_template_fill(rows[i].text, rows[i].n, rows[i].time_ms, &len);

        if (len != rows[i].want.len) {
            fail_msg("row %zu: %.*s", i, (int)len, got);
        }
        assert_memory_equal(got, rows[i].want.data, len);
        assert_int_equal(got[len], 0);
        free(got);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_in_braces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
