#include "broker/core/message.h"

#include "base/compiler.h"
#include "base/hash.h"
#include "wire/packet.h"
#include "wire/writer.h"

#include <assert.h>

/* Properties that end here: of one hop, or of the CONNECT that a will came with. */
#define NOT_FORWARDED                                                                              \
    (UINT64_C(1) << WIRE_TOPIC_ALIAS | UINT64_C(1) << WIRE_SUBSCRIPTION_IDENTIFIER |               \
     UINT64_C(1) << WIRE_WILL_DELAY_INTERVAL)

/* What stays of a block, without its length. */
static void
write_kept(struct wire_writer *w, struct span block)
{
    struct wire_property_iterator it = wire_property_iterate(block);
    struct wire_property property;

    while (wire_property_next(&it, &property)) {
        if (((NOT_FORWARDED >> property.id) & 1U) == 0) {
            wire_writer_bytes(w, property.bytes);
        }
    }
}

/* Property Length and properties; in the same order as they came [MQTT-3.3.2-18]. */
static void
write_properties(struct wire_writer *w, const struct wire_properties *p)
{
    struct wire_writer kept = wire_writer_measure();

    if ((p->present & NOT_FORWARDED) == 0) {
        wire_properties_encode(w, p);
    } else if (p->block.data == NULL) {
        struct wire_properties fields = *p;

        fields.present &= ~NOT_FORWARDED;
        wire_properties_encode(w, &fields);
    } else {
        write_kept(&kept, p->block);
        wire_writer_length(w, kept.len);
        write_kept(w, p->block);
    }
}

/* All behind the fixed header. */
static void
write_body(struct wire_writer *w, const struct wire_publish *p)
{
    wire_writer_string(w, p->topic);
    write_properties(w, &p->properties);
    wire_writer_bytes(w, p->payload);
}

/* 0: there is none. */
static uint32_t
find_expiry(const struct message *m)
{
    struct wire_property_iterator it = wire_property_iterate(message_properties(m));
    struct wire_property property;

    while (wire_property_next(&it, &property)) {
        if (property.id == WIRE_MESSAGE_EXPIRY_INTERVAL) {
            return (uint32_t)(property.bytes.data + 1 - m->packet);
        }
    }
    return 0;
}

/* Notes where things are in the packet, which is complete. */
static void
locate(struct message *m, const struct wire_publish *p)
{
    struct span from_length;
    struct wire_reader r;

    m->topic_bytes = (uint16_t)p->topic.len;
    m->payload_offset = m->packet_bytes - (uint32_t)p->payload.len;
    from_length = span_of(m->packet + m->topic_offset + 2 + m->topic_bytes,
                          m->payload_offset - m->topic_offset - 2 - m->topic_bytes);
    r = wire_reader_init(from_length);
    m->properties_bytes = wire_reader_varint(&r);
    m->properties_offset = m->payload_offset - m->properties_bytes;
    assert(wire_reader_left(&r) == m->properties_bytes);
    if (wire_properties_has(&p->properties, WIRE_MESSAGE_EXPIRY_INTERVAL)) {
        m->expiry_offset = find_expiry(m);
        m->expiry_s = p->properties.message_expiry_interval;
        m->life_ms = (uint64_t)m->expiry_s * 1000;
    }
}

struct message *
message_new(const struct wilco_alloc *a, const struct wire_publish *p, uint64_t publisher,
            uint64_t now_ms)
{
    struct wire_writer body = wire_writer_measure();
    struct wire_writer header = wire_writer_measure();
    struct wire_writer w;
    struct message *m;

    write_body(&body, p);
    wire_header_encode(&header, WIRE_PUBLISH, 0, body.len);
    if (body.status != WILCO_OK || header.status != WILCO_OK) {
        return NULL;
    }
    m = mem_alloc(a, sizeof(*m) + header.len + body.len);
    if (m == NULL) {
        return NULL;
    }
    *m = (struct message){
        .packet_bytes = (uint32_t)(header.len + body.len),
        .topic_offset = (uint32_t)header.len,
        .received_ms = now_ms,
        .received_us = now_ms * 1000,
        .life_ms = UINT64_MAX,
        .publisher = publisher,
        .alloc = a,
        .qos = p->qos,
        .retain = p->retain,
        .in_exchange = wire_properties_has(&p->properties, WIRE_RESPONSE_TOPIC) ||
                       wire_properties_has(&p->properties, WIRE_CORRELATION_DATA),
    };
    atomic_init(&m->references, 1);
    w = wire_writer_init(m->packet, m->packet_bytes);
    wire_header_encode(&w, WIRE_PUBLISH, 0, body.len);
    write_body(&w, p);
    locate(m, p);
    return m;
}

