/* Plain messages through a relay that does wrong once. */
#include "liar.h"
#include "load/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct load_options pairs = {
    .mode = "publish",
    .publishers = 3,
    .subscribers = 2,
    .window = 4,
    .payload_bytes = 64,
    .seconds = 0.1,
    .warmup = 0.01,
    .timeout = 0.3,
};

static const struct {
    enum lie lie;
    unsigned wrong, missing, repeated;
} rows[] = {
    {LIE_NONE, 0, 0, 0}, {LIE_TWICE, 0, 0, 1}, {LIE_NEVER, 0, 1, 0},
    {LIE_WORD, 1, 1, 0}, {LIE_SHORT, 1, 1, 0}, {LIE_ELSEWHERE, 1, 1, 0},
};

static void
test_lies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct liar l = {.lie = rows[i].lie, .kind = PLACE_FEED, .at = 20};
        struct load_result r;

        liar_run(&l, &pairs, &r);
        assert_int_equal(r.wrong, rows[i].wrong);
        assert_int_equal(r.missing, rows[i].missing);
        assert_int_equal(r.repeated, rows[i].repeated);
        assert_true(r.count > 0);
    }
}

/* A message that comes after its successors has been taken for missing. */
static void
test_out_of_order(void **state)
{
    struct liar l = {.lie = LIE_LATE, .kind = PLACE_FEED, .at = 20};
    struct load_result r;

    (void)state;
    liar_run(&l, &pairs, &r);
    assert_int_equal(r.missing, r.repeated);
    assert_in_range(r.missing, 0, 1); /* its successor may be of another publisher */
    assert_int_equal(r.wrong, 0);
}

/* Every message reaches every subscriber: one that is lost is missing for each of them. */
static void
test_fan(void **state)
{
    struct load_options o = pairs;
    struct liar honest = {.lie = LIE_NONE};
    struct liar never = {.lie = LIE_NEVER, .kind = PLACE_FEED, .at = 20};
    struct load_result r;

    (void)state;
    o.fan = true;
    liar_run(&honest, &o, &r);
    assert_true(load_is_right(&r));
    liar_run(&never, &o, &r);
    assert_int_equal(r.missing, 2);
    assert_int_equal(r.wrong + r.repeated, 0);
}

/* The last message is lost, so that no successor tells: the timeout does, and the load goes on. */
static void
test_nothing_follows(void **state)
{
    struct load_options o = pairs;
    struct liar never = {.lie = LIE_NEVER, .kind = PLACE_FEED, .at = 20};
    struct load_result r;

    (void)state;
    o.publishers = 1;
    o.window = 1;
    o.timeout = 0.1;
    o.seconds = 1;
    liar_run(&never, &o, &r);
    assert_int_equal(r.missing, 1);
    assert_true(r.count > 20);
}

static void
test_open_loop(void **state)
{
    struct load_options o = pairs;
    struct liar honest = {.lie = LIE_NONE};
    struct load_result r;

    (void)state;
    o.rate = 500;
    o.seconds = 1;
    liar_run(&honest, &o, &r);
    assert_true(load_is_right(&r));
    assert_in_range(r.count, 400, 600);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lies),      cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_fan),       cmocka_unit_test(test_nothing_follows),
        cmocka_unit_test(test_open_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
