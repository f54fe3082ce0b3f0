#include "base/buffer.h"
#include "base/random.h"
#include "link/output.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define CHUNK ((size_t)OUTPUT_CHUNK_BYTES)
#define SMALL ((size_t)OUTPUT_SMALL_BYTES)

/* An output beside the bytes that should be in it. */
struct fixture {
    struct failing_alloc alloc;
    struct output_pool pool;
    struct output output;
    struct buffer want;
    size_t references;
    size_t releases;
};

static void
fixture_init(struct fixture *x, size_t fail_at, size_t free_max)
{
    *x = (struct fixture){.references = 0};
    failing_alloc_init(&x->alloc, fail_at);
    output_pool_init(&x->pool, &x->alloc.alloc, free_max * (CHUNK + 2100)); /* with entries */
    buffer_init(&x->want, alloc_system(), SIZE_MAX);
}

static void
fixture_fini(struct fixture *x)
{
    output_clear(&x->output, &x->pool);
    assert_int_equal(x->releases, x->references);
    output_pool_fini(&x->pool);
    buffer_fini(&x->want);
    assert_int_equal(x->alloc.live, 0);
}

/* Referenced bytes live in blocks of their own, so that a sanitizer sees a use after the release.
 */
struct block {
    struct fixture *owner;
    uint8_t bytes[];
};

static void
block_release(void *owner)
{
    struct block *b = owner;

    b->owner->releases++;
    free(b);
}

static void
assert_as_wanted(const struct fixture *x)
{
    static struct span spans[5000];
    size_t n = output_spans(&x->output, spans, sizeof(spans) / sizeof(spans[0]));
    size_t at = 0;

    assert_int_equal(x->output.bytes, x->want.len);
    for (size_t i = 0; i < n; i++) {
        assert_true(spans[i].len > 0);
        assert_true(spans[i].len <= x->want.len - at);
        assert_memory_equal(spans[i].data, x->want.data + at, spans[i].len);
        at += spans[i].len;
    }
    assert_int_equal(at, x->want.len);
    assert_int_equal(output_is_empty(&x->output), x->want.len == 0);
}

static uint8_t
nth_byte(size_t n)
{
    return (uint8_t)(n * 31 + n / 251);
}

static void
want_more(struct fixture *x, const uint8_t *bytes, size_t len)
{
    assert_int_equal(buffer_append(&x->want, span_of(bytes, len)), WILCO_OK);
}

static uint8_t *
some_bytes(uint8_t *out, size_t len)
{
    static size_t n;

    for (size_t i = 0; i < len; i++) {
        out[i] = nth_byte(n);
        n++;
    }
    return out;
}

static enum wilco_status
add_copy(struct fixture *x, size_t len)
{
    uint8_t *bytes = some_bytes(malloc(len + (len == 0)), len);
    enum wilco_status st = output_copy(&x->output, &x->pool, span_of(bytes, len));

    if (st == WILCO_OK) {
        want_more(x, bytes, len);
    }
    free(bytes);
    return st;
}

static enum wilco_status
add_reserved(struct fixture *x, size_t len, size_t used)
{
    uint8_t *at = output_reserve(&x->output, &x->pool, len);

    if (at == NULL) {
        return WILCO_ENOMEM;
    }
    some_bytes(at, len);
    output_commit(&x->output, used);
    want_more(x, at, used);
    return WILCO_OK;
}

static enum wilco_status
add_reference(struct fixture *x, size_t len)
{
    struct block *b = malloc(sizeof(*b) + len);
    uint8_t *copy = malloc(len + (len == 0));
    enum wilco_status st = WILCO_OK;

    b->owner = x;
    memcpy(copy, some_bytes(b->bytes, len), len);
    st = output_reference(&x->output, &x->pool, span_of(b->bytes, len), block_release, b);
    if (st == WILCO_OK) {
        x->references++;
        want_more(x, copy, len);
    } else {
        free(b);
    }
    free(copy);
    return st;
}

static void
consume(struct fixture *x, size_t len)
{
    output_consume(&x->output, &x->pool, len);
    buffer_consume(&x->want, len);
    assert_as_wanted(x);
}

/* c copy, r reserve and commit, R reserve and commit nothing, f reference, w write; then how many
 * bytes. */
