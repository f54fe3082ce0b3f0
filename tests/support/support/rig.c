#include "support/rig.h"

#include "broker/core/rcu.h"
#include "support/referee.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define START_MS          1000000U
#define PACKET_IDENTIFIER 7U
#define REASON_STRING     (UINT64_C(1) << WIRE_REASON_STRING)
#define LOST_SPANS_MAX    256U

/* Readers of the topic index are registered threads, once and for all rigs. */
static _Thread_local bool is_reader;

static void
become_reader(void)
{
    if (!is_reader) {
        is_reader = true;
        rcu_thread_enter();
    }
}

void
rig_thread_leave(void)
{
    if (is_reader) {
        is_reader = false;
        rcu_thread_leave();
    }
}

static enum wilco_status
try_open(struct rig *r, struct broker_config config, size_t fail_at)
{
    *r = (struct rig){.now_ms = START_MS};
    become_reader();
    failing_alloc_init(&r->alloc, fail_at);
    random_seeded_init(&r->random, 1);
    config.alloc = &r->alloc.alloc;
    config.random = &r->random.source;
    config.unix_ms = RIG_UNIX_MS;
    return broker_init(&r->broker, &config, r->now_ms);
}

enum wilco_status
rig_try_open(struct rig *r, unsigned shards, const struct settings *settings, size_t fail_at)
{
    const struct broker_config config = {
        .settings = settings == NULL ? settings_default() : *settings,
        .shard_count = shards,
    };

    return try_open(r, config, fail_at);
}

void
rig_open(struct rig *r, unsigned shards, const struct settings *settings)
{
    assert_int_equal(rig_try_open(r, shards, settings, 0), WILCO_OK);
}

void
rig_open_with_methods(struct rig *r, unsigned shards, const struct auth_method *methods,
                      size_t count)
{
    const struct broker_config config = {
        .settings = settings_default(),
        .auth_methods = methods,
        .auth_method_count = count,
        .shard_count = shards,
    };

    assert_int_equal(try_open(r, config, 0), WILCO_OK);
}

void
rig_open_as(struct rig *r, const struct broker_config *config)
{
    assert_int_equal(try_open(r, *config, 0), WILCO_OK);
}

void
rig_close(struct rig *r)
{
    rig_settle(r);
    broker_fini(&r->broker);
    assert_int_equal(r->alloc.live, 0);
}

static void
take_output(struct rig_client *c, struct span bytes)
{
    if (c->input_len + bytes.len > c->input_capacity) {
        c->input_capacity = (c->input_len + bytes.len) * 2;
        c->input = realloc(c->input, c->input_capacity);
        assert_non_null(c->input);
    }
    memcpy(c->input + c->input_len, bytes.data, bytes.len);
    c->input_len += bytes.len;
}

/* What a driver does with a dirty conn. */
static void
flush(struct rig_client *c)
{
    struct span spans[4];

    while (!c->is_stuck && !output_is_empty(&c->conn.output)) {
        size_t count = output_spans(&c->conn.output, spans, 4);
        size_t len = 0;

        assert_true(count > 0);
        for (size_t i = 0; i < count; i++) {
            take_output(c, spans[i]);
            len += spans[i].len;
        }
        conn_wrote(&c->conn, len);
    }
    if (conn_is_over(&c->conn)) {
        conn_fini(&c->conn);
        c->is_open = false;
    }
}

static bool
flush_all(struct shard *s)
{
    struct conn *c = shard_next_dirty(s);
    bool any = c != NULL;

    while (c != NULL) {
        flush(CONTAINER_OF(c, struct rig_client, conn));
        c = shard_next_dirty(s);
    }
    return any;
}

void
rig_step(struct rig *r, unsigned shard, enum rig_part part)
{
    struct shard *s = r->broker.shards[shard];

    shard_advance(s, r->now_ms * 1000);
    if (part == RIG_MAIL) {
        shard_run_inbox(s);
    } else if (part == RIG_OUTPUT) {
        (void)flush_all(s);
    }
    (void)shard_take_kicks(s);
}

