/* A message holds the QoS 0 packet of MQTT 5.0 ready for the wire. Where that is what the client
 * gets, but for a packet identifier, it is copied in one or two pieces. In all other cases the head
 * of the packet is composed: a new fixed header, the topic or its alias, the packet identifier, the
 * Property Length, what is particular to this client (alias, Subscription Identifiers), the
 * message's own properties as they are; and the payload is copied, or if it is large referenced.
 * The one thing changed inside what is copied is the Message Expiry Interval. */
#include "broker/core/forward.h"

#include "base/compiler.h"
#include "wire/writer.h"

#include <assert.h>

#define RETAIN_FLAG 0x01U
#define DUP_FLAG    0x08U
/* What a packet identifier can make a packet longer by, a longer Remaining Length included. */
#define ID_BYTES 3U

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

/* The hot path: one piece of output, the packet as it is, or with a packet identifier behind the
 * topic. */
static enum wilco_status
forward_small(struct conn *c, const struct message *m, uint8_t first, uint16_t packet_id)
{
    uint32_t topic_end = m->topic_offset + 2 + m->topic_bytes;
    size_t bytes = m->packet_bytes;
    uint8_t *at = output_reserve(&c->output, &c->shard->output_pool, bytes + ID_BYTES);

    if (at == NULL) {
        return WILCO_ENOMEM;
    }
    if (packet_id == 0) {
        memcpy(at, m->packet, bytes);
    } else {
        struct wire_writer w = wire_writer_init(at, bytes + ID_BYTES);

        wire_writer_u8(&w, first);
        wire_writer_varint(&w, m->packet_bytes - m->topic_offset + 2);
        wire_writer_bytes(&w, span_of(m->packet + m->topic_offset, topic_end - m->topic_offset));
        wire_writer_u16(&w, packet_id);
        wire_writer_bytes(&w, span_of(m->packet + topic_end, m->packet_bytes - topic_end));
        bytes = w.len;
    }
    at[0] = first;
    if (m->expiry_offset != 0) { /* as far from the end as in the message */
        put_u32(at + bytes - m->packet_bytes + m->expiry_offset,
                message_expiry_left_s(m, c->shard->now_ms));
    }
    output_commit(&c->output, bytes);
    return WILCO_OK;
}

/* What a composed packet is made of. */
struct shape {
    uint32_t topic_bytes; /* without the two bytes of length; 0 when an alias stands for it */
    uint32_t own_bytes;   /* properties that only this client gets */
    uint32_t remaining;   /* Remaining Length */
    uint32_t head_bytes;  /* all in front of the payload */
    uint16_t alias;       /* 0: none */
    uint16_t packet_id;   /* 0: QoS 0 */
    uint8_t first;        /* byte of the packet */
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
    uint32_t payload_bytes = m->packet_bytes - m->payload_offset;

