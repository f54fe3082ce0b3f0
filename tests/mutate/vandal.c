#include "vandal.h"

#include "wire/property.h"

#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define PROPERTIES_MAX 24U

static const struct span texts[] = {
    SPAN_INIT(""),
    SPAN_INIT("\xC0\x80"),         /* U+0000 in two bytes */
    SPAN_INIT("a\0b"),             /* and in one */
    SPAN_INIT("\xED\xA0\x80"),     /* a surrogate */
    SPAN_INIT("\xF4\x90\x80\x80"), /* above U+10FFFF */
    SPAN_INIT("\xE2\x82"),         /* cut short */
    SPAN_INIT("\xFF\xFE"),
    SPAN_INIT("\xEF\xBB\xBFt/a"), /* a byte order mark */
    SPAN_INIT("t/#"),
    SPAN_INIT("t/a+"),
    SPAN_INIT("#/t"),
    SPAN_INIT("$share"),
    SPAN_INIT("$share/"),
    SPAN_INIT("$share/g"),
    SPAN_INIT("$share/g/"),
    SPAN_INIT("$share//t"),
    SPAN_INIT("$share/+/t"),
    SPAN_INIT("$SYS/#"),
    SPAN_INIT("$r/#"),
    SPAN_INIT("$r/+/t"),
    SPAN_INIT("$SRV/PING"),
    SPAN_INIT("$SRV/INFO/a/b"),
    SPAN_INIT("////////////////////////////////////////////////////////////////////////////////////"
              "/////////////////////////////////////////////////////////"),
    SPAN_INIT("rr-op"),
    SPAN_INIT("ann"),
    SPAN_INIT("\x7F\x01"),
};

static const uint32_t numbers[] = {0,       1,          2,          3,         0x7F,
                                   0x80,    0xFF,       0x3FFF,     0x4000,    0xFFFF,
                                   0x10000, 0x0FFFFFFF, 0x7FFFFFFF, 0xFFFFFFFF};

static struct span
any_text(struct dice *d)
{
    return texts[dice_below(d, COUNT(texts))];
}

static uint32_t
any_number(struct dice *d)
{
    return numbers[dice_below(d, COUNT(numbers))];
}

/* ---- Fields ---- */

static uint16_t
any_id(struct dice *d)
{
    return (uint16_t)(dice_percent(d, 30) ? any_number(d) : dice_below(d, 64));
}

static void
spoil_connect(struct dice *d, struct wire_connect *p)
{
    switch (dice_below(d, 7)) {
    case 0: p->client_id = any_text(d); break;
    case 1: p->will.topic = any_text(d); break;
    case 2: p->user_name = any_text(d); break;
    case 3: p->password = any_text(d); break;
    case 4: p->keep_alive = (uint16_t)any_number(d); break;
    case 5: p->will.qos = (uint8_t)dice_below(d, 4); break;
    default: p->has_password = !p->has_password; break;
    }
}

static void
spoil_publish(struct dice *d, struct wire_publish *p)
{
    switch (dice_below(d, 7)) {
    case 0: p->topic = any_text(d); break;
    case 1: p->packet_id = any_id(d); break;
    case 2: p->qos = (uint8_t)dice_below(d, 4); break;
    case 3: p->dup = !p->dup; break;
    case 4: p->retain = !p->retain; break;
    case 5: p->payload = any_text(d); break;
    default: p->properties.response_topic = any_text(d); break;
    }
}

/* The array is the author's, who makes it anew each time. */
static void
spoil_subscribe(struct dice *d, struct wire_subscribe *p)
{
    static struct wire_subscription one;

    one = p->subscriptions[0];
    switch (dice_below(d, 6)) {
    case 0: one.filter = any_text(d); break;
    case 1: one.qos = 3; break;
    case 2: one.retain_handling = 3; break;
    case 3: one.no_local = true; break;
    case 4: p->packet_id = any_id(d); break;
    default: p->count = 0; return;
    }
    p->subscriptions = &one;
    p->count = 1;
}

static void
spoil_unsubscribe(struct dice *d, struct wire_unsubscribe *p)
{
    static struct span one;

    one = dice_percent(d, 60) ? any_text(d) : p->filters[0];
    p->packet_id = dice_percent(d, 40) ? any_id(d) : p->packet_id;
    p->filters = &one;
    p->count = dice_below(d, 2);
}

static void
spoil_suback(struct dice *d, struct wire_suback *p)
{
    static uint8_t codes[3];

    p->packet_id = dice_percent(d, 50) ? any_id(d) : p->packet_id;
    for (size_t i = 0; i < COUNT(codes); i++) {
        codes[i] = (uint8_t)dice_roll(d);
    }
    p->reason_codes = span_of(codes, dice_below(d, COUNT(codes) + 1));
}

