#include "broker/core/key_ring.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEYS     5U
#define OF_A_KEY 6U
#define NODES    (KEYS * OF_A_KEY)

static struct key_ring_node nodes[NODES];

/* Node number i has key i modulo KEYS, so that keys come in turns. */
static void
fill(struct map *m)
{
    for (unsigned i = 0; i < NODES; i++) {
        assert_int_equal(key_ring_add(m, &nodes[i], i % KEYS), WILCO_OK);
    }
}

/* What is there of a key is what is marked, the oldest first. */
static void
assert_ring(const struct map *m, unsigned key, const bool there[NODES])
{
    const struct key_ring_node *oldest = key_ring_oldest(m, key);
    const struct key_ring_node *at = oldest;

    for (unsigned i = key; i < NODES; i += KEYS) {
        if (there[i]) {
            assert_ptr_equal(at, &nodes[i]);
            at = key_ring_next(oldest, at);
        }
    }
    assert_null(at);
}

/* Taken out from the front, from the back, and from the middle outwards. */
static void
the_oldest_comes_first_whoever_leaves(void **state)
{
    static const unsigned orders[][OF_A_KEY] = {
        {0, 1, 2, 3, 4, 5}, {5, 4, 3, 2, 1, 0}, {2, 3, 1, 4, 0, 5}};

    (void)state;
    for (size_t o = 0; o < sizeof(orders) / sizeof(orders[0]); o++) {
        bool there[NODES];
        struct failing_alloc f;
        struct map m;

        failing_alloc_init(&f, 0);
        map_init(&m, &f.alloc);
        fill(&m);
        memset(there, true, sizeof(there));
        for (unsigned n = 0; n < NODES; n++) {
            unsigned out = orders[o][n / KEYS] * KEYS + n % KEYS;

            assert_ring(&m, n % KEYS, there);
            key_ring_remove(&m, &nodes[out]);
            there[out] = false;
            for (unsigned key = 0; key < KEYS; key++) {
                assert_ring(&m, key, there);
            }
        }
        assert_int_equal(m.count, 0);
        map_fini(&m);
        assert_int_equal(f.live, 0);
    }
}

/* Only one of a key is in the map, where its removal could take as long as there are nodes. */
static void
many_of_a_key_are_one_in_the_map(void **state)
{
    struct map m;

    (void)state;
    map_init(&m, alloc_system());
    fill(&m);
    assert_int_equal(m.count, KEYS);
    for (unsigned i = 0; i < NODES; i++) {
        key_ring_remove(&m, &nodes[NODES - 1 - i]);
    }
    map_fini(&m);
}

static void
without_memory_the_first_is_refused(void **state)
{
    struct failing_alloc f;
    struct map m;

    (void)state;
    failing_alloc_init(&f, 1);
    map_init(&m, &f.alloc);
    assert_int_equal(key_ring_add(&m, &nodes[0], 7), WILCO_ENOMEM);
    assert_null(key_ring_oldest(&m, 7));
    assert_int_equal(key_ring_add(&m, &nodes[0], 7), WILCO_OK);
    key_ring_remove(&m, &nodes[0]);
    map_fini(&m);
    assert_int_equal(f.live, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_comes_first_whoever_leaves),
        cmocka_unit_test(many_of_a_key_are_one_in_the_map),
        cmocka_unit_test(without_memory_the_first_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