/* Where a value that `p` borrows has gone: the block of properties is copied as it is, unless some
 * of it stays behind, or was not there. */
static uint32_t
search(const struct message *m, enum wire_property_id id)
{
    struct wire_property_iterator it = wire_property_iterate(message_properties(m));
    struct wire_property property;

    while (wire_property_next(&it, &property)) {
        if (property.id == id) {
            return (uint32_t)(property.value.data - m->packet);
        }
    }
    return 0;
}

static inline uint32_t
offset_of(const struct message *m, const struct wire_properties *v, enum wire_property_id id,
          struct span value)
{
    bool is_copied = v->block.data != NULL && (v->present & NOT_FORWARDED) == 0;

    return WILCO_LIKELY(is_copied) ? m->properties_offset + (uint32_t)(value.data - v->block.data)
                                   : search(m, id);
}

void
message_ask(struct message *m, const struct wire_publish *p, const struct request_terms *terms,
            uint64_t hash_seed)
{
    const struct wire_properties *v = &p->properties;
    struct message_request *r = &m->request;

    if (!wire_properties_has(v, WIRE_RESPONSE_TOPIC)) {
        return;
    }
    r->response_topic_bytes = (uint16_t)v->response_topic.len;
    r->response_topic_offset = offset_of(m, v, WIRE_RESPONSE_TOPIC, v->response_topic);
    if (v->correlation_data.len > 0) {
        r->correlation_bytes = (uint16_t)v->correlation_data.len;
        r->correlation_offset = offset_of(m, v, WIRE_CORRELATION_DATA, v->correlation_data);
    }
    r->more = terms->more;
    r->is_idempotent = terms->is_idempotent;
    r->fails_if_offline = terms->fails_if_offline;
    r->partition = terms->partition.len == 0 ? 0 : hash_bytes(terms->partition, hash_seed) | 1;
    if (terms->ttl_ms < m->life_ms) {
        m->life_ms = terms->ttl_ms;
    }
}

struct message *
message_ref(struct message *m)
{
    (void)atomic_fetch_add_explicit(&m->references, 1, memory_order_relaxed);
    return m;
}

void
message_unref(struct message *m)
{
    if (m != NULL && atomic_fetch_sub_explicit(&m->references, 1, memory_order_acq_rel) == 1) {
        mem_free(m->alloc, m);
    }
}

struct span
message_topic(const struct message *m)
{
    return span_of(m->packet + m->topic_offset + 2, m->topic_bytes);
}

struct span
message_properties(const struct message *m)
{
    return span_of(m->packet + m->properties_offset, m->properties_bytes);
}

struct span
message_payload(const struct message *m)
{
    return span_of(m->packet + m->payload_offset, m->packet_bytes - m->payload_offset);
}

struct span
message_response_topic(const struct message *m)
{
    return span_of(m->packet + m->request.response_topic_offset, m->request.response_topic_bytes);
}

struct span
message_correlation(const struct message *m)
{
    return span_of(m->packet + m->request.correlation_offset, m->request.correlation_bytes);
}

static uint64_t
age_ms(const struct message *m, uint64_t now_ms)
{
    return now_ms > m->received_ms ? now_ms - m->received_ms : 0;
}

bool
message_is_expired(const struct message *m, uint64_t now_ms)
{
    return m->life_ms != UINT64_MAX && age_ms(m, now_ms) >= m->life_ms;
}

uint32_t
message_expiry_left_s(const struct message *m, uint64_t now_ms)
{
    uint64_t age = age_ms(m, now_ms);
    uint64_t life = (uint64_t)m->expiry_s * 1000;

    return life > age ? (uint32_t)((life - age + 999) / 1000) : 0;
}
