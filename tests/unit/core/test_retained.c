#include "broker/core/retained.h"

#include "support/failing_alloc.h"
#include "wire/topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct retained_limits plenty = {SIZE_MAX, SIZE_MAX};

/* The store takes references of its own. */
static enum wilco_status
set(struct retained *r, const char *topic, const char *payload, uint32_t expiry_s, uint64_t now_ms)
{
    struct wire_publish p = {.topic = span_of_text(topic), .payload = span_of_text(payload)};
    struct message *m;
    enum wilco_status st;

    if (expiry_s > 0) {
        p.properties.message_expiry_interval = expiry_s;
        wire_properties_set(&p.properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    }
    m = message_new(alloc_system(), &p, 1, now_ms);
    assert_non_null(m);
    st = retained_set(r, m, now_ms);
    message_unref(m);
    return st;
}

static void
must_set(struct retained *r, const char *topic, const char *payload)
{
    assert_int_equal(set(r, topic, payload, 0, 0), WILCO_OK);
}

/* Checks what a filter finds: payloads in a row, separated by blanks. */
static void
assert_finds(struct retained *r, const char *filter, uint64_t now_ms, const char *want)
{
    struct retained_matches found;
    char have[256] = "";

    assert_int_equal(retained_match(r, span_of_text(filter), now_ms, &found, alloc_system()),
                     WILCO_OK);
    for (size_t i = 0; i < found.count; i++) {
        struct span payload = message_payload(found.items[i]);

        (void)snprintf(have + strlen(have), sizeof(have) - strlen(have), "%s%.*s",
                       i == 0 ? "" : " ", (int)payload.len, (const char *)payload.data);
    }
    retained_matches_fini(&found);
    assert_string_equal(have, want);
}

static void
filters_find_in_the_order_of_the_tree(void **state)
{
    static const struct {
        const char *filter, *want;
    } rows[] = {
        {"a", "4"},         {"a/b", "1"},         {"a/b/c", "3"},     {"b", ""},
        {"nothing", ""},    {"+", "4"},           {"a/+", "1 6"},     {"+/b", "1 2"},
        {"+/+", "1 6 2 7"}, {"#", "4 1 3 6 2 7"}, {"a/#", "4 1 3 6"}, {"a/b/#", "1 3"},
        {"a/b/c/#", "3"},   {"a/+/#", "1 3 6"},   {"+/b/#", "1 3 2"}, {"+/b/c", "3"},
        {"+/+/+", "3"},     {"/", "7"},           {"/+", "7"},        {"/#", "7"},
        {"$s/#", "5"},      {"$s/+", "5"},        {"$s/x", "5"},      {"+/x", ""},
        {"$s", ""},         {"a/+/c/+", ""},      {"x/#", ""},        {"a/b/c/d/e/#", ""},
        {"+/+/+/+/#", ""},
    };
    struct retained *r = retained_new(alloc_system(), 1, plenty);

    (void)state;
    assert_non_null(r);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_finds(r, rows[i].filter, 0, "");
    }
    must_set(r, "a/b", "1");
    must_set(r, "b/b", "2");
    must_set(r, "a/b/c", "3");
    must_set(r, "a", "4");
    must_set(r, "$s/x", "5");
    must_set(r, "a/", "6");
    must_set(r, "/", "7");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_finds(r, rows[i].filter, 0, rows[i].want);
    }
    retained_free(r);
}

static void
one_message_for_each_topic(void **state)
{
    struct retained *r = retained_new(alloc_system(), 1, plenty);
    size_t bytes;

    (void)state;
    assert_non_null(r);
    must_set(r, "a/b", "first");
    bytes = retained_bytes(r);
    assert_int_equal(bytes, 2 + 2 + 3 + 1 + 5);
    must_set(r, "a/b", "second");
    assert_finds(r, "a/b", 0, "second");
    assert_int_equal(retained_count(r), 1);
    assert_int_equal(retained_bytes(r), bytes + 1);
    must_set(r, "a/b", ""); /* [MQTT-3.3.1-6] */
    must_set(r, "a/b", ""); /* [MQTT-3.3.1-7] */
    assert_finds(r, "#", 0, "");
    assert_int_equal(retained_count(r), 0);
    assert_int_equal(retained_bytes(r), 0);
    retained_free(r);
    retained_free(NULL);
}

static void
a_bound_keeps_what_is_there(void **state)
{
    struct retained *r = retained_new(alloc_system(), 1, (struct retained_limits){2, 30});

    (void)state;
    assert_non_null(r);
    must_set(r, "a", "12345"); /* 11 bytes */
    must_set(r, "b", "12345");
    assert_int_equal(set(r, "c", "1", 0, 0), WILCO_ELIMIT); /* count */
    assert_int_equal(set(r, "c", "", 0, 0), WILCO_OK);
    must_set(r, "b", "1234567890123");                                   /* 19, together 30 */
    assert_int_equal(set(r, "b", "12345678901234", 0, 0), WILCO_ELIMIT); /* bytes */
    assert_int_equal(set(r, "a", "123456", 0, 0), WILCO_ELIMIT);
    assert_finds(r, "#", 0, "12345 1234567890123");
    assert_int_equal(retained_bytes(r), 30);
    must_set(r, "b", "");
    must_set(r, "c", "1");
    assert_finds(r, "#", 0, "12345 1");
    retained_free(r);
}