void
rig_settle(struct rig *r)
{
    bool busy = true;

    while (busy) {
        busy = false;
        for (unsigned i = 0; i < r->broker.shard_count; i++) {
            struct shard *s = r->broker.shards[i];

            shard_advance(s, r->now_ms * 1000);
            shard_run_inbox(s);
            (void)shard_take_kicks(s);
            busy = flush_all(s) || busy;
        }
        for (unsigned i = 0; i < r->broker.shard_count; i++) {
            busy = busy || shard_has_mail(r->broker.shards[i]);
        }
    }
}

void
rig_advance(struct rig *r, uint64_t ms)
{
    rig_settle(r);
    r->now_ms += ms;
    rig_settle(r);
}

void
rig_name_in(const struct rig *r, unsigned shard, const char *prefix, char out[RIG_NAME_BYTES])
{
    const struct broker *b = &r->broker;
    unsigned i = 0;

    do {
        (void)snprintf(out, RIG_NAME_BYTES, "%s%u", prefix, i++);
    } while (broker_shard_of(b, span_of_text(out)) != b->shards[shard % b->shard_count]);
}

void
rig_client_open(struct rig *r, struct rig_client *c, const char *client_id,
                enum wire_version version)
{
    struct shard *s = client_id[0] == '\0' ? r->broker.shards[0]
                                           : broker_shard_of(&r->broker, span_of_text(client_id));

    *c = (struct rig_client){.rig = r, .is_open = true, .version = version};
    conn_init(&c->conn, s);
}

void
rig_client_connect(struct rig *r, struct rig_client *c, const char *client_id)
{
    struct wire_any packet;

    rig_client_open(r, c, client_id, WIRE_V5);
    packet = rig_connect_packet(c, client_id);
    rig_send(c, &packet);
    rig_expect(c, WIRE_CONNACK, &packet);
    assert_int_equal(packet.as.connack.reason_code, 0);
    assert_false(packet.as.connack.session_present); /* [MQTT-3.2.2-2] */
}

void
rig_connect(struct rig *r, struct rig_client *c, const struct wire_connect *how,
            struct wire_any *connack)
{
    const struct wire_any packet = {.type = WIRE_CONNECT, .as.connect = *how};
    char client_id[64] = "";

    assert_true(how->client_id.len < sizeof(client_id));
    memcpy(client_id, how->client_id.data, how->client_id.len);
    rig_client_open(r, c, client_id, how->version);
    rig_send(c, &packet);
    rig_expect(c, WIRE_CONNACK, connack);
}

void
rig_resume(struct rig *r, struct rig_client *c, const char *client_id, bool session_present)
{
    const struct wire_connect how = rig_lasting(client_id, UINT32_MAX);
    struct wire_any connack;

    rig_connect(r, c, &how, &connack);
    assert_int_equal(connack.as.connack.reason_code, 0);
    assert_int_equal(connack.as.connack.session_present, session_present);
}

void
rig_client_drop(struct rig_client *c)
{
    if (c->is_open) {
        conn_lost(&c->conn);
        rig_settle(c->rig);
    }
}

static void
forget_input(struct rig_client *c)
{
    free(c->input);
    c->input = NULL;
    c->input_len = 0;
    c->input_at = 0;
    c->input_capacity = 0;
}

void
rig_client_close(struct rig_client *c)
{
    if (c->is_open) {
        conn_fini(&c->conn);
        c->is_open = false;
        rig_settle(c->rig);
    }
    forget_input(c);
}

void
rig_client_cut(struct rig_client *c)
{
    if (c->is_open) {
        shard_advance(c->conn.shard, c->rig->now_ms * 1000);
        conn_lost(&c->conn);
        conn_fini(&c->conn);
        c->is_open = false;
    }
    forget_input(c);
}

void
rig_client_see_lost(struct rig_client *c)
{
    struct span spans[LOST_SPANS_MAX];
    size_t count = c->is_open ? output_spans(&c->conn.output, spans, LOST_SPANS_MAX) : 0;

    assert_true(count < LOST_SPANS_MAX);
    for (size_t i = 0; i < count; i++) {
        take_output(c, spans[i]);
    }
}

