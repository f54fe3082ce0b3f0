#include "wire/subscribe.h"

#include "wire/topic.h"

/* The parts of the options byte (3.8.3.1). */
#define OPTION_QOS                 0x03
#define OPTION_NO_LOCAL            0x04
#define OPTION_RETAIN_AS_PUBLISHED 0x08
#define OPTION_RESERVED            0xC0
#define OPTION_RESERVED_311        0xFC

static void
options_to_fields(struct wire_subscription *out, uint8_t options)
{
    out->qos = options & OPTION_QOS;
    out->no_local = (options & OPTION_NO_LOCAL) != 0;
    out->retain_as_published = (options & OPTION_RETAIN_AS_PUBLISHED) != 0;
    out->retain_handling = (options >> 4) & 0x03;
}

static void
decode_one(struct wire_reader *r, enum wire_version version)
{
    struct wire_subscription s = {.filter = wire_reader_string(r)}; /* [MQTT-3.8.3-1] */
    uint8_t options = wire_reader_u8(r);
    struct span group;
    struct span inner;

    options_to_fields(&s, options);
    if ((options & (version == WIRE_V5 ? OPTION_RESERVED : OPTION_RESERVED_311)) != 0) {
        wire_reader_fail(r, WILCO_EMALFORMED); /* [MQTT-3.8.3-5] */
    }
    if (s.qos == 3 || s.retain_handling == 3) { /* [U-3.8.3-2] */
        wire_reader_fail(r, WILCO_EPROTOCOL);
    }
    if (s.no_local && topic_share_split(s.filter, &group, &inner)) { /* [MQTT-3.8.3-4] */
        wire_reader_fail(r, WILCO_EPROTOCOL);
    }
}

enum wilco_status
wire_subscribe_decode(struct wire_subscribe *out, struct span body, enum wire_version version)
{
    struct wire_reader r = wire_reader_init(body);

    *out = (struct wire_subscribe){.packet_id = wire_reader_packet_id(&r)};
    if (version == WIRE_V5) {
        wire_properties_decode(&out->properties, &r, WIRE_SUBSCRIBE);
    }
    out->payload = span_of(r.cur, wire_reader_left(&r));
    if (out->payload.len == 0) { /* [MQTT-3.8.3-2], [U-3.8.3-1] */
        wire_reader_fail(&r, WILCO_EPROTOCOL);
    }
    while (wire_reader_left(&r) > 0) {
        decode_one(&r, version);
        out->count++;
    }
    return wire_reader_finish(&r);
}

bool
wire_subscribe_next(struct span *payload, struct wire_subscription *out)
{
    struct wire_reader r = wire_reader_init(*payload);

    *out = (struct wire_subscription){.filter = wire_reader_binary(&r)};
    options_to_fields(out, wire_reader_u8(&r));
    *payload = wire_reader_rest(&r);
    return r.status == WILCO_OK;
}

uint8_t
wire_subscription_options(const struct wire_subscription *s)
{
    unsigned options = s->qos | (s->no_local ? OPTION_NO_LOCAL : 0U) |
                       (s->retain_as_published ? OPTION_RETAIN_AS_PUBLISHED : 0U) |
                       (unsigned)s->retain_handling << 4;

    return (uint8_t)options;
}

static void
encode_body(struct wire_writer *w, const struct wire_subscribe *p, enum wire_version version)
{
    uint8_t kept = version == WIRE_V5 ? UINT8_MAX : OPTION_QOS;

    wire_writer_u16(w, p->packet_id);
    if (version == WIRE_V5) {
        wire_properties_encode(w, &p->properties);
    }
    if (p->subscriptions == NULL) {
        wire_writer_bytes(w, p->payload);
        return;
    }
    for (size_t i = 0; i < p->count; i++) {
        wire_writer_string(w, p->subscriptions[i].filter);
        wire_writer_u8(w, wire_subscription_options(&p->subscriptions[i]) & kept);
    }
}

void
wire_subscribe_encode(struct wire_writer *w, const struct wire_subscribe *p,
                      enum wire_version version)
{
    struct wire_writer measured = wire_writer_measure();

    encode_body(&measured, p, version);
    wire_header_encode(w, WIRE_SUBSCRIBE, wire_type_flags(WIRE_SUBSCRIBE), measured.len);
    encode_body(w, p, version);
}
