#include "broker/core/request_table.h"

#include "broker/core/message.h"
#include "broker/core/request.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SAME_MAX 4
#define OTHERS   (REQUEST_LOOKS_MAX + 3)

struct scene {
    struct failing_alloc alloc;
    struct request_table table;
    struct session *holders[2];
};

static void
set_up(struct scene *s)
{
    memset(s, 0, sizeof(*s));
    failing_alloc_init(&s->alloc, 0);
    request_table_init(&s->table, &s->alloc.alloc, 1);
    for (size_t i = 0; i < 2; i++) {
        s->holders[i] = mem_zalloc(&s->alloc.alloc, sizeof(struct session));
        assert_non_null(s->holders[i]);
        s->holders[i]->id = i + 1;
        list_init(&s->holders[i]->requests);
    }
}

static void
tear_down(struct scene *s)
{
    request_table_fini(&s->table);
    mem_free(&s->alloc.alloc, s->holders[0]);
    mem_free(&s->alloc.alloc, s->holders[1]);
    assert_int_equal(s->alloc.live, 0);
}

static struct message *
make_message(struct scene *s, const char *topic, const char *correlation)
{
    const struct request_terms terms = {.ttl_ms = UINT64_MAX};
    struct wire_publish p = {.topic = SPAN_LITERAL("asked")};
    struct message *m = NULL;

    p.properties.response_topic = span_of_text(topic);
    p.properties.correlation_data = span_of_text(correlation);
    wire_properties_set(&p.properties, WIRE_RESPONSE_TOPIC);
    wire_properties_set(&p.properties, WIRE_CORRELATION_DATA);
    m = message_new(&s->alloc.alloc, &p, SESSION_ID_NONE, 0);
    assert_non_null(m);
    message_ask(m, &p, &terms, 1);
    return m;
}

static struct request *
add(struct scene *s, int holder, const char *topic, const char *correlation)
{
    struct request *r = request_table_take(&s->table);

    assert_non_null(r);
    r->holder = s->holders[holder];
    r->message = make_message(s, topic, correlation);
    list_push_back(&s->holders[holder]->requests, &r->of_holder);
    s->holders[holder]->request_count++;
    return r;
}

static void
end(struct scene *s, struct request *r, bool was_answered)
{
    request_table_remove(&s->table, r, was_answered);
    list_remove(&r->of_holder);
    r->holder->request_count--;
    message_unref(r->message);
    request_table_give_back(&s->table, r);
}

static struct request *
find(struct scene *s, int holder, const char *topic, const char *correlation)
{
    return request_table_find(&s->table, s->holders[holder], span_of_text(topic),
                              span_of_text(correlation));
}

/* By holder, topic and correlation, all three. */
static void
test_find(void **state)
{
    static const struct {
        int holder;
        const char *topic, *correlation;
    } rows[] = {
        {0, "answer", "c1"}, {0, "answer", "c2"}, {0, "other", "c1"},  {1, "answer", "c1"},
        {0, "answer", ""},   {0, "answerc1", ""}, {0, "answe", "rc1"},
    };
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    struct request *requests[ROWS];
    struct scene s;

    (void)state;
    set_up(&s);
    for (size_t i = 0; i < ROWS; i++) {
        assert_null(find(&s, rows[i].holder, rows[i].topic, rows[i].correlation));
        requests[i] = add(&s, rows[i].holder, rows[i].topic, rows[i].correlation);
    }
    for (size_t i = 0; i < ROWS; i++) {
        assert_ptr_equal(find(&s, rows[i].holder, rows[i].topic, rows[i].correlation), requests[i]);
        end(&s, requests[i], true);
        assert_null(find(&s, rows[i].holder, rows[i].topic, rows[i].correlation));
    }
    tear_down(&s);
}

/* Older requests of the same holder, which hide the others from a look at the oldest. */
static void
add_others(struct scene *s, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        (void)add(s, 0, "other", "c");
    }
}

static void
end_others(struct scene *s)
{
    struct request *r = NULL;

    while ((r = find(s, 0, "other", "c")) != NULL) {
        end(s, r, true);
    }
}

