#include "client/subscriptions.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void
on_message(void *context, const struct wilco_message *m)
{
    (void)context;
    (void)m;
}

static struct subscription *
must_add(struct subscriptions *t, const char *filter, enum inbox_state inbox)
{
    struct subscription *s = NULL;

    assert_int_equal(subscriptions_add(t, span_of_text(filter), inbox, &s), WILCO_OK);
    s->to.on_message = on_message;
    return s;
}

/* A message as it arrives, with up to two Subscription Identifiers (0: none). */
static struct wilco_message *
arrived(const char *topic, const uint8_t identifiers[2])
{
    static uint64_t number = 0;
    uint8_t block[4] = {WIRE_SUBSCRIPTION_IDENTIFIER, identifiers[0], WIRE_SUBSCRIPTION_IDENTIFIER,
                        identifiers[1]};
    size_t count = identifiers[0] == 0 ? 0 : identifiers[1] == 0 ? 1 : 2;
    struct wire_publish p = {.topic = span_of_text(topic)};
    struct wilco_message *m = NULL;

    if (count > 0) {
        p.properties.block = span_of(block, count * 2);
        wire_properties_set(&p.properties, WIRE_SUBSCRIPTION_IDENTIFIER);
    }
    m = message_new(alloc_system(), &p, 0);
    number++;
    m->number = number;
    return m;
}

static void
gives_each_message_to_whom_it_is_for(void **state)
{
    /* The table holds 1 "a/+", 2 "#", 3 "$share/g/a/b", 4 "inbox" (a response topic). */
    static const struct {
        const char *topic;
        uint8_t identifiers[2];
        uint32_t want[4]; /* in order; 0: none left */
    } rows[] = {
        {"a/b", {0}, {1, 2, 3}}, {"a/c", {0}, {1, 2}},
        {"x", {0}, {2}},         {"$SYS/x", {0}, {0}},
        {"inbox", {0}, {2}},     {"a/b", {3}, {3}},
        {"a/b", {1, 2}, {1, 2}}, {"a/b", {2, 2}, {2}}, /* named twice, told once */
        {"a/b", {9}, {0}},       {"inbox", {4}, {0}},
        {"whatever", {1}, {0}}, /* an identifier from before: of another filter */
    };
    struct subscriptions t;

    (void)state;
    subscriptions_init(&t, alloc_system(), 1);
    (void)must_add(&t, "a/+", INBOX_NONE);
    (void)must_add(&t, "#", INBOX_NONE);
    (void)must_add(&t, "$share/g/a/b", INBOX_NONE);
    (void)must_add(&t, "inbox", INBOX_ASKED);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wilco_message *m = arrived(rows[i].topic, rows[i].identifiers);

        for (size_t j = 0; j < 4; j++) {
            const struct subscription *s = subscriptions_next(&t, m);

            assert_int_equal(s == NULL ? 0 : s->id, rows[i].want[j]);
        }
        wilco_message_unref(m);
    }
    subscriptions_fini(&t);
}

static void
finds_by_filter_and_by_number(void **state)
{
    struct subscriptions t;
    struct subscription *s = NULL;

    (void)state;
    subscriptions_init(&t, alloc_system(), 1);
    s = must_add(&t, "$share/g/a", INBOX_NONE);
    assert_ptr_equal(subscriptions_find(&t, SPAN_LITERAL("$share/g/a")), s);
    assert_ptr_equal(subscriptions_find_id(&t, s->id), s);
    assert_ptr_equal(subscriptions_find_shared(&t, SPAN_LITERAL("a")), s);
    assert_null(subscriptions_find(&t, SPAN_LITERAL("a")));
    assert_null(subscriptions_find_id(&t, 77));
    subscriptions_remove(&t, s);
    assert_null(subscriptions_find(&t, SPAN_LITERAL("$share/g/a")));
    assert_int_not_equal(must_add(&t, "$share/g/a", INBOX_NONE)->id, 1); /* never the same again */
    subscriptions_fini(&t);
}

static void
bounds_response_topics(void **state)
{
    struct subscriptions t;
    struct subscription *first = NULL;
    struct subscription *s = NULL;
    char topic[16];

    (void)state;
    subscriptions_init(&t, alloc_system(), 1);
    first = must_add(&t, "first", INBOX_ASKED);
    for (unsigned i = 1; i < INBOXES_MAX; i++) {
        (void)snprintf(topic, sizeof(topic), "r/%u", i);
        (void)must_add(&t, topic, INBOX_ASKED);
    }
    assert_int_equal(subscriptions_add(&t, SPAN_LITERAL("more"), INBOX_ASKED, &s), WILCO_ELIMIT);
    (void)must_add(&t, "other", INBOX_NONE);   /* is no response topic */
    assert_null(subscriptions_idle_inbox(&t)); /* none is granted yet */
    first->inbox = INBOX_GRANTED;
    assert_ptr_equal(subscriptions_idle_inbox(&t), first);
    first->request_count = 1;
    assert_null(subscriptions_idle_inbox(&t));
    first->request_count = 0;
    subscriptions_remove(&t, first);
    (void)must_add(&t, "more", INBOX_ASKED);
    subscriptions_fini(&t);
}

/* An application may subscribe to what the server has subscribed it to. */
static void
keeps_assigned_response_topics_apart(void **state)
{
    static const uint8_t unnamed[2] = {0};
    struct subscriptions t;
    struct subscription *assigned = NULL;
    struct subscription *mine = NULL;
    struct wilco_message *m = arrived("$r/x", unnamed);

    (void)state;
    subscriptions_init(&t, alloc_system(), 1);
    assigned = must_add(&t, "$r/x", INBOX_ASSIGNED);
    assert_null(subscriptions_find(&t, SPAN_LITERAL("$r/x")));
    mine = must_add(&t, "$r/x", INBOX_NONE);
    assert_ptr_equal(subscriptions_find(&t, SPAN_LITERAL("$r/x")), mine);
    assert_ptr_equal(subscriptions_find_assigned(&t, SPAN_LITERAL("$r/x")), assigned);
    assert_null(subscriptions_find_assigned(&t, SPAN_LITERAL("$r/y")));
    assert_ptr_equal(subscriptions_next(&t, m), mine);
    assert_null(subscriptions_next(&t, m));
    assert_ptr_equal(subscriptions_idle_inbox(&t), assigned);
    subscriptions_remove(&t, assigned);
    assert_ptr_equal(subscriptions_find(&t, SPAN_LITERAL("$r/x")), mine);
    wilco_message_unref(m);
    subscriptions_fini(&t);
}

static void
leaves_nothing_behind_without_memory(void **state)
{
    bool is_done = false;

    (void)state;
    for (size_t fail_at = 1; !is_done; fail_at++) {
        struct failing_alloc alloc;
        struct subscriptions t;
        struct subscription *s = NULL;
        enum wilco_status st;

        failing_alloc_init(&alloc, fail_at);
        subscriptions_init(&t, &alloc.alloc, 1);
        st = subscriptions_add(&t, SPAN_LITERAL("a"), INBOX_NONE, &s);
        is_done = alloc.attempts < fail_at;
        assert_int_equal(st, is_done ? WILCO_OK : WILCO_ENOMEM);
        subscriptions_fini(&t);
        assert_int_equal(alloc.live, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_each_message_to_whom_it_is_for),
        cmocka_unit_test(finds_by_filter_and_by_number),
        cmocka_unit_test(bounds_response_topics),
        cmocka_unit_test(keeps_assigned_response_topics_apart),
        cmocka_unit_test(leaves_nothing_behind_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
