#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The published values of XXH3 for no input, so that nobody swaps the function by accident. */
static void
it_is_xxh3(void **state)
{
    (void)state;
    assert_true(hash_bytes(SPAN_EMPTY, 0) == UINT64_C(0x2d06800538d394c2));
    assert_true(hash_bytes(SPAN_LITERAL(""), 0) == UINT64_C(0x2d06800538d394c2));
}

static void
seed_and_bytes_both_count(void **state)
{
    uint64_t hash = hash_bytes(SPAN_LITERAL("requests/device1"), 1);

    (void)state;
    assert_true(hash == hash_bytes(SPAN_LITERAL("requests/device1"), 1));
    assert_true(hash != hash_bytes(SPAN_LITERAL("requests/device1"), 2));
    assert_true(hash != hash_bytes(SPAN_LITERAL("requests/device2"), 1));
    assert_true(hash != hash_bytes(SPAN_LITERAL("requests/device"), 1));
}

/* The published value of no input, and what our pages have of another one. */
static void
a_check_is_xxh3_of_128_bits(void **state)
{
    static const struct {
        struct span bytes;
        const char *want;
    } rows[] = {
        {SPAN_INIT(""), "99aa06d3014798d86001c324468d497f"},
        {SPAN_INIT("abcdef"), "389197a55db2b2e4da35a6714d34f8a2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char digits[HASH_CHECK_CHARS];

        assert_true(span_equal(hash_check(rows[i].bytes, digits), span_of_text(rows[i].want)));
    }
}

static void
every_length_hashes_differently(void **state)
{
    static const uint8_t zeros[600] = {0};
    uint64_t seen[600];

    (void)state;
    for (size_t len = 0; len < sizeof zeros; len++) {
        seen[len] = hash_bytes(span_of(zeros, len), 7);
        for (size_t i = 0; i < len; i++) {
            assert_true(seen[i] != seen[len]);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_xxh3),
        cmocka_unit_test(seed_and_bytes_both_count),
        cmocka_unit_test(a_check_is_xxh3_of_128_bits),
        cmocka_unit_test(every_length_hashes_differently),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
