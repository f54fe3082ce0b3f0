#include "broker/core/rcu_table.h"

#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define ITEMS 3000U

struct item {
    uint64_t hash;
    bool is_in;
};

struct fixture {
    struct failing_alloc alloc;
    struct reclaim reclaim;
    struct rcu_table table;
    struct item items[ITEMS];
    uint32_t random;
};

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    rcu_thread_enter();
    failing_alloc_init(&f->alloc, 0);
    reclaim_init(&f->reclaim, &f->alloc.alloc);
    rcu_table_init(&f->table, &f->reclaim);
    f->random = 12345;
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    rcu_table_fini(&f->table);
    reclaim_fini(&f->reclaim);
    assert_int_equal(f->alloc.live, 0);
    free(f);
    rcu_thread_leave();
    return 0;
}

static uint32_t
next_random(struct fixture *f)
{
    f->random = f->random * 1664525U + 1013904223U;
    return f->random >> 8;
}

/* How often a walk comes to the item. */
static size_t
times_found(const struct fixture *f, const struct item *item)
{
    struct rcu_table_walk w = rcu_table_find(&f->table, item->hash);
    const struct item *found;
    size_t count = 0;

    while ((found = rcu_table_next(&w)) != NULL) {
        assert_int_equal(found->hash, item->hash);
        count += found == item;
    }
    return count;
}

static void
check_all(struct fixture *f)
{
    size_t cursor = 0;
    size_t count = 0;
    const struct item *item;

    for (size_t i = 0; i < ITEMS; i++) {
        assert_int_equal(times_found(f, &f->items[i]), f->items[i].is_in);
        count += f->items[i].is_in;
    }
    assert_int_equal(f->table.live, count);
    while ((item = rcu_table_each(&f->table, &cursor)) != NULL) {
        assert_true(item->is_in);
        count--;
    }
    assert_int_equal(count, 0);
}

static void
toggle(struct fixture *f, struct item *item)
{
    if (item->is_in) {
        rcu_table_remove(&f->table, item->hash, item);
    } else {
        assert_int_equal(rcu_table_add(&f->table, item->hash, item), WILCO_OK);
    }
    item->is_in = !item->is_in;
}

static void
an_empty_table_has_nothing(void **state)
{
    struct fixture *f = *state;

    check_all(f);
    assert_int_equal(f->alloc.attempts, 0);
}

/* Hashes from a small range collide and run over the end of the array; from a large one they do
 * not. */
static void
behaves_like_a_set(void **state)
{
    static const uint32_t ranges[] = {1, 7, 100, UINT32_MAX};
    struct fixture *f = *state;

    for (size_t r = 0; r < sizeof(ranges) / sizeof(ranges[0]); r++) {
        size_t in_use = ranges[r] < 10 ? 60 : ITEMS;

        for (size_t i = 0; i < ITEMS; i++) {
            f->items[i].hash = UINT64_MAX - next_random(f) % ranges[r];
        }
        for (size_t step = 0; step < 20 * in_use; step++) {
            toggle(f, &f->items[next_random(f) % in_use]);
            if (step % (4 * in_use) == 0) {
                check_all(f);
            }
        }
        for (size_t i = 0; i < ITEMS; i++) {
            if (f->items[i].is_in) {
                toggle(f, &f->items[i]);
            }
        }
        check_all(f);
        assert_null(atomic_load(&f->table.entries));
    }
}

static void
memory_goes_back_as_items_leave(void **state)
{
    struct fixture *f = *state;
    size_t large;

    for (size_t i = 0; i < ITEMS; i++) {
        f->items[i].hash = (uint64_t)next_random(f) << 20 ^ next_random(f);
        toggle(f, &f->items[i]);
    }
    large = atomic_load(&f->table.entries)->capacity;
    assert_true(large <= ITEMS * 4);
    for (size_t i = 10; i < ITEMS; i++) {
        toggle(f, &f->items[i]);
    }
    assert_true(atomic_load(&f->table.entries)->capacity <= 128);
    check_all(f);
}

static void
coming_and_going_does_not_grow_it(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < ITEMS; i++) {
        f->items[i].hash = (uint64_t)next_random(f) << 20 ^ next_random(f);
    }
    for (size_t i = 0; i < 20 * ITEMS; i++) {
        toggle(f, &f->items[i % ITEMS]);
        if (i >= 4) {
            toggle(f, &f->items[(i - 4) % ITEMS]);
        }
        assert_true(atomic_load(&f->table.entries)->capacity <= 32);
    }
}

static void
without_memory_nothing_changes(void **state)
{
    struct fixture *f = *state;
    size_t refused = 0;

    for (size_t i = 0; i < ITEMS; i++) {
        f->items[i].hash = next_random(f);
        f->alloc.fail_at = f->alloc.attempts + 1;
        if (rcu_table_add(&f->table, f->items[i].hash, &f->items[i]) != WILCO_OK) {
            refused++;
            toggle(f, &f->items[i]);
        }
        f->items[i].is_in = true;
    }
    assert_in_range(refused, 5, 20);
    check_all(f);
    for (size_t i = 0; i < ITEMS; i++) { /* removing goes on without */
        f->alloc.fail_at = f->alloc.attempts + 1;
        toggle(f, &f->items[i]);
    }
    check_all(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_table_has_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(behaves_like_a_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_goes_back_as_items_leave, set_up, tear_down),
        cmocka_unit_test_setup_teardown(coming_and_going_does_not_grow_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory_nothing_changes, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
