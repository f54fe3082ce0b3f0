/* A message holds the QoS 0 packet of MQTT 5.0 ready for the wire. Where that is what the client
 * gets, it is copied whole, and a large payload is referenced. In all other cases the packet is
 * composed: a new fixed header, the topic or its alias, the packet identifier, the Property Length,
 * what is particular to this client (alias, Subscription Identifiers), the message's own properties
 * as they are, the payload. The one thing changed inside what is copied is the Message Expiry
 * Interval. */
#include "broker/core/forward.h"

#include "wire/writer.h"

#define RETAIN_FLAG      0x01U
#define DUP_FLAG         0x08U
#define FIXED_HEADER_MAX 5U

static uint8_t
first_byte(const struct delivery_terms *t, bool dup)
{
    return (uint8_t)((unsigned)WIRE_PUBLISH << 4 | (dup ? DUP_FLAG : 0U) | (unsigned)t->qos << 1 |
                     (t->retain ? RETAIN_FLAG : 0U));
}

static void
put_u32(uint8_t out[4], uint32_t value)
{
    out[0] = (uint8_t)(value >> 24);
    out[1] = (uint8_t)(value >> 16);
    out[2] = (uint8_t)(value >> 8);
    out[3] = (uint8_t)value;
}

static enum wilco_status
put(struct conn *c, struct span bytes)
{
    return output_copy(&c->output, &c->shard->output_pool, bytes);
}

static void
release_message(void *owner)
{
    message_unref(owner);
}

static enum wilco_status
put_payload(struct conn *c, struct message *m)
{
    struct span payload = message_payload(m);
    enum wilco_status status = WILCO_OK;

    if (payload.len < OUTPUT_REFERENCE_BYTES) {
        return put(c, payload);
    }
    status = output_reference(&c->output, &c->shard->output_pool, payload, release_message,
                              message_ref(m));
    if (status != WILCO_OK) {
        message_unref(m);
    }
    return status;
}

/* Copies bytes [from, to) of the message's packet with the expiry that is left. */
static enum wilco_status
put_patched(struct conn *c, const struct message *m, uint32_t from, uint32_t to)
{
    uint8_t expiry[4] = {0};
    enum wilco_status status = WILCO_OK;

    if (m->expiry_offset < from || m->expiry_offset >= to) {
        return put(c, span_of(m->packet + from, to - from));
    }
    put_u32(expiry, message_expiry_left_s(m, c->shard->now_ms));
    status = put(c, span_of(m->packet + from, m->expiry_offset - from));
    if (status == WILCO_OK) {
        status = put(c, span_of(expiry, sizeof(expiry)));
    }
    if (status == WILCO_OK) {
        uint32_t rest = m->expiry_offset + (uint32_t)sizeof(expiry);

        status = put(c, span_of(m->packet + rest, to - rest));
    }
    return status;
}

/* The hot path: one piece of output, one copy. */
static enum wilco_status
forward_small(struct conn *c, const struct message *m, uint8_t first)
{
    uint8_t *at = output_reserve(&c->output, &c->shard->output_pool, m->packet_bytes);

    if (at == NULL) {
        return WILCO_ENOMEM;
    }
    memcpy(at, m->packet, m->packet_bytes);
    at[0] = first;
    if (m->expiry_offset != 0) {
        put_u32(at + m->expiry_offset, message_expiry_left_s(m, c->shard->now_ms));
    }
    output_commit(&c->output, m->packet_bytes);
    return WILCO_OK;
}

static enum wilco_status
forward_as_is(struct conn *c, struct message *m, uint8_t first)
{
    enum wilco_status status = WILCO_OK;

    if (m->packet_bytes > c->packet_bytes_max) {
        return WILCO_ELIMIT;
    }
    if (m->packet_bytes < OUTPUT_REFERENCE_BYTES) {
        return forward_small(c, m, first);
    }
    status = put(c, span_of(&first, 1));
    if (status == WILCO_OK) {
        status = put_patched(c, m, 1, m->payload_offset);
    }
    return status == WILCO_OK ? put_payload(c, m) : status;
}

/* What a composed packet is made of. */
struct shape {
    uint32_t topic_bytes; /* without the two bytes of length; 0 when an alias stands for it */
    uint32_t own_bytes;   /* properties that only this client gets */
    uint32_t remaining;   /* Remaining Length */
    uint16_t alias;       /* 0: none */
};

static uint32_t
identifiers_bytes(const struct delivery_terms *t)
{
    uint32_t bytes = 0;

    for (uint16_t i = 0; i < t->identifier_count; i++) {
        bytes += 1 + (uint32_t)wire_varint_size(t->identifiers[i]);
    }
    return bytes;
}

static void
measure(struct shape *s, const struct conn *c, const struct message *m,
        const struct delivery_terms *t)
{
    s->own_bytes = identifiers_bytes(t) + (s->alias == 0 ? 0 : 3);
    s->remaining = 2 + s->topic_bytes + (t->qos == 0 ? 0 : 2) + m->packet_bytes - m->payload_offset;
    if (c->version == WIRE_V5) {
        uint32_t properties = s->own_bytes + m->properties_bytes;

        s->remaining += properties + (uint32_t)wire_varint_size(properties);
    }
}

