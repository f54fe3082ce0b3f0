#include "broker/core/reply.h"

#include "broker/core/explain.h"
#include "broker/core/session.h"
#include "wire/ping.h"

#include <inttypes.h>
#include <stdio.h>

#define ACK_BYTES_MAX 8U
#define COUNT_BYTES   11U

/* For the packets too large for one piece of output: SUBACK for tens of thousands of filters. */
static void
reply_large(struct conn *c, const struct wire_any *packet, size_t bytes)
{
    const struct wilco_alloc *a = c->shard->broker->alloc;
    uint8_t *copy = mem_alloc(a, bytes);
    struct wire_writer w = wire_writer_init(copy, copy == NULL ? 0 : bytes);

    wire_any_encode(&w, packet, (enum wire_version)c->version);
    if (copy == NULL ||
        output_copy(&c->output, &c->shard->output_pool, span_of(copy, bytes)) != WILCO_OK) {
        conn_break(c);
    }
    mem_free(a, copy);
}

static void
reply_small(struct conn *c, const struct wire_any *packet, size_t bytes)
{
    uint8_t *at = output_reserve(&c->output, &c->shard->output_pool, bytes);
    struct wire_writer w = wire_writer_init(at, at == NULL ? 0 : bytes);

    if (at == NULL) {
        conn_break(c);
        return;
    }
    wire_any_encode(&w, packet, (enum wire_version)c->version);
    output_commit(&c->output, bytes);
}

bool
reply_packet(struct conn *c, const struct wire_any *packet)
{
    struct wire_writer measure = wire_writer_measure();
    size_t bytes = 0;

    if (c->state == CONN_ENDING) {
        return true;
    }
    wire_any_encode(&measure, packet, (enum wire_version)c->version);
    if (wire_writer_finish(&measure, &bytes) == WILCO_ELIMIT || bytes > c->packet_bytes_max) {
        return false;
    }
    c->shard->stats.sent[packet->type]++;
    if (bytes <= OUTPUT_CHUNK_BYTES) {
        reply_small(c, packet, bytes);
    } else {
        reply_large(c, packet, bytes);
    }
    conn_touch(c);
    return true;
}

/* CONNACK and DISCONNECT may always have one. */
static bool
may_say_why(const struct conn *c, enum wire_type type)
{
    return c->version == WIRE_V5 &&
           (c->wants_reasons || type == WIRE_CONNACK || type == WIRE_DISCONNECT);
}

bool
reply_with_reason(struct conn *c, const struct wire_any *packet, struct wire_properties *properties,
                  const char *why)
{
    if (why == NULL || !may_say_why(c, packet->type)) {
        return reply_packet(c, packet);
    }
    properties->reason_string = span_of_text(why);
    wire_properties_set(properties, WIRE_REASON_STRING);
    if (reply_packet(c, packet)) {
        return true;
    }
    properties->present &= ~(UINT64_C(1) << WIRE_REASON_STRING);
    return reply_packet(c, packet);
}

static bool
refuse_with_reason(struct conn *c, enum wire_type type, uint16_t packet_id, uint8_t reason_code,
                   const char *why)
{
    struct wire_any packet = {
        .type = type,
        .as.ack = {.packet_id = packet_id, .reason_code = reason_code},
    };

    return reply_with_reason(c, &packet, &packet.as.ack.properties,
                             why == NULL ? explain(type, reason_code) : why);
}

static void
reply_bare_ack(struct conn *c, enum wire_type type, uint16_t packet_id, uint8_t reason_code)
{
    struct wire_writer w = {.status = WILCO_OK};
    uint8_t *at = NULL;

    if (c->state == CONN_ENDING) {
        return;
    }
    at = output_reserve(&c->output, &c->shard->output_pool, ACK_BYTES_MAX);
    if (at == NULL) {
        conn_break(c);
        return;
    }
    w = wire_writer_init(at, ACK_BYTES_MAX);
    if (reason_code == WIRE_REASON_SUCCESS) {
        wire_ack_encode_bare(&w, type, packet_id);
    } else {
        const struct wire_ack ack = {.packet_id = packet_id, .reason_code = reason_code};

        wire_ack_encode(&w, type, &ack, (enum wire_version)c->version);
    }
    output_commit(&c->output, w.len);
    c->shard->stats.sent[type]++;
    conn_touch(c);
}

void
reply_ack_because(struct conn *c, enum wire_type type, uint16_t packet_id, uint8_t reason_code,
                  const char *why)
{
    if (wire_reason_is_error(reason_code) &&
        refuse_with_reason(c, type, packet_id, reason_code, why)) {
        return;
    }
    reply_bare_ack(c, type, packet_id, reason_code);
}

void
reply_ack_counted(struct conn *c, enum wire_type type, uint16_t packet_id, uint8_t reason_code,
                  uint32_t count)
{
    char digits[COUNT_BYTES];
    const struct wire_user_property user = {
        .name = SPAN_LITERAL("rr-count"),
        .value = span_of(digits, (size_t)snprintf(digits, sizeof(digits), "%" PRIu32, count)),
    };
    struct wire_any packet = {
        .type = type,
        .as.ack = {.packet_id = packet_id,
                   .reason_code = reason_code,
                   .properties = {.users = &user, .user_count = 1}},
    };

    wire_properties_set(&packet.as.ack.properties, WIRE_USER_PROPERTY);
    if (!c->session->wants_status || !c->wants_reasons || !reply_packet(c, &packet)) {
        reply_bare_ack(c, type, packet_id, reason_code);
    }
}

void
reply_ack(struct conn *c, enum wire_type type, uint16_t packet_id, uint8_t reason_code)
{
    reply_ack_because(c, type, packet_id, reason_code, NULL);
}

void
reply_pingresp(struct conn *c)
{
    uint8_t *at = output_reserve(&c->output, &c->shard->output_pool, 2);
    struct wire_writer w = wire_writer_init(at, at == NULL ? 0 : 2);

    if (at == NULL) {
        conn_break(c);
        return;
    }
    wire_ping_encode(&w, WIRE_PINGRESP);
    output_commit(&c->output, w.len);
    c->shard->stats.sent[WIRE_PINGRESP]++;
    conn_touch(c);
}