static const struct {
    const char *name;
    struct {
        char what;
        size_t len;
    } steps[8];
    size_t spans; /* at the end */
} rows[] = {
    {"nothing", {{'w', 0}}, 0},
    {"small copies are one span", {{'c', 1}, {'c', 10}, {'r', 20}, {'c', 3}}, 1},
    {"an empty copy", {{'c', 0}}, 0},
    {"an empty reference", {{'f', 0}}, 0},
    {"an empty reference between copies", {{'c', 5}, {'f', 0}, {'c', 5}}, 1},
    {"copy, reference, copy", {{'c', 5}, {'f', 5000}, {'c', 5}}, 3},
    {"a reference first", {{'f', 2048}, {'c', 5}}, 2},
    {"exactly a small chunk", {{'c', SMALL}}, 1},
    {"a small chunk is full", {{'c', SMALL}, {'c', 1}}, 2},
    {"one byte more than a small chunk", {{'c', SMALL + 1}, {'c', CHUNK - SMALL - 1}}, 1},
    {"small chunks come first only", {{'r', 10}, {'r', SMALL}, {'r', SMALL}}, 2},
    {"exactly a chunk", {{'c', CHUNK}}, 1},
    {"one byte more than a chunk", {{'c', CHUNK + 1}}, 2},
    {"many chunks", {{'c', 5}, {'c', 10 * CHUNK}}, 11},
    {"a whole chunk reserved", {{'r', CHUNK}, {'r', 1}}, 2},
    {"a reservation that does not fit", {{'r', CHUNK - 5}, {'r', 6}}, 2},
    {"written in part", {{'c', 10}, {'f', 100}, {'w', 15}}, 1},
    {"written up to an edge", {{'c', 10}, {'f', 100}, {'w', 10}}, 1},
    {"written whole", {{'c', 10}, {'f', 100}, {'c', 10}, {'w', 120}}, 0},
    {"written, then more", {{'c', 10}, {'w', 4}, {'c', 10}, {'w', 6}, {'c', 1}}, 1},
    {"written over chunks", {{'c', 3 * CHUNK}, {'w', 2 * CHUNK + 1}}, 1},
    {"reserved for nothing", {{'R', 10}, {'c', 10}}, 1},
    {"reserved for nothing behind a reference", {{'f', 9}, {'R', 10}, {'f', 9}, {'w', 10}}, 1},
    {"reserved for nothing in a new chunk", {{'r', 16000}, {'R', 1000}, {'w', 16000}, {'c', 1}}, 1},
    {"reserved for nothing, then written whole", {{'c', 8}, {'f', 9}, {'R', 10}, {'w', 17}}, 0},
};

static void
run_step(struct fixture *x, char what, size_t len)
{
    switch (what) {
    case 'c': assert_int_equal(add_copy(x, len), WILCO_OK); break;
    case 'r': assert_int_equal(add_reserved(x, len, len), WILCO_OK); break;
    case 'R': assert_int_equal(add_reserved(x, len, 0), WILCO_OK); break;
    case 'f': assert_int_equal(add_reference(x, len), WILCO_OK); break;
    case 'w': consume(x, len); break;
    default: return;
    }
    assert_as_wanted(x);
}

static void
steps(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span spans[100];
        struct fixture x;
        size_t n = 0;

        fixture_init(&x, 0, i % 3);
        for (size_t j = 0; j < 8; j++) {
            run_step(&x, rows[i].steps[j].what, rows[i].steps[j].len);
        }
        n = output_spans(&x.output, spans, 100);
        if (n != rows[i].spans) {
            fail_msg("%s: %zu spans", rows[i].name, n);
        }
        consume(&x, x.want.len);
        assert_null(x.output.first); /* an empty output owns nothing */
        fixture_fini(&x);
    }
}

static void
spans_stop_at_the_maximum(void **state)
{
    struct span spans[4] = {SPAN_EMPTY, SPAN_EMPTY, SPAN_EMPTY, SPAN_LITERAL("untouched")};
    struct fixture x;

    (void)state;
    fixture_init(&x, 0, 0);
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(add_reference(&x, 10), WILCO_OK);
    }
    assert_int_equal(output_spans(&x.output, spans, 3), 3);
    assert_int_equal(spans[2].len, 10);
    assert_true(span_equal(spans[3], SPAN_LITERAL("untouched")));
    assert_int_equal(output_spans(&x.output, spans, 0), 0);
    fixture_fini(&x);
}

