/* Clients whose connections are cut, again and again, in the middle of anything: what they were
 * asked to do is done all the same. */
#include "cutter.h"
#include "scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A client behind a cutter, and what it has heard of its connections. */
struct traveller {
    struct wilco *client;
    struct gate connected;
    struct gate disconnected;
    struct gate closed;
};

static void
on_state(void *context, const struct wilco_state *state)
{
    struct traveller *t = context;

    switch (state->kind) {
    case WILCO_CONNECTED: gate_raise(&t->connected); break;
    case WILCO_DISCONNECTED: gate_raise(&t->disconnected); break;
    case WILCO_UNSUBSCRIBED: break;
    case WILCO_CLOSED: gate_raise(&t->closed); break;
    }
}

static void
traveller_open(struct traveller *t, const char *url, const char *client_id)
{
    struct wilco_options options = {
        .url = url,
        .client_id = client_id,
        .reconnect_min_ms = 1,
        .reconnect_max_ms = 10,
        .state_changed = on_state,
        .context = t,
    };

    gate_init(&t->connected);
    gate_init(&t->disconnected);
    gate_init(&t->closed);
    assert_int_equal(wilco_open(&t->client, &options), WILCO_OK);
    assert_true(gate_wait(&t->connected, 1));
}

static void
traveller_close(struct traveller *t)
{
    wilco_close(t->client);
    gate_fini(&t->connected);
    gate_fini(&t->disconnected);
    gate_fini(&t->closed);
}

/* ---- One call ---- */

/* Keeps the call until the test answers it. */
struct desk {
    struct gate came;
    struct wilco_call *call;
};

static void
keep_call(void *context, struct wilco_call *call)
{
    struct desk *d = context;

    d->call = wilco_call_ref(call);
    gate_raise(&d->came);
}

struct asked {
    struct gate ended;
    enum wilco_status status;
    bool is_right;
};

static void
on_response(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct asked *a = context;
    struct wilco_bytes payload = {NULL, 0};

    if (response != NULL) {
        payload = wilco_message_payload(response);
    }
    a->status = status;
    a->is_right = payload.len == 3 && memcmp(payload.data, "yes", 3) == 0;
    gate_raise(&a->ended);
}

/* Whichever of the two loses its connection while the call is being served: the answer arrives, and
 * the handler has run once. */
static void
a_call_survives_its_connections(void **state)
{
    (void)state;
    for (int is_responder_cut = 0; is_responder_cut < 2; is_responder_cut++) {
        const struct wilco_responder responder = {.filter = "work", .qos = 2};
        const struct wilco_request request = {.topic = "work", .qos = 2, .timeout_ms = 60000};
        struct traveller requester, server;
        struct traveller *cut = is_responder_cut ? &server : &requester;
        struct desk desk = {.call = NULL};
        struct asked asked = {.status = WILCO_AGAIN};
        struct scenario s;
        struct cutter c;

        scenario_open(&s, 2);
        cutter_start(&c, s.url);
        gate_init(&desk.came);
        gate_init(&asked.ended);
        traveller_open(&requester, is_responder_cut ? s.url : c.url, "requester");
        traveller_open(&server, is_responder_cut ? c.url : s.url, "server");
        assert_int_equal(wilco_respond(server.client, &responder, keep_call, &desk, NULL),
                         WILCO_OK);
        assert_int_equal(wilco_request_start(requester.client, &request, on_response, &asked, NULL),
                         WILCO_OK);
        assert_true(gate_wait(&desk.came, 1));
        cutter_cut(&c);
        assert_true(gate_wait(&cut->disconnected, 1));
        assert_true(gate_wait(&cut->connected, 2));
        assert_int_equal(gate_count(&asked.ended), 0);
        assert_int_equal(wilco_reply_bytes(desk.call, WILCO_TEXT("yes")), WILCO_OK);
        wilco_call_unref(desk.call);
        assert_true(gate_wait(&asked.ended, 1));
        assert_int_equal(asked.status, WILCO_OK);
        assert_true(asked.is_right);
        traveller_close(&requester);
        traveller_close(&server);
        assert_int_equal(gate_count(&asked.ended), 1);
        assert_int_equal(gate_count(&desk.came), 1);
        gate_fini(&desk.came);
        gate_fini(&asked.ended);
        cutter_stop(&c);
        scenario_close(&s);
    }
}

