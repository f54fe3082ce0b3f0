#include "load/moments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MOMENTS_MAX 4U
#define MS          UINT64_C(1000000)

struct watcher {
    struct load_moment moments[MOMENTS_MAX];
    size_t count;
};

static void
watch(void *context, const struct load_moment *m)
{
    struct watcher *w = context;

    assert_true(w->count < MOMENTS_MAX);
    w->moments[w->count++] = *m;
}

static void
assert_near(double is, double should)
{
    if (is < should * 0.999 || is > should * 1.001) {
        fail_msg("%f, not %f", is, should);
    }
}

/* Measuring begins at 1000 ms with moments of 100 ms. */
static void
a_moment_ends_when_its_time_is_over(void **state)
{
    static struct moments m;
    struct watcher w = {.count = 0};
    const struct load_options o = {.watch = watch, .context = &w, .moment = 0.1};

    (void)state;
    moments_start(&m, &o, 1000 * MS);
    for (unsigned i = 1; i <= 100; i++) {
        latency_record(&m.latency, i * MS);
    }
    moments_look(&m, 1099 * MS);
    assert_int_equal(w.count, 0);
    moments_look(&m, 1150 * MS); /* late, which the moment says */
    assert_int_equal(w.count, 1);
    assert_near(w.moments[0].at, 0.15);
    assert_near(w.moments[0].seconds, 0.15);
    assert_int_equal(w.moments[0].count, 100);
    assert_near(w.moments[0].p50_us, 50000);
    assert_near(w.moments[0].p99_us, 99000);
    assert_near(w.moments[0].max_us, 100000);

    moments_look(&m, 1249 * MS);
    assert_int_equal(w.count, 1);
    moments_look(&m, 1250 * MS); /* nothing came: a stall */
    assert_int_equal(w.count, 2);
    assert_int_equal(w.moments[1].count, 0);
    assert_true(w.moments[1].max_us < 1);

    latency_record(&m.latency, 7 * MS);
    moments_end(&m, 1260 * MS);
    assert_int_equal(w.count, 3);
    assert_near(w.moments[2].at, 0.26);
    assert_near(w.moments[2].seconds, 0.01);
    assert_int_equal(w.moments[2].count, 1);
    moments_end(&m, 1260 * MS);
    assert_int_equal(w.count, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_ends_when_its_time_is_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
