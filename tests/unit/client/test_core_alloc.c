#include "desk.h"

#include "base/hash.h"
#include "client/draft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Each scenario runs once per allocation it makes, with that allocation failing: the caller hears
 * of it or the connection ends, and nothing leaks. A scenario gives up at the first failure. */

static void
on_message(void *context, const struct wilco_message *m)
{
    (void)context;
    (void)m;
}

static void
on_request(void *context, struct wilco_call *call)
{
    (void)context;
    (void)call;
}

/* Sends `packet` if the core still listens. */
static bool
send(struct peer *p, const struct wire_any *packet)
{
    peer_send(p, packet);
    return core_state(p->core) == CORE_OPEN;
}

/* Grants the SUBSCRIBE with this identifier. */
static bool
grant(struct peer *p, uint16_t packet_id)
{
    struct wire_any answer = {.type = WIRE_SUBACK};

    answer.as.suback.packet_id = packet_id;
    answer.as.suback.reason_codes = span_of("\1", 1);
    return send(p, &answer);
}

static bool
send_publish(struct peer *p, uint8_t qos, const char *payload)
{
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_properties *properties = &packet.as.publish.properties;

    packet.as.publish.topic = SPAN_LITERAL("do");
    packet.as.publish.payload = span_of_text(payload);
    packet.as.publish.qos = qos;
    packet.as.publish.packet_id = 77;
    properties->response_topic = SPAN_LITERAL("back");
    wire_properties_set(properties, WIRE_RESPONSE_TOPIC);
    properties->topic_alias = 1;
    wire_properties_set(properties, WIRE_TOPIC_ALIAS);
    return send(p, &packet);
}

/* Everything that can be pulled; the calls are answered. */
static void
pull_everything(struct peer *p)
{
    const struct wilco_reply reply = {.payload = WILCO_TEXT("yes")};
    struct core_event event;

    while (core_next_awaited(p->core, &event)) {
        wilco_message_unref(event.message);
    }
    while (core_next_event(p->core, &event, p->now_ms)) {
        if (event.call != NULL) {
            enum wilco_status st = core_reply(p->core, event.call, &reply, p->now_ms);

            assert_true(st == WILCO_OK || st == WILCO_ENOMEM || st == WILCO_ECLOSED);
            peer_drop_call(p, event.call);
        }
        wilco_message_unref(event.message);
    }
}

static bool
ask_and_be_answered(struct peer *p)
{
    const struct wilco_user_property users[20] = {
        {"a", "b"}, {"a", "b"}, {"a", "b"}, {"a", "b"}, {"a", "b"}, {"a", "b"}, {"a", "b"},
        {"a", "b"}, {"a", "b"}, {"a", "b"}, {"a", "b"}, {"a", "b"}, {"a", "b"}, {"a", "b"},
        {"a", "b"}, {"a", "b"}, {"a", "b"}, {"a", "b"}, {"a", "b"}, {"a", "b"}};
    const struct wilco_request r = {.topic = "do",
                                    .correlation_data = WILCO_TEXT("id"),
                                    .response_topic = "back",
                                    .user_properties = users,
                                    .user_property_count = 20};
    const struct core_asker asker = {.on_response = peer_on_response};
    struct wire_any answer = {.type = WIRE_PUBLISH};
    uint64_t call = 0;
    uint8_t reason_code = 0;

    if (core_request(p->core, &r, &asker, p->now_ms, &call, &reason_code) != WILCO_OK ||
        !grant(p, 1)) {
        return false;
    }
    answer.as.publish.topic = SPAN_LITERAL("back");
    answer.as.publish.qos = 1;
    answer.as.publish.packet_id = 5;
    answer.as.publish.properties.correlation_data = SPAN_LITERAL("id");
    wire_properties_set(&answer.as.publish.properties, WIRE_CORRELATION_DATA);
    if (!send(p, &answer)) {
        return false;
    }
    pull_everything(p);
    return core_state(p->core) == CORE_OPEN && peer_counters(p).responses == 1;
}

