#define _POSIX_C_SOURCE 200809L

#include "wilco/wilco.h"

#include "base/clock.h"
#include "base/span.h"
#include "server.h"
#include "support/gate.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The public functions, with threads and a socket. */

static struct wilco *
must_open(const struct server *s)
{
    struct wilco *client = NULL;

    assert_int_equal(wilco_open(&client, &(struct wilco_options){.url = s->url}), WILCO_OK);
    assert_non_null(client);
    return client;
}

static bool
is_text(struct wilco_bytes bytes, const char *text)
{
    return span_equal(span_of(bytes.data, bytes.len), span_of_text(text));
}

/* Answers with what it was asked, "fail" with an error. */
static void
echo(void *context, struct wilco_call *call)
{
    struct wilco_bytes payload = wilco_message_payload(wilco_call_message(call));

    (void)context;
    if (is_text(payload, "fail")) {
        (void)wilco_reply_error(call, 404, "not here");
    } else {
        (void)wilco_reply_bytes(call, payload);
    }
}

static void
must_respond(struct wilco *client, wilco_request_fn *on_request, void *context)
{
    const struct wilco_responder r = {.filter = "echo/#", .group = "g"};

    assert_int_equal(wilco_respond(client, &r, on_request, context, NULL), WILCO_OK);
}

/* [MQTT-4.2-1]: over TCP; [MQTT-3.14.4-2]: each closes the connection behind its DISCONNECT, for
 * the server takes the next client only then. */
static void
opens_and_closes(void **state)
{
    struct server s;
    struct wilco *client = NULL;

    (void)state;
    server_start(&s, false);
    for (int i = 0; i < 3; i++) {
        client = must_open(&s);
        assert_string_equal(wilco_client_id(client), "assigned");
        wilco_close(client);
    }
    wilco_close(NULL);
    server_stop(&s);
}

/* Who somebody says he is, and whether he believes the server. */
struct identity {
    const char *name;
    bool is_trusting;
    bool has_proof;
};

static bool
authenticate(void *context, const struct wilco_challenge *challenge, struct wilco_bytes *answer)
{
    struct identity *i = context;

    if (challenge->is_last) {
        i->has_proof = is_text(challenge->data, "proof");
        return i->is_trusting;
    }
    assert_true(is_text(challenge->data, "who?"));
    *answer = (struct wilco_bytes){i->name, strlen(i->name)};
    return true;
}

/* [MQTT-4.12.0-3] */
static void
authenticates(void **state)
{
    struct identity rows[] = {{.name = "me", .is_trusting = true}, {.name = "me"}, {.name = "you"}};
    const enum wilco_status want[] = {WILCO_OK, WILCO_ECONNECT, WILCO_ECONNECT};
    struct server s;

    (void)state;
    server_start(&s, false);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct wilco_options options = {
            .url = s.url,
            .client_id = "a",
            .authentication_method = "TEST",
            .authenticate = authenticate,
            .context = &rows[i],
        };
        struct wilco *client = NULL;

        assert_int_equal(wilco_open(&client, &options), want[i]);
        assert_int_equal(rows[i].has_proof, i < 2);
        wilco_close(client);
    }
    server_stop(&s);
}

static void
says_why_it_cannot_open(void **state)
{
    struct server s;
    struct wilco_error error;
    char gone[64];

    (void)state;
    server_start(&s, true);
    memcpy(gone, s.url, sizeof(gone));
    {
        const struct {
            struct wilco_options options;
            enum wilco_status want;
            const char *text;
        } rows[] = {
            {{.url = "gopher://x"}, WILCO_EINVAL, "unknown scheme"},
            {{.url = "unix:/nowhere/at/all"}, WILCO_ECONNECT, "is the server running?"},
            {{.url = s.url, .client_id = "\xff"}, WILCO_EINVAL, "client id"},
            {{.url = s.url, .connect_timeout_ms = 50}, WILCO_ETIMEDOUT, "in time"},
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            struct wilco_options options = rows[i].options;
            struct wilco *client = (struct wilco *)&s; /* is to be cleared */

            options.error = &error;
            assert_int_equal(wilco_open(&client, &options), rows[i].want);
            assert_null(client);
            assert_non_null(strstr(error.text, rows[i].text));
        }
    }
    server_stop(&s);
    {
        struct wilco *client = NULL;
        const struct wilco_options options = {.url = gone, .error = &error};

        assert_int_equal(wilco_open(&client, &options), WILCO_ECONNECT);
        assert_non_null(strstr(error.text, gone + strlen("mqtt://")));
    }
}

