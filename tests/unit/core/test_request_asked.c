#include "broker/core/request_asked.h"

#include "broker/core/message.h"
#include "broker/core/request.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define REQUESTS_MAX 8

struct scene {
    struct failing_alloc alloc;
    struct request_asked asked;
    struct request requests[REQUESTS_MAX];
    unsigned count;
};

static void
set_up(struct scene *s, size_t fail_at)
{
    memset(s, 0, sizeof(*s));
    failing_alloc_init(&s->alloc, 0);
    s->alloc.fail_at = fail_at;
    request_asked_init(&s->asked, &s->alloc.alloc, 1);
}

/* Who asked what, in which words. */
struct asked {
    uint64_t asker;
    const char *topic, *response_topic, *correlation;
    bool ends_with_asker;
};

static struct message *
make_message(const struct asked *what)
{
    const struct request_terms terms = {.ttl_ms = UINT64_MAX,
                                        .ends_with_asker = what->ends_with_asker};
    struct wire_publish p = {.topic = span_of_text(what->topic)};
    struct message *m = NULL;

    p.properties.response_topic = span_of_text(what->response_topic);
    p.properties.correlation_data = span_of_text(what->correlation);
    wire_properties_set(&p.properties, WIRE_RESPONSE_TOPIC);
    wire_properties_set(&p.properties, WIRE_CORRELATION_DATA);
    m = message_new(alloc_system(), &p, what->asker, 0);
    assert_non_null(m);
    message_ask(m, &p, &terms, 1);
    return m;
}

/* Another holder of the message. */
static struct request *
add(struct scene *s, struct message *m)
{
    struct request *r = &s->requests[s->count++];

    r->message = message_ref(m);
    request_asked_add(&s->asked, r);
    return r;
}

static struct request *
add_new(struct scene *s, const struct asked *what)
{
    struct message *m = make_message(what);
    struct request *r = add(s, m);

    message_unref(m);
    return r;
}

static void
end(struct scene *s, struct request *r)
{
    request_asked_remove(&s->asked, r);
    message_unref(r->message);
    r->message = NULL;
}

static void
tear_down(struct scene *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        if (s->requests[i].message != NULL) {
            end(s, &s->requests[i]);
        }
    }
    request_asked_fini(&s->asked);
    assert_int_equal(s->alloc.live, 0);
}

static struct request *
find(struct scene *s, const struct asked *what, size_t *copies)
{
    struct message *op = make_message(what);
    struct request *r = request_asked_find(&s->asked, op, copies);

    message_unref(op);
    return r;
}

/* By requester, topic, Response Topic and correlation, all four. */
static void
found_by_all_of_it(void **state)
{
    static const struct asked rows[] = {
        {1, "t", "a", "c", false}, {2, "t", "a", "c", false}, {1, "t", "b", "c", false},
        {1, "t", "a", "d", false}, {1, "t", "ac", "", false},
    };
    static const struct asked elsewhere = {1, "u", "a", "c", false};
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    struct scene s;
    size_t copies = 0;

    (void)state;
    set_up(&s, 0);
    for (size_t i = 0; i < ROWS; i++) {
        assert_null(find(&s, &rows[i], &copies));
        assert_int_equal(copies, 0);
        (void)add_new(&s, &rows[i]);
    }
    for (size_t i = 0; i < ROWS; i++) {
        assert_ptr_equal(find(&s, &rows[i], &copies), &s.requests[i]);
        assert_int_equal(copies, 1);
        assert_null(find(&s, &elsewhere, &copies));
    }
    for (size_t i = 0; i < ROWS; i++) {
        end(&s, &s.requests[i]);
        assert_null(find(&s, &rows[i], &copies));
    }
    tear_down(&s);
}

/* The copies of one message belong together; what was asked in the same words later does not. */
static void
copies_of_one_message(void **state)
{
    static const struct asked what = {1, "t", "a", "c", false};
    struct message *first = make_message(&what);
    struct message *second = make_message(&what);
    struct request *r = NULL;
    struct scene s;
    size_t copies = 0;

    (void)state;
    set_up(&s, 0);
    for (unsigned i = 0; i < 5; i++) {
        (void)add(&s, i < 3 ? first : second);
    }
    r = find(&s, &what, &copies);
    assert_int_equal(copies, 3);
    for (unsigned i = 0; i < copies; i++) {
        assert_ptr_equal(r, &s.requests[i]);
        r = request_asked_next(r);
    }
    for (unsigned i = 0; i < 3; i++) {
        end(&s, &s.requests[i]);
    }
    assert_ptr_equal(find(&s, &what, &copies), &s.requests[3]);
    assert_int_equal(copies, 2);
    message_unref(first);
    message_unref(second);
    tear_down(&s);
}

/* Those that end with their requester, and his alone; whether they were looked for or not. */
static void
by_requester(void **state)
{
    static const struct asked rows[] = {
        {1, "t", "a", "c", true}, {2, "t", "a", "c", true},  {1, "t", "a", "c", true},
        {1, "t", "a", "d", true}, {1, "t", "a", "e", false},
    };

    (void)state;
    for (unsigned look = 0; look < 2; look++) {
        struct request *r = NULL;
        struct scene s;
        size_t copies = 0;
        unsigned ended = 0;

        set_up(&s, 0);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            (void)add_new(&s, &rows[i]);
        }
        if (look == 1) {
            assert_non_null(find(&s, &rows[0], &copies));
        }
        assert_null(request_asked_by(&s.asked, 3));
        for (r = request_asked_by(&s.asked, 1); r != NULL; r = request_asked_by(&s.asked, 1)) {
            assert_int_equal(r->message->publisher, 1);
            end(&s, r);
            ended++;
        }
        assert_int_equal(ended, 3);
        assert_ptr_equal(request_asked_by(&s.asked, 2), &s.requests[1]);
        tear_down(&s);
    }
}

/* Nobody looks: no memory is taken. Nobody can look without. */
static void
without_memory(void **state)
{
    static const struct asked what = {1, "t", "a", "c", false};
    static const struct asked bound = {1, "t", "a", "c", true};
    struct scene s;
    size_t copies = 0;

    (void)state;
    set_up(&s, 1);
    (void)add_new(&s, &what);
    assert_int_equal(s.alloc.attempts, 0);
    assert_null(find(&s, &what, &copies));
    assert_ptr_equal(find(&s, &what, &copies), &s.requests[0]);
    tear_down(&s);
    set_up(&s, 1);
    (void)add_new(&s, &bound);
    assert_null(request_asked_by(&s.asked, 1));
    tear_down(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_by_all_of_it),
        cmocka_unit_test(copies_of_one_message),
        cmocka_unit_test(by_requester),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
