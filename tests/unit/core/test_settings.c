#include "broker/core/settings.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
test_rows(void **state)
{
    struct settings settings = settings_default();
    size_t count = 0;

    (void)state;
    for (struct setting_row row = settings_row(0); row.name != NULL; row = settings_row(++count)) {
        const uint64_t values[] = {row.min, row.max, row.standard};
        char text[128];
        char reason[SETTINGS_REASON_BYTES];

        assert_in_range(row.standard, row.min, row.max);
        assert_true(strlen(row.what) > 10);
        for (size_t i = 0; i < 3; i++) {
            (void)snprintf(text, sizeof(text), "%s=%" PRIu64, row.name, values[i]);
            assert_int_equal(settings_apply(&settings, text, reason), WILCO_OK);
        }
        if (row.min > 0) {
            (void)snprintf(text, sizeof(text), "%s=%" PRIu64, row.name, row.min - 1);
            assert_int_equal(settings_apply(&settings, text, reason), WILCO_EINVAL);
            assert_non_null(strstr(reason, row.name));
        }
        (void)snprintf(text, sizeof(text), "%s=%" PRIu64, row.name, row.max + 1);
        assert_int_equal(settings_apply(&settings, text, reason), WILCO_EINVAL);
    }
    assert_int_equal(count * sizeof(uint64_t), sizeof(settings));
    assert_null(settings_row(count + 1).name);
    {
        const struct settings standard = settings_default();

        assert_memory_equal(&settings, &standard, sizeof(settings));
    }
}

static void
test_apply(void **state)
{
    static const struct {
        const char *assignment;
        enum wilco_status want;
    } rows[] = {
        {"receive_maximum=20", WILCO_OK},
        {"receive_maximum=0", WILCO_EINVAL},
        {"receive_maximum=65536", WILCO_EINVAL},
        {"receive_maximum=99999999999999999999", WILCO_EINVAL},
        {"receive_maximum=-1", WILCO_EINVAL},
        {"receive_maximum=+1", WILCO_EINVAL},
        {"receive_maximum= 1", WILCO_EINVAL},
        {"receive_maximum=1 ", WILCO_EINVAL},
        {"receive_maximum=0x10", WILCO_EINVAL},
        {"receive_maximum=1k", WILCO_EINVAL},
        {"receive_maximum=", WILCO_EINVAL},
        {"receive_maximum", WILCO_ENOTFOUND},
        {"receive_maximu=1", WILCO_ENOTFOUND},
        {"receive_maximums=1", WILCO_ENOTFOUND},
        {"=1", WILCO_ENOTFOUND},
        {"", WILCO_ENOTFOUND},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct settings settings = settings_default();
        char reason[SETTINGS_REASON_BYTES] = "";

        assert_int_equal(settings_apply(&settings, rows[i].assignment, reason), rows[i].want);
        assert_int_equal(settings.receive_maximum, rows[i].want == WILCO_OK ? 20 : 1024);
        assert_int_equal(reason[0] != '\0', rows[i].want != WILCO_OK);
        assert_null(strchr(reason, '\n'));
    }
}

static void
test_values(void **state)
{
    struct settings from = settings_default();
    struct settings to = settings_default();
    char reason[SETTINGS_REASON_BYTES];

    (void)state;
    assert_int_equal(settings_apply(&from, "connect_timeout_ms=20", reason), WILCO_OK);
    assert_int_equal(settings_apply(&from, "connect_bytes_max=30000", reason), WILCO_OK);
    assert_string_equal(settings_row(0).name, "connect_timeout_ms");
    assert_int_equal(settings_value(&from, 0), 20);
    assert_int_equal(settings_value(&from, 1), 30000);
    settings_copy_value(&to, &from, 0);
    assert_int_equal(to.connect_timeout_ms, 20);
    assert_int_equal(to.connect_bytes_max, settings_default().connect_bytes_max);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_apply),
        cmocka_unit_test(test_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
