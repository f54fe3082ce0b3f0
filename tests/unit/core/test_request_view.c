/* What whoever administers a broker sees of the requests in it. */
#include "broker/core/request_view.h"

#include "broker/core/session.h"
#include "support/asking.h"
#include "support/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HOLDERS   3
#define EACH      4
#define VIEWS_MAX 64

struct scene {
    struct rig r;
    struct rig_client asker;
    struct rig_client holder[HOLDERS];
    char inbox[INBOX_TEXT_BYTES];
    struct request_view views[VIEWS_MAX];
};

static void
open_scene(struct scene *s, unsigned shards)
{
    memset(s, 0, sizeof(*s));
    rig_open(&s->r, shards, NULL);
    asker_connect(&s->r, &s->asker, "asker", ASKER_FULL, s->inbox);
    for (unsigned i = 0; i < HOLDERS; i++) {
        char name[RIG_NAME_BYTES];

        (void)snprintf(name, sizeof(name), "holder%u", i);
        rig_client_connect(&s->r, &s->holder[i], name);
        (void)snprintf(name, sizeof(name), "to/%u", i);
        rig_subscribe(&s->holder[i], name, 1);
    }
}

static void
close_scene(struct scene *s)
{
    for (unsigned i = 0; i < HOLDERS; i++) {
        rig_client_close(&s->holder[i]);
    }
    rig_client_close(&s->asker);
    rig_close(&s->r);
}

static const struct session *
session_of(const struct rig_client *c)
{
    return c->conn.session;
}

/* Everything that is said of one request, as it goes its way. */
static void
test_what_is_shown(void **state)
{
    static const struct wire_user_property users[] = {USER("rr-ttl", "2500"), USER("rr-idem", "1")};
    struct scene s;
    struct shard *shard = NULL;
    struct request_view *v = s.views;
    struct wire_any request;

    (void)state;
    open_scene(&s, 4);
    ask(&s.asker, &(struct ask){.topic = "to/1",
                                .response_topic = s.inbox,
                                .correlation = "c1",
                                .qos = 1,
                                .packet_id = 1,
                                .users = users,
                                .user_count = 2});
    shard = s.holder[1].conn.shard;
    rig_advance(&s.r, 700);
    assert_int_equal(request_view_list(shard, 0, s.views, VIEWS_MAX), 1);
    assert_int_equal(v->requester, session_of(&s.asker)->id);
    assert_int_equal(v->responder, session_of(&s.holder[1])->id);
    assert_true(span_equal(v->responder_client_id, SPAN_LITERAL("holder1")));
    assert_true(span_equal(v->topic, SPAN_LITERAL("to/1")));
    assert_true(span_equal(v->response_topic, span_of_text(s.inbox)));
    assert_true(span_equal(v->correlation, SPAN_LITERAL("c1")));
    assert_int_equal(v->age_ms, 700);
    assert_int_equal(v->left_ms, 1800);
    assert_int_equal(v->bytes, shard->stats.rr_in_flight_bytes);
    assert_true(v->bytes > 0);
    assert_int_equal(v->stage, REQUEST_DELIVERED);
    assert_true(v->service > SERVICE_OTHER);
    assert_true(v->is_idempotent);
    expect_request(&s.holder[1], true, &request);
    assert_int_equal(request_view_list(shard, 0, s.views, VIEWS_MAX), 1);
    assert_int_equal(v->stage, REQUEST_ACKED);
    respond(&s.holder[1], &request.as.publish, "answer", 0, 0);
    assert_int_equal(request_view_list(shard, 0, s.views, VIEWS_MAX), 0);
    close_scene(&s);
}

/* One that waits for a client that is away, without a deadline of its own. */
static void
test_one_that_waits(void **state)
{
    struct scene s;
    struct rig_client away;

    (void)state;
    open_scene(&s, 1);
    rig_resume(&s.r, &away, "away", false);
    rig_subscribe(&away, "to/away", 1);
    rig_client_close(&away);
    ask(&s.asker,
        &(struct ask){.topic = "to/away", .response_topic = s.inbox, .qos = 1, .packet_id = 1});
    assert_int_equal(request_view_list(s.r.broker.shards[0], 0, s.views, VIEWS_MAX), 1);
    assert_int_equal(s.views[0].stage, REQUEST_QUEUED);
    assert_int_equal(s.views[0].correlation.len, 0);
    assert_int_equal(s.views[0].age_ms, 0);
    assert_int_equal(s.views[0].left_ms, 30000);
    assert_false(s.views[0].is_idempotent);
    assert_true(span_equal(s.views[0].responder_client_id, SPAN_LITERAL("away")));
    close_scene(&s);
}

/* Whatever the size of the pages, each request is on one of them, and those of one holder come one
 * after the other, the oldest first. */
static void
read_pages(struct scene *s, size_t page)
{
    struct shard *shard = s->r.broker.shards[0];
    size_t from = 0;
    size_t count = 0;

    do {
        assert_true(from + page <= VIEWS_MAX);
        count = request_view_list(shard, from, s->views + from, page);
        assert_true(count <= page);
        from += count;
    } while (count == page);
    assert_int_equal(from, (size_t)HOLDERS * EACH);
    for (size_t i = 0; i < from; i++) {
        const struct request_view *v = &s->views[i];
        char correlation[2] = {(char)('0' + i % EACH), '\0'};

        assert_true(span_equal(v->correlation, span_of_text(correlation)));
        assert_int_equal(v->responder, s->views[i - i % EACH].responder);
        assert_true(i < EACH || v->responder != s->views[i - EACH].responder);
    }
}

static void
test_paging(void **state)
{
    struct scene s;

    (void)state;
    open_scene(&s, 1);
    assert_int_equal(request_view_list(s.r.broker.shards[0], 0, s.views, VIEWS_MAX), 0);
    for (unsigned i = 0; i < EACH * HOLDERS; i++) {
        char topic[RIG_NAME_BYTES];
        const char correlation[2] = {(char)('0' + i / HOLDERS), '\0'};

        (void)snprintf(topic, sizeof(topic), "to/%u", i % HOLDERS);
        ask(&s.asker,
            &(struct ask){.topic = topic, .response_topic = s.inbox, .correlation = correlation});
    }
    for (size_t page = 1; page <= (size_t)EACH * HOLDERS + 1; page++) {
        read_pages(&s, page);
    }
    assert_int_equal(request_view_list(s.r.broker.shards[0], 1000, s.views, VIEWS_MAX), 0);
    assert_int_equal(request_view_list(s.r.broker.shards[0], 0, s.views, 0), 0);
    close_scene(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_shown),
        cmocka_unit_test(test_one_that_waits),
        cmocka_unit_test(test_paging),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
