/* Out of memory while requests are under way: every allocation fails once. Connections may break
 * and requests fail, but nothing leaks, no request ends twice, and in the end all counts are even.
 */
#include "support/asking.h"
#include "support/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SHARDS       3
#define RESPONDERS   3
#define REQUESTS_MAX 100

struct scene {
    struct rig r;
    struct rig_client asker;
    struct rig_client responder[RESPONDERS];
    size_t fails_each; /* which allocation of every step fails; 0: none */
    char inbox[INBOX_TEXT_BYTES];
    unsigned asked;
    unsigned outcomes[REQUESTS_MAX];
    bool is_fan[REQUESTS_MAX];
    bool answers; /* the responders do, to what comes */
};

/* The step to come has its failure, too. */
static void
next_step(struct scene *s)
{
    if (s->fails_each > 0) {
        s->r.alloc.fail_at = s->r.alloc.attempts + s->fails_each;
    }
}

/* Says hello; takes its inbox from the CONNACK, if one comes. */
static void
come(struct scene *s, struct rig_client *c, const char *client_id)
{
    static const struct wire_user_property rr = USER("rr", "1");
    struct wire_any packet = {.type = WIRE_CONNECT, .as.connect = rig_lasting(client_id, 100)};
    struct wire_properties *v = &packet.as.connect.properties;

    v->request_response_information = 1;
    wire_properties_set(v, WIRE_REQUEST_RESPONSE_INFORMATION);
    v->users = &rr;
    v->user_count = 1;
    wire_properties_set(v, WIRE_USER_PROPERTY);
    v->receive_maximum = 3;
    wire_properties_set(v, WIRE_RECEIVE_MAXIMUM);
    next_step(s);
    rig_client_close(c);
    rig_client_open(&s->r, c, client_id, WIRE_V5);
    rig_send(c, &packet);
    if (c == &s->asker && rig_next(c, &packet) && packet.type == WIRE_CONNACK) {
        struct span information = packet.as.connack.properties.response_information;

        assert_true(information.len < sizeof(s->inbox));
        if (information.len > 0) {
            memcpy(s->inbox, information.data, information.len);
            s->inbox[information.len] = '\0';
        }
    }
}

static void
subscribe(struct scene *s, struct rig_client *c, const char *filter)
{
    const struct wire_subscription w = {.filter = span_of_text(filter), .qos = 1};
    const struct wire_any packet = {
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = 1, .count = 1, .subscriptions = &w},
    };

    next_step(s);
    rig_send(c, &packet);
}

static void
note_outcome(struct scene *s, const struct wire_publish *p)
{
    char digits[16] = "";
    unsigned long number = 0;

    assert_true(p->properties.correlation_data.len < sizeof(digits));
    memcpy(digits, p->properties.correlation_data.data, p->properties.correlation_data.len);
    number = strtoul(digits, NULL, 10);
    assert_true(number < REQUESTS_MAX);
    s->outcomes[number]++;
    assert_true(s->is_fan[number] || s->outcomes[number] == 1);
}

/* It is on the Response Topic of all requests: no trace. */
static bool
is_outcome(const struct scene *s, const struct wire_any *packet)
{
    return packet->type == WIRE_PUBLISH &&
           span_equal(packet->as.publish.topic, span_of_text(s->inbox));
}

/* The requester takes everything, and acknowledges it. */
static void
listen_to(struct scene *s)
{
    struct wire_any packet;

    while (rig_next(&s->asker, &packet)) {
        if (is_outcome(s, &packet)) {
            note_outcome(s, &packet.as.publish);
        }
        if (packet.type == WIRE_PUBLISH && packet.as.publish.qos == 1) {
            next_step(s);
            rig_ack(&s->asker, WIRE_PUBACK, packet.as.publish.packet_id);
        }
    }
}

/* A responder takes everything, answers it or not, and acknowledges every other one. */
static void
serve(struct scene *s, struct rig_client *c)
{
    struct wire_any packet;
    unsigned count = 0;

    while (rig_next(c, &packet)) {
        uint16_t packet_id = 0;

        if (packet.type != WIRE_PUBLISH ||
            !wire_properties_has(&packet.as.publish.properties, WIRE_RESPONSE_TOPIC)) {
            continue;
        }
        packet_id = packet.as.publish.qos == 1 ? packet.as.publish.packet_id : 0;
        if (s->answers) {
            next_step(s);
            respond(c, &packet.as.publish, "answer", (uint8_t)(count % 2), 77);
        }
        if (packet_id != 0 && count++ % 2 == 0) {
            next_step(s);
            rig_ack(c, WIRE_PUBACK, packet_id);
        }
    }
}

static void
serve_all(struct scene *s)
{
    for (int i = 0; i < RESPONDERS; i++) {
        serve(s, &s->responder[i]);
    }
    listen_to(s);
}

