#define _POSIX_C_SOURCE 200809L

#include "wilco/loop.h"

#include "base/span.h"
#include "link/framer.h"
#include "server.h"
#include "support/gate.h"
#include "wilco/wilco.h"
#include "wire/any.h"

#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Clients in somebody else's loop. */

#define ROUNDS_MAX 100000

/* What the callbacks have seen; they all run in the loop. */
struct seen {
    struct wilco *client;
    unsigned connected, disconnected, closed;
    unsigned responses, published, subscribed, messages;
    enum wilco_status status;  /* the latest */
    enum wilco_status nested;  /* of wilco_process() in a callback */
    enum wilco_status waiting; /* of a function that waits */
    int wake[2];
};

static void
on_state(void *context, const struct wilco_state *state)
{
    struct seen *s = context;

    s->connected += state->kind == WILCO_CONNECTED;
    s->disconnected += state->kind == WILCO_DISCONNECTED;
    s->closed += state->kind == WILCO_CLOSED;
}

static void
on_wake(void *context)
{
    struct seen *s = context;

    assert_int_equal(write(s->wake[1], "", 1), 1);
}

static void
open_client(struct seen *s, struct wilco_options options)
{
    *s = (struct seen){.status = WILCO_AGAIN};
    assert_int_equal(pipe(s->wake), 0);
    options.state_changed = on_state;
    options.wake = on_wake;
    options.context = s;
    assert_int_equal(wilco_open(&s->client, &options), WILCO_OK);
}

static void
close_client(struct seen *s)
{
    wilco_close(s->client);
    (void)close(s->wake[0]);
    (void)close(s->wake[1]);
}

/* Until `*count` is at least `want`. */
static void
run(struct seen *s, const unsigned *count, unsigned want)
{
    for (int i = 0; *count < want; i++) {
        struct pollfd fds[2] = {
            {.fd = wilco_fd(s->client), .events = wilco_events(s->client)},
            {.fd = s->wake[0], .events = POLLIN},
        };
        char byte = 0;

        assert_true(i < ROUNDS_MAX);
        (void)poll(fds, 2, wilco_timeout_ms(s->client));
        if (fds[1].revents != 0) {
            assert_int_equal(read(s->wake[0], &byte, 1), 1);
        }
        if (wilco_process(s->client, fds[0].revents) != WILCO_OK) {
            assert_int_equal(s->closed, 1);
            assert_true(*count >= want);
        }
    }
}

static void
on_response(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct seen *s = context;

    (void)response;
    s->status = status;
    s->responses++;
}

static void
on_published(void *context, enum wilco_status status, uint8_t reason_code)
{
    struct seen *s = context;

    (void)reason_code;
    s->status = status;
    s->published++;
}

static void
on_subscribed(void *context, enum wilco_status status, uint8_t reason_code)
{
    struct seen *s = context;

    (void)reason_code;
    s->status = status;
    s->subscribed++;
}

static void
on_message(void *context, const struct wilco_message *message)
{
    struct seen *s = context;

    (void)message;
    s->nested = wilco_process(s->client, 0);
    s->waiting = wilco_publish(s->client, &(struct wilco_publish){.topic = "a"}, NULL);
    wilco_close(s->client); /* does nothing here */
    s->messages++;
}

static void
does_everything_in_a_loop(void **state)
{
    const struct wilco_subscription all = {.filter = "#", .qos = 1};
    struct server server;
    struct seen s;

    (void)state;
    server_start(&server, false);
    open_client(&s, (struct wilco_options){.url = server.url, .io = WILCO_IO_LOOP});
    assert_string_equal(wilco_client_id(s.client), "");
    assert_int_equal(wilco_subscribe_start(s.client, &all, on_message, &s, on_subscribed, &s),
                     WILCO_OK);
    run(&s, &s.subscribed, 1);
    assert_int_equal(s.status, WILCO_OK);
    assert_int_equal(s.connected, 1);
    assert_string_equal(wilco_client_id(s.client), "assigned");
    assert_int_equal(wilco_publish_start(s.client, &(struct wilco_publish){.topic = "a", .qos = 2},
                                         on_published, &s),
                     WILCO_OK);
    run(&s, &s.messages, 1);
    run(&s, &s.published, 1);
    assert_int_equal(s.nested, WILCO_EINVAL);
    assert_int_equal(s.waiting, WILCO_EINVAL);
    assert_int_equal(wilco_publish(s.client, &(struct wilco_publish){.topic = "a"}, NULL),
                     WILCO_EINVAL);
    assert_int_equal(wilco_unsubscribe(s.client, "#"), WILCO_EINVAL);
    assert_int_equal(wilco_unsubscribe_start(s.client, "#", on_subscribed, &s), WILCO_OK);
    run(&s, &s.subscribed, 2);
    assert_int_equal(wilco_unsubscribe_start(s.client, "#", NULL, NULL), WILCO_ENOTFOUND);
    assert_int_equal(
        wilco_request_start(s.client, &(struct wilco_request){.topic = "silent", .timeout_ms = 5},
                            on_response, &s, NULL),
        WILCO_OK);
    run(&s, &s.responses, 1);
    assert_int_equal(s.status, WILCO_ETIMEDOUT);
    assert_int_equal(wilco_request_start(s.client, &(struct wilco_request){.topic = "silent"},
                                         on_response, &s, NULL),
                     WILCO_OK);
    close_client(&s);
    assert_int_equal(s.responses, 2);
    assert_int_equal(s.status, WILCO_ECLOSED);
    server_stop(&server);
}

