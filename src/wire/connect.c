#include "wire/connect.h"

/* The Connect Flags (3.1.2.3). */
#define FLAG_RESERVED       0x01
#define FLAG_CLEAN_START    0x02
#define FLAG_WILL           0x04
#define FLAG_WILL_QOS_SHIFT 3
#define FLAG_WILL_RETAIN    0x20
#define FLAG_PASSWORD       0x40
#define FLAG_USER_NAME      0x80

static struct span
protocol_name(enum wire_version version)
{
    return version == WIRE_V31 ? SPAN_LITERAL("MQIsdp") : SPAN_LITERAL("MQTT");
}

/* Reads Protocol Name and Protocol Version. */
static void
decode_protocol(struct wire_connect *out, struct wire_reader *r)
{
    struct span name = wire_reader_binary(r);
    uint8_t version = wire_reader_u8(r);

    out->version = (enum wire_version)version;
    if ((version != WIRE_V31 && version != WIRE_V311 && version != WIRE_V5) ||
        !span_equal(name, protocol_name(out->version))) {
        wire_reader_fail(r, WILCO_ENOTFOUND); /* [MQTT-3.1.2-1], [MQTT-3.1.2-2] */
    }
}

static void
decode_flags(struct wire_connect *out, struct wire_reader *r)
{
    uint8_t flags = wire_reader_u8(r);

    out->clean_start = (flags & FLAG_CLEAN_START) != 0;
    out->has_will = (flags & FLAG_WILL) != 0;
    out->will.qos = (flags >> FLAG_WILL_QOS_SHIFT) & 0x03;
    out->will.retain = (flags & FLAG_WILL_RETAIN) != 0;
    out->has_password = (flags & FLAG_PASSWORD) != 0;
    out->has_user_name = (flags & FLAG_USER_NAME) != 0;
    if ((flags & FLAG_RESERVED) != 0 || /* [MQTT-3.1.2-3], [U-3.1.2-1] */
        out->will.qos == 3 ||           /* [MQTT-3.1.2-12] */
        (!out->has_will && (out->will.qos != 0 || out->will.retain)) || /* -11, -13 */
        /* MQTT 3.1.1, 3.1.2.9 */
        (out->version != WIRE_V5 && out->has_password && !out->has_user_name)) {
        wire_reader_fail(r, WILCO_EMALFORMED);
    }
}

/* [MQTT-3.1.3-1] is the order; [MQTT-3.1.2-9], [MQTT-3.1.2-16] to [MQTT-3.1.2-19] what is there. */
static void
decode_payload(struct wire_connect *out, struct wire_reader *r)
{
    out->client_id = wire_reader_string(r); /* [MQTT-3.1.3-3], [MQTT-3.1.3-4] */
    if (out->has_will) {
        if (out->version == WIRE_V5) {
            wire_properties_decode(&out->will.properties, r, WIRE_WILL);
        }
        out->will.topic = wire_reader_string(r); /* [MQTT-3.1.3-11] */
        out->will.payload = wire_reader_binary(r);
    }
    if (out->has_user_name) {
        out->user_name = wire_reader_string(r); /* [MQTT-3.1.3-12] */
    }
    if (out->has_password) {
        out->password = wire_reader_binary(r);
    }
}

enum wilco_status
wire_connect_decode(struct wire_connect *out, struct span body)
{
    struct wire_reader r = wire_reader_init(body);

    *out = (struct wire_connect){.keep_alive = 0};
    decode_protocol(out, &r);
    decode_flags(out, &r);
    out->keep_alive = wire_reader_u16(&r);
    if (out->version == WIRE_V5) {
        wire_properties_decode(&out->properties, &r, WIRE_CONNECT);
    }
    decode_payload(out, &r);
    return wire_reader_finish(&r);
}

static uint8_t
flags_of(const struct wire_connect *p)
{
    unsigned flags = 0;

    flags |= p->clean_start ? FLAG_CLEAN_START : 0U;
    if (p->has_will) { /* [MQTT-3.1.2-11], [MQTT-3.1.2-13] */
        flags |= FLAG_WILL | (unsigned)p->will.qos << FLAG_WILL_QOS_SHIFT;
        flags |= p->will.retain ? FLAG_WILL_RETAIN : 0U;
    }
    flags |= p->has_password ? FLAG_PASSWORD : 0U;
    flags |= p->has_user_name ? FLAG_USER_NAME : 0U;
    return (uint8_t)flags;
}

static void
encode_payload(struct wire_writer *w, const struct wire_connect *p)
{
    wire_writer_string(w, p->client_id);
    if (p->has_will) {
        if (p->version == WIRE_V5) {
            wire_properties_encode(w, &p->will.properties);
        }
        wire_writer_string(w, p->will.topic);
        wire_writer_binary(w, p->will.payload);
    }
    if (p->has_user_name) {
        wire_writer_string(w, p->user_name);
    }
    if (p->has_password) {
        wire_writer_binary(w, p->password);
    }
}

static void
encode_body(struct wire_writer *w, const struct wire_connect *p)
{
    wire_writer_string(w, protocol_name(p->version));
    wire_writer_u8(w, (uint8_t)p->version);
    wire_writer_u8(w, flags_of(p));
    wire_writer_u16(w, p->keep_alive);
    if (p->version == WIRE_V5) {
        wire_properties_encode(w, &p->properties);
    }
    encode_payload(w, p);
}

void
wire_connect_encode(struct wire_writer *w, const struct wire_connect *p)
{
    struct wire_writer measured = wire_writer_measure();

    if (p->version != WIRE_V5 && p->has_password && !p->has_user_name) {
        wire_writer_fail(w, WILCO_EINVAL);
        return;
    }
    encode_body(&measured, p);
    wire_header_encode(w, WIRE_CONNECT, 0, measured.len);
    encode_body(w, p);
}