static void
ask_for(struct scene *s, const char *topic, uint8_t qos, struct ask a)
{
    char correlation[16];

    (void)snprintf(correlation, sizeof(correlation), "%u", s->asked);
    assert_true(s->asked < REQUESTS_MAX);
    s->is_fan[s->asked] = topic[0] == 'f';
    s->asked++;
    a.topic = topic;
    a.response_topic = s->inbox;
    a.correlation = correlation;
    a.qos = qos;
    a.packet_id = qos == 0 ? 0 : 9;
    next_step(s);
    if (s->inbox[0] != '\0') {
        ask(&s->asker, &a);
    }
}

/* The last one is not wanted any more. */
static void
cancel_last(struct scene *s, const char *topic)
{
    char correlation[16];

    (void)snprintf(correlation, sizeof(correlation), "%u", s->asked - 1);
    next_step(s);
    if (s->inbox[0] != '\0') {
        ask(&s->asker, &(struct ask){.topic = topic,
                                     .response_topic = s->inbox,
                                     .correlation = correlation,
                                     USERS(USER("rr-op", "cancel"))});
    }
}

static void
ask_all_kinds(struct scene *s)
{
    for (uint8_t qos = 0; qos <= 1; qos++) {
        ask_for(s, "group/x", qos, (struct ask){.retain = false});
        ask_for(s, "group/x", qos, (struct ask){USERS(USER("rr-idem", "1"))});
        ask_for(s, "group/x", qos, (struct ask){USERS(USER("rr-ttl", "50"))});
        ask_for(s, "group/x", qos, (struct ask){USERS(USER("rr-if-offline", "fail"))});
        ask_for(s, "fan/x", qos, (struct ask){.retain = false});
        ask_for(s, "fan/x", qos, (struct ask){USERS(USER("rr-ttl", "50"))});
        ask_for(s, "nowhere", qos, (struct ask){.retain = false});
    }
}

/* Once is enough. */
static void
ask_rare_kinds(struct scene *s)
{
    char topic[INBOX_TEXT_BYTES + 8];
    struct wire_user_property trace = {.name = SPAN_LITERAL("rr-trace")};

    (void)snprintf(topic, sizeof(topic), "%s/trace", s->inbox);
    trace.value = span_of_text(topic);
    ask_for(s, "fan/x", 1, (struct ask){USERS(USER("rr-fan", "1"))});
    ask_for(s, "group/x", 0, (struct ask){.users = &trace, .user_count = 1});
    ask_for(s, "group/x", 1, (struct ask){USERS(USER("rr-on-loss", "cancel"))});
    cancel_last(s, "group/x");
}

static void
play(struct scene *s)
{
    static const char *const names[RESPONDERS] = {"one", "two", "three"};
    char name[RESPONDERS][RIG_NAME_BYTES];

    come(s, &s->asker, "asker");
    for (unsigned i = 0; i < RESPONDERS; i++) {
        rig_name_in(&s->r, i, names[i], name[i]);
        come(s, &s->responder[i], name[i]);
        subscribe(s, &s->responder[i], "$share/group/group/+");
        subscribe(s, &s->responder[i], "fan/+");
    }
    s->answers = true;
    ask_all_kinds(s);
    serve_all(s);
    s->answers = false;
    ask_all_kinds(s);
    serve_all(s);
    next_step(s);
    rig_client_drop(&s->responder[0]); /* what it has moves, or fails */
    serve_all(s);
    next_step(s);
    rig_advance(&s->r, 50); /* deadlines */
    come(s, &s->responder[0], name[0]);
    serve_all(s);
    ask_all_kinds(s);
    ask_rare_kinds(s);
    next_step(s);
    rig_client_drop(&s->responder[1]);
    s->answers = true;
    serve_all(s);
    next_step(s);
    rig_advance(&s->r, 10000); /* $SYS */
}

/* All responders leave, sessions end and deadlines pass. */
static void
conclude(struct scene *s)
{
    s->fails_each = 0;
    s->r.alloc.fail_at = 0;
    s->r.alloc.fails_from = 0;
    for (unsigned i = 0; i < RESPONDERS; i++) {
        rig_client_close(&s->responder[i]);
    }
    rig_advance(&s->r, 40000);
    listen_to(s);
    audit_requests_ended(&s->r);
    rig_advance(&s->r, 100000);
    listen_to(s);
    audit_requests_ended(&s->r);
    rig_client_close(&s->asker);
    rig_close(&s->r);
}

/* The number of allocations made. */
static size_t
run(struct scene *s, size_t fail_at, size_t fails_each, size_t fails_from)
{
    size_t attempts = 0;
    size_t before = 0;

    memset(s, 0, sizeof(*s));
    if (rig_try_open(&s->r, SHARDS, NULL, fail_at) != WILCO_OK) {
        assert_int_equal(s->r.alloc.live, 0);
        return s->r.alloc.attempts;
    }
    s->fails_each = fails_each;
    before = s->r.alloc.attempts;
    s->r.alloc.fails_from = fails_from == 0 ? 0 : before + fails_from;
    play(s);
    attempts = s->r.alloc.attempts - (fails_from == 0 ? 0 : before);
    conclude(s);
    return attempts;
}

