#include "broker/core/message.h"

#include "base/compiler.h"
#include "base/hash.h"
#include "broker/core/session_id.h"
#include "wire/packet.h"
#include "wire/writer.h"

#include <assert.h>

/* Properties that end here: of one hop, or of the CONNECT that a will came with. */
#define NOT_FORWARDED                                                                              \
    (UINT64_C(1) << WIRE_TOPIC_ALIAS | UINT64_C(1) << WIRE_SUBSCRIPTION_IDENTIFIER |               \
     UINT64_C(1) << WIRE_WILL_DELAY_INTERVAL)

/* What stands before a value. */
#define IDENTIFIER_BYTES 1U
#define LENGTH_BYTES     2U /* of a string or binary data */

/* What only requests and responses have. */
#define EXCHANGE (UINT64_C(1) << WIRE_RESPONSE_TOPIC | UINT64_C(1) << WIRE_CORRELATION_DATA)

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

/* Where the first property with this identifier begins in the packet; 0: there is none. */
static uint32_t
search(const struct message *m, enum wire_property_id id)
{
    struct wire_property_iterator it = wire_property_iterate(message_properties(m));
    struct wire_property property;

    while (wire_property_next(&it, &property)) {
        if (property.id == id) {
            return (uint32_t)(property.bytes.data - m->packet);
        }
    }
    return 0;
}

/* Whether the properties are forwarded just as they came. */
static bool
is_tail_kept(const struct wire_publish *p)
{
    return p->tail.data != NULL && (p->properties.present & NOT_FORWARDED) == 0;
}

/* How long the packet is behind its fixed header; 0: no packet can carry it. */
static size_t
measure_body(const struct wire_publish *p)
{
    struct wire_writer body = wire_writer_measure();
    size_t len = 2 + p->topic.len + p->tail.len;

    if (WILCO_UNLIKELY(!is_tail_kept(p))) {
        write_body(&body, p);
        len = body.status == WILCO_OK ? body.len : 0;
    }
    return len > WIRE_VARINT_MAX ? 0 : len;
}

/* The packet's body out of two pieces of the one that came. */
static void
copy_body(struct message *m, const struct wire_publish *p)
{
    uint8_t *at = m->packet + m->topic_offset;

    at[0] = (uint8_t)(p->topic.len >> 8);
    at[1] = (uint8_t)p->topic.len;
    memcpy(at + 2, p->topic.data, p->topic.len);
    memcpy(at + 2 + p->topic.len, p->tail.data, p->tail.len);
    m->topic_bytes = (uint16_t)p->topic.len;
    m->payload_offset = m->packet_bytes - (uint32_t)p->payload.len;
    m->properties_bytes = (uint32_t)p->properties.block.len;
    m->properties_offset = m->payload_offset - m->properties_bytes;
}

/* The body written anew, of what is forwarded. */
static void
compose_body(struct message *m, const struct wire_publish *p)
{
    struct wire_writer w =
        wire_writer_init(m->packet + m->topic_offset, m->packet_bytes - m->topic_offset);
    struct wire_reader r;

    write_body(&w, p);
    m->topic_bytes = (uint16_t)p->topic.len;
    m->payload_offset = m->packet_bytes - (uint32_t)p->payload.len;
    r = wire_reader_init(span_of(m->packet + m->topic_offset + 2 + m->topic_bytes,
                                 m->payload_offset - m->topic_offset - 2 - m->topic_bytes));
    m->properties_bytes = wire_reader_varint(&r);
    m->properties_offset = m->payload_offset - m->properties_bytes;
    assert(wire_reader_left(&r) == m->properties_bytes);
}

static void
set_expiry(struct message *m, const struct wire_publish *p)
{
    m->expiry_offset = search(m, WIRE_MESSAGE_EXPIRY_INTERVAL) + IDENTIFIER_BYTES;
    m->expiry_s = p->properties.message_expiry_interval;
    m->life_ms = (uint64_t)m->expiry_s * 1000;
}

/* Everything but the packet; field by field, as one assignment would write most of it twice. */
static void
init(struct message *m, const struct wire_publish *p)
{
    atomic_init(&m->references, 1);
    m->expiry_offset = 0;
    m->expiry_s = 0;
    m->life_ms = UINT64_MAX;
    m->responds_to = SESSION_ID_NONE;
    m->service = 0;
    m->qos = p->qos;
    m->retain = p->retain;
    m->in_exchange = (p->properties.present & EXCHANGE) != 0;
    m->is_part = false;
    m->is_of_fan = false;
    m->is_shared = false;
    m->author_client_id_bytes = 0;
    m->author_user_bytes = 0;
    m->request = (struct message_request){.more = 0};
}

/* What is retained outlives its publisher's session, and is delivered for as long as he may publish
 * it. */