/* The server's word on the request with correlation "id", at QoS 1. */
static bool
send_status(struct peer *p)
{
    static const struct peer_status nobody = {"503", "nobody", "broker", "rejected", "no"};
    struct wire_user_property users[5];
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_properties *properties = &packet.as.publish.properties;

    packet.as.publish.topic = SPAN_LITERAL("$r/me");
    packet.as.publish.qos = 1;
    packet.as.publish.packet_id = 6;
    properties->correlation_data = SPAN_LITERAL("id");
    wire_properties_set(properties, WIRE_CORRELATION_DATA);
    properties->users = users;
    properties->user_count = peer_status_users(&nobody, users);
    return send(p, &packet);
}

/* The server assigns an inbox: nothing is subscribed to. */
static bool
ask_at_the_inbox(struct peer *p)
{
    const struct core_asker asker = {.on_response = peer_on_response};
    const struct wilco_request r = {.topic = "do", .correlation_data = WILCO_TEXT("id")};
    const struct wilco_request below = {.topic = "do", .response_topic = "$r/me/below"};
    struct wire_any connack = {.type = WIRE_CONNACK};
    struct wire_properties *properties = &connack.as.connack.properties;
    uint64_t call = 0;
    uint8_t reason_code = 0;

    properties->response_information = SPAN_LITERAL("$r/me");
    wire_properties_set(properties, WIRE_RESPONSE_INFORMATION);
    if (!send(p, &connack) ||
        core_request(p->core, &r, &asker, p->now_ms, &call, &reason_code) != WILCO_OK ||
        core_request(p->core, &below, &asker, p->now_ms, &call, &reason_code) != WILCO_OK ||
        !send_status(p)) {
        return false;
    }
    pull_everything(p);
    return core_state(p->core) == CORE_OPEN && peer_counters(p).requests == 2 &&
           peer_counters(p).pending == 1;
}

/* A publication to the inbox with correlation "id" and these User Properties, at QoS 1. */
static bool
send_payload(struct peer *p, const char *payload, uint16_t packet_id,
             const struct wire_user_property *users, size_t count)
{
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_properties *properties = &packet.as.publish.properties;

    packet.as.publish.topic = SPAN_LITERAL("$r/me");
    packet.as.publish.qos = 1;
    packet.as.publish.packet_id = packet_id;
    packet.as.publish.payload = span_of_text(payload);
    properties->correlation_data = SPAN_LITERAL("id");
    wire_properties_set(properties, WIRE_CORRELATION_DATA);
    properties->users = users;
    properties->user_count = count;
    return send(p, &packet);
}

static bool
send_response(struct peer *p, uint16_t packet_id, const struct wire_user_property *users,
              size_t count)
{
    return send_payload(p, "", packet_id, users, count);
}

/* Nobody is there at first; then the response comes in parts, with more credit given for them; one
 * more request is cancelled. */
static bool
ask_again_for_a_stream(struct peer *p)
{
    static const struct wire_user_property part = {SPAN_INIT("rr-more"), SPAN_INIT("1")};
    const struct core_asker asker = {.on_response = peer_on_response};
    const struct wilco_request r = {.topic = "do",
                                    .correlation_data = WILCO_TEXT("id"),
                                    .retries_max = 1,
                                    .parts_max = 2,
                                    .on_part = on_message};
    const struct wilco_request other = {.topic = "do"};
    struct wire_any connack = {.type = WIRE_CONNACK};
    struct wire_properties *properties = &connack.as.connack.properties;
    uint64_t call = 0;
    uint8_t reason_code = 0;

    properties->response_information = SPAN_LITERAL("$r/me");
    wire_properties_set(properties, WIRE_RESPONSE_INFORMATION);
    if (!send(p, &connack) ||
        core_request(p->core, &r, &asker, p->now_ms, &call, &reason_code) != WILCO_OK ||
        !send_status(p)) {
        return false;
    }
    peer_advance(p, 20);
    if (!send_response(p, 7, &part, 1)) {
        return false;
    }
    pull_everything(p);
    if (core_state(p->core) != CORE_OPEN || !send_response(p, 8, NULL, 0)) {
        return false;
    }
    pull_everything(p);
    if (core_state(p->core) != CORE_OPEN ||
        core_request(p->core, &other, &asker, p->now_ms, &call, &reason_code) != WILCO_OK ||
        core_cancel(p->core, call) != WILCO_OK) {
        return false;
    }
    pull_everything(p);
    return core_state(p->core) == CORE_OPEN && peer_counters(p).responses == 1;
}