static void
feed(struct rig_client *c, struct span bytes)
{
    if (c->is_open && conn_wants_input(&c->conn)) {
        if (c->line != NULL) {
            referee_sent(c->line, bytes);
        }
        conn_feed(&c->conn, bytes);
    }
}

void
rig_send_bytes(struct rig_client *c, const void *bytes, size_t len)
{
    /* An exact copy on the heap, so that reading past it is caught. */
    uint8_t *copy = malloc(len == 0 ? 1 : len);

    assert_non_null(copy);
    memcpy(copy, bytes, len);
    feed(c, span_of(copy, len));
    free(copy);
    rig_settle(c->rig);
}

/* On the heap, the caller's to free, without a byte more. */
static uint8_t *
encode(const struct rig_client *c, const struct wire_any *packet, size_t *len)
{
    struct wire_writer w = wire_writer_measure();
    uint8_t *bytes = NULL;

    wire_any_encode(&w, packet, c->version);
    bytes = malloc(w.len);
    assert_non_null(bytes);
    w = wire_writer_init(bytes, w.len);
    wire_any_encode(&w, packet, c->version);
    assert_int_equal(wire_writer_finish(&w, len), WILCO_OK);
    return bytes;
}

void
rig_send(struct rig_client *c, const struct wire_any *packet)
{
    size_t len = 0;
    uint8_t *bytes = encode(c, packet, &len);

    feed(c, span_of(bytes, len));
    free(bytes);
    rig_settle(c->rig);
}

void
rig_post(struct rig_client *c, const struct wire_any *packet)
{
    size_t len = 0;
    uint8_t *bytes = encode(c, packet, &len);

    shard_advance(c->conn.shard, c->rig->now_ms * 1000);
    assert_true(c->is_open && conn_wants_input(&c->conn));
    feed(c, span_of(bytes, len));
    free(bytes);
}

bool
rig_next(struct rig_client *c, struct wire_any *out)
{
    struct span left = span_skip(span_of(c->input, c->input_len), c->input_at);
    struct wire_header h = {.type = WIRE_CONNECT};
    size_t bytes = 0;

    if (left.len == 0) {
        return false;
    }
    assert_int_equal(wire_header_decode(&h, left), WILCO_OK);
    bytes = h.header_bytes + h.remaining;
    assert_true(bytes <= left.len);
    assert_int_equal(wire_any_decode(out, span_first(left, bytes), c->version), WILCO_OK);
    c->input_at += bytes;
    return true;
}

void
rig_expect(struct rig_client *c, enum wire_type type, struct wire_any *out)
{
    if (!rig_next(c, out)) {
        fail_msg("expected %s, got nothing", wire_type_name(type));
    }
    if (out->type != type) {
        fail_msg("expected %s, got %s", wire_type_name(type), wire_type_name(out->type));
    }
}

void
rig_expect_ack(struct rig_client *c, enum wire_type type, uint16_t packet_id, uint8_t reason_code)
{
    struct wire_any packet;

    rig_expect(c, type, &packet);
    assert_int_equal(packet.as.ack.packet_id, packet_id); /* [MQTT-2.2.1-5] */
    assert_int_equal(packet.as.ack.reason_code, reason_code);
    assert_int_equal(packet.as.ack.properties.present,
                     type != WIRE_PUBREL && type != WIRE_PUBCOMP && reason_code >= 0x80 &&
                             c->version == WIRE_V5 && c->conn.wants_reasons
                         ? REASON_STRING
                         : 0); /* [MQTT-3.1.2-29] */
}

void
rig_expect_nothing(struct rig_client *c)
{
    struct wire_header h = {.type = WIRE_CONNECT};

    if (c->input_at < c->input_len) {
        (void)wire_header_decode(&h, span_of(c->input + c->input_at, c->input_len - c->input_at));
        fail_msg("expected nothing, got %s", wire_type_name(h.type));
    }
}