static void
expired_ones_are_not_found_and_go(void **state)
{
    struct retained *r = retained_new(alloc_system(), 1, plenty);

    (void)state;
    assert_non_null(r);
    assert_int_equal(set(r, "a", "1", 5, 1000), WILCO_OK);
    assert_int_equal(set(r, "a/b", "2", 10, 1000), WILCO_OK);
    assert_int_equal(set(r, "a/b/c/d", "3", 5, 1000), WILCO_OK);
    assert_int_equal(set(r, "e", "4", 5, 1000), WILCO_OK);
    assert_int_equal(set(r, "e/f", "5", 0, 1000), WILCO_OK);
    assert_finds(r, "#", 5999, "1 2 3 4 5");
    assert_finds(r, "e", 6000, "");
    assert_int_equal(retained_count(r), 4);
    assert_finds(r, "#", 6000, "2 5");
    assert_int_equal(retained_count(r), 2);
    assert_finds(r, "#", 11000, "5");
    must_set(r, "e/f", "");
    assert_int_equal(retained_bytes(r), 0);
    retained_free(r);
}

static void
expired_ones_make_room_at_the_bound(void **state)
{
    enum { COUNT = 500 };
    struct retained *r = retained_new(alloc_system(), 1, (struct retained_limits){COUNT, SIZE_MAX});
    char topic[16];
    unsigned refused = 0;

    (void)state;
    assert_non_null(r);
    for (unsigned i = 0; i < COUNT; i++) {
        (void)snprintf(topic, sizeof(topic), "t/%u", i);
        assert_int_equal(set(r, topic, "x", i < COUNT - 10 ? 0 : 1, 0), WILCO_OK);
    }
    assert_int_equal(set(r, "new", "x", 0, 999), WILCO_ELIMIT);
    /* Each attempt looks at a few only, so that none takes long, but they come round. */
    while (set(r, "new", "x", 0, 1000) != WILCO_OK) {
        refused++;
        assert_true(refused < 20);
    }
    assert_in_range(retained_count(r), COUNT - 9, COUNT);
    assert_int_equal(set(r, "t/499", "y", 0, 1000),
                     WILCO_OK); /* its own message may have expired */
    assert_finds(r, "t/499", 1000, "y");
    retained_free(r);
}

static void
references_are_the_callers(void **state)
{
    struct retained *r = retained_new(alloc_system(), 1, plenty);
    struct retained_matches found;

    (void)state;
    assert_non_null(r);
    must_set(r, "a", "1");
    must_set(r, "b", "2");
    assert_int_equal(retained_match(r, SPAN_LITERAL("#"), 0, &found, alloc_system()), WILCO_OK);
    retained_free(r); /* what was found stays */
    assert_int_equal(found.count, 2);
    assert_memory_equal(message_payload(found.items[1]).data, "2", 1);
    message_unref(found.items[--found.count]); /* one may be taken out */
    retained_matches_fini(&found);
}

#define MODEL_TOPICS 400U

static void
model_topic(char *out, size_t size, uint32_t number)
{
    static const char *const levels[] = {"a", "b", "", "$s", "long name"};

    (void)snprintf(out, size, "%s", levels[number % 5]);
    for (number /= 5; number > 0; number /= 5) {
        (void)snprintf(out + strlen(out), size - strlen(out), "/%s", levels[number % 5]);
    }
    if (out[0] == '\0') {
        (void)snprintf(out, size, "empty");
    }
}

/* The messages that a filter finds are those that match, each once. */
static void
check_model(struct retained *r, const uint32_t *payloads, const char *filter)
{
    struct retained_matches found;
    size_t expected = 0;

    assert_int_equal(retained_match(r, span_of_text(filter), 0, &found, alloc_system()), WILCO_OK);
    for (size_t i = 0; i < found.count; i++) {
        assert_true(topic_matches(span_of_text(filter), message_topic(found.items[i])));
        for (size_t j = 0; j < i; j++) {
            assert_ptr_not_equal(found.items[i], found.items[j]);
        }
    }
    for (uint32_t t = 0; t < MODEL_TOPICS; t++) {
        char topic[64];

        model_topic(topic, sizeof(topic), t);
        expected += payloads[t] != 0 && topic_matches(span_of_text(filter), span_of_text(topic));
    }
    assert_int_equal(found.count, expected);
    retained_matches_fini(&found);
}