static void
asks_and_waits(void **state)
{
    static const struct {
        const char *topic;
        struct wilco_bytes payload;
        uint32_t timeout_ms;
        enum wilco_status want;
        const char *response; /* NULL: none */
        const char *error;
    } rows[] = {
        {"echo/1", {"hello", 5}, 0, WILCO_OK, "hello", NULL},
        {"echo/1",
         {"fail", 4},
         0,
         WILCO_EREMOTE,
         "",
         "echo/1: the responder answered with an error: 404: not here"},
        {"nobody", {"x", 1}, 0, WILCO_ENORESPONDER, NULL, "(0x10)"},
        {"silent", {"x", 1}, 60, WILCO_ETIMEDOUT, NULL, "silent: "},
        {"a/+", {"x", 1}, 0, WILCO_EINVAL, NULL, "a/+: "},
    };
    struct wilco_counters counters;
    struct wilco *client = NULL;
    struct server s;

    (void)state;
    server_start(&s, false);
    client = must_open(&s);
    must_respond(client, echo, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wilco_error error = {.reason_code = 0};
        const struct wilco_request r = {.topic = rows[i].topic,
                                        .payload = rows[i].payload,
                                        .timeout_ms = rows[i].timeout_ms,
                                        .error = &error};
        uint64_t start_ms = clock_monotonic_ms();
        struct wilco_message *response = NULL;

        assert_int_equal(wilco_request(client, &r, &response), rows[i].want);
        assert_int_equal(response != NULL, rows[i].response != NULL);
        if (response != NULL) {
            assert_true(is_text(wilco_message_payload(response), rows[i].response));
        }
        if (rows[i].error != NULL) {
            assert_non_null(strstr(error.text, rows[i].error));
        }
        if (rows[i].want == WILCO_EREMOTE) {
            assert_int_equal(wilco_message_status(response), 404);
            assert_true(is_text(wilco_message_user_property(response, "__stMsg"), "not here"));
        }
        assert_true(clock_monotonic_ms() - start_ms >= rows[i].timeout_ms);
        wilco_message_unref(response);
    }
    wilco_counters(client, &counters);
    assert_int_equal(counters.requests, 4);
    assert_int_equal(counters.responses, 2);
    assert_int_equal(counters.timeouts, 1);
    assert_int_equal(counters.calls, 2);
    assert_int_equal(counters.pending, 0);
    wilco_close(client);
    server_stop(&s);
}

/* What callbacks have heard. */
struct heard {
    struct gate gate;
    enum wilco_status status; /* the latest; read after the gate */
};

static void
on_response(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct heard *heard = context;

    assert((response != NULL) == (status == WILCO_OK));
    heard->status = status;
    gate_raise(&heard->gate);
}

static void
must_ask(struct wilco *client, const char *topic, struct heard *heard, uint64_t *call)
{
    const struct wilco_request r = {.topic = topic, .timeout_ms = 60000};

    assert_int_equal(wilco_request_start(client, &r, on_response, heard, call), WILCO_OK);
}

