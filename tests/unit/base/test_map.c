#include "base/map.h"
#include "support/failing_alloc.h"

#include <stdbool.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ITEMS 5000U

struct item {
    struct map_node node;
    unsigned key;
};

static struct item items[ITEMS];

/* Few different values, and neighbours share their low bits: chains and equal hashes both occur. */
static uint64_t
bad_hash(unsigned key)
{
    return (uint64_t)(key / 3) * 8;
}

static struct item *
find(const struct map *m, unsigned key)
{
    struct map_node *node = map_first(m, bad_hash(key));

    while (node != NULL && ((struct item *)(void *)node)->key != key) {
        node = map_next(node);
    }
    return (struct item *)(void *)node;
}

static void
fill(struct map *m, unsigned count)
{
    for (unsigned key = 0; key < count; key++) {
        items[key] = (struct item){.key = key};
        assert_int_equal(map_add(m, &items[key].node, bad_hash(key)), WILCO_OK);
    }
    assert_int_equal(m->count, count);
}

static void
what_was_added_is_found_until_removed(void **state)
{
    struct map m;

    (void)state;
    map_init(&m, alloc_system());
    assert_null(map_first(&m, 0));
    fill(&m, ITEMS);
    for (unsigned key = 0; key < ITEMS; key++) {
        assert_ptr_equal(find(&m, key), &items[key]);
    }
    assert_null(find(&m, ITEMS + 3));
    for (unsigned key = 0; key < ITEMS; key += 2) {
        map_remove(&m, &items[key].node);
    }
    for (unsigned key = 0; key < ITEMS; key++) {
        assert_ptr_equal(find(&m, key), key % 2 == 0 ? NULL : &items[key]);
    }
    map_fini(&m);
}

static void
equal_hashes_are_all_offered(void **state)
{
    struct map m;
    size_t offered = 0;

    (void)state;
    map_init(&m, alloc_system());
    fill(&m, 100);
    for (struct map_node *n = map_first(&m, bad_hash(30)); n != NULL; n = map_next(n)) {
        assert_true(n->hash == bad_hash(30));
        offered++;
    }
    assert_int_equal(offered, 3);
    map_fini(&m);
}

static void
any_empties_the_map(void **state)
{
    struct failing_alloc f;
    struct map m;
    struct map_node *node;
    size_t taken = 0;

    (void)state;
    failing_alloc_init(&f, 0);
    map_init(&m, &f.alloc);
    assert_null(map_any(&m));
    fill(&m, ITEMS);
    while ((node = map_any(&m)) != NULL) {
        map_remove(&m, node);
        taken++;
    }
    assert_int_equal(taken, ITEMS);
    assert_int_equal(m.count, 0);
    assert_int_equal(f.live, 0); /* a large table goes back */
    map_fini(&m);
}

static void
any_sees_what_is_added_while_emptying(void **state)
{
    struct map m;

    (void)state;
    map_init(&m, alloc_system());
    fill(&m, 10);
    for (unsigned key = 0; key < 10; key++) {
        map_remove(&m, &items[key].node);
        (void)map_any(&m); /* moves its mark forward */
    }
    assert_null(map_any(&m));
    for (uint64_t hash = 16; hash-- > 0;) {
        assert_int_equal(map_add(&m, &items[0].node, hash), WILCO_OK);
        assert_ptr_equal(map_any(&m), &items[0].node);
        map_remove(&m, &items[0].node);
    }
    map_fini(&m);
}

static void
a_small_map_that_comes_and_goes_keeps_its_buckets(void **state)
{
    struct failing_alloc f;
    struct map m;

    (void)state;
    failing_alloc_init(&f, 0);
    map_init(&m, &f.alloc);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(map_add(&m, &items[0].node, i), WILCO_OK);
        map_remove(&m, &items[0].node);
    }
    assert_int_equal(f.attempts, 1);
    map_fini(&m);
    assert_int_equal(f.live, 0);
}

static void
only_the_first_buckets_can_fail(void **state)
{
    struct failing_alloc f;
    struct map m;

    (void)state;
    failing_alloc_init(&f, 1);
    map_init(&m, &f.alloc);
    assert_int_equal(map_add(&m, &items[0].node, 0), WILCO_ENOMEM);
    assert_int_equal(m.count, 0);
    assert_null(map_first(&m, 0));
    fill(&m, ITEMS);
    map_fini(&m);
    assert_int_equal(f.live, 0);
}

static void
growing_may_fail_at_any_size(void **state)
{
    (void)state;
    for (size_t fail_at = 2; fail_at < 8; fail_at++) {
        struct failing_alloc f;
        struct map m;

        failing_alloc_init(&f, fail_at);
        map_init(&m, &f.alloc);
        fill(&m, 1000);
        assert_true(f.attempts > fail_at);
        assert_int_equal(m.bucket_count, 1024); /* the next one made up for it */
        for (unsigned key = 0; key < 1000; key++) {
            assert_ptr_equal(find(&m, key), &items[key]);
        }
        map_fini(&m);
        assert_int_equal(f.live, 0);
    }
}

/* From any size, and with the present node removed on the way. */
static void
walking_sees_each_node_once(void **state)
{
    (void)state;
    for (unsigned count = 0; count < 200; count++) {
        struct map m;
        struct map_node *node = NULL;
        unsigned seen = 0;

        map_init(&m, alloc_system());
        fill(&m, count);
        node = map_walk(&m, NULL);
        while (node != NULL) {
            struct item *item = (struct item *)(void *)node;

            node = map_walk(&m, node);
            assert_true(item->key < count);
            item->key = ITEMS; /* not again */
            seen++;
            if (seen % 2 == 0) {
                map_remove(&m, &item->node);
            }
        }
        assert_int_equal(seen, count);
        map_fini(&m);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_found_until_removed),
        cmocka_unit_test(equal_hashes_are_all_offered),
        cmocka_unit_test(any_empties_the_map),
        cmocka_unit_test(walking_sees_each_node_once),
        cmocka_unit_test(any_sees_what_is_added_while_emptying),
        cmocka_unit_test(a_small_map_that_comes_and_goes_keeps_its_buckets),
        cmocka_unit_test(only_the_first_buckets_can_fail),
        cmocka_unit_test(growing_may_fail_at_any_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