static void
behaves_like_the_model(void **state)
{
    static const char *const filters[] = {
        "#",     "+",   "a/#",   "+/b",     "+/+",           "a/+/b", "+/#",
        "+/+/#", "/#",  "$s/#",  "$s/+",    "long name/+/a", "/+",    "a/b",
        "+//+",  "a//", "b/+/#", "+/+/+/+", "a/a/a/a/#",     "$s/$s"};
    static uint32_t payloads[MODEL_TOPICS];
    struct failing_alloc f;
    struct retained *r;
    uint32_t random = 7;

    (void)state;
    failing_alloc_init(&f, 0);
    r = retained_new(&f.alloc, 5, plenty);
    assert_non_null(r);
    for (uint32_t step = 1; step <= 6000; step++) {
        char topic[64];
        uint32_t t;

        random = random * 1664525U + 1013904223U;
        t = (random >> 8) % MODEL_TOPICS;
        model_topic(topic, sizeof(topic), t);
        payloads[t] = (random >> 20) % 5 < 2 + step / 4000 ? 0 : step;
        must_set(r, topic, payloads[t] == 0 ? "" : "x");
        if (step % 4 == 0) {
            check_model(r, payloads,
                        filters[(random >> 10) % (sizeof(filters) / sizeof(filters[0]))]);
        }
    }
    for (uint32_t t = 0; t < MODEL_TOPICS; t++) {
        char topic[64];

        model_topic(topic, sizeof(topic), t);
        must_set(r, topic, "");
    }
    assert_int_equal(retained_count(r), 0);
    assert_in_range(f.live, 1, 3); /* itself, and two small tables */
    retained_free(r);
    assert_int_equal(f.live, 0);
}

static void
without_memory_nothing_changes(void **state)
{
    static const char *const topics[] = {"a", "a/b", "c/d/e/f", "a/b/g", "h"};
    size_t fail_at = 0;
    size_t attempts;

    (void)state;
    do {
        struct failing_alloc f;
        struct retained *r;
        size_t failures = 0;

        failing_alloc_init(&f, ++fail_at);
        r = retained_new(&f.alloc, 5, plenty);
        if (r == NULL) {
            failures++;
            r = retained_new(&f.alloc, 5, plenty);
        }
        for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
            if (set(r, topics[i], "x", 0, 0) == WILCO_ENOMEM) {
                failures++;
                assert_int_equal(retained_count(r), i);
                assert_finds(r, topics[i], 0, "");
                must_set(r, topics[i], "x");
            }
            assert_int_equal(retained_count(r), i + 1);
        }
        attempts = f.attempts;
        assert_int_equal(failures, fail_at <= attempts);
        f.fail_at = 0;
        assert_finds(r, "#", 0, "x x x x x");
        retained_free(r);
        assert_int_equal(f.live, 0);
    } while (fail_at <= attempts);
}

static void
matching_without_memory_collects_nothing(void **state)
{
    struct failing_alloc f;
    struct retained *r;
    enum wilco_status st;
    size_t fail_at = 0;
    char topic[16];

    (void)state;
    failing_alloc_init(&f, 0);
    r = retained_new(&f.alloc, 5, plenty);
    assert_non_null(r);
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(topic, sizeof(topic), "t/%u", i);
        must_set(r, topic, "x");
    }
    do {
        struct retained_matches found;
        size_t before = f.attempts;

        f.fail_at = before + ++fail_at;
        st = retained_match(r, SPAN_LITERAL("t/+"), 0, &found, &f.alloc);
        assert_int_equal(found.count, st == WILCO_OK ? 100 : 0);
        retained_matches_fini(&found);
    } while (st != WILCO_OK);
    assert_in_range(fail_at, 4, 8);
    retained_free(r);
    assert_int_equal(f.live, 0);
}

/* Deep names and filters, and a filter that is deeper than any name. */
static void
depth_is_no_danger(void **state)
{
    enum { DEPTH = 20000 };
    struct retained *r = retained_new(alloc_system(), 1, plenty);
    char *text = malloc(2 * DEPTH + 2);

    (void)state;
    assert_non_null(r);
    assert_non_null(text);
    memset(text, '/', 2 * DEPTH + 1);
    text[DEPTH] = '\0';
    must_set(r, text, "deep");
    assert_finds(r, text, 0, "deep");
    assert_finds(r, "#", 0, "deep");
    for (size_t i = 0; i < DEPTH; i++) {
        memcpy(text + 2 * i, "+/", 2);
    }
    memcpy(text + 2 * DEPTH, "+", 2);
    assert_finds(r, text, 0, "deep");
    memcpy(text + 2 * DEPTH, "#", 2);
    assert_finds(r, text, 0, "deep");
    must_set(r, "a", "x");
    assert_finds(r, text, 0, "deep");
    free(text);
    retained_free(r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_find_in_the_order_of_the_tree),
        cmocka_unit_test(one_message_for_each_topic),
        cmocka_unit_test(a_bound_keeps_what_is_there),
        cmocka_unit_test(expired_ones_are_not_found_and_go),
        cmocka_unit_test(expired_ones_make_room_at_the_bound),
        cmocka_unit_test(references_are_the_callers),
        cmocka_unit_test(behaves_like_the_model),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(matching_without_memory_collects_nothing),
        cmocka_unit_test(depth_is_no_danger),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
