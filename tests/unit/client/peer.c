#include "peer.h"

#include "client/call.h"
#include "client/message.h"
#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define WRITTEN_MAX (64U << 20)

void
peer_start(struct peer *p, const struct wilco_options *options)
{
    static const struct wilco_options defaults = {.client_id = "me"};
    struct wilco_error why = {.reason_code = 0};
    struct core_config config = {
        .options = options == NULL ? &defaults : options,
        .now_ms = PEER_START_MS,
        .unix_ms = 1700000000000,
    };

    *p = (struct peer){.now_ms = PEER_START_MS};
    failing_alloc_init(&p->alloc, 0);
    random_seeded_init(&p->random, 7);
    buffer_init(&p->written, alloc_system(), WRITTEN_MAX);
    config.alloc = &p->alloc.alloc;
    config.random = &p->random.source;
    config.user_name = span_of_text(config.options->user_name);
    config.password = span_of(config.options->password.data, config.options->password.len);
    assert_int_equal(core_new(&p->core, &config, &why), WILCO_OK);
}

void
peer_open(struct peer *p, const struct wilco_options *options,
          const struct wire_properties *connack)
{
    struct wire_any packet;
    struct wire_any answer = {.type = WIRE_CONNACK};

    peer_start(p, options);
    peer_expect(p, WIRE_CONNECT, &packet);
    if (connack != NULL) {
        answer.as.connack.properties = *connack;
    }
    peer_send(p, &answer);
    assert_int_equal(core_state(p->core), CORE_OPEN);
}

void
peer_close(struct peer *p)
{
    core_free(p->core);
    p->core = NULL;
    buffer_fini(&p->written);
    assert_int_equal(p->alloc.live, 0);
}

void
peer_lose(struct peer *p)
{
    core_lost(p->core, "cut", p->now_ms);
    assert_int_equal(core_state(p->core), CORE_WAITING);
    assert_false(core_has_output(p->core));
}

void
peer_expect_connect(struct peer *p, struct wire_any *connect)
{
    struct wire_any packet;
    unsigned before = core_connection(p->core);

    while (core_state(p->core) == CORE_WAITING) { /* something else may be due earlier */
        assert_true(core_deadline_ms(p->core) != UINT64_MAX);
        peer_advance(p, core_deadline_ms(p->core) - p->now_ms);
    }
    assert_int_equal(core_state(p->core), CORE_CONNECTING);
    assert_int_equal(core_connection(p->core), before + 1);
    peer_expect(p, WIRE_CONNECT, connect == NULL ? &packet : connect);
    peer_expect_nothing(p);
}

void
peer_reopen(struct peer *p, bool session_present, const struct wire_properties *connack)
{
    struct wire_any answer = {.type = WIRE_CONNACK};

    peer_expect_connect(p, NULL);
    answer.as.connack.session_present = session_present;
    if (connack != NULL) {
        answer.as.connack.properties = *connack;
    }
    peer_send(p, &answer);
    assert_int_equal(core_state(p->core), CORE_OPEN);
}

/* Takes what the core wants to write. */
static void
take_output(struct peer *p)
{
    struct span spans[4];

    while (core_has_output(p->core)) {
        size_t count = core_output(p->core, spans, 4);
        size_t len = 0;

        assert_true(count > 0);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(buffer_append(&p->written, spans[i]), WILCO_OK);
            len += spans[i].len;
        }
        core_wrote(p->core, len);
    }
}

static struct span
unseen(const struct peer *p)
{
    return span_skip(buffer_span(&p->written), p->seen);
}

void
peer_expect(struct peer *p, enum wire_type type, struct wire_any *out)
{
    struct wire_header header;
    size_t len = 0;

    take_output(p);
    assert_int_equal(wire_header_decode(&header, unseen(p)), WILCO_OK);
    len = header.header_bytes + header.remaining;
    assert_string_equal(wire_type_name(header.type), wire_type_name(type));
    assert_int_equal(wire_any_decode(out, span_first(unseen(p), len), WIRE_V5), WILCO_OK);
    p->seen += len;
}

