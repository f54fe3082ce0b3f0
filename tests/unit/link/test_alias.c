#include "base/random.h"
#include "link/alias.h"
#include "support/bytes.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* PUBLISH packets as a peer sends them, with our Topic Alias Maximum at 3; the last one is judged.
 */
static const struct {
    const char *name;
    struct {
        uint16_t alias;
        const char *topic;
    } packets[4];
    size_t count;
    enum wilco_status want;
    const char *topic;
} rows[] = {
    {"an alias with its topic", {{1, "a/b"}}, 1, WILCO_OK, "a/b"},
    {"the alias alone", {{1, "a/b"}, {1, ""}}, 2, WILCO_OK, "a/b"},
    {"the highest alias", {{3, "a/b"}, {3, ""}}, 2, WILCO_OK, "a/b"},
    {"several aliases", {{1, "a"}, {3, "c"}, {2, "b"}, {3, ""}}, 4, WILCO_OK, "c"},
    {"bound anew", {{1, "a/b"}, {1, "longer/topic"}, {1, ""}}, 3, WILCO_OK, "longer/topic"},
    {"bound to the same again", {{1, "a/b"}, {1, "a/b"}, {1, ""}}, 3, WILCO_OK, "a/b"},
    {"two aliases for one topic", {{1, "a"}, {2, "a"}, {1, "b"}, {2, ""}}, 4, WILCO_OK, "a"},
    {"alias 0 [MQTT-3.3.2-8]", {{0, "a/b"}}, 1, WILCO_EPROTOCOL, NULL},
    {"alias 0 alone", {{0, ""}}, 1, WILCO_EPROTOCOL, NULL},
    {"above the maximum [MQTT-3.3.2-9]", {{4, "a/b"}}, 1, WILCO_EPROTOCOL, NULL},
    {"far above the maximum", {{65535, ""}}, 1, WILCO_EPROTOCOL, NULL},
    {"not bound, nothing is", {{1, ""}}, 1, WILCO_EPROTOCOL, NULL},
    {"not bound, another is", {{1, "a/b"}, {2, ""}}, 2, WILCO_EPROTOCOL, NULL},
};

static void
what_a_peer_may_send(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct alias_in t;
        struct span topic = SPAN_EMPTY;
        enum wilco_status st = WILCO_OK;

        alias_in_init(&t, alloc_system(), 3);
        for (size_t j = 0; j < rows[i].count; j++) {
            struct span copy = bytes_copy(span_of_text(rows[i].packets[j].topic));

            topic = copy;
            st = alias_in_apply(&t, rows[i].packets[j].alias, &topic);
            assert_int_equal(st, j + 1 < rows[i].count ? WILCO_OK : rows[i].want);
            if (copy.len > 0) { /* a topic that came along is not touched */
                assert_ptr_equal(topic.data, copy.data);
                topic = span_of_text(rows[i].packets[j].topic);
            }
            bytes_free(copy);
        }
        if (st == WILCO_OK && !span_equal(topic, span_of_text(rows[i].topic))) {
            fail_msg("%s", rows[i].name);
        }
        alias_in_fini(&t);
        assert_int_equal(t.bytes, 0);
    }
}

static void
no_aliases_allowed(void **state)
{
    struct span topic = SPAN_LITERAL("a/b/c");
    struct failing_alloc a;
    struct alias_in in;
    struct alias_out out;
    bool is_new = false;

    (void)state;
    failing_alloc_init(&a, 0);
    alias_in_init(&in, &a.alloc, 0);
    alias_out_init(&out, &a.alloc, 0);
    assert_int_equal(alias_in_apply(&in, 1, &topic), WILCO_EPROTOCOL);
    assert_int_equal(alias_out_assign(&out, topic, &is_new), 0); /* [MQTT-3.1.2-27] */
    alias_in_fini(&in);
    alias_out_fini(&out);
    assert_int_equal(a.attempts, 0);
}

static void
memory_held_for_a_peer_is_counted(void **state)
{
    static uint8_t bytes[60000];
    struct alias_in t;
    size_t empty = 0;

    (void)state;
    alias_in_init(&t, alloc_system(), 10);
    assert_int_equal(t.bytes, 0);
    for (uint16_t alias = 1; alias <= 10; alias++) {
        struct span topic = span_of(bytes, sizeof(bytes));

        assert_int_equal(alias_in_apply(&t, alias, &topic), WILCO_OK);
        assert_true(t.bytes >= alias * sizeof(bytes));
    }
    for (uint16_t alias = 1; alias <= 10; alias++) {
        struct span topic = span_of(bytes, 1);

        assert_int_equal(alias_in_apply(&t, alias, &topic), WILCO_OK);
    }
    empty = t.bytes;
    assert_true(empty < 2000);
    alias_in_fini(&t);
}

static uint16_t
assign(struct alias_out *t, const char *topic, bool want_new)
{
    bool is_new = !want_new;
    uint16_t alias = alias_out_assign(t, span_of_text(topic), &is_new);

    assert_int_equal(is_new, want_new);
    return alias;
}