static void
asks_without_waiting(void **state)
{
    struct heard heard = {.status = WILCO_AGAIN};
    struct wilco *client = NULL;
    struct server s;

    (void)state;
    server_start(&s, false);
    gate_init(&heard.gate);
    client = must_open(&s);
    must_respond(client, echo, NULL);
    for (int i = 0; i < 2000; i++) {
        must_ask(client, "echo/2", &heard, NULL);
    }
    assert_true(gate_wait(&heard.gate, 2000));
    assert_int_equal(heard.status, WILCO_OK);
    wilco_close(client);
    assert_int_equal(gate_count(&heard.gate), 2000);
    gate_fini(&heard.gate);
    server_stop(&s);
}

/* Notes the Response Topic it was asked to answer to. */
static void
note_topic(void *context, struct wilco_call *call)
{
    struct wilco_bytes topic = wilco_message_response_topic(wilco_call_message(call));

    assert(topic.len < 64);
    memcpy(context, topic.data, topic.len);
    (void)wilco_reply_bytes(call, WILCO_TEXT("noted"));
}

/* [U-4.10.1-1]: the topic for responses is another one for each client, and long enough that nobody
 * guesses it. */
static void
asks_where_nobody_else_listens(void **state)
{
    char topics[2][64] = {{0}};
    struct server s;

    (void)state;
    server_start(&s, false);
    for (int i = 0; i < 2; i++) {
        const struct wilco_request r = {.topic = "echo/4"};
        struct wilco_message *response = NULL;
        struct wilco *client = must_open(&s);

        must_respond(client, note_topic, topics[i]);
        assert_int_equal(wilco_request(client, &r, &response), WILCO_OK);
        wilco_message_unref(response);
        wilco_close(client);
        assert_true(strlen(topics[i]) >= strlen("responses/") + 22);
    }
    assert_string_not_equal(topics[0], topics[1]);
    server_stop(&s);
}

static void
on_failure(void *context, enum wilco_status status, const struct wilco_message *response)
{
    (void)response;
    assert(status != WILCO_OK);
    gate_raise(context);
}

static void
explains_without_waiting(void **state)
{
    static const struct {
        const char *topic, *payload, *want;
    } rows[] = {
        {"echo/3", "fail", "echo/3: the responder answered with an error: 404: not here"},
        {"nobody", "x", "nobody: no responder: No matching subscribers (0x10)"},
    };
    struct wilco *client = NULL;
    struct wilco_error error;
    struct gate gate;
    struct server s;

    (void)state;
    server_start(&s, false);
    gate_init(&gate);
    client = must_open(&s);
    must_respond(client, echo, NULL);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct wilco_request r = {
            .topic = rows[i].topic,
            .payload = {rows[i].payload, strlen(rows[i].payload)},
            .error = &error,
        };

        assert_int_equal(wilco_request_start(client, &r, on_failure, &gate, NULL), WILCO_OK);
        assert_true(gate_wait(&gate, i + 1));
        assert_string_equal(error.text, rows[i].want);
    }
    assert_int_equal(wilco_request_start(client,
                                         &(struct wilco_request){.topic = "a/+", .error = &error},
                                         on_failure, &gate, NULL),
                     WILCO_EINVAL);
    assert_non_null(strstr(error.text, "a/+: "));
    wilco_close(client);
    gate_fini(&gate);
    server_stop(&s);
}

static void
on_no_response(void *context, enum wilco_status status, const struct wilco_message *response)
{
    assert(status == WILCO_ENORESPONDER && response == NULL);
    gate_raise(context);
}

/* [U-4.10-2]: from an inbox that needs no SUBSCRIBE, at any QoS, with and without waiting. */
static void
hears_from_the_server_that_nobody_answers(void **state)
{
    struct wilco *client = NULL;
    struct gate gate;
    struct server s;

    (void)state;
    server_start_with_inbox(&s, "$r/abcdefgh12345678");
    gate_init(&gate);
    client = must_open(&s);
    for (unsigned i = 0; i < 4; i++) {
        struct wilco_error error = {.reason_code = 0};
        const struct wilco_request r = {.topic = "offline", .qos_0 = i % 2 == 0, .error = &error};
        struct wilco_message *response = (struct wilco_message *)&s; /* is to be cleared */

        if (i < 2) {
            assert_int_equal(wilco_request(client, &r, &response), WILCO_ENORESPONDER);
            assert_null(response);
        } else {
            assert_int_equal(wilco_request_start(client, &r, on_no_response, &gate, NULL),
                             WILCO_OK);
            assert_true(gate_wait(&gate, i - 1));
        }
        assert_string_equal(error.text,
                            "offline: no responder: all responders are offline (not executed)");
        assert_int_equal(error.stage, WILCO_STAGE_REJECTED);
        assert_int_equal(error.executed, WILCO_EXECUTED_NO);
    }
    wilco_close(client);
    gate_fini(&gate);
    server_stop(&s);
}

