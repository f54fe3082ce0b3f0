/* Requests through a relay that does wrong once: what it did is counted as what it was. */
#include "liar.h"
#include "load/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct load_options two_by_two = {
    .mode = "request",
    .requesters = 2,
    .window = 2,
    .responders = 2,
    .payload_bytes = 64,
    .seconds = 0.1,
    .warmup = 0.01,
    .timeout = 0.3,
};

static void
test_lies(void **state)
{
    static const struct {
        enum lie lie;
        unsigned wrong, missing, late, repeated;
    } rows[] = {
        {LIE_NONE, 0, 0, 0, 0}, {LIE_TWICE, 0, 0, 0, 1}, {LIE_NEVER, 0, 1, 0, 0},
        {LIE_WORD, 1, 1, 0, 0}, {LIE_SHORT, 1, 1, 0, 0}, {LIE_ELSEWHERE, 1, 1, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct liar l = {.lie = rows[i].lie, .kind = PLACE_ANSWER, .at = 20};
        struct load_result r;

        liar_run(&l, &two_by_two, &r);
        assert_int_equal(r.wrong, rows[i].wrong);
        assert_int_equal(r.missing, rows[i].missing);
        assert_int_equal(r.late, rows[i].late);
        assert_int_equal(r.repeated, rows[i].repeated);
        assert_int_equal(load_is_right(&r), rows[i].lie == LIE_NONE);
        assert_true(r.count > 0);
        assert_int_equal(r.latency.count, r.count);
    }
}

/* A request is given up, its response comes all the same: late, and not missing any more. */
static void
test_late(void **state)
{
    struct load_options o = two_by_two;
    struct liar l = {.lie = LIE_LATE, .kind = PLACE_ANSWER, .at = 20, .late_ns = 600000000};
    struct load_result r;

    (void)state;
    o.seconds = 1;
    o.timeout = 0.1;
    liar_run(&l, &o, &r);
    assert_int_equal(r.late, 1);
    assert_int_equal(r.missing, 0);
    assert_int_equal(r.wrong + r.repeated, 0);
}

/* A request that comes twice is answered twice; one that comes never is never answered. */
static void
test_lies_to_responders(void **state)
{
    struct liar twice = {.lie = LIE_TWICE, .kind = PLACE_ASK, .at = 5};
    struct liar never = {.lie = LIE_NEVER, .kind = PLACE_ASK, .at = 5};
    struct load_result r;

    (void)state;
    liar_run(&twice, &two_by_two, &r);
    assert_int_equal(r.repeated, 1);
    assert_int_equal(r.missing, 0);
    liar_run(&never, &two_by_two, &r);
    assert_int_equal(r.missing, 1);
}

/* An open loop keeps its rate, and its latency counts from when a request was due: with one slot
 * for a requester, those behind one that is never answered wait for the timeout. */
static void
test_open_loop(void **state)
{
    struct load_options o = two_by_two;
    struct liar honest = {.lie = LIE_NONE};
    struct liar never = {.lie = LIE_NEVER, .kind = PLACE_ANSWER, .at = 40};
    struct load_result r;

    (void)state;
    o.rate = 500;
    o.window = 1;
    o.seconds = 1;
    liar_run(&honest, &o, &r);
    assert_true(load_is_right(&r));
    assert_in_range(r.count, 400, 600);
    liar_run(&never, &o, &r);
    assert_int_equal(r.missing, 1);
    assert_true(r.latency.max_us > 150000);
    assert_true(r.latency.p99_us > 100000); /* the stall is seen by all who waited behind it */
    assert_in_range(r.count, 400, 600);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_lies_to_responders),
        cmocka_unit_test(test_open_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