void
peer_expect_bytes(struct peer *p, const char *bytes)
{
    struct span want = bytes_from(bytes);

    take_output(p);
    assert_true(unseen(p).len >= want.len);
    assert_memory_equal(unseen(p).data, want.data, want.len);
    p->seen += want.len;
    bytes_free(want);
}

void
peer_expect_nothing(struct peer *p)
{
    take_output(p);
    assert_int_equal(unseen(p).len, 0);
}

void
peer_expect_end(struct peer *p, uint8_t reason_code)
{
    struct wire_any packet;

    peer_expect(p, WIRE_DISCONNECT, &packet);
    assert_int_equal(packet.as.disconnect.reason_code, reason_code);
    peer_expect_nothing(p); /* [MQTT-3.14.4-1] */
    assert_int_equal(core_state(p->core), CORE_CLOSED);
}

void
peer_send_bytes(struct peer *p, struct span bytes)
{
    struct span copy = bytes_copy(bytes);

    core_feed(p->core, copy, p->now_ms);
    bytes_free(copy);
}

void
peer_send(struct peer *p, const struct wire_any *packet)
{
    struct wire_writer measured = wire_writer_measure();
    struct wire_writer w;
    uint8_t *bytes = NULL;
    size_t len = 0;

    wire_any_encode(&measured, packet, WIRE_V5);
    (void)wire_writer_finish(&measured, &len);
    bytes = test_malloc(len);
    w = wire_writer_init(bytes, len);
    wire_any_encode(&w, packet, WIRE_V5);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    peer_send_bytes(p, span_of(bytes, len));
    test_free(bytes);
}

void
peer_advance(struct peer *p, uint64_t ms)
{
    p->now_ms += ms;
    core_tick(p->core, p->now_ms);
}

void
peer_event(struct peer *p, enum core_event_kind kind, struct core_event *out)
{
    assert_true(core_next_event(p->core, out, p->now_ms));
    assert_int_equal(out->kind, kind);
}

void
peer_awaited(struct peer *p, enum core_event_kind kind, struct core_event *out)
{
    assert_true(core_next_awaited(p->core, out));
    assert_int_equal(out->kind, kind);
}

void
peer_no_event(struct peer *p)
{
    struct core_event event;

    assert_false(core_next_event(p->core, &event, p->now_ms));
    assert_false(core_next_awaited(p->core, &event));
}

void
peer_ack(struct peer *p, enum wire_type type, uint16_t packet_id, uint8_t reason_code)
{
    struct wire_any packet = {.type = type};

    packet.as.ack.packet_id = packet_id;
    packet.as.ack.reason_code = reason_code;
    peer_send(p, &packet);
}

void
peer_publish(struct peer *p, const char *topic, const char *payload, uint8_t qos,
             uint16_t packet_id)
{
    struct wire_any packet = {.type = WIRE_PUBLISH};

    packet.as.publish.topic = span_of_text(topic);
    packet.as.publish.payload = span_of_text(payload);
    packet.as.publish.qos = qos;
    packet.as.publish.packet_id = packet_id;
    peer_send(p, &packet);
}

uint32_t
peer_grant(struct peer *p, uint8_t reason_code)
{
    struct wire_any packet;
    struct wire_any answer = {.type = WIRE_SUBACK};
    uint32_t identifier = 0;

    peer_expect(p, WIRE_SUBSCRIBE, &packet);
    identifier = packet.as.subscribe.properties.subscription_identifier;
    answer.as.suback.packet_id = packet.as.subscribe.packet_id;
    answer.as.suback.reason_codes = span_of(&reason_code, 1);
    peer_send(p, &answer);
    return identifier;
}

void
peer_take_request(struct peer *p, struct peer_request *out)
{
    struct wire_any packet;
    const struct wire_publish *publish = &packet.as.publish;
    const struct wire_properties *properties = &publish->properties;

    peer_expect(p, WIRE_PUBLISH, &packet);
    assert_true(wire_properties_has(properties, WIRE_RESPONSE_TOPIC));
    assert_true(properties->response_topic.len < sizeof(out->topic));
    assert_true(properties->correlation_data.len <= sizeof(out->correlation));
    *out = (struct peer_request){.packet_id = publish->packet_id, .qos = publish->qos};
    memcpy(out->topic, properties->response_topic.data, properties->response_topic.len);
    memcpy(out->correlation, properties->correlation_data.data, properties->correlation_data.len);
    out->correlation_len = properties->correlation_data.len;
}

