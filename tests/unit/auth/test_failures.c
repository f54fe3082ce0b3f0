#include "broker/auth/failures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct failures_bounds three = {.max = 3, .window_s = 60};

static struct conn_origin
v4(uint32_t address)
{
    struct conn_origin o = {.address_bytes = 4};

    memcpy(o.address, &address, 4);
    return o;
}

static struct conn_origin
v6(uint8_t network, uint8_t host)
{
    struct conn_origin o = {.address_bytes = 16};

    o.address[7] = network;
    o.address[15] = host;
    return o;
}

static void
an_address_has_its_share(void **state)
{
    struct failures *f = failures_new(alloc_system(), 1);
    const struct conn_origin a = v4(1);
    const struct conn_origin b = v4(2);

    (void)state;
    assert_non_null(f);
    for (size_t i = 0; i < 3; i++) {
        assert_false(failures_are_too_many(f, &a, &three, 1000 + i));
        failures_add(f, &a, &three, 1000 + i);
    }
    assert_true(failures_are_too_many(f, &a, &three, 1010));
    assert_false(failures_are_too_many(f, &b, &three, 1010));
    assert_true(failures_are_too_many(f, &a, &three, 60999));
    assert_false(failures_are_too_many(f, &a, &three, 61000)); /* since the first one */
    failures_free(f);
}

static void
which_addresses_are_one(void **state)
{
    static const struct {
        uint8_t network, host;
        bool is_same;
    } rows[] = {{1, 1, true}, {1, 2, true}, {2, 1, false}};
    struct failures *f = failures_new(alloc_system(), 1);
    const struct conn_origin a = v6(1, 1);

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        failures_add(f, &a, &three, 0);
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct conn_origin o = v6(rows[i].network, rows[i].host);

        assert_int_equal(failures_are_too_many(f, &o, &three, 1), rows[i].is_same);
    }
    failures_free(f);
}

static void
who_is_not_counted(void **state)
{
    static const struct failures_bounds any = {.max = 0, .window_s = 60};
    struct failures *f = failures_new(alloc_system(), 1);
    const struct conn_origin nowhere = {.address_bytes = 0};
    const struct conn_origin a = v4(1);

    (void)state;
    for (size_t i = 0; i < 10; i++) {
        failures_add(f, &nowhere, &three, 0);
        failures_add(f, &a, &any, 0);
    }
    assert_false(failures_are_too_many(f, &nowhere, &three, 0));
    assert_false(failures_are_too_many(f, &a, &any, 0));
    failures_free(f);
}

/* An attack from more addresses than there is room for pushes the oldest out, and one address that
 * goes on is still known. */
static void
the_table_does_not_grow(void **state)
{
    struct failures *f = failures_new(alloc_system(), 1);
    const struct conn_origin last = v4(77);
    size_t known = 0;

    (void)state;
    for (uint32_t i = 0; i < 4 * FAILURES_ADDRESSES; i++) {
        const struct conn_origin o = v4(1000 + i);

        for (size_t k = 0; k < 3; k++) {
            failures_add(f, &o, &three, 10 + i / 1000);
        }
    }
    for (size_t k = 0; k < 3; k++) {
        failures_add(f, &last, &three, 100);
    }
    for (uint32_t i = 0; i < 4 * FAILURES_ADDRESSES; i++) {
        const struct conn_origin o = v4(1000 + i);

        known += failures_are_too_many(f, &o, &three, 101);
    }
    assert_in_range(known, FAILURES_ADDRESSES * 9 / 10, FAILURES_ADDRESSES);
    assert_true(failures_are_too_many(f, &last, &three, 101));
    failures_free(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_its_share),
        cmocka_unit_test(which_addresses_are_one),
        cmocka_unit_test(who_is_not_counted),
        cmocka_unit_test(the_table_does_not_grow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