/* Without a failure every request has exactly one outcome, or one from each responder. */
static void
test_no_failure(void **state)
{
    struct scene s;

    (void)state;
    (void)run(&s, 0, 0, 0);
    assert_int_equal(s.asked, 3 * 14 + 3);
    for (unsigned i = 0; i < s.asked; i++) {
        if (!(s.is_fan[i] ? s.outcomes[i] >= 1 && s.outcomes[i] <= 3 : s.outcomes[i] == 1)) {
            fail_msg("request %u: %u outcomes", i, s.outcomes[i]);
        }
    }
}

static void
test_each_allocation_once(void **state)
{
    struct scene s;
    size_t fail_at = 1;

    (void)state;
    while (run(&s, fail_at, 0, 0) >= fail_at) {
        fail_at++;
    }
    print_message("%u allocations\n", (unsigned)(fail_at - 1));
    assert_true(fail_at > 200);
}

/* Memory ends, at each allocation, and comes back when all is over. */
static void
test_all_from_each_on(void **state)
{
    struct scene s;
    size_t from = 1;

    (void)state;
    while (run(&s, 0, 0, from) >= from) {
        from++;
    }
    assert_true(from > 200);
}

static void
test_one_in_every_step(void **state)
{
    struct scene s;

    (void)state;
    for (size_t which = 1; which <= 20; which++) {
        (void)run(&s, 0, which, 0);
    }
}

/* One exchange, with which the allocations of the response fail. */
struct exchange {
    struct rig r;
    struct rig_client asker;
    struct rig_client responder;
    char inbox[INBOX_TEXT_BYTES];
};

/* So often that finding out what wants a message takes memory. */
static void
subscribe_many(struct rig_client *c, const char *inbox)
{
    for (unsigned i = 0; i < 300; i++) {
        char filter[INBOX_TEXT_BYTES + 12];

        (void)snprintf(filter, sizeof(filter), "%s/%u", inbox, i);
        rig_subscribe(c, filter, 1);
    }
}

static void
begin(struct exchange *x, unsigned shards, bool is_subscribed)
{
    struct wire_any request;
    char name[RIG_NAME_BYTES];

    memset(x, 0, sizeof(*x));
    rig_open(&x->r, shards, NULL);
    rig_name_in(&x->r, 0, "asker", name);
    asker_connect(&x->r, &x->asker, name, ASKER_FULL, x->inbox);
    rig_name_in(&x->r, 1, "responder", name);
    rig_client_connect(&x->r, &x->responder, name);
    rig_subscribe(&x->responder, "service", 0);
    if (is_subscribed) {
        subscribe_many(&x->asker, x->inbox);
    }
    ask(&x->asker,
        &(struct ask){.topic = "service", .response_topic = x->inbox, .correlation = "c1"});
    expect_request(&x->responder, true, &request);
}

static void
answer(struct exchange *x, uint16_t packet_id)
{
    struct wire_publish request = {
        .properties = {.response_topic = span_of_text(x->inbox),
                       .correlation_data = SPAN_LITERAL("c1")},
    };

    wire_properties_set(&request.properties, WIRE_CORRELATION_DATA);
    respond(&x->responder, &request, "answer", 1, packet_id);
}

/* The responder has answered; it does so again if that was refused. */
static void
answer_until_taken(struct exchange *x)
{
    struct wire_any packet;

    rig_expect(&x->responder, WIRE_PUBACK, &packet);
    if (packet.as.ack.reason_code >= 0x80) {
        rig_expect_nothing(&x->asker);
        answer(x, 8);
        rig_expect(&x->responder, WIRE_PUBACK, &packet);
    }
    assert_int_equal(packet.as.ack.reason_code, 0);
    rig_expect(&x->asker, WIRE_PUBLISH, &packet); /* the response, or what became of it */
    assert_true(span_equal(packet.as.publish.properties.correlation_data, SPAN_LITERAL("c1")));
}

/* A response for which there is no memory is refused, and may be given again. */
static void
test_response_is_not_lost(void **state)
{
    (void)state;
    for (unsigned row = 0; row < 2 * SHARDS; row++) {
        bool has_failed = true;

        for (size_t which = 1; has_failed; which++) {
            struct exchange x;

            begin(&x, 1 + row / 2, row % 2 == 1);
            x.r.alloc.fail_at = x.r.alloc.attempts + which;
            answer(&x, 7);
            has_failed = x.r.alloc.attempts >= x.r.alloc.fail_at;
            x.r.alloc.fail_at = 0;
            if (x.responder.is_open && x.asker.is_open) {
                answer_until_taken(&x);
            }
            rig_client_close(&x.responder);
            audit_requests_ended(&x.r);
            rig_client_close(&x.asker);
            rig_close(&x.r);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_failure),           cmocka_unit_test(test_each_allocation_once),
        cmocka_unit_test(test_one_in_every_step),    cmocka_unit_test(test_all_from_each_on),
        cmocka_unit_test(test_response_is_not_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
