#include "load/meter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#define NO_PID (1 << 22) /* above all that Linux gives */

static void
test_own_process(void **state)
{
    uint64_t before = meter_cpu_ns(getpid());
    uint64_t own = meter_own_cpu_ns();

    (void)state;
    assert_true(before > 0);
    while (meter_own_cpu_ns() < own + 2000000) {
    }
    assert_true(meter_cpu_ns(getpid()) >= before + 2000000);
    assert_true(meter_rss_bytes(getpid()) > 65536);
}

static void
test_no_process(void **state)
{
    (void)state;
    assert_int_equal(meter_cpu_ns(0), 0);
    assert_int_equal(meter_rss_bytes(0), 0);
    assert_int_equal(meter_cpu_ns(NO_PID), 0);
    assert_int_equal(meter_rss_bytes(NO_PID), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_process),
        cmocka_unit_test(test_no_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
