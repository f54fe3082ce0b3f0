#include "broker/server/config/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
    const char *setting, *text;
    bool is_good;
    uint64_t want;
} rows[] = {
    {"shards", "0", true, 0},
    {"shards", "007", true, 7},
    {"shards", "18446744073709551615", true, UINT64_MAX},
    {"shards", "18446744073709551616", false, 0},
    {"shards", "99999999999999999999", false, 0},
    {"shards", "", false, 0},
    {"shards", "-1", false, 0},
    {"shards", "+1", false, 0},
    {"shards", " 1", false, 0},
    {"shards", "1 ", false, 0},
    {"shards", "1.5", false, 0},
    {"shards", "0x10", false, 0},
    {"shards", "1s", false, 0},
    {"shards", "1KiB", false, 0},
    {"a_bytes_max", "64", true, 64},
    {"a_bytes_max", "64KiB", true, 65536},
    {"a_bytes_max", "64 KiB", true, 65536},
    {"a_bytes_max", "64  KiB", false, 0},
    {"a_bytes_max", "64 ", false, 0},
    {"a_bytes_max", "2 MiB", true, 2097152},
    {"a_bytes_max", "1 GiB", true, 1073741824},
    {"a_bytes_max", "17179869183 GiB", true, UINT64_C(17179869183) << 30},
    {"a_bytes_max", "17179869184 GiB", false, 0},
    {"a_bytes_max", "1k", false, 0}, /* 1000 or 1024? */
    {"a_bytes_max", "1M", false, 0},
    {"a_bytes_max", "1kib", false, 0},
    {"a_bytes_max", "KiB", false, 0},
    {"a_bytes_max", "1s", false, 0},
    {"a_timeout_ms", "10", true, 10},
    {"a_timeout_ms", "10ms", true, 10},
    {"a_timeout_ms", "10s", true, 10000},
    {"a_timeout_ms", "2 min", true, 120000},
    {"a_timeout_ms", "1h", true, 3600000},
    {"a_timeout_ms", "1d", true, 86400000},
    {"a_timeout_ms", "1m", false, 0}, /* minute or month? */
    {"an_expiry_max_s", "10", true, 10},
    {"an_expiry_max_s", "10s", true, 10},
    {"an_expiry_max_s", "10ms", false, 0},
    {"an_expiry_max_s", "2min", true, 120},
    {"an_expiry_max_s", "2h", true, 7200},
    {"an_expiry_max_s", "7d", true, 604800},
    {"_ms", "1s", false, 0}, /* a name that is nothing but an ending */
};

static void
numbers_and_units(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t got = 0;

        if (quantity_parse(rows[i].text, rows[i].setting, &got) != rows[i].is_good) {
            fail_msg("%s %s", rows[i].setting, rows[i].text);
        }
        if (rows[i].is_good) {
            assert_int_equal(got, rows[i].want);
        }
    }
    assert_null(quantity_units("shards"));
    assert_string_equal(quantity_units("a_bytes_max"), "KiB, MiB, GiB");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
