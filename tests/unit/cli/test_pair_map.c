#include "cli/pair_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct wilco_bytes
bytes_of(const char *text)
{
    return (struct wilco_bytes){text, strlen(text)};
}

static void
both_halves_count(void **state)
{
    static const struct {
        const char *a, *b;
        uint64_t value; /* 0: it was not put */
    } rows[] = {
        {"a", "b", 1}, {"ab", "", 2}, {"", "ab", 3},  {"", "", 4},
        {"b", "a", 0}, {"a", "", 0},  {"abc", "", 0},
    };
    struct pair_map *m = pair_map_new(0);
    uint64_t value = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].value != 0) {
            pair_map_put(m, bytes_of(rows[i].a), bytes_of(rows[i].b), rows[i].value);
        }
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(pair_map_get(m, bytes_of(rows[i].a), bytes_of(rows[i].b), &value),
                         rows[i].value != 0);
        assert_true(rows[i].value == 0 || value == rows[i].value);
    }
    assert_true(pair_map_get(m, (struct wilco_bytes){NULL, 0}, bytes_of(""), &value));
    pair_map_put(m, bytes_of("a"), bytes_of("b"), 9);
    assert_true(pair_map_get(m, bytes_of("a"), bytes_of("b"), &value));
    assert_int_equal(value, 9);
    pair_map_free(m);
}

static void
put_number(struct pair_map *m, unsigned number)
{
    char name[16];

    (void)snprintf(name, sizeof(name), "%u", number);
    pair_map_put(m, bytes_of("topic"), bytes_of(name), number);
}

static bool
has_number(const struct pair_map *m, unsigned number)
{
    char name[16];
    uint64_t value = 0;

    (void)snprintf(name, sizeof(name), "%u", number);
    return pair_map_get(m, bytes_of("topic"), bytes_of(name), &value) && value == number;
}

static void
grows_without_a_bound(void **state)
{
    struct pair_map *m = pair_map_new(0);

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        put_number(m, i);
    }
    for (unsigned i = 0; i < 10000; i++) {
        assert_true(has_number(m, i));
    }
    assert_false(has_number(m, 10000));
    pair_map_free(m);
}

static void
the_oldest_makes_room(void **state)
{
    struct pair_map *m = pair_map_new(100);

    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        put_number(m, i);
        assert_true(has_number(m, i));
        assert_int_equal(i >= 99 && has_number(m, i - 99), i >= 99);
        assert_false(i >= 100 && has_number(m, i - 100));
    }
    pair_map_free(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_halves_count),
        cmocka_unit_test(grows_without_a_bound),
        cmocka_unit_test(the_oldest_makes_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