static struct wire_user_property
number(const char *name, const char *value)
{
    return (struct wire_user_property){span_of_text(name), span_of_text(value)};
}

/* Connected with an inbox, by a server that takes small packets. */
static bool
connect_to_small_server(struct peer *p)
{
    struct wire_any connack = {.type = WIRE_CONNACK};
    struct wire_properties *properties = &connack.as.connack.properties;

    properties->response_information = SPAN_LITERAL("$r/me");
    wire_properties_set(properties, WIRE_RESPONSE_INFORMATION);
    properties->maximum_packet_size = 400;
    wire_properties_set(properties, WIRE_MAXIMUM_PACKET_SIZE);
    return send(p, &connack);
}

/* A request in pieces, and its response in pieces, of nothing but "abc". */
static bool
ask_in_pieces(struct peer *p)
{
    static const char large[1000];
    const struct core_asker asker = {.on_response = peer_on_response};
    const struct wilco_request r = {.topic = "do",
                                    .payload = {large, sizeof(large)},
                                    .correlation_data = WILCO_TEXT("id"),
                                    .response_bytes_max = 10};
    char digits[HASH_CHECK_CHARS];
    const struct wire_user_property wanted[] = {number("rr-more", "1"), number("rr-seq", "1"),
                                                number("rr-want", "9"), number("rr-packet", "400")};
    const struct wire_user_property piece[] = {number("rr-more", "1"), number("rr-seq", "2"),
                                               number("rr-offset", "0")};
    const struct wire_user_property last[] = {
        number("rr-seq", "3"),
        number("rr-size", "3"),
        {SPAN_LITERAL("rr-hash"), hash_check(SPAN_LITERAL("abc"), digits)},
    };
    uint64_t call = 0;
    uint8_t reason_code = 0;

    if (!connect_to_small_server(p) ||
        core_request(p->core, &r, &asker, p->now_ms, &call, &reason_code) != WILCO_OK ||
        !send_response(p, 7, wanted, 4) || !send_payload(p, "abc", 8, piece, 3) ||
        !send_response(p, 9, last, 3)) {
        return false;
    }
    pull_everything(p);
    return core_state(p->core) == CORE_OPEN && peer_counters(p).responses == 1;
}

/* What comes to the responder for such a request, whose payload is "abc". */
static bool
send_to_responder(struct peer *p, const char *payload, const struct wire_user_property *users,
                  size_t count)
{
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_properties *properties = &packet.as.publish.properties;

    packet.as.publish.topic = SPAN_LITERAL("do");
    packet.as.publish.payload = span_of_text(payload);
    properties->response_topic = SPAN_LITERAL("back");
    wire_properties_set(properties, WIRE_RESPONSE_TOPIC);
    properties->correlation_data = SPAN_LITERAL("id");
    wire_properties_set(properties, WIRE_CORRELATION_DATA);
    properties->users = users;
    properties->user_count = count;
    return send(p, &packet);
}