static void *
publish_from_elsewhere(void *argument)
{
    struct seen *s = argument;

    for (int i = 0; i < 100; i++) {
        assert(wilco_publish_start(s->client, &(struct wilco_publish){.topic = "a", .qos = 1},
                                   on_published, s) == WILCO_OK);
    }
    return NULL;
}

/* A loop that sleeps for ever is woken. */
static void
is_woken_by_other_threads(void **state)
{
    struct server server;
    pthread_t thread;
    struct seen s;

    (void)state;
    server_start(&server, false);
    open_client(
        &s, (struct wilco_options){.url = server.url, .io = WILCO_IO_LOOP, .keep_alive_off = true});
    run(&s, &s.connected, 1);
    assert_int_equal(wilco_timeout_ms(s.client), -1);
    assert_int_equal(pthread_create(&thread, NULL, publish_from_elsewhere, &s), 0);
    run(&s, &s.published, 100);
    assert_int_equal(pthread_join(thread, NULL), 0);
    close_client(&s);
    server_stop(&server);
}

static void
connects_again_in_a_loop(void **state)
{
    struct server server;
    struct seen s;

    (void)state;
    server_start(&server, false);
    open_client(
        &s, (struct wilco_options){.url = server.url, .io = WILCO_IO_LOOP, .reconnect_min_ms = 1});
    assert_int_equal(
        wilco_publish_start(s.client, &(struct wilco_publish){.topic = "hang up"}, NULL, NULL),
        WILCO_OK);
    run(&s, &s.disconnected, 1);
    run(&s, &s.connected, 2);
    close_client(&s);
    server_stop(&server);
}

static void
is_closed_without_a_server(void **state)
{
    struct seen s;

    (void)state;
    open_client(&s, (struct wilco_options){.url = "unix:/nowhere/at/all", .io = WILCO_IO_LOOP});
    run(&s, &s.closed, 1);
    assert_int_equal(wilco_process(s.client, 0), WILCO_ECLOSED);
    assert_int_equal(wilco_fd(s.client), -1);
    assert_int_equal(wilco_timeout_ms(s.client), -1);
    close_client(&s);
    open_client(&s, (struct wilco_options){.url = "unix:/nowhere/at/all",
                                           .io = WILCO_IO_LOOP,
                                           .reconnect_min_ms = 1,
                                           .open_offline = true});
    run(&s, &s.disconnected, 3);
    close_client(&s);
    assert_int_equal(s.closed, 0);
}

/* ---- Bytes and time by hand ---- */

struct hand {
    struct wilco *client;
    uint64_t now_ms;
    struct seen seen;
};

static uint64_t
tell_time(void *context)
{
    return ((struct hand *)context)->now_ms;
}

static void
on_hand_state(void *context, const struct wilco_state *state)
{
    on_state(&((struct hand *)context)->seen, state);
}

/* The next packet that the client writes, which must be of this type. */
static void
expect(struct hand *h, enum wire_type type, struct wire_any *out)
{
    static uint8_t bytes[4096];
    struct wire_header header;
    struct wilco_bytes output;
    size_t len = 0;

    assert_true(wilco_output(h->client, &output));
    assert_int_equal(wire_header_decode(&header, span_of(output.data, output.len)), WILCO_OK);
    len = header.header_bytes + header.remaining;
    assert_true(len <= output.len && len <= sizeof(bytes));
    memcpy(bytes, output.data, len);
    wilco_wrote(h->client, len);
    assert_int_equal(wire_any_decode(out, span_of(bytes, len), WIRE_V5), WILCO_OK);
    assert_int_equal(out->type, type);
}

