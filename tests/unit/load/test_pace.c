/* On a clock that the test moves. */
#include "load/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define START UINT64_C(5000000000)

static void
test_equal_distances(void **state)
{
    struct pace p = pace_of(30000, START);

    (void)state;
    assert_int_equal(pace_due_ns(&p, 0), START);
    assert_int_equal(pace_due_ns(&p, 3), START + 100000);
    assert_int_equal(pace_due_ns(&p, 30000), START + 1000000000); /* nothing adds up */
    assert_int_equal(pace_due_ns(&p, UINT64_C(30000) * 3600), START + UINT64_C(3600000000000));
}

static void
test_one_at_a_time(void **state)
{
    struct pace p = pace_of(1000, START);

    (void)state;
    assert_false(pace_take(&p, START - 1));
    assert_int_equal(pace_wait_ns(&p, START - 10), 10);
    assert_true(pace_take(&p, START));
    assert_false(pace_take(&p, START + 999999));
    assert_int_equal(pace_wait_ns(&p, START), 1000000);
    assert_true(pace_take(&p, START + 1000000));
}

/* Whoever comes late finds all that was due meanwhile, each with its own time. */
static void
test_catches_up(void **state)
{
    struct pace p = pace_of(1000, START);
    unsigned taken = 0;

    (void)state;
    while (pace_take(&p, START + 10 * 1000000)) {
        assert_int_equal(pace_due_ns(&p, p.next - 1), START + taken * UINT64_C(1000000));
        taken++;
    }
    assert_int_equal(taken, 11);
    assert_int_equal(pace_wait_ns(&p, START + 20 * 1000000), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_distances),
        cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_catches_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