static void
sign(struct message *m, const struct access_subject *author)
{
    uint8_t *at = m->packet + m->packet_bytes;

    m->author_client_id_bytes = (uint16_t)author->client_id.len;
    m->author_user_bytes = (uint16_t)author->user.len;
    memcpy(at, author->client_id.data, author->client_id.len);
    if (author->user.len > 0) {
        memcpy(at + author->client_id.len, author->user.data, author->user.len);
    }
}

struct message *
message_new(const struct wilco_alloc *a, const struct wire_publish *p, uint64_t publisher,
            uint64_t now_ms)
{
    return message_new_by(a, p, publisher, now_ms, NULL);
}

struct message *
message_new_by(const struct wilco_alloc *a, const struct wire_publish *p, uint64_t publisher,
               uint64_t now_ms, const struct access_subject *author)
{
    bool is_signed = p->retain && author != NULL;
    size_t author_bytes = 0;
    size_t body_bytes = measure_body(p);
    size_t header_bytes = 1 + wire_varint_size((uint32_t)body_bytes);
    struct message *m = NULL;
    struct wire_writer w;

    if (author != NULL && is_signed) {
        author_bytes = author->client_id.len + author->user.len;
    }
    if (body_bytes > 0) {
        m = mem_alloc(a, sizeof(*m) + header_bytes + body_bytes + author_bytes);
    }
    if (m == NULL) {
        return NULL;
    }
    m->alloc = a;
    m->packet_bytes = (uint32_t)(header_bytes + body_bytes);
    m->topic_offset = (uint32_t)header_bytes;
    m->publisher = publisher;
    m->received_ms = now_ms;
    m->received_us = now_ms * 1000;
    init(m, p);
    w = wire_writer_init(m->packet, header_bytes);
    wire_header_encode(&w, WIRE_PUBLISH, 0, body_bytes);
    if (WILCO_LIKELY(is_tail_kept(p))) {
        copy_body(m, p);
    } else {
        compose_body(m, p);
    }
    if (wire_properties_has(&p->properties, WIRE_MESSAGE_EXPIRY_INTERVAL)) {
        set_expiry(m, p);
    }
    if (WILCO_UNLIKELY(is_signed)) {
        sign(m, author);
    }
    return m;
}

/* Where a string or binary value that `p` borrows has gone: the block of properties is copied as it
 * is, unless some of it stays behind, or was not there. */
static inline uint32_t
offset_of(const struct message *m, const struct wire_properties *v, enum wire_property_id id,
          struct span value)
{
    bool is_copied = v->block.data != NULL && (v->present & NOT_FORWARDED) == 0;

    return WILCO_LIKELY(is_copied) ? m->properties_offset + (uint32_t)(value.data - v->block.data)
                                   : search(m, id) + IDENTIFIER_BYTES + LENGTH_BYTES;
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
    r->fails_if_left = terms->fails_if_left;
    r->ends_with_asker = terms->ends_with_asker;
    r->is_fan = terms->is_fan;
    r->is_head = terms->is_head;
    r->op = (uint8_t)terms->op;
    r->partition = terms->partition.len == 0 ? 0 : hash_bytes(terms->partition, hash_seed) | 1;
    if (terms->ttl_ms < m->life_ms) {
        m->life_ms = terms->ttl_ms;
    }
}

struct message *
message_ref(struct message *m)
{
    if (WILCO_UNLIKELY(m->is_shared)) {
        (void)atomic_fetch_add_explicit(&m->references, 1, memory_order_relaxed);
    } else {
        unsigned before = atomic_load_explicit(&m->references, memory_order_relaxed);

        atomic_store_explicit(&m->references, before + 1, memory_order_relaxed);
    }
    return m;
}

struct message *
message_share(struct message *m)
{
    if (!m->is_shared) { /* who sees it shared may be another shard, and must not write */
        m->is_shared = true;
    }
    return m;
}

/* The references that there were. */
static unsigned
take_reference(struct message *m)
{
    unsigned before = 0;

    if (WILCO_UNLIKELY(m->is_shared)) {
        return atomic_fetch_sub_explicit(&m->references, 1, memory_order_acq_rel);
    }
    before = atomic_load_explicit(&m->references, memory_order_relaxed);
    atomic_store_explicit(&m->references, before - 1, memory_order_relaxed);
    return before;
}

void
message_unref(struct message *m)
{
    if (m != NULL && take_reference(m) == 1) {
        mem_free(m->alloc, m);
    }
}

struct span
message_topic(const struct message *m)
{
    return span_of(m->packet + m->topic_offset + 2, m->topic_bytes);
}

struct access_subject
message_author(const struct message *m)
{
    const uint8_t *at = m->packet + m->packet_bytes;

    return (struct access_subject){
        .client_id = span_of(at, m->author_client_id_bytes),
        .user = span_of(at + m->author_client_id_bytes, m->author_user_bytes)};
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
