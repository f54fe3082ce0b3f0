#include "client/outgoing.h"

#include <assert.h>

/* An identifier that every encoder accepts, until the real one is known. */
#define ID_LATER 1
#define TTL      SPAN_LITERAL("rr-ttl")

static struct outgoing *
block_new(struct outgoing_account *account, size_t len)
{
    struct outgoing *o = mem_alloc(account->alloc, sizeof(*o) + len);

    if (o != NULL) {
        *o = (struct outgoing){
            .event.kind = EVENT_PUBLISHED,
            .account = account,
            .refs = 1,
            .len = len,
        };
        account->bytes += sizeof(*o) + len;
    }
    return o;
}

/* Encodes `packet` into a new block. */
static enum wilco_status
encode(struct outgoing **out, struct outgoing_account *account, const struct wire_publish *packet,
       size_t packet_bytes_max)
{
    struct wire_writer w = wire_writer_measure();
    struct wire_header header;
    size_t len = 0;
    enum wilco_status st;

    wire_publish_encode(&w, packet, WIRE_V5);
    st = wire_writer_finish(&w, &len);
    if (st != WILCO_OK && st != WILCO_AGAIN) {
        return st;
    }
    if (len > packet_bytes_max) {
        return WILCO_ELIMIT; /* [MQTT-3.2.2-15] */
    }
    *out = block_new(account, len);
    if (*out == NULL) {
        return WILCO_ENOMEM;
    }
    w = wire_writer_init((*out)->bytes, len);
    wire_publish_encode(&w, packet, WIRE_V5);
    st = wire_header_decode(&header, span_of((*out)->bytes, len));
    assert(st == WILCO_OK && w.len == len);
    (*out)->qos = packet->qos;
    (*out)->id_offset = header.header_bytes + 2 + packet->topic.len;
    return st;
}

enum wilco_status
outgoing_new(struct outgoing **out, struct outgoing_account *account, const struct draft *d,
             size_t packet_bytes_max)
{
    struct wire_publish packet = d->packet;
    struct draft_users users;
    enum wilco_status st = draft_users_init(&users, account->alloc, d, &packet.properties);

    if (st != WILCO_OK) {
        return st;
    }
    packet.packet_id = ID_LATER;
    st = encode(out, account, &packet, packet_bytes_max);
    draft_users_fini(&users);
    return st;
}

/* The packet that was encoded, apart from its User Properties. */
static void
decode(struct wire_publish *packet, const struct outgoing *o)
{
    struct span bytes = span_of(o->bytes, o->len);
    struct wire_header header;
    enum wilco_status st = wire_header_decode(&header, bytes);

    if (st == WILCO_OK) {
        st = wire_publish_decode(packet, header.flags, span_skip(bytes, header.header_bytes),
                                 WIRE_V5);
    }
    assert(st == WILCO_OK);
}

/* Its User Properties but for `rr-ttl`, in their order, behind those that are there already. */
static void
copy_users(struct wire_user_property *users, size_t *count, struct span block)
{
    struct wire_property_iterator it = wire_property_iterate(block);
    struct wire_property property;

    while (wire_property_next(&it, &property)) {
        if (property.id == WIRE_USER_PROPERTY && !span_equal(property.name, TTL)) {
            users[*count].name = property.name;
            users[*count].value = property.value;
            (*count)++;
        }
    }
}

enum wilco_status
outgoing_again(struct outgoing **out, const struct outgoing *o, struct span response_topic,
               uint64_t remaining_ms, size_t packet_bytes_max)
{
    struct wire_publish packet;
    struct draft_digits digits;
    struct wire_user_property *users = NULL;
    size_t count = 1;
    enum wilco_status st = WILCO_ENOMEM;

    decode(&packet, o);
    users = mem_alloc(o->account->alloc, (packet.properties.user_count + 1) * sizeof(*users));
    if (users == NULL) {
        return st;
    }
    users[0].name = TTL;
    users[0].value =
        draft_digits(&digits, remaining_ms < UINT32_MAX ? (uint32_t)remaining_ms : UINT32_MAX);
    copy_users(users, &count, packet.properties.block);
    draft_set_expiry_ms(&packet.properties, remaining_ms);
    packet.properties.response_topic = response_topic;
    packet.properties.block = SPAN_EMPTY;
    packet.properties.users = users;
    packet.properties.user_count = count;
    packet.dup = false;
    packet.packet_id = ID_LATER;
    st = encode(out, o->account, &packet, packet_bytes_max);
    mem_free(o->account->alloc, users);
    if (st == WILCO_OK) {
        (*out)->is_request = o->is_request;
    }
    return st;
}

static void
set_expiry(uint8_t *at, uint64_t remaining_ms)
{
    uint64_t seconds = remaining_ms / 1000 + (remaining_ms % 1000 != 0);

    seconds = seconds < UINT32_MAX ? seconds : UINT32_MAX;
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(seconds >> (24 - 8 * i));
    }
}

/* Where the Message Expiry Interval of `properties`, which lie in `o`, has its four bytes; NULL:
 * there is none. */
static uint8_t *
expiry_of(struct outgoing *o, struct span properties)
{
    struct wire_property_iterator it = wire_property_iterate(properties);
    struct wire_property p;

    while (wire_property_next(&it, &p)) {
        if (p.id == WIRE_MESSAGE_EXPIRY_INTERVAL) {
            return o->bytes + (p.bytes.data - o->bytes) + 1;
        }
    }
    return NULL;
}

enum wilco_status
outgoing_copy(struct outgoing **out, struct outgoing_account *account, struct span packet,
              uint64_t remaining_ms)
{
    struct outgoing *o = block_new(account, packet.len);
    struct wire_header header;
    struct wire_publish p;
    uint8_t *expiry = NULL;
    enum wilco_status st;

    if (o == NULL) {
        return WILCO_ENOMEM;
    }
    memcpy(o->bytes, packet.data, packet.len);
    st = wire_header_decode(&header, span_of(o->bytes, o->len));
    assert(st == WILCO_OK);
    st = wire_publish_decode(&p, header.flags,
                             span_of(o->bytes + header.header_bytes, header.remaining), WIRE_V5);
    assert(st == WILCO_OK);
    o->qos = p.qos;
    o->id_offset = header.header_bytes + 2 + p.topic.len;
    expiry = expiry_of(o, p.properties.block);
    if (expiry != NULL && remaining_ms != UINT64_MAX) {
        set_expiry(expiry, remaining_ms);
    }
    *out = o;
    return WILCO_OK;
}

void
outgoing_ref(struct outgoing *o)
{
    o->refs++;
}

void
outgoing_unref(void *owner)
{
    struct outgoing *o = owner;

    assert(o->refs > 0);
    o->refs--;
    if (o->refs == 0) {
        o->account->bytes -= sizeof(*o) + o->len;
        mem_free(o->account->alloc, o);
    }
}

void
outgoing_set_id(struct outgoing *o, uint16_t packet_id)
{
    o->bytes[o->id_offset] = (uint8_t)(packet_id >> 8);
    o->bytes[o->id_offset + 1] = (uint8_t)packet_id;
}
