#include "base/random.h"
#include "base/wheel.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define REACH (UINT64_C(1) << 36) /* of all levels together, in milliseconds */

static struct wheel wheel;

/* Times from which the digits of the wheel turn over soon, or have just done so. */
static const uint64_t births[] = {0, 1, 63, 64, 4095, 1000000, REACH - 1, REACH, REACH * 5 - 3};

static const uint64_t delays[] = {
    0,
    1,
    2,
    63,
    64,
    65,
    4095,
    4096,
    4097,
    60000,
    3600000,
    262143,
    262144,
    16777216,
    86400000,
    REACH / 64 - 1,
    REACH / 64,
    REACH - 1,
    REACH,
    REACH + 1,
    REACH * 7 + 12345,
};
#define DELAYS (sizeof delays / sizeof delays[0])

/* Follows wheel_next_ms() as an event loop would; gives when `t` came out. */
static uint64_t
wait_for(struct timer *t)
{
    for (unsigned wakes = 0; wakes < 32; wakes++) {
        uint64_t next_ms = wheel_next_ms(&wheel);

        assert_true(next_ms >= wheel.now_ms);
        assert_true(next_ms <= t->deadline_ms || t->deadline_ms < wheel.now_ms);
        wheel_advance(&wheel, next_ms);
        if (wheel_pop(&wheel) == t) {
            return next_ms;
        }
    }
    fail_msg("no timer after 32 wakes");
    return 0;
}

static void
a_lone_timer_fires_on_its_millisecond(void **state)
{
    (void)state;
    for (size_t b = 0; b < sizeof births / sizeof births[0]; b++) {
        for (size_t d = 0; d < DELAYS; d++) {
            struct timer t = {.kind = 7};

            wheel_init(&wheel, births[b]);
            wheel_start(&wheel, &t, births[b] + delays[d]);
            assert_true(timer_is_running(&t));
            assert_true(wait_for(&t) == births[b] + delays[d]);
            assert_false(timer_is_running(&t));
            assert_int_equal(t.kind, 7);
            assert_true(wheel_next_ms(&wheel) == WHEEL_NO_DEADLINE);
        }
    }
}

static void
one_millisecond_before_nothing_fires(void **state)
{
    (void)state;
    for (size_t b = 0; b < sizeof births / sizeof births[0]; b++) {
        for (size_t d = 1; d < DELAYS; d++) {
            struct timer t = {.kind = 0};

            wheel_init(&wheel, births[b]);
            wheel_start(&wheel, &t, births[b] + delays[d]);
            wheel_advance(&wheel, births[b] + delays[d] - 1);
            assert_null(wheel_pop(&wheel));
            wheel_advance(&wheel, births[b] + delays[d]);
            assert_ptr_equal(wheel_pop(&wheel), &t);
        }
    }
}

static void
all_delays_at_once_come_out_in_order(void **state)
{
    (void)state;
    for (size_t b = 0; b < sizeof births / sizeof births[0]; b++) {
        struct timer timers[DELAYS] = {{.kind = 0}};
        uint64_t before_ms = 0;
        struct timer *t;
        size_t fired = 0;

        wheel_init(&wheel, births[b]);
        for (size_t d = 0; d < DELAYS; d++) {
            wheel_start(&wheel, &timers[d], births[b] + delays[d]);
        }
        wheel_advance(&wheel, births[b] + REACH * 8); /* one leap over everything */
        while ((t = wheel_pop(&wheel)) != NULL) {
            assert_true(t->deadline_ms >= before_ms);
            before_ms = t->deadline_ms;
            fired++;
        }
        assert_int_equal(fired, DELAYS);
    }
}

static void
a_passed_deadline_waits_for_the_next_advance(void **state)
{
    struct timer t = {.kind = 0};

    (void)state;
    wheel_init(&wheel, 1000);
    wheel_start(&wheel, &t, 1000);
    assert_null(wheel_pop(&wheel));
    assert_true(wheel_next_ms(&wheel) <= 1000);
    for (unsigned i = 0; i < 3;
         i++) { /* a timer that starts itself again cannot keep the loop busy */
        wheel_advance(&wheel, 1000);
        assert_ptr_equal(wheel_pop(&wheel), &t);
        wheel_start(&wheel, &t, i);
        assert_null(wheel_pop(&wheel));
    }
}

static void
stopping_is_harmless_and_final(void **state)
{
    struct timer a = {.kind = 0}, b = {.kind = 0};

    (void)state;
    wheel_init(&wheel, 0);
    wheel_stop(&wheel, &a);
    wheel_start(&wheel, &a, 5000);
    wheel_start(&wheel, &b, 5000);
    wheel_stop(&wheel, &a);
    wheel_stop(&wheel, &a);
    assert_true(wheel_next_ms(&wheel) <= 5000);
    wheel_stop(&wheel, &b);
    assert_true(wheel_next_ms(&wheel) == WHEEL_NO_DEADLINE);
    wheel_start(&wheel, &a, 10);
    wheel_start(&wheel, &b, 10);
    wheel_advance(&wheel, 10);
    assert_true(wheel_next_ms(&wheel) == 10); /* some are waiting to be taken */
    wheel_stop(&wheel, &a);                   /* expired, but not yet taken */
    assert_ptr_equal(wheel_pop(&wheel), &b);
    assert_null(wheel_pop(&wheel));
}