static void
times_out_without_waiting(void **state)
{
    struct heard heard = {.status = WILCO_AGAIN};
    const struct wilco_request r = {.topic = "silent", .timeout_ms = 40};
    struct wilco *client = NULL;
    struct server s;

    (void)state;
    server_start(&s, false);
    gate_init(&heard.gate);
    client = must_open(&s);
    assert_int_equal(wilco_request_start(client, &r, on_response, &heard, NULL), WILCO_OK);
    assert_true(gate_wait(&heard.gate, 1));
    assert_int_equal(heard.status, WILCO_ETIMEDOUT);
    assert_int_equal(wilco_request_start(client, &r, NULL, &heard, NULL), WILCO_EINVAL);
    wilco_close(client);
    gate_fini(&heard.gate);
    server_stop(&s);
}

static void
takes_a_request_back(void **state)
{
    struct heard heard = {.status = WILCO_AGAIN};
    struct wilco *client = NULL;
    uint64_t call = 0;
    struct server s;

    (void)state;
    server_start(&s, false);
    gate_init(&heard.gate);
    client = must_open(&s);
    must_ask(client, "silent", &heard, &call);
    assert_int_equal(wilco_request_cancel(client, call), WILCO_OK);
    assert_true(gate_wait(&heard.gate, 1));
    assert_int_equal(heard.status, WILCO_ECANCELLED);
    assert_int_equal(wilco_request_cancel(client, call), WILCO_ENOTFOUND);
    wilco_close(client);
    assert_int_equal(gate_count(&heard.gate), 1);
    gate_fini(&heard.gate);
    server_stop(&s);
}

struct blocked {
    struct wilco *client;
    const char *topic;
    enum wilco_status status;
};

static void *
ask_silent(void *argument)
{
    struct blocked *b = argument;
    const struct wilco_request r = {.topic = b->topic, .timeout_ms = 60000};
    struct wilco_message *response = NULL;

    b->status = wilco_request(b->client, &r, &response);
    return NULL;
}