/* ---- A hundred cuts ---- */

#define CUTS      100U
#define PER_CUT   20U /* publications, half of them QoS 2 */
#define ASKED     4U  /* requests for each cut */
#define PUBLISHED (CUTS * PER_CUT)

struct crowd {
    struct scenario s;
    struct cutter cutter;
    struct traveller publisher, subscriber, requester, responder;
    struct gate arrived;  /* messages, without repetitions */
    struct gate settled;  /* publications */
    struct gate answered; /* requests */
    atomic_uint failures; /* of any of them */
    atomic_uint served[CUTS * ASKED];
    unsigned seen[PUBLISHED]; /* the subscriber's thread alone, until it is closed */
};

static unsigned
number_of(struct wilco_bytes payload)
{
    char text[16] = "";

    assert_true(payload.len < sizeof(text));
    memcpy(text, payload.data, payload.len);
    return (unsigned)strtoul(text, NULL, 10);
}

static void
on_message(void *context, const struct wilco_message *message)
{
    struct crowd *c = context;

    unsigned *seen = &c->seen[number_of(wilco_message_payload(message)) % PUBLISHED];

    (*seen)++;
    if (*seen == 1) {
        gate_raise(&c->arrived);
    }
}

static void
on_published(void *context, enum wilco_status status, uint8_t reason_code)
{
    struct crowd *c = context;

    c->failures += status != WILCO_OK || reason_code != 0;
    gate_raise(&c->settled);
}

static void
echo(void *context, struct wilco_call *call)
{
    struct crowd *c = context;
    struct wilco_bytes payload = wilco_message_payload(wilco_call_message(call));

    c->served[number_of(payload) % (CUTS * ASKED)]++;
    c->failures += wilco_reply_bytes(call, payload) != WILCO_OK;
}

static void
on_echo(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct crowd *c = context;

    (void)response;
    c->failures += status != WILCO_OK;
    gate_raise(&c->answered);
}

static void
publish_some(struct crowd *c, unsigned cut)
{
    for (unsigned i = cut * PER_CUT; i < (cut + 1) * PER_CUT; i++) {
        char text[16];
        int len = snprintf(text, sizeof(text), "%u", i);
        const struct wilco_publish p = {
            .topic = "news", .payload = {text, (size_t)len}, .qos = (uint8_t)(1 + i % 2)};

        assert_int_equal(wilco_publish_start(c->publisher.client, &p, on_published, c), WILCO_OK);
    }
}

static void
ask_some(struct crowd *c, unsigned cut)
{
    for (unsigned i = cut * ASKED; i < (cut + 1) * ASKED; i++) {
        char text[16];
        int len = snprintf(text, sizeof(text), "%u", i);
        const struct wilco_request r = {
            .topic = "echo",
            .payload = {text, (size_t)len},
            .qos = 2,
            .timeout_ms = 60000,
            .wait_if_offline = true,
        };

        assert_int_equal(wilco_request_start(c->requester.client, &r, on_echo, c, NULL), WILCO_OK);
    }
}

static void
crowd_open(struct crowd *c)
{
    const struct wilco_subscription news = {.filter = "news", .qos = 2};
    const struct wilco_responder work = {.filter = "echo", .qos = 2};

    scenario_open(&c->s, 2);
    cutter_start(&c->cutter, c->s.url);
    gate_init(&c->arrived);
    gate_init(&c->settled);
    gate_init(&c->answered);
    traveller_open(&c->publisher, c->cutter.url, "publisher");
    traveller_open(&c->subscriber, c->cutter.url, "subscriber");
    traveller_open(&c->requester, c->cutter.url, "requester");
    traveller_open(&c->responder, c->cutter.url, "responder");
    assert_int_equal(wilco_subscribe(c->subscriber.client, &news, on_message, c, NULL), WILCO_OK);
    assert_int_equal(wilco_respond(c->responder.client, &work, echo, c, NULL), WILCO_OK);
}

static void
crowd_close(struct crowd *c)
{
    traveller_close(&c->publisher);
    traveller_close(&c->subscriber);
    traveller_close(&c->requester);
    traveller_close(&c->responder);
    gate_fini(&c->arrived);
    gate_fini(&c->settled);
    gate_fini(&c->answered);
    cutter_stop(&c->cutter);
    scenario_close(&c->s);
}