static bool
serve_in_pieces(struct peer *p)
{
    static const char large[1000];
    const struct core_subscriber to = {.on_request = on_request};
    const struct wilco_reply reply = {.payload = {large, sizeof(large)}};
    char digits[HASH_CHECK_CHARS];
    const struct wire_user_property head[] = {
        number("rr-size", "3"),
        number("rr-more", "9"),
        number("rr-take", "1000"),
        number("rr-packet", "400"),
        {SPAN_LITERAL("rr-hash"), hash_check(SPAN_LITERAL("abc"), digits)},
    };
    const struct wire_user_property piece[] = {number("rr-op", "data"), number("rr-seq", "1")};
    struct core_event event;
    uint8_t reason_code = 0;
    bool is_ok = false;

    if (!connect_to_small_server(p) ||
        core_subscribe(p->core, &(struct wilco_subscription){.filter = "do"}, &to, p,
                       &reason_code) != WILCO_OK ||
        !grant(p, 1) || !send_to_responder(p, "", head, 5) ||
        core_next_event(p->core, &event, p->now_ms) || !send_to_responder(p, "abc", piece, 2) ||
        !core_next_event(p->core, &event, p->now_ms) || event.call == NULL) {
        return false;
    }
    is_ok = core_reply(p->core, event.call, &reply, p->now_ms) == WILCO_OK;
    peer_drop_call(p, event.call);
    return is_ok && core_state(p->core) == CORE_OPEN;
}

static bool
be_asked_and_answer(struct peer *p)
{
    const struct core_subscriber to = {.on_request = on_request};
    uint8_t reason_code = 0;

    if (core_subscribe(p->core, &(struct wilco_subscription){.filter = "do"}, &to, p,
                       &reason_code) != WILCO_OK ||
        !grant(p, 1) || !send_publish(p, 2, "x")) {
        return false;
    }
    pull_everything(p);
    return core_state(p->core) == CORE_OPEN && peer_counters(p).calls == 1;
}

/* What comes to a responder: a QoS 1 request that takes parts, with this correlation. */
static bool
send_request(struct peer *p, const char *correlation, uint16_t packet_id, const char *protocol)
{
    desk_deliver(p, &(struct desk_request){
                        .correlation = correlation,
                        .packet_id = packet_id,
                        .more = "1",
                        .expiry_s = 10,
                        .protocol = protocol,
                    });
    return core_state(p->core) == CORE_OPEN;
}

/* One runs, one waits, one is too many, one comes again before and after, one speaks of version 2.
 */
static bool
serve_in_all_ways(struct peer *p)
{
    const struct wilco_responder options = {.concurrency_max = 1,
                                            .queue_max = 1,
                                            .ack_late = true,
                                            .execution_timeout_ms = 1000,
                                            .service = "clock"};
    const struct core_subscriber to = {.on_request = on_request, .options = &options};
    const struct wilco_reply part = {.payload = WILCO_TEXT("part")};
    struct core_event event;
    struct core_event none;
    uint8_t reason_code = 0;
    bool is_ok = false;

    if (core_subscribe(p->core, &(struct wilco_subscription){.filter = "do"}, &to, p,
                       &reason_code) != WILCO_OK ||
        !grant(p, 1) || !send_request(p, "a", 1, "1.0") || !send_request(p, "b", 2, NULL) ||
        !send_request(p, "c", 3, NULL) || !send_request(p, "a", 4, NULL) ||
        !send_request(p, "d", 5, "2.0") || !core_next_event(p->core, &event, p->now_ms) ||
        event.call == NULL) {
        return false;
    }
    (void)core_next_event(p->core, &none, p->now_ms); /* the end of the connection, or nothing */
    is_ok = core_reply_part(p->core, event.call, &part, "0.500", p->now_ms) == WILCO_OK;
    peer_drop_call(p, event.call);
    pull_everything(p);
    is_ok = is_ok && send_request(p, "a", 6, NULL);
    pull_everything(p);
    return is_ok && core_state(p->core) == CORE_OPEN && peer_counters(p).calls == 2 &&
           peer_counters(p).calls_busy == 1 && peer_counters(p).calls_refused == 1 &&
           peer_counters(p).calls_repeated == 2;
}