static void
closes_with_requests_pending(void **state)
{
    struct heard heard = {.status = WILCO_AGAIN};
    struct blocked blocked = {.topic = "silent"};
    pthread_t thread;
    struct server s;

    (void)state;
    server_start(&s, false);
    gate_init(&heard.gate);
    blocked.client = must_open(&s);
    must_ask(blocked.client, "silent", &heard, NULL);
    assert_int_equal(pthread_create(&thread, NULL, ask_silent, &blocked), 0);
    assert_true(gate_wait(&s.received, 2)); /* both are on their way */
    wilco_close(blocked.client);
    assert_int_equal(gate_count(&heard.gate), 1);
    assert_int_equal(heard.status, WILCO_ECLOSED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(blocked.status, WILCO_ECLOSED);
    gate_fini(&heard.gate);
    server_stop(&s);
}

static void
on_closed(void *context, const struct wilco_error *why)
{
    struct heard *heard = context;

    assert(strstr(why->text, "closed") != NULL);
    gate_raise(&heard->gate);
}

static void
loses_the_connection(void **state)
{
    struct heard closed = {.status = WILCO_AGAIN};
    struct heard heard = {.status = WILCO_AGAIN};
    struct wilco_message *response = NULL;
    struct wilco *client = NULL;
    struct server s;

    (void)state;
    server_start(&s, false);
    gate_init(&heard.gate);
    gate_init(&closed.gate);
    assert_int_equal(
        wilco_open(&client,
                   &(struct wilco_options){.url = s.url, .closed = on_closed, .context = &closed}),
        WILCO_OK);
    must_ask(client, "silent", &heard, NULL);
    assert_int_equal(wilco_request(client, &(struct wilco_request){.topic = "hang up"}, &response),
                     WILCO_ECLOSED);
    assert_true(gate_wait(&closed.gate, 1));
    assert_int_equal(gate_count(&heard.gate), 1); /* before `closed` */
    assert_int_equal(heard.status, WILCO_ECLOSED);
    assert_int_equal(wilco_publish(client, &(struct wilco_publish){.topic = "a"}, NULL),
                     WILCO_ECLOSED);
    assert_int_equal(wilco_unsubscribe(client, "a"), WILCO_ECLOSED);
    wilco_close(client);
    assert_int_equal(gate_count(&closed.gate), 1);
    gate_fini(&heard.gate);
    gate_fini(&closed.gate);
    server_stop(&s);
}

/* ---- Answering from elsewhere ---- */

struct desk {
    struct gate arrived;
    struct wilco_call *call;
};

static void
put_on_desk(void *context, struct wilco_call *call)
{
    struct desk *desk = context;

    desk->call = wilco_call_ref(call);
    gate_raise(&desk->arrived);
}

static void *
answer_from_desk(void *argument)
{
    struct desk *desk = argument;

    assert(gate_wait(&desk->arrived, 1));
    assert(wilco_call_remaining_ms(desk->call) > 50000);
    assert(wilco_reply_bytes(desk->call, WILCO_TEXT("from elsewhere")) == WILCO_OK);
    assert(wilco_reply_bytes(desk->call, WILCO_TEXT("again")) == WILCO_EINVAL);
    wilco_call_unref(desk->call);
    return NULL;
}

static void
answers_from_another_thread(void **state)
{
    const struct wilco_request r = {.topic = "echo/3", .timeout_ms = 60000};
    struct wilco_message *response = NULL;
    struct wilco *client = NULL;
    struct desk desk = {.call = NULL};
    pthread_t thread;
    struct server s;

    (void)state;
    server_start(&s, false);
    gate_init(&desk.arrived);
    client = must_open(&s);
    must_respond(client, put_on_desk, &desk);
    assert_int_equal(pthread_create(&thread, NULL, answer_from_desk, &desk), 0);
    assert_int_equal(wilco_request(client, &r, &response), WILCO_OK);
    assert_true(is_text(wilco_message_payload(response), "from elsewhere"));
    wilco_message_unref(response);
    assert_int_equal(pthread_join(thread, NULL), 0);
    wilco_close(client);
    gate_fini(&desk.arrived);
    server_stop(&s);
}

static void
answers_after_the_end(void **state)
{
    struct heard heard = {.status = WILCO_AGAIN};
    struct wilco *client = NULL;
    struct desk desk = {.call = NULL};
    struct server s;

    (void)state;
    server_start(&s, false);
    gate_init(&desk.arrived);
    gate_init(&heard.gate);
    client = must_open(&s);
    must_respond(client, put_on_desk, &desk);
    must_ask(client, "echo/4", &heard, NULL);
    assert_true(gate_wait(&desk.arrived, 1));
    wilco_close(client);
    assert_int_equal(heard.status, WILCO_ECLOSED);
    assert_true(is_text(wilco_message_topic(wilco_call_message(desk.call)), "echo/4"));
    assert_int_equal(wilco_reply_bytes(desk.call, WILCO_TEXT("too late")), WILCO_ECLOSED);
    wilco_call_unref(desk.call);
    gate_fini(&desk.arrived);
    gate_fini(&heard.gate);
    server_stop(&s);
}

/* ---- Callbacks ---- */

struct caller {
    struct wilco *client;
    struct gate gate;
    enum wilco_status statuses[4];
};

/* Everything that waits says no here, and what does not wait works. */
static void
call_from_callback(void *context, const struct wilco_message *message)
{
    struct caller *c = context;
    struct wilco_message *response = NULL;

    (void)message;
    c->statuses[0] = wilco_request(c->client, &(struct wilco_request){.topic = "a"}, &response);
    c->statuses[1] = wilco_publish(c->client, &(struct wilco_publish){.topic = "a"}, NULL);
    c->statuses[2] = wilco_unsubscribe(c->client, "knock");
    c->statuses[3] =
        wilco_publish_start(c->client, &(struct wilco_publish){.topic = "silent"}, NULL, NULL);
    wilco_close(c->client); /* does nothing here */
    gate_raise(&c->gate);
}

static void
does_not_wait_in_its_own_thread(void **state)
{
    struct caller c = {.client = NULL};
    struct server s;

    (void)state;
    server_start(&s, false);
    gate_init(&c.gate);
    c.client = must_open(&s);
    assert_int_equal(wilco_subscribe(c.client, &(struct wilco_subscription){.filter = "knock"},
                                     call_from_callback, &c, NULL),
                     WILCO_OK);
    assert_int_equal(wilco_publish(c.client, &(struct wilco_publish){.topic = "knock"}, NULL),
                     WILCO_OK);
    assert_true(gate_wait(&c.gate, 1));
    assert_int_equal(c.statuses[0], WILCO_EINVAL);
    assert_int_equal(c.statuses[1], WILCO_EINVAL);
    assert_int_equal(c.statuses[2], WILCO_EINVAL);
    assert_int_equal(c.statuses[3], WILCO_OK);
    wilco_close(c.client);
    gate_fini(&c.gate);
    server_stop(&s);
}

static void
on_message(void *context, const struct wilco_message *message)
{
    struct heard *heard = context;

    heard->status = is_text(wilco_message_payload(message), "news") ? WILCO_OK : WILCO_EINVAL;
    gate_raise(&heard->gate);
}

static void
on_published(void *context, enum wilco_status status, uint8_t reason_code)
{
    struct heard *heard = context;

    heard->status = reason_code == 0x10 ? status : WILCO_EINVAL;
    gate_raise(&heard->gate);
}

static void
publishes_and_subscribes(void **state)
{
    struct heard heard = {.status = WILCO_AGAIN};
    struct wilco_publish w = {.topic = "a/b", .payload = WILCO_TEXT("news")};
    struct wilco *client = NULL;
    uint8_t reason_code = 0xFF;
    struct server s;

    (void)state;
    server_start(&s, false);
    gate_init(&heard.gate);
    client = must_open(&s);
    assert_int_equal(wilco_subscribe(client, &(struct wilco_subscription){.filter = "a/+"},
                                     on_message, &heard, &reason_code),
                     WILCO_OK);
    assert_int_equal(reason_code, 0);
    for (w.qos = 0; w.qos <= 2; w.qos++) {
        assert_int_equal(wilco_publish(client, &w, &reason_code), WILCO_OK);
        assert_int_equal(reason_code, 0);
    }
    assert_true(gate_wait(&heard.gate, 3));
    assert_int_equal(heard.status, WILCO_OK);
    assert_int_equal(wilco_unsubscribe(client, "a/+"), WILCO_OK);
    assert_int_equal(wilco_unsubscribe(client, "a/+"), WILCO_ENOTFOUND);
    w = (struct wilco_publish){.topic = "nobody", .qos = 1};
    assert_int_equal(wilco_publish(client, &w, &reason_code), WILCO_OK);
    assert_int_equal(reason_code, 0x10);
    assert_int_equal(wilco_publish_start(client, &w, on_published, &heard), WILCO_OK);
    assert_true(gate_wait(&heard.gate, 4));
    assert_int_equal(heard.status, WILCO_OK);
    wilco_close(client);
    gate_fini(&heard.gate);
    server_stop(&s);
}

/* ---- A server that does not read ---- */

#define FLOOD_COUNT 400U

static char flood_payload[65536];

static void *
flood(void *argument)
{
    struct blocked *b = argument;
    const struct wilco_publish w = {.topic = "silent",
                                    .payload = {flood_payload, sizeof(flood_payload)}};

    for (unsigned i = 0; b->status == WILCO_OK && i < FLOOD_COUNT; i++) {
        b->status = wilco_publish(b->client, &w, NULL);
    }
    return NULL;
}

/* 26 MB through a queue of 256 KiB: those who wait get through, those who do not hear of it. */
static void
waits_for_room(void **state)
{
    const struct wilco_publish w = {.topic = "silent",
                                    .payload = {flood_payload, sizeof(flood_payload)}};
    struct blocked blocked = {.status = WILCO_OK};
    struct wilco_message *response = NULL;
    enum wilco_status st = WILCO_OK;
    pthread_t thread;
    struct server s;

    (void)state;
    server_start(&s, false);
    assert_int_equal(
        wilco_open(&blocked.client,
                   &(struct wilco_options){.url = s.url, .queue_bytes_max = 256U << 10}),
        WILCO_OK);
    assert_int_equal(wilco_publish(blocked.client, &(struct wilco_publish){.topic = "deaf"}, NULL),
                     WILCO_OK);
    assert_true(gate_wait(&s.is_deaf, 1));
    for (unsigned i = 0; st == WILCO_OK && i < FLOOD_COUNT; i++) {
        st = wilco_publish_start(blocked.client, &w, NULL, NULL);
    }
    assert_int_equal(st, WILCO_ELIMIT);
    assert_int_equal(wilco_request(blocked.client,
                                   &(struct wilco_request){
                                       .topic = "echo", .payload = w.payload, .timeout_ms = 30},
                                   &response),
                     WILCO_ETIMEDOUT);
    assert_int_equal(pthread_create(&thread, NULL, flood, &blocked), 0);
    gate_raise(&s.hears_again);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(blocked.status, WILCO_OK);
    assert_true(gate_wait(&s.received, FLOOD_COUNT));
    wilco_close(blocked.client);
    server_stop(&s);
}

struct filler {
    struct wilco *client;
    struct gate is_full;
    struct gate may_go_on;
};

/* Fills the queue and stays: the client's thread writes nothing meanwhile. */
static void
fill_queue(void *context, const struct wilco_message *message)
{
    const struct wilco_publish w = {.topic = "silent", .payload = {flood_payload, 4096}};
    struct filler *f = context;
    enum wilco_status st = WILCO_OK;

    (void)message;
    while (st == WILCO_OK) {
        st = wilco_publish_start(f->client, &w, NULL, NULL);
    }
    assert(st == WILCO_ELIMIT);
    gate_raise(&f->is_full);
    (void)gate_wait(&f->may_go_on, 1);
}

/* Whoever waits for room makes it himself when the connection takes something, and his time is not
 * extended by the waiting. */
static void
makes_room_itself(void **state)
{
    struct filler f = {.client = NULL};
    struct wilco_message *response = NULL;
    struct server s;

    (void)state;
    server_start(&s, false);
    gate_init(&f.is_full);
    gate_init(&f.may_go_on);
    assert_int_equal(
        wilco_open(&f.client, &(struct wilco_options){.url = s.url, .queue_bytes_max = 16U << 10}),
        WILCO_OK);
    assert_int_equal(wilco_subscribe(f.client, &(struct wilco_subscription){.filter = "knock"},
                                     fill_queue, &f, NULL),
                     WILCO_OK);
    assert_int_equal(wilco_publish(f.client, &(struct wilco_publish){.topic = "knock"}, NULL),
                     WILCO_OK);
    assert_true(gate_wait(&f.is_full, 1));
    assert_int_equal(
        wilco_publish(f.client,
                      &(struct wilco_publish){.topic = "silent", .payload = {flood_payload, 4096}},
                      NULL),
        WILCO_OK);
    assert_int_equal(wilco_request(f.client,
                                   &(struct wilco_request){.topic = "silent", .timeout_ms = 40},
                                   &response),
                     WILCO_ETIMEDOUT); /* though the client's thread is not there to see to it */
    gate_raise(&f.may_go_on);
    wilco_close(f.client);
    gate_fini(&f.is_full);
    gate_fini(&f.may_go_on);
    server_stop(&s);
}

static void
closes_in_spite_of_a_deaf_server(void **state)
{
    const struct wilco_publish w = {.topic = "silent",
                                    .payload = {flood_payload, sizeof(flood_payload)}};
    enum wilco_status st = WILCO_OK;
    uint64_t start_ms = 0;
    struct wilco *client = NULL;
    struct server s;

    (void)state;
    server_start(&s, false);
    client = must_open(&s);
    assert_int_equal(wilco_publish(client, &(struct wilco_publish){.topic = "deaf"}, NULL),
                     WILCO_OK);
    assert_true(gate_wait(&s.is_deaf, 1));
    for (unsigned i = 0; st == WILCO_OK; i++) {
        st = wilco_publish_start(client, &w, NULL, NULL);
    }
    start_ms = clock_monotonic_ms();
    wilco_close(client);
    assert_true(clock_monotonic_ms() - start_ms < 10000);
    server_stop(&s);
}

/* ---- Many threads ---- */

#define THREADS    4
#define PER_THREAD 250

static void *
ask_many(void *argument)
{
    struct blocked *b = argument;

    for (int i = 0; b->status == WILCO_OK && i < PER_THREAD; i++) {
        char text[64];
        int len = snprintf(text, sizeof(text), "%s %d", b->topic, i);
        const struct wilco_request r = {
            .topic = "echo/5", .payload = {text, (size_t)len}, .timeout_ms = 60000};
        struct wilco_message *response = NULL;

        b->status = wilco_request(b->client, &r, &response);
        if (b->status == WILCO_OK && !is_text(wilco_message_payload(response), text)) {
            b->status = WILCO_EINVAL;
        }
        wilco_message_unref(response);
    }
    return NULL;
}

static void
serves_many_threads(void **state)
{
    static const char *const names[THREADS] = {"a", "b", "c", "d"};
    struct blocked blocked[THREADS];
    pthread_t threads[THREADS];
    struct wilco *client = NULL;
    struct server s;

    (void)state;
    server_start(&s, false);
    client = must_open(&s);
    must_respond(client, echo, NULL);
    for (int i = 0; i < THREADS; i++) {
        blocked[i] = (struct blocked){.client = client, .topic = names[i], .status = WILCO_OK};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_many, &blocked[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(blocked[i].status, WILCO_OK);
    }
    wilco_close(client);
    server_stop(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_and_closes),
        cmocka_unit_test(authenticates),
        cmocka_unit_test(says_why_it_cannot_open),
        cmocka_unit_test(asks_and_waits),
        cmocka_unit_test(asks_without_waiting),
        cmocka_unit_test(asks_where_nobody_else_listens),
        cmocka_unit_test(explains_without_waiting),
        cmocka_unit_test(hears_from_the_server_that_nobody_answers),
        cmocka_unit_test(times_out_without_waiting),
        cmocka_unit_test(takes_a_request_back),
        cmocka_unit_test(closes_with_requests_pending),
        cmocka_unit_test(loses_the_connection),
        cmocka_unit_test(answers_from_another_thread),
        cmocka_unit_test(answers_after_the_end),
        cmocka_unit_test(does_not_wait_in_its_own_thread),
        cmocka_unit_test(publishes_and_subscribes),
        cmocka_unit_test(waits_for_room),
        cmocka_unit_test(makes_room_itself),
        cmocka_unit_test(closes_in_spite_of_a_deaf_server),
        cmocka_unit_test(serves_many_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