static void
starting_again_moves_the_timer(void **state)
{
    struct timer t = {.kind = 0};

    (void)state;
    wheel_init(&wheel, 0);
    wheel_start(&wheel, &t, 10);
    wheel_start(&wheel, &t, 100000);
    wheel_advance(&wheel, 99999);
    assert_null(wheel_pop(&wheel));
    wheel_start(&wheel, &t, 100001);
    wheel_advance(&wheel, 100000);
    assert_null(wheel_pop(&wheel));
    wheel_advance(&wheel, 100001);
    assert_ptr_equal(wheel_pop(&wheel), &t);
    wheel_start(&wheel, &t, 100001);
    wheel_advance(&wheel, 100001);
    wheel_start(&wheel, &t, 200000); /* from the list of the expired */
    assert_null(wheel_pop(&wheel));
    assert_true(timer_is_running(&t));
}

static void
time_never_goes_back(void **state)
{
    struct timer t = {.kind = 0};

    (void)state;
    wheel_init(&wheel, 5000);
    wheel_start(&wheel, &t, 6000);
    wheel_advance(&wheel, 10);
    assert_true(wheel.now_ms == 5000);
    assert_null(wheel_pop(&wheel));
    wheel_advance(&wheel, 6000);
    assert_ptr_equal(wheel_pop(&wheel), &t);
}

static void
the_end_of_time_never_comes(void **state)
{
    struct timer t = {.kind = 0};

    (void)state;
    wheel_init(&wheel, 1700000000000U);
    wheel_start(&wheel, &t, UINT64_MAX);
    wheel_advance(&wheel, 1700000000000U + REACH * 100);
    assert_null(wheel_pop(&wheel));
    assert_true(timer_is_running(&t));
    assert_true(wheel_next_ms(&wheel) >= wheel.now_ms);
}

/* The model is an array that is searched from end to end. */
#define MODEL 200

static struct timer model[MODEL];
static struct random_seeded dice;

static uint64_t
roll(uint64_t sides)
{
    uint64_t number = 0;

    assert_int_equal(random_u64(&dice.source, &number), WILCO_OK);
    return number % sides;
}

/* Any magnitude is as likely as any other. */
static uint64_t
roll_delay(unsigned bits)
{
    return roll(UINT64_C(1) << roll(bits));
}

static void
assert_agrees(const bool *running)
{
    uint64_t earliest_ms = WHEEL_NO_DEADLINE;
    uint64_t next_ms = wheel_next_ms(&wheel);

    for (size_t i = 0; i < MODEL; i++) {
        assert_int_equal(timer_is_running(&model[i]), running[i]);
        if (running[i] && model[i].deadline_ms < earliest_ms) {
            earliest_ms = model[i].deadline_ms;
        }
    }
    if (earliest_ms == WHEEL_NO_DEADLINE) {
        assert_true(next_ms == WHEEL_NO_DEADLINE);
    } else {
        assert_true(next_ms >= wheel.now_ms);
        assert_true(next_ms <= (earliest_ms > wheel.now_ms ? earliest_ms : wheel.now_ms));
    }
}

static void
advance_both(bool *running, uint64_t now_ms)
{
    struct timer *t;

    wheel_advance(&wheel, now_ms);
    while ((t = wheel_pop(&wheel)) != NULL) {
        assert_true(running[t - model]);
        assert_true(t->deadline_ms <= now_ms); /* never early */
        running[t - model] = false;
    }
    for (size_t i = 0; i < MODEL; i++) { /* and never late */
        assert_true(!running[i] || model[i].deadline_ms > now_ms);
    }
}

static void
play(uint64_t seed)
{
    bool running[MODEL] = {false};

    random_seeded_init(&dice, seed);
    memset(model, 0, sizeof model);
    wheel_init(&wheel, births[seed % (sizeof births / sizeof births[0])]);
    for (unsigned step = 0; step < 3000; step++) {
        size_t i = roll(MODEL);
        uint64_t back = roll(4) == 0 ? 100 : 0; /* some deadlines lie in the past */
        uint64_t due_ms = wheel.now_ms + roll_delay(40);

        if (roll(4) != 0) {
            wheel_start(&wheel, &model[i], due_ms > back ? due_ms - back : 0);
            running[i] = true;
        } else if (roll(2) == 0) {
            wheel_stop(&wheel, &model[i]);
            running[i] = false;
        } else if (roll(2) == 0) {
            advance_both(running, wheel.now_ms + roll_delay(38));
        } else if (wheel_next_ms(&wheel) != WHEEL_NO_DEADLINE) {
            advance_both(running, wheel_next_ms(&wheel));
        }
        assert_agrees(running);
    }
}

static void
random_play_agrees_with_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        play(seed);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lone_timer_fires_on_its_millisecond),
        cmocka_unit_test(one_millisecond_before_nothing_fires),
        cmocka_unit_test(all_delays_at_once_come_out_in_order),
        cmocka_unit_test(a_passed_deadline_waits_for_the_next_advance),
        cmocka_unit_test(stopping_is_harmless_and_final),
        cmocka_unit_test(starting_again_moves_the_timer),
        cmocka_unit_test(time_never_goes_back),
        cmocka_unit_test(the_end_of_time_never_comes),
        cmocka_unit_test(random_play_agrees_with_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