void
vandal_spoil_fields(struct dice *d, struct wire_any *packet)
{
    switch (packet->type) {
    case WIRE_CONNECT: spoil_connect(d, &packet->as.connect); break;
    case WIRE_PUBLISH: spoil_publish(d, &packet->as.publish); break;
    case WIRE_SUBSCRIBE: spoil_subscribe(d, &packet->as.subscribe); break;
    case WIRE_UNSUBSCRIBE: spoil_unsubscribe(d, &packet->as.unsubscribe); break;
    case WIRE_PUBACK:
    case WIRE_PUBREC:
    case WIRE_PUBREL:
    case WIRE_PUBCOMP:
        packet->as.ack.packet_id = any_id(d);
        packet->as.ack.reason_code = dice_percent(d, 30) ? (uint8_t)dice_roll(d) : 0;
        break;
    case WIRE_CONNACK:
        packet->as.connack.reason_code = (uint8_t)dice_roll(d);
        packet->as.connack.session_present = dice_percent(d, 50);
        break;
    case WIRE_SUBACK:
    case WIRE_UNSUBACK: spoil_suback(d, &packet->as.suback); break;
    case WIRE_DISCONNECT: packet->as.disconnect.reason_code = (uint8_t)dice_roll(d); break;
    default: break;
    }
}

/* ---- Properties ---- */

/* An identifier and a value: one of the standard's, with a value of its type or another. */
static struct span
any_property(struct dice *d, uint8_t *room, size_t size)
{
    struct wire_writer w = wire_writer_init(room, size);
    size_t len = 0;

    wire_writer_u8(&w, (uint8_t)dice_below(d, 0x2C));
    switch (dice_below(d, 6)) {
    case 0: wire_writer_u8(&w, (uint8_t)any_number(d)); break;
    case 1: wire_writer_u16(&w, (uint16_t)any_number(d)); break;
    case 2: wire_writer_u32(&w, any_number(d)); break;
    case 3: wire_writer_varint(&w, any_number(d) & WIRE_VARINT_MAX); break;
    case 4: wire_writer_string(&w, any_text(d)); break;
    default:
        wire_writer_string(&w, any_text(d));
        wire_writer_string(&w, any_text(d));
        break;
    }
    return wire_writer_finish(&w, &len) == WILCO_OK ? span_of(room, len) : SPAN_EMPTY;
}

static size_t
take_apart(struct span block, struct span *out)
{
    struct wire_property_iterator it = wire_property_iterate(block);
    struct wire_property found;
    size_t count = 0;

    while (count < PROPERTIES_MAX - 2 && wire_property_next(&it, &found)) {
        out[count++] = found.bytes;
    }
    return count;
}

static size_t
spoil_list(struct dice *d, struct span *list, size_t count, struct span another)
{
    size_t at = dice_below(d, count);

    switch (dice_below(d, 5)) {
    case 0: /* twice */
        if (count > 0) {
            list[count] = list[at];
            count++;
        }
        break;
    case 1: /* in another order */
        for (size_t i = count; i > 1; i--) {
            size_t other = dice_below(d, i);
            struct span swapped = list[i - 1];

            list[i - 1] = list[other];
            list[other] = swapped;
        }
        break;
    case 2: /* without one */
        if (count > 0) {
            list[at] = list[--count];
        }
        break;
    case 3: /* one is cut short */
        if (count > 0) {
            list[at].len -= dice_below(d, list[at].len) > 0 ? 1 : 0;
        }
        break;
    default: list[count++] = another; break;
    }
    return count;
}

static struct wire_properties *
properties_of(struct dice *d, struct wire_any *p)
{
    switch (p->type) {
    case WIRE_CONNECT:
        return p->as.connect.has_will && dice_percent(d, 40) ? &p->as.connect.will.properties
                                                             : &p->as.connect.properties;
    case WIRE_CONNACK: return &p->as.connack.properties;
    case WIRE_PUBLISH: return &p->as.publish.properties;
    case WIRE_PUBACK:
    case WIRE_PUBREC:
    case WIRE_PUBREL:
    case WIRE_PUBCOMP: return &p->as.ack.properties;
    case WIRE_SUBSCRIBE: return &p->as.subscribe.properties;
    case WIRE_UNSUBSCRIBE: return &p->as.unsubscribe.properties;
    case WIRE_SUBACK:
    case WIRE_UNSUBACK: return &p->as.suback.properties;
    case WIRE_DISCONNECT:
    case WIRE_AUTH: return &p->as.disconnect.properties;
    default: return NULL;
    }
}

/* Everything behind the fixed header, with `list` in the place of the block. */
static size_t
put_together(struct dice *d, struct span body, struct span block, const struct span *list,
             size_t count, uint8_t *out)
{
    struct wire_writer w = wire_writer_init(out, VANDAL_BYTES_MAX - 8);
    size_t before = (size_t)(block.data - body.data) - wire_varint_size((uint32_t)block.len);
    size_t bytes = 0;
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        bytes += list[i].len;
    }
    wire_writer_bytes(&w, span_first(body, before));
    wire_writer_varint(&w, (uint32_t)(dice_percent(d, 10) ? dice_below(d, bytes + 9) : bytes));
    for (size_t i = 0; i < count; i++) {
        wire_writer_bytes(&w, list[i]);
    }
    wire_writer_bytes(&w, span_skip(body, (size_t)(block.data + block.len - body.data)));
    return wire_writer_finish(&w, &len) == WILCO_OK ? len : 0;
}