void
rig_expect_publish(struct rig_client *c, const char *payload, struct wire_any *out)
{
    rig_expect(c, WIRE_PUBLISH, out);
    if (!span_equal(out->as.publish.payload, span_of_text(payload))) {
        fail_msg("expected payload %s, got %.*s", payload, (int)out->as.publish.payload.len,
                 (const char *)out->as.publish.payload.data);
    }
}

bool
rig_client_is_ended(const struct rig_client *c)
{
    return !c->is_open;
}

void
rig_expect_end(struct rig_client *c, uint8_t reason_code)
{
    struct wire_any packet;

    if (c->version == WIRE_V5) {
        rig_expect(c, WIRE_DISCONNECT, &packet);
        assert_int_equal(packet.as.disconnect.reason_code, reason_code);
        assert_int_equal(packet.as.disconnect.properties.present & ~REASON_STRING,
                         0); /* [MQTT-3.14.2-2] */
    }
    rig_expect_nothing(c);
    assert_true(rig_client_is_ended(c));
}

struct wire_any
rig_connect_packet(const struct rig_client *c, const char *client_id)
{
    return (struct wire_any){
        .type = WIRE_CONNECT,
        .as.connect = {.version = c->version,
                       .clean_start = true,
                       .client_id = span_of_text(client_id)},
    };
}

void
rig_subscribe_with(struct rig_client *c, const struct wire_subscription *w, uint32_t identifier,
                   uint8_t reason_code)
{
    struct wire_any packet = {
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = PACKET_IDENTIFIER, .count = 1, .subscriptions = w},
    };

    if (identifier != 0) {
        packet.as.subscribe.properties.subscription_identifier = identifier;
        wire_properties_set(&packet.as.subscribe.properties, WIRE_SUBSCRIPTION_IDENTIFIER);
    }
    rig_send(c, &packet);
    rig_expect(c, WIRE_SUBACK, &packet);
    assert_int_equal(packet.as.suback.packet_id, PACKET_IDENTIFIER); /* [MQTT-3.8.4-2] */
    assert_int_equal(packet.as.suback.reason_codes.len, 1);
    assert_int_equal(packet.as.suback.reason_codes.data[0], reason_code);
}

void
rig_subscribe(struct rig_client *c, const char *filter, uint8_t qos)
{
    const struct wire_subscription w = {.filter = span_of_text(filter), .qos = qos};

    rig_subscribe_with(c, &w, 0, qos);
}

struct wire_any
rig_publish_packet(const char *topic, const char *payload, uint8_t qos, uint16_t packet_id)
{
    return (struct wire_any){
        .type = WIRE_PUBLISH,
        .as.publish = {.qos = qos,
                       .packet_id = packet_id,
                       .topic = span_of_text(topic),
                       .payload = span_of_text(payload)},
    };
}

void
rig_publish(struct rig_client *c, const char *topic, const char *payload)
{
    const struct wire_any packet = rig_publish_packet(topic, payload, 0, 0);

    rig_send(c, &packet);
}

void
rig_publish_qos(struct rig_client *c, const char *topic, const char *payload, uint8_t qos,
                uint16_t packet_id)
{
    const struct wire_any packet = rig_publish_packet(topic, payload, qos, packet_id);

    rig_send(c, &packet);
}

void
rig_disconnect(struct rig_client *c, uint8_t reason_code)
{
    const struct wire_any packet = {.type = WIRE_DISCONNECT,
                                    .as.disconnect = {.reason_code = reason_code}};

    rig_send(c, &packet);
}

struct wire_connect
rig_lasting(const char *client_id, uint32_t expiry_s)
{
    struct wire_connect how = {.version = WIRE_V5, .client_id = span_of_text(client_id)};

    how.properties.session_expiry_interval = expiry_s;
    wire_properties_set(&how.properties, WIRE_SESSION_EXPIRY_INTERVAL);
    return how;
}

void
rig_ack(struct rig_client *c, enum wire_type type, uint16_t packet_id)
{
    const struct wire_any packet = {.type = type, .as.ack = {.packet_id = packet_id}};

    rig_send(c, &packet);
}
