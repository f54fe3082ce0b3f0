/* What the core makes of a policy beyond saying no: what it remembers, for how long, and what
 * becomes of what was on its way when the answer changes. tests/interop/test_acl_roads.py has all
 * the roads, over real sockets. */
#include "broker/core/permission.h"

#include "support/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Forbids actions below "secret/" to some client, and counts how often it is asked. */
struct guard {
    const char *client_id; /* NULL: nobody */
    enum access_action action;
    unsigned asked;
};

static bool
guards(void *context, const struct access_subject *who, enum access_action action,
       struct span topic)
{
    struct guard *g = context;

    g->asked++;
    return g->client_id == NULL || action != g->action || topic.len < 7 ||
           memcmp(topic.data, "secret/", 7) != 0 ||
           !span_equal(who->client_id, span_of_text(g->client_id));
}

struct play {
    struct rig r;
    struct guard guard;
    struct access_policy policy;
    struct rig_client a, b, c;
};

static void
open_play(struct play *p, unsigned shards)
{
    memset(p, 0, sizeof(*p));
    rig_open(&p->r, shards, NULL);
    p->policy = (struct access_policy){.may = guards, .context = &p->guard};
    broker_set_access(&p->r.broker, &p->policy);
    rig_client_connect(&p->r, &p->a, "a");
    rig_client_connect(&p->r, &p->b, "b");
    rig_client_connect(&p->r, &p->c, "c");
}

static void
forbid(struct play *p, const char *client_id, enum access_action action)
{
    p->guard.client_id = client_id;
    p->guard.action = action;
    broker_set_access(&p->r.broker, &p->policy);
}

static void
close_play(struct play *p)
{
    rig_client_close(&p->a);
    rig_client_close(&p->b);
    rig_client_close(&p->c);
    rig_close(&p->r);
}

/* PERMISSIONS_KEPT answers at most, of topics up to PERMISSIONS_TOPIC_BYTES_MAX, until the policy
 * changes. */
static void
answers_are_remembered(void **state)
{
    char topic[PERMISSIONS_TOPIC_BYTES_MAX + 2];
    struct play p;

    (void)state;
    open_play(&p, 1);
    for (size_t len = PERMISSIONS_TOPIC_BYTES_MAX; len <= PERMISSIONS_TOPIC_BYTES_MAX + 1; len++) {
        memset(topic, 't', len);
        topic[len] = '\0';
        p.guard.asked = 0;
        for (unsigned i = 0; i < 10; i++) {
            rig_publish(&p.a, topic, "x");
        }
        assert_int_equal(p.guard.asked, len > PERMISSIONS_TOPIC_BYTES_MAX ? 10 : 1);
    }
    p.guard.asked = 0;
    topic[PERMISSIONS_TOPIC_BYTES_MAX] = '\0';
    broker_set_access(&p.r.broker, &p.policy);
    rig_publish(&p.a, topic, "x");
    assert_int_equal(p.guard.asked, 1);
    /* More topics than places: still no more than one question each. */
    p.guard.asked = 0;
    for (unsigned i = 0; i < 100; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "t/%u", i);
        rig_publish(&p.a, name, "x");
    }
    assert_int_equal(p.guard.asked, 100);
    close_play(&p);
}

/* The same topic, but another question. */
static void
answers_are_to_one_question(void **state)
{
    struct play p;

    (void)state;
    open_play(&p, 1);
    forbid(&p, "a", ACCESS_PUBLISH);
    rig_subscribe(&p.a, "secret/x", 0);
    rig_publish_qos(&p.a, "secret/x", "no", 1, 5);
    rig_expect_ack(&p.a, WIRE_PUBACK, 5, 0x87);
    rig_publish(&p.b, "secret/x", "yes");
    rig_expect_publish(&p.a, "yes", &(struct wire_any){0});
    forbid(&p, "a", ACCESS_RECEIVE);
    rig_publish_qos(&p.a, "secret/x", "mine", 1, 5);
    rig_expect_ack(&p.a, WIRE_PUBACK, 5, 0);
    rig_publish(&p.b, "secret/x", "yes");
    rig_expect_nothing(&p.a);
    assert_int_equal(rig_stats(&p.r).deliveries_denied, 2);
    assert_int_equal(rig_stats(&p.r).access_denied, 1);
    close_play(&p);
}