/* Of several that one response could answer the oldest is found, whichever others end. */
static void
test_oldest_first(void **state)
{
    static const int orders[][SAME_MAX] = {
        {0, 1, 2, 3}, {3, 2, 1, 0}, {1, 0, 3, 2}, {2, 0, 1, 3}, {0, 3, 1, 2}, {1, 2, 0, 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        for (unsigned before = 0; before <= OTHERS; before += OTHERS) {
            struct request *requests[SAME_MAX];
            struct scene s;

            set_up(&s);
            add_others(&s, before);
            for (int n = 0; n < SAME_MAX; n++) {
                requests[n] = add(&s, 0, "answer", "c");
            }
            for (int n = 0; n < SAME_MAX; n++) {
                int oldest = 0;

                while (requests[oldest] == NULL) {
                    oldest++;
                }
                assert_ptr_equal(find(&s, 0, "answer", "c"), requests[oldest]);
                end(&s, requests[orders[i][n]], true);
                requests[orders[i][n]] = NULL;
            }
            assert_null(find(&s, 0, "answer", "c"));
            end_others(&s);
            tear_down(&s);
        }
    }
}

static enum request_memory
recall(const struct scene *s, const char *correlation)
{
    return request_table_recall(&s->table, s->holders[0], SPAN_LITERAL("answer"),
                                span_of_text(correlation));
}

/* What is remembered of a request is how the last one with its name ended. */
static void
test_recall(void **state)
{
    struct scene s;

    (void)state;
    set_up(&s);
    assert_int_equal(recall(&s, "c1"), REQUEST_UNKNOWN);
    end(&s, add(&s, 0, "answer", "c1"), true);
    end(&s, add(&s, 0, "answer", "c2"), false);
    assert_int_equal(recall(&s, "c1"), REQUEST_ENDED_ANSWERED);
    assert_int_equal(recall(&s, "c2"), REQUEST_ENDED_UNANSWERED);
    assert_int_equal(recall(&s, "c3"), REQUEST_UNKNOWN);
    end(&s, add(&s, 0, "answer", "c1"), false);
    end(&s, add(&s, 0, "answer", "c2"), true);
    assert_int_equal(recall(&s, "c1"), REQUEST_ENDED_UNANSWERED);
    assert_int_equal(recall(&s, "c2"), REQUEST_ENDED_ANSWERED);
    tear_down(&s);
}

/* And only of so many. */
static void
test_recall_is_bounded(void **state)
{
    struct scene s;

    (void)state;
    set_up(&s);
    end(&s, add(&s, 0, "answer", "c1"), true);
    for (unsigned i = 1; i < REQUEST_ENDED_MAX; i++) {
        end(&s, add(&s, 0, "answer", "others"), true);
    }
    assert_int_equal(recall(&s, "c1"), REQUEST_ENDED_ANSWERED);
    end(&s, add(&s, 0, "answer", "others"), true);
    assert_int_equal(recall(&s, "c1"), REQUEST_UNKNOWN);
    tear_down(&s);
}

/* What is given back is taken again, but only so much is kept. */
static void
test_memory_is_reused(void **state)
{
    enum { MORE = REQUEST_FREE_MAX + 10 };
    struct request **all = malloc(MORE * sizeof(struct request *));
    struct scene s;
    size_t attempts = 0;

    (void)state;
    assert_non_null(all);
    set_up(&s);
    for (size_t i = 0; i < MORE; i++) {
        all[i] = request_table_take(&s.table);
    }
    for (size_t i = 0; i < MORE; i++) {
        request_table_give_back(&s.table, all[i]);
    }
    assert_int_equal(s.alloc.live, REQUEST_FREE_MAX + 2); /* and the holders */
    attempts = s.alloc.attempts;
    all[0] = request_table_take(&s.table);
    assert_int_equal(s.alloc.attempts, attempts);
    request_table_give_back(&s.table, all[0]);
    free(all);
    tear_down(&s);
}

/* Without memory to file them only the oldest are found. */
static void
test_out_of_memory(void **state)
{
    struct request *requests[REQUEST_LOOKS_MAX + 1];
    const size_t last = REQUEST_LOOKS_MAX;
    struct scene s;

    (void)state;
    set_up(&s);
    s.alloc.fail_at = s.alloc.attempts + 1;
    assert_null(request_table_take(&s.table));
    for (size_t i = 0; i <= last; i++) {
        const char correlation[2] = {(char)('a' + i), '\0'};

        requests[i] = add(&s, 0, "answer", correlation);
    }
    s.alloc.fail_at = s.alloc.attempts + 1;
    assert_null(find(&s, 0, "answer", "e"));
    assert_ptr_equal(find(&s, 0, "answer", "d"), requests[last - 1]);
    assert_ptr_equal(find(&s, 0, "answer", "e"), requests[last]);
    for (size_t i = 0; i <= last; i++) {
        end(&s, requests[i], true);
    }
    tear_down(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_oldest_first),
        cmocka_unit_test(test_recall),
        cmocka_unit_test(test_recall_is_bounded),
        cmocka_unit_test(test_memory_is_reused),
        cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