static void
feed(struct hand *h, const struct wire_any *packet)
{
    uint8_t bytes[256];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));

    wire_any_encode(&w, packet, WIRE_V5);
    wilco_feed(h->client, (struct wilco_bytes){bytes, w.len});
    assert_int_equal(wilco_process(h->client, 0), WILCO_OK);
}

static void
accept_connection(struct hand *h, bool session_present)
{
    struct wire_any packet;

    assert_true(wilco_wants_transport(h->client));
    wilco_transport_opened(h->client);
    assert_false(wilco_wants_transport(h->client));
    expect(h, WIRE_CONNECT, &packet);
    packet = (struct wire_any){.type = WIRE_CONNACK};
    packet.as.connack.session_present = session_present;
    feed(h, &packet);
}

static void
lives_without_input_and_output(void **state)
{
    struct hand h = {.now_ms = 5000};
    const struct wilco_options options = {.client_id = "me",
                                          .io = WILCO_IO_NONE,
                                          .state_changed = on_hand_state,
                                          .now_ms = tell_time,
                                          .context = &h};
    struct wilco_bytes output;
    struct wire_any packet;
    int wait_ms = 0;

    (void)state;
    assert_int_equal(wilco_open(&h.client, &options), WILCO_OK);
    assert_false(wilco_output(h.client, &output)); /* there is nowhere to write to */
    accept_connection(&h, false);
    assert_int_equal(h.seen.connected, 1);
    assert_int_equal(wilco_publish_start(h.client, &(struct wilco_publish){.topic = "a", .qos = 1},
                                         on_published, &h.seen),
                     WILCO_OK);
    expect(&h, WIRE_PUBLISH, &packet);
    assert_false(packet.as.publish.dup);

    wilco_transport_lost(h.client, "the cat did it");
    assert_int_equal(wilco_process(h.client, 0), WILCO_OK);
    assert_int_equal(h.seen.disconnected, 1);
    assert_false(wilco_wants_transport(h.client));
    wait_ms = wilco_timeout_ms(h.client);
    assert_true(wait_ms >= 50 && wait_ms <= 100);
    h.now_ms += (uint64_t)wait_ms;
    assert_int_equal(wilco_process(h.client, 0), WILCO_OK);
    accept_connection(&h, true);
    expect(&h, WIRE_PUBLISH, &packet);
    assert_true(packet.as.publish.dup);
    packet =
        (struct wire_any){.type = WIRE_PUBACK, .as.ack.packet_id = packet.as.publish.packet_id};
    feed(&h, &packet);
    assert_int_equal(h.seen.published, 1);
    assert_int_equal(h.seen.status, WILCO_OK);

    h.now_ms += 60000; /* only this clock counts */
    assert_int_equal(wilco_process(h.client, 0), WILCO_OK);
    expect(&h, WIRE_PINGREQ, &packet);
    wilco_finish(h.client);
    assert_int_equal(wilco_process(h.client, 0), WILCO_ECLOSED);
    expect(&h, WIRE_DISCONNECT, &packet);
    assert_false(wilco_output(h.client, &output));
    assert_int_equal(h.seen.closed, 0); /* whoever closes knows */
    wilco_close(h.client);
}

/* ---- A responder without a thread ---- */

static void
on_request(void *context, struct wilco_call *call)
{
    (void)context;
    assert_int_equal(wilco_reply_bytes(call, WILCO_TEXT("here")), WILCO_OK);
}

static void
grant(struct hand *h)
{
    struct wire_any packet;
    uint8_t code = 1;

    expect(h, WIRE_SUBSCRIBE, &packet);
    packet = (struct wire_any){.type = WIRE_SUBACK,
                               .as.suback.packet_id = packet.as.subscribe.packet_id,
                               .as.suback.reason_codes = span_of(&code, 1)};
    feed(h, &packet);
}

static void
answers(struct hand *h)
{
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_publish *p = &packet.as.publish;

    p->topic = span_of_text("ask");
    p->properties.response_topic = span_of_text("back");
    p->properties.correlation_data = span_of_text("1");
    wire_properties_set(&p->properties, WIRE_RESPONSE_TOPIC);
    wire_properties_set(&p->properties, WIRE_CORRELATION_DATA);
    feed(h, &packet);
    expect(h, WIRE_PUBLISH, &packet);
    assert_true(span_equal(packet.as.publish.topic, span_of_text("back")));
    assert_true(span_equal(packet.as.publish.payload, span_of_text("here")));
}