/* For who asks, a responder that may not hear him is none; in a group another one is found. */
static void
requests_go_to_who_may_have_them(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        struct rig_client asker;
        struct wire_any request;
        char inbox[INBOX_TEXT_BYTES];
        struct play p;

        open_play(&p, shards);
        asker_connect(&p.r, &asker, "asker", ASKER_FULL, inbox);
        rig_subscribe(&p.a, "secret/x", 1);
        forbid(&p, "a", ACCESS_RECEIVE);
        ask(&asker,
            &(struct ask){.topic = "secret/x", .response_topic = inbox, .correlation = "1"});
        rig_expect_nothing(&p.a);
        expect_status(&asker, "1", "503", "queued", "no");
        rig_subscribe(&p.a, "$share/g/secret/+", 1);
        rig_subscribe(&p.b, "$share/g/secret/+", 1);
        for (unsigned i = 0; i < 6; i++) {
            ask(&asker,
                &(struct ask){.topic = "secret/y", .response_topic = inbox, .correlation = "2"});
            expect_request(&p.b, true, &request);
            respond(&p.b, &request.as.publish, "answer", 0, 0);
            expect_response(&asker, "2", "answer");
        }
        rig_expect_nothing(&p.a);
        rig_client_close(&asker);
        close_play(&p);
    }
}

/* What is retained is sent for as long as its publisher may publish it, though he is long gone. */
static void
retained_messages_know_who_published_them(void **state)
{
    struct wire_any packet = rig_publish_packet("secret/kept", "kept", 0, 0);
    struct wire_any got;
    struct play p;

    (void)state;
    open_play(&p, 2);
    packet.as.publish.retain = true;
    rig_send(&p.a, &packet);
    rig_client_close(&p.a);
    rig_subscribe(&p.b, "secret/#", 0);
    rig_expect_publish(&p.b, "kept", &got);
    forbid(&p, "a", ACCESS_PUBLISH);
    rig_subscribe(&p.b, "secret/#", 0);
    rig_expect_nothing(&p.b);
    assert_int_equal(rig_stats(&p.r).retained_denied, 1);
    forbid(&p, "b", ACCESS_PUBLISH);
    rig_subscribe(&p.b, "secret/#", 0);
    rig_expect_publish(&p.b, "kept", &got);
    broker_set_access(&p.r.broker, NULL);
    rig_subscribe(&p.b, "secret/#", 0);
    rig_expect_publish(&p.b, "kept", &got);
    close_play(&p);
}

/* Mail that was on its way to another shard when the policy changed. */
static void
mail_between_shards(void **state)
{
    char name[RIG_NAME_BYTES];
    struct rig_client reader;
    struct wire_any packet = rig_publish_packet("secret/x", "late", 0, 0);
    struct play p;

    (void)state;
    open_play(&p, 2);
    rig_name_in(&p.r, p.a.conn.shard->index + 1, "r", name);
    rig_client_connect(&p.r, &reader, name);
    rig_subscribe(&reader, "secret/#", 0);
    rig_post(&p.a, &packet);
    forbid(&p, name, ACCESS_RECEIVE);
    rig_settle(&p.r);
    rig_expect_nothing(&reader);
    rig_client_close(&reader);
    close_play(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_remembered),
        cmocka_unit_test(answers_are_to_one_question),
        cmocka_unit_test(requests_go_to_who_may_have_them),
        cmocka_unit_test(retained_messages_know_who_published_them),
        cmocka_unit_test(mail_between_shards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