static bool
publish_all_ways(struct peer *p)
{
    static const char large[5000];
    uint8_t reason_code = 0;

    for (uint8_t qos = 0; qos <= 2; qos++) {
        const struct wilco_publish small = {.topic = "t", .qos = qos};
        const struct wilco_publish w = {
            .topic = "t", .qos = qos, .payload = {large, sizeof(large)}};

        if (core_publish(p->core, &small, NULL, p, &reason_code) != WILCO_OK ||
            core_publish(p->core, &w, NULL, p, &reason_code) != WILCO_OK) {
            return false;
        }
    }
    pull_everything(p);
    return true;
}

static bool
get_a_message_in_pieces(struct peer *p)
{
    static const uint8_t bytes[] = {0x32, 0x07, 0, 1, 'a', 0, 9, 0, 'x'};
    const struct core_subscriber to = {.on_message = on_message};
    struct wilco_user_property many[DRAFT_USERS_FEW + 1];
    const struct wilco_subscription wanted = {
        .filter = "#", .user_properties = many, .user_property_count = DRAFT_USERS_FEW + 1};
    uint8_t reason_code = 0;

    for (size_t i = 0; i <= DRAFT_USERS_FEW; i++) {
        many[i] = (struct wilco_user_property){"name", "value"};
    }
    if (core_subscribe(p->core, &wanted, &to, p, &reason_code) != WILCO_OK || !grant(p, 1)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        peer_send_bytes(p, span_of(bytes + i, 1));
    }
    pull_everything(p);
    return core_state(p->core) == CORE_OPEN;
}

/* The connection breaks, and another one is accepted. */
static bool
connect_again(struct peer *p, bool session_present, const char *inbox)
{
    struct wire_any connack = {.type = WIRE_CONNACK};
    struct wire_properties *properties = &connack.as.connack.properties;

    core_lost(p->core, "cut", p->now_ms); /* if it was not before */
    while (core_state(p->core) == CORE_WAITING) {
        peer_advance(p, core_deadline_ms(p->core) - p->now_ms);
    }
    core_discard_output(p->core);
    properties->response_information = span_of_text(inbox);
    wire_properties_set(properties, WIRE_RESPONSE_INFORMATION);
    properties->receive_maximum = 2;
    wire_properties_set(properties, WIRE_RECEIVE_MAXIMUM);
    connack.as.connack.session_present = session_present;
    return send(p, &connack);
}

/* Something of everything, sent and not sent. */
static bool
leave_outstanding(struct peer *p)
{
    const struct core_subscriber to = {.on_message = on_message};
    const struct core_asker asker = {.on_response = peer_on_response};
    const struct wilco_request inside = {.topic = "do"};
    const struct wilco_request outside = {.topic = "do", .response_topic = "back"};
    uint64_t call = 0;
    uint8_t reason_code = 0;

    for (uint8_t qos = 0; qos <= 2; qos++) {
        const struct wilco_publish w = {.topic = "t", .qos = qos};

        if (core_publish(p->core, &w, NULL, p, &reason_code) != WILCO_OK) {
            return false;
        }
    }
    return core_subscribe(p->core, &(struct wilco_subscription){.filter = "a"}, &to, p,
                          &reason_code) == WILCO_OK &&
           core_request(p->core, &inside, &asker, p->now_ms, &call, &reason_code) == WILCO_OK &&
           core_request(p->core, &outside, &asker, p->now_ms, &call, &reason_code) == WILCO_OK;
}

/* A session that is kept, one that is forgotten, and what was asked for before, on and between the
 * connections. */
static bool
come_back(struct peer *p)
{
    const struct core_subscriber to = {.on_message = on_message};
    uint8_t reason_code = 0;

    if (!connect_again(p, true, "$r/me") ||
        core_subscribe(p->core, &(struct wilco_subscription){.filter = "s"}, &to, p,
                       &reason_code) != WILCO_OK ||
        !grant(p, 1) || !leave_outstanding(p) || !send_publish(p, 2, "x") ||
        !connect_again(p, true, "$r/me")) {
        return false;
    }
    core_lost(p->core, "cut", p->now_ms);
    if (!leave_outstanding(p) || !connect_again(p, false, "$r/us")) {
        return false;
    }
    pull_everything(p);
    return core_state(p->core) == CORE_OPEN;
}