static void
the_one_used_longest_ago_is_given_again(void **state)
{
    struct alias_out t;

    (void)state;
    alias_out_init(&t, alloc_system(), 3);
    assert_int_equal(assign(&t, "topic/a", true), 1);
    assert_int_equal(assign(&t, "topic/b", true), 2);
    assert_int_equal(assign(&t, "topic/c", true), 3);
    assert_int_equal(assign(&t, "topic/a", false), 1);
    assert_int_equal(assign(&t, "topic/longer/than/before", true), 2);
    assert_int_equal(assign(&t, "topic/c", false), 3);
    assert_int_equal(assign(&t, "short", true), 1);
    assert_int_equal(assign(&t, "topic/longer/than/before", false), 2);
    assert_int_equal(assign(&t, "topic/a", true), 3);
    assert_int_equal(assign(&t, "topic/b", true), 1);
    alias_out_fini(&t);
}

static void
short_topics_need_no_alias(void **state)
{
    struct alias_out t;

    (void)state;
    alias_out_init(&t, alloc_system(), 3);
    assert_int_equal(assign(&t, "", true), 0);
    assert_int_equal(assign(&t, "a/b", true), 0);
    assert_int_equal(assign(&t, "a/bc", true), 1);
    alias_out_fini(&t);
}

/* What one end assigns the other end resolves, whatever the order of topics and the maximum. */
static void
both_directions_agree(void **state)
{
    static const uint16_t maxima[] = {1, 2, 7, 50, 65535};

    (void)state;
    for (size_t m = 0; m < sizeof(maxima) / sizeof(maxima[0]); m++) {
        struct random_seeded random;
        struct alias_in in;
        struct alias_out out;
        size_t saved = 0;

        random_seeded_init(&random, m);
        alias_in_init(&in, alloc_system(), maxima[m]);
        alias_out_init(&out, alloc_system(), maxima[m]);
        for (size_t i = 0; i < 20000; i++) {
            char text[64];
            uint64_t r = 0;
            bool is_new = false;
            uint16_t alias = 0;
            struct span topic;
            struct span sent;

            assert_int_equal(random_u64(&random.source, &r), WILCO_OK);
            (void)snprintf(text, sizeof(text), "t/%.*s/%u", (int)(r % 20), "abcdefghijklmnopqrst",
                           (unsigned)((r >> 32) % (i % 2 == 0 ? 4 : 100)));
            topic = span_of_text(text);
            alias = alias_out_assign(&out, topic, &is_new);
            assert_true(alias >= 1 && alias <= maxima[m]); /* [MQTT-3.1.2-26] */
            sent = is_new ? topic : SPAN_EMPTY;
            saved += !is_new;
            assert_int_equal(alias_in_apply(&in, alias, &sent), WILCO_OK);
            assert_true(span_equal(sent, topic));
        }
        assert_true(saved > 0);
        alias_in_fini(&in);
        alias_out_fini(&out);
    }
}

/* Fails each allocation once; `maximum` 1 also reaches the rebinding of the only alias. */
static void
out_of_memory(uint16_t maximum)
{
    static const char *const topics[] = {"topic/1",     "topic/2", "topic/1",
                                         "topic/three", "topic/2", "topic/even/longer",
                                         "topic/four",  "topic/1"};
    struct failing_alloc a;
    size_t fail_at = 0;

    do {
        struct alias_in in;
        struct alias_out out;
        size_t failures = 0;

        failing_alloc_init(&a, fail_at);
        alias_in_init(&in, &a.alloc, maximum);
        alias_out_init(&out, &a.alloc, maximum);
        for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
            struct span topic = span_of_text(topics[i]);
            bool is_new = false;
            uint16_t alias = alias_out_assign(&out, topic, &is_new);
            struct span sent = is_new ? topic : SPAN_EMPTY;
            enum wilco_status st = WILCO_OK;

            failures += alias == 0;
            if (alias == 0) { /* the topic goes without */
                assert_true(is_new);
                continue;
            }
            st = alias_in_apply(&in, alias, &sent);
            if (st == WILCO_ENOMEM) {
                failures++;
                st = alias_in_apply(&in, alias, &sent);
            }
            assert_int_equal(st, WILCO_OK);
            assert_true(span_equal(sent, topic));
        }
        assert_int_equal(failures, fail_at > 0 && fail_at <= a.attempts);
        alias_in_fini(&in);
        alias_out_fini(&out);
        assert_int_equal(a.live, 0);
        fail_at++;
    } while (fail_at <= a.attempts);
    assert_true(fail_at > 6);
}

static void
every_allocation_may_fail(void **state)
{
    (void)state;
    out_of_memory(1);
    out_of_memory(2);
    out_of_memory(100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_peer_may_send),
        cmocka_unit_test(no_aliases_allowed),
        cmocka_unit_test(memory_held_for_a_peer_is_counted),
        cmocka_unit_test(the_one_used_longest_ago_is_given_again),
        cmocka_unit_test(short_topics_need_no_alias),
        cmocka_unit_test(both_directions_agree),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
