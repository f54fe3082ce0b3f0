#include "base/word_set.h"
#include "support/failing_alloc.h"

#include <stdbool.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WORDS 3000U

/* Far apart and close together, as addresses are. */
static uintptr_t
word_of(size_t i)
{
    return (uintptr_t)((i + 1) * (i % 3 == 0 ? 16 : 4096));
}

/* Each number below WORDS is in the set as often as it should be, and nothing else is. */
static void
check(const struct word_set *s, const bool *is_in)
{
    size_t expected = 0;
    size_t cursor = 0;
    size_t found = 0;
    uintptr_t sum = 0;
    uintptr_t word = 0;

    for (size_t i = 0; i < WORDS; i++) {
        expected += is_in[i];
        sum += is_in[i] ? word_of(i) : 0;
    }
    while ((word = word_set_each(s, &cursor)) != 0) {
        found++;
        sum -= word;
    }
    assert_int_equal(found, expected);
    assert_int_equal(s->count, expected);
    assert_int_equal(sum, 0);
}

static void
one_word_takes_no_memory(void **state)
{
    struct failing_alloc a;
    struct word_set s = {.count = 0};
    size_t cursor = 0;

    (void)state;
    failing_alloc_init(&a, 0);
    assert_int_equal(word_set_each(&s, &cursor), 0);
    assert_int_equal(word_set_add(&s, &a.alloc, 16), WILCO_OK);
    assert_int_equal(a.attempts, 0);
    cursor = 0;
    assert_int_equal(word_set_each(&s, &cursor), 16);
    assert_int_equal(word_set_each(&s, &cursor), 0);
    word_set_remove(&s, &a.alloc, 16);
    assert_int_equal(s.count, 0);
    assert_int_equal(word_set_add(&s, &a.alloc, 32), WILCO_OK);
    assert_int_equal(word_set_add(&s, &a.alloc, 48), WILCO_OK);
    assert_int_equal(a.live, 1);
    word_set_remove(&s, &a.alloc, 32);
    word_set_remove(&s, &a.alloc, 48);
    assert_int_equal(a.live, 0);
}

/* In another order than they came. */
static void
what_was_added_is_there_until_removed(void **state)
{
    static bool is_in[WORDS];
    struct word_set s = {.count = 0};

    (void)state;
    for (size_t i = 0; i < WORDS; i++) {
        assert_int_equal(word_set_add(&s, alloc_system(), word_of(i)), WILCO_OK);
        is_in[i] = true;
    }
    check(&s, is_in);
    for (size_t i = 0; i < WORDS; i++) {
        size_t other = i * 7 % WORDS;

        word_set_remove(&s, alloc_system(), word_of(other));
        is_in[other] = false;
        if (i % 100 == 0) {
            check(&s, is_in);
        }
    }
    assert_int_equal(s.count, 0);
    assert_int_equal(s.capacity, 0);
}

static void
without_memory_nothing_changes(void **state)
{
    size_t fail_at = 1;
    struct failing_alloc a;

    (void)state;
    do {
        struct word_set s = {.count = 0};
        size_t cursor = 0;
        uint32_t added = 0;

        failing_alloc_init(&a, fail_at);
        while (added < 100 && word_set_add(&s, &a.alloc, word_of(added)) == WILCO_OK) {
            added++;
        }
        assert_int_equal(s.count, added);
        for (uint32_t i = 0; i < added; i++) {
            assert_int_not_equal(word_set_each(&s, &cursor), 0);
        }
        assert_int_equal(word_set_each(&s, &cursor), 0);
        word_set_fini(&s, &a.alloc);
        assert_int_equal(a.live, 0);
        fail_at++;
    } while (a.attempts >= fail_at - 1);
    assert_true(fail_at > 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_word_takes_no_memory),
        cmocka_unit_test(what_was_added_is_there_until_removed),
        cmocka_unit_test(without_memory_nothing_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