static size_t
shape_packet_bytes(const struct shape *s)
{
    return 1 + wire_varint_size(s->remaining) + s->remaining;
}

/* Makes the table of aliases when it is first needed. */
static struct alias_out *
alias_table(struct conn *c)
{
    const struct wilco_alloc *a = c->shard->broker->alloc;

    if (c->alias_out == NULL && c->topic_alias_maximum > 0) {
        c->alias_out = mem_alloc(a, sizeof(*c->alias_out));
        if (c->alias_out != NULL) {
            alias_out_init(c->alias_out, a, c->topic_alias_maximum);
        }
    }
    return c->alias_out;
}

/* An alias makes a packet three bytes longer the first time, so only one that fits even so gets it.
 */
static void
choose_alias(struct shape *s, struct conn *c, const struct message *m)
{
    const struct settings *limits = &c->shard->broker->settings;
    struct alias_out *table = alias_table(c);
    bool is_new = false;

    if (table == NULL || shape_packet_bytes(s) + 8 > c->packet_bytes_max ||
        message_topic(m).len > limits->topic_alias_bytes_max / table->maximum) {
        return;
    }
    s->alias = alias_out_assign(table, message_topic(m), &is_new);
    if (s->alias != 0 && !is_new) {
        s->topic_bytes = 0;
    }
}

static enum wilco_status
put_own_properties(struct conn *c, const struct shape *s, const struct delivery_terms *t)
{
    uint8_t bytes[8];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    enum wilco_status status = WILCO_OK;

    if (s->alias != 0) {
        wire_writer_u8(&w, WIRE_TOPIC_ALIAS);
        wire_writer_u16(&w, s->alias);
        status = put(c, span_of(bytes, w.len));
    }
    for (uint16_t i = 0; i < t->identifier_count && status == WILCO_OK; i++) {
        w = wire_writer_init(bytes, sizeof(bytes));
        wire_writer_u8(&w, WIRE_SUBSCRIPTION_IDENTIFIER);
        wire_writer_varint(&w, t->identifiers[i]);
        status = put(c, span_of(bytes, w.len));
    }
    return status;
}

static enum wilco_status
put_start(struct conn *c, const struct message *m, const struct shape *s, uint8_t first)
{
    uint8_t bytes[FIXED_HEADER_MAX + 2];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    enum wilco_status status = WILCO_OK;

    wire_writer_u8(&w, first);
    wire_writer_varint(&w, s->remaining);
    wire_writer_u16(&w, (uint16_t)s->topic_bytes);
    status = put(c, span_of(bytes, w.len));
    return status == WILCO_OK ? put(c, span_first(message_topic(m), s->topic_bytes)) : status;
}

static enum wilco_status
put_middle(struct conn *c, const struct message *m, const struct shape *s,
           const struct delivery_terms *t, uint16_t packet_id)
{
    uint8_t bytes[2 + 4];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    enum wilco_status status = WILCO_OK;

    if (t->qos > 0) {
        wire_writer_u16(&w, packet_id);
    }
    if (c->version == WIRE_V5) {
        wire_writer_varint(&w, s->own_bytes + m->properties_bytes);
    }
    status = put(c, span_of(bytes, w.len));
    if (status != WILCO_OK || c->version != WIRE_V5) {
        return status;
    }
    status = put_own_properties(c, s, t);
    return status == WILCO_OK
               ? put_patched(c, m, m->properties_offset, m->properties_offset + m->properties_bytes)
               : status;
}

static enum wilco_status
forward_composed(struct conn *c, struct message *m, const struct delivery_terms *t,
                 uint16_t packet_id, bool dup)
{
    struct shape s = {.topic_bytes = m->topic_bytes};
    enum wilco_status status = WILCO_OK;

    measure(&s, c, m, t);
    choose_alias(&s, c, m);
    if (s.alias != 0) {
        measure(&s, c, m, t);
    }
    if (s.remaining > WIRE_VARINT_MAX || shape_packet_bytes(&s) > c->packet_bytes_max) {
        return WILCO_ELIMIT;
    }
    status = put_start(c, m, &s, first_byte(t, dup));
    if (status == WILCO_OK) {
        status = put_middle(c, m, &s, t, packet_id);
    }
    return status == WILCO_OK ? put_payload(c, m) : status;
}

enum wilco_status
forward_publish(struct conn *c, struct message *m, const struct delivery_terms *t,
                uint16_t packet_id, bool dup)
{
    bool as_is = c->version == WIRE_V5 && t->qos == 0 && t->identifier_count == 0 &&
                 c->topic_alias_maximum == 0;
    enum wilco_status status =
        as_is ? forward_as_is(c, m, first_byte(t, dup)) : forward_composed(c, m, t, packet_id, dup);

    if (status == WILCO_OK) {
        struct stats *stats = &c->shard->stats;

        stats->publish_sent++;
        stats->sent[WIRE_PUBLISH]++;
        stats->publish_bytes_sent += m->packet_bytes - m->payload_offset;
        conn_touch_as(c, m->in_exchange);
    } else if (status != WILCO_ELIMIT) {
        conn_break(c); /* half a packet may have been written */
    }
    return status;
}