/* Runs `scenario` until no allocation is left to fail, alone or with all behind it; it then must
 * succeed. It begins behind CONNACK, or with it. */
static void
run_failing(bool (*scenario)(struct peer *p), bool is_open, bool is_for_good)
{
    bool is_done = false;

    for (size_t fail_at = 1; !is_done; fail_at++) {
        struct peer p;
        bool is_ok = false;

        if (is_open) {
            peer_open(&p, NULL, NULL);
        } else {
            peer_start(&p, NULL);
        }
        core_discard_output(p.core);
        p.alloc.attempts = 0;
        p.alloc.fail_at = fail_at;
        p.alloc.fails_from = is_for_good ? fail_at : 0;
        is_ok = scenario(&p);
        is_done = p.alloc.attempts < fail_at;
        p.alloc.fails_from = 0;
        if (is_done) {
            assert_true(is_ok);
        }
        pull_everything(&p);
        peer_close(&p);
        assert_true(fail_at < 1000);
    }
}

static void
run(bool (*scenario)(struct peer *p), bool is_open)
{
    run_failing(scenario, is_open, false);
    run_failing(scenario, is_open, true);
}

static void
a_request_survives_every_failure(void **state)
{
    (void)state;
    run(ask_and_be_answered, true);
}

static void
an_inbox_survives_every_failure(void **state)
{
    (void)state;
    run(ask_at_the_inbox, false);
}

static void
a_stream_survives_every_failure(void **state)
{
    (void)state;
    run(ask_again_for_a_stream, false);
}

static void
pieces_survive_every_failure(void **state)
{
    (void)state;
    run(ask_in_pieces, false);
    run(serve_in_pieces, false);
}

static void
a_call_survives_every_failure(void **state)
{
    (void)state;
    run(be_asked_and_answer, true);
}

static void
a_responder_survives_every_failure(void **state)
{
    (void)state;
    run(serve_in_all_ways, true);
}

static void
publications_survive_every_failure(void **state)
{
    (void)state;
    run(publish_all_ways, true);
}

static void
a_message_survives_every_failure(void **state)
{
    (void)state;
    run(get_a_message_in_pieces, true);
}

static void
coming_back_survives_every_failure(void **state)
{
    (void)state;
    run(come_back, true);
}

static void
opening_survives_every_failure(void **state)
{
    const struct wilco_options options = {.client_id = "me", .authentication_method = "M"};
    bool is_done = false;

    (void)state;
    for (size_t fail_at = 1; !is_done; fail_at++) {
        struct failing_alloc alloc;
        struct random_seeded random;
        struct wilco_error why = {.reason_code = 0};
        struct core *core = NULL;
        struct core_config config = {.options = &options};
        enum wilco_status st;

        failing_alloc_init(&alloc, fail_at);
        random_seeded_init(&random, 1);
        config.alloc = &alloc.alloc;
        config.random = &random.source;
        st = core_new(&core, &config, &why);
        is_done = alloc.attempts < fail_at;
        assert_int_equal(st, is_done ? WILCO_OK : WILCO_ENOMEM);
        core_free(core);
        assert_int_equal(alloc.live, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_survives_every_failure),
        cmocka_unit_test(an_inbox_survives_every_failure),
        cmocka_unit_test(a_stream_survives_every_failure),
        cmocka_unit_test(pieces_survive_every_failure),
        cmocka_unit_test(a_call_survives_every_failure),
        cmocka_unit_test(a_responder_survives_every_failure),
        cmocka_unit_test(publications_survive_every_failure),
        cmocka_unit_test(a_message_survives_every_failure),
        cmocka_unit_test(coming_back_survives_every_failure),
        cmocka_unit_test(opening_survives_every_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
