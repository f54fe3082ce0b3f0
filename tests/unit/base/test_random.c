#define _POSIX_C_SOURCE 200809L

#include "base/random.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MANY 1000000U

static enum wilco_status
no_randomness(void *context, void *out, size_t len)
{
    (void)context;
    memset(out, 0, len);
    return WILCO_EIO;
}

static const struct random_source broken = {.fill = no_randomness};

static int
compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

/* Sorts `ids`. */
static void
assert_distinct(uint8_t (*ids)[16], size_t count)
{
    qsort(ids, count, sizeof ids[0], compare_ids);
    for (size_t i = 1; i < count; i++) {
        assert_memory_not_equal(ids[i - 1], ids[i], 16);
    }
}

static void
make_ids(uint8_t (*ids)[16], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(random_uuid7(random_system(), 1700000000000U, ids[i]), WILCO_OK);
    }
}

static void
a_million_ids_of_one_millisecond_differ(void **state)
{
    uint8_t(*ids)[16] = malloc(MANY * sizeof *ids);

    (void)state;
    assert_non_null(ids);
    make_ids(ids, MANY);
    assert_distinct(ids, MANY);
    free(ids);
}

static void
ids_differ_across_fork(void **state)
{
    const size_t each = 200; /* of 16 bytes: fits into a pipe */
    uint8_t(*ids)[16] = malloc(2 * each * sizeof *ids);
    int fds[2], status = 0;
    pid_t child;

    (void)state;
    assert_non_null(ids);
    make_ids(ids, 1); /* whatever is cached is cached before the fork */
    assert_int_equal(pipe(fds), 0);
    child = fork();
    assert_true(child >= 0);
    make_ids(ids, each);
    if (child == 0) {
        _exit(write(fds[1], ids, each * sizeof *ids) == (ssize_t)(each * sizeof *ids) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(fds[0], ids + each, each * sizeof *ids), each * sizeof *ids);
    (void)close(fds[0]);
    (void)close(fds[1]);
    assert_distinct(ids, 2 * each);
    free(ids);
}

static void
uuid7_is_laid_out_as_the_rfc_says(void **state)
{
    /* The time of the example in RFC 9562, appendix A.6. */
    static const uint8_t time_of_example[6] = {0x01, 0x7f, 0x22, 0xe2, 0x79, 0xb0};
    uint8_t ones[16] = {0}, zeros[16];

    (void)state;
    memset(zeros, 0xff, sizeof zeros);
    for (unsigned i = 0; i < 64; i++) {
        uint8_t id[16];

        assert_int_equal(random_uuid7(random_system(), UINT64_C(0x017f22e279b0), id), WILCO_OK);
        assert_memory_equal(id, time_of_example, 6);
        assert_int_equal(id[6] >> 4, 7);
        assert_int_equal(id[8] >> 6, 2);
        for (unsigned b = 0; b < 16; b++) {
            ones[b] |= id[b];
            zeros[b] &= id[b];
        }
    }
    for (unsigned b = 6; b < 16; b++) { /* every other bit takes both values */
        uint8_t fixed = b == 6 ? 0xf0 : b == 8 ? 0xc0 : 0;

        assert_int_equal(ones[b] | fixed, 0xff);
        assert_int_equal(zeros[b] & ~fixed, 0);
    }
}

static void
tokens_use_the_whole_alphabet_and_no_more(void **state)
{
    bool seen[256] = {false};
    unsigned kinds = 0;

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        char token[RANDOM_TOKEN_MAX + 1];

        assert_int_equal(random_token(random_system(), token, RANDOM_TOKEN_MAX), WILCO_OK);
        assert_int_equal(strlen(token), RANDOM_TOKEN_MAX);
        for (const char *c = token; *c != '\0'; c++) {
            assert_true(isalnum((unsigned char)*c) || *c == '-' || *c == '_');
            kinds += !seen[(unsigned char)*c];
            seen[(unsigned char)*c] = true;
        }
    }
    assert_int_equal(kinds, 64);
}

static void
tokens_have_the_length_asked_for(void **state)
{
    (void)state;
    for (size_t chars = 0; chars <= RANDOM_TOKEN_MAX; chars++) {
        char *token = malloc(chars + 1);

        assert_non_null(token);
        assert_int_equal(random_token(random_system(), token, chars), WILCO_OK);
        assert_int_equal(strlen(token), chars);
        free(token);
    }
}

static void
a_seed_repeats_itself(void **state)
{
    struct random_seeded a, b, c;
    uint8_t from_a[100], from_b[100], from_c[100];

    (void)state;
    random_seeded_init(&a, 42);
    random_seeded_init(&b, 42);
    random_seeded_init(&c, 43);
    assert_int_equal(random_bytes(&a.source, from_a, sizeof from_a), WILCO_OK);
    assert_int_equal(random_bytes(&b.source, from_b, sizeof from_b), WILCO_OK);
    assert_int_equal(random_bytes(&c.source, from_c, sizeof from_c), WILCO_OK);
    assert_memory_equal(from_a, from_b, sizeof from_a);
    assert_memory_not_equal(from_a, from_c, sizeof from_a);
}

/* The first values of splitmix64 for the seed 1234567, as published with the algorithm's tests. */
static void
the_seeded_sequence_is_splitmix64(void **state)
{
    static const uint8_t want[8] = {0x85, 0xfc, 0x08, 0xfb, 0x17, 0xd0, 0x9e, 0x59};
    struct random_seeded r;
    uint8_t got[8];

    (void)state;
    random_seeded_init(&r, 1234567);
    assert_int_equal(random_bytes(&r.source, got, sizeof got), WILCO_OK);
    assert_memory_equal(got, want, sizeof got);
}

static void
a_broken_source_is_reported(void **state)
{
    uint8_t id[16];
    uint64_t number = 0;
    char token[RANDOM_TOKEN_MAX + 1] = "before";

    (void)state;
    assert_int_equal(random_bytes(&broken, id, sizeof id), WILCO_EIO);
    assert_int_equal(random_u64(&broken, &number), WILCO_EIO);
    assert_int_equal(random_uuid7(&broken, 0, id), WILCO_EIO);
    assert_int_equal(random_token(&broken, token, 16), WILCO_EIO);
    assert_string_equal(token, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_ids_of_one_millisecond_differ),
        cmocka_unit_test(ids_differ_across_fork),
        cmocka_unit_test(uuid7_is_laid_out_as_the_rfc_says),
        cmocka_unit_test(tokens_use_the_whole_alphabet_and_no_more),
        cmocka_unit_test(tokens_have_the_length_asked_for),
        cmocka_unit_test(a_seed_repeats_itself),
        cmocka_unit_test(the_seeded_sequence_is_splitmix64),
        cmocka_unit_test(a_broken_source_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