    s->own_bytes = identifiers_bytes(t) + (s->alias == 0 ? 0 : 3);
    s->remaining = 2 + s->topic_bytes + (s->packet_id == 0 ? 0 : 2) + payload_bytes;
    if (c->version == WIRE_V5) {
        uint32_t properties = s->own_bytes + m->properties_bytes;

        s->remaining += properties + (uint32_t)wire_varint_size(properties);
    }
    s->head_bytes = 1 + (uint32_t)wire_varint_size(s->remaining) + s->remaining - payload_bytes;
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

static void
write_properties(struct wire_writer *w, const struct conn *c, const struct message *m,
                 const struct shape *s, const struct delivery_terms *t)
{
    size_t at = 0;

    wire_writer_varint(w, s->own_bytes + m->properties_bytes);
    if (s->alias != 0) {
        wire_writer_u8(w, WIRE_TOPIC_ALIAS);
        wire_writer_u16(w, s->alias);
    }
    for (uint16_t i = 0; i < t->identifier_count; i++) {
        wire_writer_u8(w, WIRE_SUBSCRIPTION_IDENTIFIER);
        wire_writer_varint(w, t->identifiers[i]);
    }
    at = w->len;
    wire_writer_bytes(w, message_properties(m));
    if (m->expiry_offset != 0) {
        put_u32(w->data + at + m->expiry_offset - m->properties_offset,
                message_expiry_left_s(m, c->shard->now_ms));
    }
}

/* All in front of the payload, for which `w` has room. */
static void
write_head(struct wire_writer *w, const struct conn *c, const struct message *m,
           const struct shape *s, const struct delivery_terms *t)
{
    wire_writer_u8(w, s->first);
    wire_writer_varint(w, s->remaining);
    wire_writer_string(w, span_first(message_topic(m), s->topic_bytes));
    if (s->packet_id != 0) {
        wire_writer_u16(w, s->packet_id);
    }
    if (c->version == WIRE_V5) {
        write_properties(w, c, m, s, t);
    }
    assert(w->status == WILCO_OK && w->len == s->head_bytes);
}

/* One too large for a piece of output is written elsewhere first. */
static enum wilco_status
put_large_head(struct conn *c, const struct message *m, const struct shape *s,
               const struct delivery_terms *t)
{
    const struct wilco_alloc *a = c->shard->broker->alloc;
    uint8_t *head = mem_alloc(a, s->head_bytes);
    enum wilco_status status = WILCO_ENOMEM;

    if (head != NULL) {
        struct wire_writer w = wire_writer_init(head, s->head_bytes);

        write_head(&w, c, m, s, t);
        status = put(c, span_of(head, s->head_bytes));
    }
    mem_free(a, head);
    return status;
}

static enum wilco_status
put_head(struct conn *c, const struct message *m, const struct shape *s,
         const struct delivery_terms *t)
{
    uint8_t *at = NULL;
    struct wire_writer w;

    if (s->head_bytes > OUTPUT_CHUNK_BYTES) {
        return put_large_head(c, m, s, t);
    }
    at = output_reserve(&c->output, &c->shard->output_pool, s->head_bytes);
    if (at == NULL) {
        return WILCO_ENOMEM;
    }
    w = wire_writer_init(at, s->head_bytes);
    write_head(&w, c, m, s, t);
    output_commit(&c->output, s->head_bytes);
    return WILCO_OK;
}

static enum wilco_status
forward_composed(struct conn *c, struct message *m, const struct delivery_terms *t,
                 uint16_t packet_id, uint8_t first)
{
    struct shape s = {.topic_bytes = m->topic_bytes, .packet_id = packet_id, .first = first};
    enum wilco_status status = WILCO_OK;

    measure(&s, c, m, t);
    choose_alias(&s, c, m);
    if (s.alias != 0) {
        measure(&s, c, m, t);
    }
    if (s.remaining > WIRE_VARINT_MAX || shape_packet_bytes(&s) > c->packet_bytes_max) {
        return WILCO_ELIMIT;
    }
    status = put_head(c, m, &s, t);
    return status == WILCO_OK ? put_payload(c, m) : status;
}

/* Whether the client gets the properties as they are, and no alias. */
static bool
is_plain(const struct conn *c, const struct delivery_terms *t)
{
    return c->version == WIRE_V5 && t->identifier_count == 0 && c->topic_alias_maximum == 0;
}

enum wilco_status
forward_publish(struct conn *c, struct message *m, const struct delivery_terms *t,
                uint16_t packet_id, bool dup)
{
    uint8_t first = first_byte(t, dup);
    enum wilco_status status = WILCO_OK;

    if (WILCO_LIKELY(m->packet_bytes < OUTPUT_REFERENCE_BYTES &&
                     m->packet_bytes + ID_BYTES <= c->packet_bytes_max && is_plain(c, t))) {
        status = forward_small(c, m, first, packet_id);
    } else {
        status = forward_composed(c, m, t, packet_id, first);
    }
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