/* A chunk may run out of entries while it has bytes left. */
static void
copies_follow_any_number_of_references(void **state)
{
    (void)state;
    for (size_t n = 1; n < 200; n++) {
        struct fixture x;

        fixture_init(&x, 0, 2);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(add_reference(&x, 10), WILCO_OK);
        }
        assert_int_equal(n % 2 == 0 ? add_copy(&x, 100) : add_reserved(&x, 100, 100), WILCO_OK);
        assert_as_wanted(&x);
        fixture_fini(&x);
    }
}

static void
a_reference_is_released_with_its_last_byte(void **state)
{
    struct fixture x;

    (void)state;
    fixture_init(&x, 0, 0);
    assert_int_equal(add_reference(&x, 10), WILCO_OK);
    assert_int_equal(add_reference(&x, 10), WILCO_OK);
    consume(&x, 9);
    assert_int_equal(x.releases, 0);
    consume(&x, 1);
    assert_int_equal(x.releases, 1);
    output_clear(&x.output, &x.pool);
    assert_int_equal(x.releases, 2);
    assert_true(output_is_empty(&x.output));
    fixture_fini(&x);
}

/* A steady state needs no allocation, and the pool keeps no more than it may. */
static void
chunks_are_used_again(void **state)
{
    struct fixture x;
    size_t attempts = 0;

    (void)state;
    fixture_init(&x, 0, 2);
    assert_int_equal(add_copy(&x, 10 * CHUNK), WILCO_OK);
    assert_int_equal(x.alloc.live, 10);
    consume(&x, x.want.len);
    assert_int_equal(x.pool.large.count, 2);
    assert_int_equal(x.alloc.live, 2);
    attempts = x.alloc.attempts;
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(add_copy(&x, CHUNK + 10), WILCO_OK);
        consume(&x, x.want.len);
    }
    assert_int_equal(x.alloc.attempts, attempts);
    fixture_fini(&x);
}

/* Many outputs with little in each, as in a fan-out. */
static void
small_outputs_take_little(void **state)
{
    struct output outputs[100] = {{.bytes = 0}};
    struct fixture x;

    (void)state;
    fixture_init(&x, 0, 100);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(output_copy(&outputs[i], &x.pool, SPAN_LITERAL("hello")), WILCO_OK);
    }
    for (size_t i = 0; i < 100; i++) {
        output_clear(&outputs[i], &x.pool);
    }
    assert_int_equal(x.pool.small.count, 100);
    assert_int_equal(x.pool.large.count, 0);
    fixture_fini(&x);
}

static void
random_step(struct fixture *x, uint64_t r)
{
    size_t len = (r >> 8) % 5 == 0 ? (r >> 16) % 40000 : (r >> 16) % 300;

    switch (r % 5) {
    case 0: (void)add_copy(x, len); break;
    case 1: (void)add_reserved(x, len % 10000, len % 10000 / 2); break;
    case 2: (void)add_reference(x, len); break;
    default:
        if (x->want.len > 0) {
            consume(x, (r >> 16) % (x->want.len + 1));
        }
        break;
    }
    assert_as_wanted(x);
}

static void
behaves_as_a_queue_of_bytes(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct random_seeded random;
        struct fixture x;

        random_seeded_init(&random, seed);
        fixture_init(&x, 0, seed);
        for (size_t i = 0; i < 1000; i++) {
            uint64_t r = 0;

            assert_int_equal(random_u64(&random.source, &r), WILCO_OK);
            random_step(&x, r);
        }
        fixture_fini(&x);
    }
}

/* The same with each allocation failing once: what failed has changed nothing. */
static void
every_allocation_may_fail(void **state)
{
    size_t attempts = 0;

    (void)state;
    for (size_t fail_at = 0; fail_at <= attempts; fail_at++) {
        struct random_seeded random;
        struct fixture x;

        random_seeded_init(&random, 3);
        fixture_init(&x, fail_at, 0);
        for (size_t i = 0; i < 1000; i++) {
            uint64_t r = 0;

            assert_int_equal(random_u64(&random.source, &r), WILCO_OK);
            random_step(&x, r);
        }
        if (fail_at == 0) {
            attempts = x.alloc.attempts;
            assert_true(attempts > 10);
        }
        fixture_fini(&x);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps),
        cmocka_unit_test(spans_stop_at_the_maximum),
        cmocka_unit_test(copies_follow_any_number_of_references),
        cmocka_unit_test(a_reference_is_released_with_its_last_byte),
        cmocka_unit_test(chunks_are_used_again),
        cmocka_unit_test(small_outputs_take_little),
        cmocka_unit_test(behaves_as_a_queue_of_bytes),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
