/* As little of MQTT 5.0 as a peer can live with: CONNECT, SUBSCRIBE with exact filters, PUBLISH
 * with QoS 0 and 1, PINGREQ. Packets are cut, the topic is looked up in one hash table, and the
 * packet is copied as it came, but for its packet identifier. Nothing is remembered, checked or
 * sent again. */
#include "base/hash.h"
#include "base/map.h"
#include "relay.h"
#include "wire/any.h"

#include <stdlib.h>
#include <string.h>

struct topic {
    struct map_node node;
    struct guests guests[2]; /* by the QoS they get */
    size_t len;
    uint8_t name[];
};

static struct map topics = {.buckets = NULL};

static struct topic *
find(struct span name, uint64_t hash)
{
    struct map_node *n = map_first(&topics, hash);

    for (; n != NULL; n = map_next(n)) {
        struct topic *t = CONTAINER_OF(n, struct topic, node);

        if (span_equal(span_of(t->name, t->len), name)) {
            return t;
        }
    }
    return NULL;
}

static struct topic *
find_or_add(struct span name)
{
    uint64_t hash = hash_bytes(name, 0);
    struct topic *t = find(name, hash);

    if (t == NULL) {
        t = calloc(1, sizeof(*t) + name.len);
        if (topics.alloc == NULL) {
            map_init(&topics, alloc_system());
        }
        if (t == NULL || map_add(&topics, &t->node, hash) != WILCO_OK) {
            abort();
        }
        t->len = name.len;
        memcpy(t->name, name.data, name.len);
    }
    return t;
}

static void
put(struct guest *to, const struct wire_any *packet)
{
    struct wire_writer w = wire_writer_measure();

    wire_any_encode(&w, packet, WIRE_V5);
    w = wire_writer_init(relay_claim(to, w.len), w.len);
    wire_any_encode(&w, packet, WIRE_V5);
}

static enum wilco_status
subscribe(struct guest *from, struct span body)
{
    struct wire_subscribe p;
    struct wire_any ack = {.type = WIRE_SUBACK};
    struct wire_subscription s;
    uint8_t codes[256] = {0};
    enum wilco_status status = wire_subscribe_decode(&p, body, WIRE_V5);

    if (status != WILCO_OK || p.count > sizeof(codes)) {
        return WILCO_EMALFORMED;
    }
    for (size_t i = 0; wire_subscribe_next(&p.payload, &s); i++) {
        codes[i] = s.qos > 0;
        guests_add(&find_or_add(s.filter)->guests[codes[i]], from);
    }
    ack.as.suback =
        (struct wire_suback){.packet_id = p.packet_id, .reason_codes = span_of(codes, p.count)};
    put(from, &ack);
    return WILCO_OK;
}

/* The packet as it came, with a packet identifier of the receiver's. */
static void
copy_with_id(struct guest *to, struct span packet, size_t id_at)
{
    uint8_t *at = relay_claim(to, packet.len);

    to->packet_id = to->packet_id == UINT16_MAX ? 1 : (uint16_t)(to->packet_id + 1);
    memcpy(at, packet.data, packet.len);
    at[id_at] = (uint8_t)(to->packet_id >> 8);
    at[id_at + 1] = (uint8_t)(to->packet_id & 0xFF);
}

/* The packet as it came, without the packet identifier that QoS 0 does not have. */
static void
copy_without_id(struct guest *to, struct span packet, const struct wire_header *h, size_t id_at)
{
    struct wire_writer head;
    uint8_t bytes[5];
    size_t topic_len = id_at - h->header_bytes;

    head = wire_writer_init(bytes, sizeof(bytes));
    wire_header_encode(&head, WIRE_PUBLISH, 0, h->remaining - 2);
    relay_copy(to, span_of(bytes, head.len));
    relay_copy(to, span_of(packet.data + h->header_bytes, topic_len));
    relay_copy(to, span_skip(packet, id_at + 2));
}

static void
acknowledge(struct guest *from, const uint8_t *id)
{
    const uint8_t bytes[4] = {WIRE_PUBACK << 4, 2, id[0], id[1]};

    relay_copy(from, span_of(bytes, sizeof(bytes)));
}

static void
spread(const struct topic *t, struct span packet, const struct wire_header *h, size_t id_at)
{
    bool has_id = (h->flags & 0x06) != 0;

    for (size_t i = 0; i < t->guests[0].count; i++) {
        if (has_id) {
            copy_without_id(t->guests[0].list[i], packet, h, id_at);
        } else {
            relay_copy(t->guests[0].list[i], packet);
        }
    }
    for (size_t i = 0; i < t->guests[1].count; i++) {
        if (has_id) {
            copy_with_id(t->guests[1].list[i], packet, id_at);
        } else {
            relay_copy(t->guests[1].list[i], packet);
        }
    }
}

static enum wilco_status
publish(struct guest *from, struct span packet, const struct wire_header *h)
{
    struct wire_reader r = wire_reader_init(span_skip(packet, h->header_bytes));
    struct span name = wire_reader_binary(&r);
    size_t id_at = h->header_bytes + 2 + name.len;
    const struct topic *t = NULL;

    if (r.status != WILCO_OK || wire_reader_left(&r) < 3) {
        return WILCO_EMALFORMED;
    }
    if ((h->flags & 0x06) != 0) {
        acknowledge(from, packet.data + id_at);
    }
    t = find(name, hash_bytes(name, 0));
    if (t != NULL) {
        spread(t, packet, h, id_at);
    }
    return WILCO_OK;
}

static enum wilco_status
take_packet(struct guest *from, struct span packet, const struct wire_header *h)
{
    static const struct wire_any connack = {.type = WIRE_CONNACK};
    static const uint8_t pong[2] = {WIRE_PINGRESP << 4, 0};

    switch (h->type) {
    case WIRE_PUBLISH: return publish(from, packet, h);
    case WIRE_CONNECT: put(from, &connack); return WILCO_OK;
    case WIRE_SUBSCRIBE: return subscribe(from, span_skip(packet, h->header_bytes));
    case WIRE_PINGREQ: relay_copy(from, span_of(pong, sizeof(pong))); return WILCO_OK;
    case WIRE_PUBACK: return WILCO_OK;
    default: return WILCO_EPROTOCOL;
    }
}

static enum wilco_status
take(struct guest *from, struct span *in)
{
    struct wire_header h;
    struct span packet;
    enum wilco_status status = wire_header_decode(&h, *in);

    if (status != WILCO_OK) {
        return status;
    }
    if (in->len - h.header_bytes < h.remaining) {
        return WILCO_AGAIN;
    }
    packet = span_of(in->data, h.header_bytes + h.remaining);
    *in = span_skip(*in, packet.len);
    return take_packet(from, packet, &h);
}

/* Connections come and go between runs, so looking everywhere is good enough. */
static void
leave(struct guest *g)
{
    for (size_t i = 0; i < topics.bucket_count; i++) {
        for (struct map_node *n = topics.buckets[i]; n != NULL; n = n->next) {
            struct topic *t = CONTAINER_OF(n, struct topic, node);

            guests_remove(&t->guests[0], g);
            guests_remove(&t->guests[1], g);
        }
    }
}

const struct relay_protocol relay_mqtt = {.take = take, .leave = leave};