/* Each cut comes when some of the latest messages and answers have arrived, and the others are on
 * their way. Nothing is lost, and nothing of QoS 2 comes, or is executed, twice. */
static void
nothing_is_lost_in_a_hundred_cuts(void **state)
{
    struct crowd *c = calloc(1, sizeof(*c));

    (void)state;
    assert_non_null(c);
    crowd_open(c);
    for (unsigned i = 0; i < CUTS; i++) {
        publish_some(c, i);
        ask_some(c, i);
        assert_true(gate_wait(&c->arrived, i * PER_CUT + 1 + i % PER_CUT));
        assert_true(gate_wait(&c->answered, i * ASKED + i % ASKED));
        cutter_cut(&c->cutter);
    }
    assert_true(gate_wait(&c->settled, PUBLISHED));
    assert_true(gate_wait(&c->answered, CUTS * ASKED));
    assert_true(gate_wait(&c->arrived, PUBLISHED));
    assert_int_equal(gate_count(&c->publisher.closed), 0);
    assert_true(gate_count(&c->publisher.connected) > CUTS / 2);
    wilco_close(c->subscriber.client); /* from now on `seen` is ours */
    c->subscriber.client = NULL;
    for (unsigned i = 0; i < PUBLISHED; i++) {
        if (c->seen[i] == 0 || (i % 2 == 1 && c->seen[i] != 1)) {
            fail_msg("message %u came %u times", i, c->seen[i]);
        }
    }
    for (unsigned i = 0; i < CUTS * ASKED; i++) {
        assert_int_equal(c->served[i], 1);
    }
    assert_int_equal(c->failures, 0);
    crowd_close(c);
    free(c);
}

/* ---- The server goes, and comes back with nothing ---- */

static void
a_server_that_begins_anew_is_told_everything_again(void **state)
{
    const struct wilco_subscription news = {.filter = "news", .qos = 1};
    const struct wilco_publish p = {.topic = "news", .payload = WILCO_TEXT("0"), .qos = 1};
    struct crowd *c = calloc(1, sizeof(*c));
    struct scenario next;
    uint8_t reason_code = 0xFF;
    const char *port;

    (void)state;
    assert_non_null(c);
    scenario_open(&c->s, 1);
    cutter_start(&c->cutter, c->s.url);
    gate_init(&c->arrived);
    traveller_open(&c->subscriber, c->cutter.url, "subscriber");
    assert_int_equal(wilco_subscribe(c->subscriber.client, &news, on_message, c, NULL), WILCO_OK);
    scenario_close(&c->s);
    assert_true(gate_wait(&c->subscriber.disconnected, 1));
    scenario_open(&next, 1);
    port = strrchr(next.url, ':');
    c->cutter.broker.sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
    assert_int_equal(wilco_publish(c->subscriber.client, &p, &reason_code), WILCO_OK);
    assert_int_equal(reason_code, 0); /* somebody is there: ourselves */
    assert_true(gate_wait(&c->arrived, 1));
    traveller_close(&c->subscriber);
    gate_fini(&c->arrived);
    cutter_stop(&c->cutter);
    scenario_close(&next);
    free(c);
}

/* Another client with our identifier takes the session over: we do not fight for it. */
static void
a_session_that_is_taken_over_is_not_fought_for(void **state)
{
    struct traveller first, second;
    struct scenario s;

    (void)state;
    scenario_open(&s, 2);
    traveller_open(&first, s.url, "same");
    traveller_open(&second, s.url, "same");
    assert_true(gate_wait(&first.closed, 1));
    assert_int_equal(wilco_publish(first.client, &(struct wilco_publish){.topic = "a"}, NULL),
                     WILCO_ECLOSED);
    assert_int_equal(
        wilco_publish(second.client, &(struct wilco_publish){.topic = "a", .qos = 1}, NULL),
        WILCO_OK);
    assert_int_equal(gate_count(&first.connected), 1);
    traveller_close(&first);
    traveller_close(&second);
    scenario_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_survives_its_connections),
        cmocka_unit_test(nothing_is_lost_in_a_hundred_cuts),
        cmocka_unit_test(a_server_that_begins_anew_is_told_everything_again),
        cmocka_unit_test(a_session_that_is_taken_over_is_not_fought_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