void
vandal_spoil_properties(struct dice *d, enum wire_version version, uint8_t *bytes, size_t *len)
{
    uint8_t body[VANDAL_BYTES_MAX];
    uint8_t room[512];
    struct span list[PROPERTIES_MAX];
    struct wire_any p;
    struct wire_header h;
    struct wire_writer w = wire_writer_init(bytes, VANDAL_BYTES_MAX);
    const struct wire_properties *v = NULL;
    size_t count = 0;
    size_t body_len = 0;

    if (wire_any_decode(&p, span_of(bytes, *len), version) != WILCO_OK ||
        wire_header_decode(&h, span_of(bytes, *len)) != WILCO_OK) {
        return;
    }
    v = properties_of(d, &p);
    if (v == NULL || v->block.data == NULL) {
        return;
    }
    count = take_apart(v->block, list);
    do {
        count = spoil_list(d, list, count, any_property(d, room, sizeof(room)));
    } while (count < PROPERTIES_MAX - 2 && dice_percent(d, 30));
    body_len =
        put_together(d, span_of(bytes + h.header_bytes, h.remaining), v->block, list, count, body);
    wire_header_encode(&w, h.type, h.flags, body_len);
    wire_writer_bytes(&w, span_of(body, body_len));
    (void)!wire_writer_finish(&w, len);
}

/* ---- Bytes ---- */

static void
insert(uint8_t *bytes, size_t *len, size_t at, uint8_t byte)
{
    if (*len < VANDAL_BYTES_MAX) {
        memmove(bytes + at + 1, bytes + at, *len - at);
        bytes[at] = byte;
        (*len)++;
    }
}

static void
remove_at(uint8_t *bytes, size_t *len, size_t at)
{
    (*len)--;
    memmove(bytes + at, bytes + at + 1, *len - at);
}

/* Remaining Length, in more bytes than it takes. */
static void
lengthen_varint(struct dice *d, uint8_t *bytes, size_t *len)
{
    size_t end = 1;

    while (end < *len && end < 4 && (bytes[end] & 0x80) != 0) {
        end++;
    }
    for (size_t more = 1 + dice_below(d, 4); more > 0 && end < *len; more--, end++) {
        bytes[end] |= 0x80;
        insert(bytes, len, end + 1, 0);
    }
}

static void
spoil_once(struct dice *d, uint8_t *bytes, size_t *len)
{
    size_t at = dice_below(d, *len);

    switch (dice_below(d, 10)) {
    case 0: bytes[at] ^= (uint8_t)(1U << dice_below(d, 8)); break;
    case 1: bytes[at] = (uint8_t)any_number(d); break;
    case 2: insert(bytes, len, at, (uint8_t)dice_roll(d)); break;
    case 3: remove_at(bytes, len, at); break;
    case 4: *len = at; break; /* the rest comes never, or another packet in its place */
    case 5: bytes[0] ^= (uint8_t)(1U << dice_below(d, 4)); break; /* flags */
    case 6: bytes[0] = (uint8_t)(bytes[0] & 0x0F) | (uint8_t)(dice_below(d, 16) << 4); break;
    case 7: /* Remaining Length */
        if (*len > 1) {
            bytes[1] = (uint8_t)(bytes[1] + dice_below(d, 9) - 4);
        }
        break;
    case 8: lengthen_varint(d, bytes, len); break;
    default: /* a length inside */
        if (at + 1 < *len) {
            bytes[at] = dice_percent(d, 80) ? 0 : 0xFF;
            bytes[at + 1] = (uint8_t)any_number(d);
        }
        break;
    }
}

void
vandal_spoil_bytes(struct dice *d, uint8_t *bytes, size_t *len)
{
    do {
        if (*len > 0) {
            spoil_once(d, bytes, len);
        }
    } while (dice_percent(d, 30));
}

size_t
vandal_write_foreign(struct dice *d, uint8_t *bytes)
{
    static const struct span foreign[] = {
        SPAN_INIT("\x20\x03\x00\x00\x00"),                             /* CONNACK */
        SPAN_INIT("\x90\x04\x00\x01\x00\x00"),                         /* SUBACK */
        SPAN_INIT("\xB0\x04\x00\x01\x00\x00"),                         /* UNSUBACK */
        SPAN_INIT("\xD0\x00"),                                         /* PINGRESP */
        SPAN_INIT("\xF0\x00"),                                         /* AUTH */
        SPAN_INIT("\xF0\x08\x18\x06\x15\x00\x03xyz"),                  /* AUTH with a method */
        SPAN_INIT("\x00\x00"),                                         /* type 0 */
        SPAN_INIT("\xE0\x02\x8E\x00"),                                 /* DISCONNECT: taken over */
        SPAN_INIT("\x10\x0D\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x00"), /* another CONNECT */
        SPAN_INIT("\x30\xFF\xFF\xFF\x7F"),     /* as much as can be announced */
        SPAN_INIT("\x30\x80\x80\x80\x80\x01"), /* and more */
    };
    struct span packet = foreign[dice_below(d, COUNT(foreign))];

    memcpy(bytes, packet.data, packet.len);
    return packet.len;
}