void
peer_answer_with(struct peer *p, const struct peer_request *request, const char *payload,
                 const struct wire_user_property *users, size_t count, bool retain)
{
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_properties *properties = &packet.as.publish.properties;

    packet.as.publish.topic = span_of_text(request->topic);
    packet.as.publish.payload = span_of_text(payload);
    packet.as.publish.retain = retain;
    properties->correlation_data = span_of(request->correlation, request->correlation_len);
    wire_properties_set(properties, WIRE_CORRELATION_DATA);
    properties->users = users;
    properties->user_count = count;
    peer_send(p, &packet);
}

void
peer_answer(struct peer *p, const struct peer_request *request, const char *payload,
            const char *status)
{
    const struct wire_user_property user = {SPAN_LITERAL("__stat"), span_of_text(status)};

    peer_answer_with(p, request, payload, &user, status != NULL, false);
}

size_t
peer_status_users(const struct peer_status *s, struct wire_user_property users[5])
{
    const struct {
        const char *name, *value;
    } all[] = {
        {"__stat", s->status},  {"__stMsg", s->text},     {"rr-src", s->source},
        {"rr-stage", s->stage}, {"rr-exec", s->executed},
    };
    size_t count = 0;

    for (size_t i = 0; i < 5; i++) {
        if (all[i].value != NULL) {
            users[count] =
                (struct wire_user_property){span_of_text(all[i].name), span_of_text(all[i].value)};
            count++;
        }
    }
    return count;
}

void
peer_say_status(struct peer *p, const struct peer_request *request, const struct peer_status *s)
{
    struct wire_user_property users[5];
    size_t count = peer_status_users(s, users);

    peer_answer_with(p, request, "", users, count, false);
}

struct wilco_message *
peer_message(const struct wire_user_property *users, size_t count)
{
    struct wire_publish p = {.topic = SPAN_LITERAL("back")};
    uint8_t bytes[1024];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    struct wire_header header;
    struct wilco_message *m = NULL;
    struct span packet;
    size_t len = 0;

    p.properties.users = users;
    p.properties.user_count = count;
    wire_publish_encode(&w, &p, WIRE_V5);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    packet = span_of(bytes, len);
    assert_int_equal(wire_header_decode(&header, packet), WILCO_OK);
    assert_int_equal(
        wire_publish_decode(&p, header.flags, span_skip(packet, header.header_bytes), WIRE_V5),
        WILCO_OK);
    m = message_new(alloc_system(), &p, 0);
    assert_non_null(m);
    return m;
}

/* Never run: the tests pull the events. It is a name to be found in them. */
void
peer_on_response(void *context, enum wilco_status status, const struct wilco_message *response)
{
    (void)context;
    (void)status;
    (void)response;
    fail_msg("a core does not call back");
}

uint64_t
peer_ask(struct peer *p, const struct wilco_request *r)
{
    const struct core_asker asker = {
        .on_response = peer_on_response, .context = p, .error = r->error};
    uint64_t call = 0;
    uint8_t reason_code = 0;

    assert_int_equal(core_request(p->core, r, &asker, p->now_ms, &call, &reason_code), WILCO_OK);
    return call;
}

void
peer_drop_call(struct peer *p, struct wilco_call *call)
{
    if (call_drop(call)) {
        core_release_call(p->core, call, p->now_ms);
        call_free(call);
    }
}

uint64_t
peer_ask_first(struct peer *p, const struct wilco_request *r, struct peer_request *out)
{
    uint64_t call = peer_ask(p, r);

    (void)peer_grant(p, 1);
    peer_take_request(p, out);
    return call;
}

struct wilco_counters
peer_counters(const struct peer *p)
{
    struct wilco_counters counters;

    core_counters(p->core, &counters);
    return counters;
}
