#include "base/random.h"
#include "link/receive_window.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A script of one step a row: the identifier to add, or to remove when it is negative. */
static const struct {
    const char *name;
    int steps[6];
    enum wilco_status added; /* what the last step gives when it adds */
    bool removed;            /* when it removes */
} rows[] = {
    {"the first", {1}, WILCO_OK, false},
    {"a duplicate [MQTT-4.3.3-10]", {1, 1}, WILCO_AGAIN, false},
    {"a duplicate when full is no excess", {1, 2, 3, 2}, WILCO_AGAIN, false},
    {"one above Receive Maximum [MQTT-3.3.4-7]", {1, 2, 3, 4}, WILCO_ELIMIT, false},
    {"room again after a removal", {1, 2, 3, -1, 4}, WILCO_OK, false},
    {"the same again after its removal", {7, -7, 7}, WILCO_OK, false},
    {"removal", {65535, -65535}, WILCO_OK, true},
    {"removal twice", {9, -9, -9}, WILCO_OK, false},
    {"removal of what never came", {9, -8}, WILCO_OK, false},
    {"out of order", {300, 2, 65535, 2}, WILCO_AGAIN, false},
};

static void
steps(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct receive_window w;
        enum wilco_status added = WILCO_OK;
        bool removed = false;

        receive_window_init(&w, alloc_system(), 3);
        for (size_t j = 0; j < 6 && rows[i].steps[j] != 0; j++) {
            int id = rows[i].steps[j];

            added = WILCO_OK;
            removed = false;
            if (id > 0) {
                added = receive_window_add(&w, (uint16_t)id);
                assert_int_equal(receive_window_has(&w, (uint16_t)id), added != WILCO_ELIMIT);
            } else {
                removed = receive_window_remove(&w, (uint16_t)-id);
                assert_false(receive_window_has(&w, (uint16_t)-id));
            }
        }
        if (added != rows[i].added || removed != rows[i].removed) {
            fail_msg("%s: %d, %d", rows[i].name, (int)added, (int)removed);
        }
        receive_window_fini(&w);
    }
}

static void
all_identifiers_at_once(void **state)
{
    struct receive_window w;

    (void)state;
    receive_window_init(&w, alloc_system(), UINT16_MAX);
    for (uint32_t id = UINT16_MAX; id > 0; id--) {
        assert_int_equal(receive_window_add(&w, (uint16_t)id), WILCO_OK);
    }
    assert_int_equal(w.count, UINT16_MAX);
    assert_int_equal(receive_window_add(&w, 1), WILCO_AGAIN);
    for (uint32_t id = 1; id <= UINT16_MAX; id++) {
        assert_true(receive_window_remove(&w, (uint16_t)id));
    }
    assert_null(w.ids); /* a large table goes when it is empty */
    assert_int_equal(receive_window_add(&w, 1), WILCO_OK);
    receive_window_fini(&w);
}

static void
an_empty_window_owns_little(void **state)
{
    struct receive_window w;

    (void)state;
    receive_window_init(&w, alloc_system(), UINT16_MAX);
    assert_null(w.ids);
    for (uint32_t n = 1; n < 1000; n = n * 2 + 1) {
        for (uint32_t id = 1; id <= n; id++) {
            assert_int_equal(receive_window_add(&w, (uint16_t)id), WILCO_OK);
        }
        for (uint32_t id = 1; id <= n; id++) {
            assert_true(receive_window_remove(&w, (uint16_t)id));
        }
        assert_true(w.capacity * sizeof(w.ids[0]) <= 64);
    }
    receive_window_fini(&w);
}

static void
behaves_as_a_set(void **state)
{
    static bool held[UINT16_MAX + 1];
    const uint16_t maximum = 500;
    struct random_seeded random;
    struct receive_window w;
    uint32_t count = 0;

    (void)state;
    random_seeded_init(&random, 5);
    receive_window_init(&w, alloc_system(), maximum);
    for (size_t i = 0; i < 200000; i++) {
        uint64_t r = 0;
        uint16_t id = 0;

        assert_int_equal(random_u64(&random.source, &r), WILCO_OK);
        id = (uint16_t)(1 + r % 1000);
        assert_int_equal(receive_window_has(&w, id), held[id]);
        if ((r >> 32) % 2 == 0) {
            enum wilco_status limit = count < maximum ? WILCO_OK : WILCO_ELIMIT;
            enum wilco_status want = held[id] ? WILCO_AGAIN : limit;

            assert_int_equal(receive_window_add(&w, id), want);
            count += want == WILCO_OK;
            held[id] = held[id] || want == WILCO_OK;
        } else {
            assert_int_equal(receive_window_remove(&w, id), held[id]);
            count -= held[id];
            held[id] = false;
        }
        assert_int_equal(w.count, count);
    }
    receive_window_fini(&w);
}

static void
every_allocation_may_fail(void **state)
{
    struct failing_alloc a;
    size_t fail_at = 0;

    (void)state;
    do {
        struct receive_window w;
        uint32_t failures = 0;

        failing_alloc_init(&a, fail_at);
        receive_window_init(&w, &a.alloc, UINT16_MAX);
        for (uint16_t id = 1; id <= 100; id++) {
            uint16_t count = w.count;
            enum wilco_status st = receive_window_add(&w, id);

            if (st == WILCO_ENOMEM) {
                failures++;
                assert_int_equal(w.count, count);
                st = receive_window_add(&w, id);
            }
            assert_int_equal(st, WILCO_OK);
        }
        assert_int_equal(failures, fail_at > 0 && fail_at <= a.attempts);
        for (uint16_t id = 1; id <= 100; id++) {
            assert_true(receive_window_has(&w, id));
        }
        receive_window_fini(&w);
        assert_int_equal(a.live, 0);
        fail_at++;
    } while (fail_at <= a.attempts);
    assert_true(fail_at > 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps),
        cmocka_unit_test(all_identifiers_at_once),
        cmocka_unit_test(an_empty_window_owns_little),
        cmocka_unit_test(behaves_as_a_set),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