static void
responds_without_waiting(void **state)
{
    static const struct {
        const char *name;
        struct wilco_responder responder;
        wilco_request_fn *on_request;
        enum wilco_status want;
    } refused[] = {
        {"nothing to run", {.filter = "ask"}, NULL, WILCO_EINVAL},
        {"no filter", {.filter = NULL}, on_request, WILCO_EINVAL},
        {"a group without a name", {.filter = "ask", .group = ""}, on_request, WILCO_EINVAL},
        {"no such place", {.filter = "ask", .journal = "/no/where"}, on_request, WILCO_EIO},
    };
    char journal[] = "/tmp/wilco_loop_XXXXXX";
    const struct wilco_responder responder = {.filter = "ask", .journal = journal};
    struct hand h = {.now_ms = 5000};
    const struct wilco_options options = {
        .client_id = "me", .io = WILCO_IO_NONE, .now_ms = tell_time, .context = &h};

    (void)state;
    (void)close(mkstemp(journal));
    assert_int_equal(unlink(journal), 0);
    assert_int_equal(wilco_open(&h.client, &options), WILCO_OK);
    accept_connection(&h, false);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        enum wilco_status st = wilco_respond_start(
            h.client, &refused[i].responder, refused[i].on_request, NULL, on_subscribed, &h.seen);

        if (st != refused[i].want) {
            fail_msg("%s: %d", refused[i].name, (int)st);
        }
    }
    assert_int_equal(
        wilco_respond_start(h.client, &responder, on_request, NULL, on_subscribed, &h.seen),
        WILCO_OK);
    assert_int_equal(h.seen.subscribed, 0);
    grant(&h);
    assert_int_equal(h.seen.subscribed, 1);
    assert_int_equal(h.seen.status, WILCO_OK);
    answers(&h);
    /* The journal is in use, and has a record of that. */
    assert_int_equal(wilco_respond_start(h.client, &responder, on_request, NULL, NULL, NULL),
                     WILCO_EIO);
    wilco_close(h.client);
    assert_int_equal(unlink(journal), 0);
}

/* ---- Random numbers of somebody's own ---- */

struct dice {
    unsigned fills;
    bool is_broken;
};

static bool
throw_dice(void *context, void *out, size_t len)
{
    struct dice *d = context;

    d->fills++;
    memset(out, (int)d->fills, len);
    return !d->is_broken;
}

/* What a client says that uses these, until its first request has left. */
static void
correlate(uint8_t correlation_data[16])
{
    struct dice dice = {.fills = 0};
    const struct wilco_options options = {
        .client_id = "me", .io = WILCO_IO_NONE, .random = throw_dice, .context = &dice};
    struct hand h = {.now_ms = 0};
    struct wire_any packet;

    assert_int_equal(wilco_open(&h.client, &options), WILCO_OK);
    accept_connection(&h, false);
    assert_int_equal(wilco_request_start(h.client, &(struct wilco_request){.topic = "a"},
                                         on_response, &h.seen, NULL),
                     WILCO_OK);
    grant(&h);
    expect(&h, WIRE_PUBLISH, &packet);
    assert_int_equal(packet.as.publish.properties.correlation_data.len, 16);
    memcpy(correlation_data, packet.as.publish.properties.correlation_data.data, 16);
    wilco_close(h.client);
}

static void
takes_random_numbers(void **state)
{
    enum { TIME_BYTES = 6 };
    uint8_t first[16], second[16];
    struct dice broken = {.is_broken = true};
    struct wilco *client = NULL;

    (void)state;
    correlate(first);
    correlate(second);
    assert_memory_equal(first + TIME_BYTES, second + TIME_BYTES, sizeof(first) - TIME_BYTES);
    assert_int_equal(wilco_open(&client, &(struct wilco_options){.io = WILCO_IO_NONE,
                                                                 .random = throw_dice,
                                                                 .context = &broken}),
                     WILCO_EIO);
}

/* A client with a thread needs no help. */
static void
is_not_for_clients_with_a_thread(void **state)
{
    struct wilco *client = NULL;
    struct server server;

    (void)state;
    server_start(&server, false);
    assert_int_equal(wilco_open(&client, &(struct wilco_options){.url = server.url}), WILCO_OK);
    assert_int_equal(wilco_process(client, 0), WILCO_EINVAL);
    wilco_close(client);
    server_stop(&server);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_everything_in_a_loop),
        cmocka_unit_test(is_woken_by_other_threads),
        cmocka_unit_test(connects_again_in_a_loop),
        cmocka_unit_test(is_closed_without_a_server),
        cmocka_unit_test(lives_without_input_and_output),
        cmocka_unit_test(responds_without_waiting),
        cmocka_unit_test(takes_random_numbers),
        cmocka_unit_test(is_not_for_clients_with_a_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
