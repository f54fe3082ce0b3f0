#include "wire/publish.h"

#include "base/compiler.h"
#include "wire/topic.h"

static void
decode_topic(struct wire_publish *out, struct wire_reader *r)
{
    out->topic = wire_reader_binary(r); /* [MQTT-3.3.2-1] */
    out->has_wildcard = false;
    if (WILCO_UNLIKELY(!utf8_is_plain(out->topic))) {
        if (!utf8_is_valid(out->topic)) { /* [U-1.5.4-1] */
            wire_reader_fail(r, WILCO_EMALFORMED);
        }
        out->has_wildcard = topic_has_wildcard(out->topic);
    }
}

/* Property Length and properties, and the payload. */
static void
decode_tail(struct wire_publish *out, struct wire_reader *r)
{
    out->tail = span_of(r->cur, wire_reader_left(r));
    wire_properties_decode(&out->properties, r, WIRE_PUBLISH);
    out->payload = wire_reader_rest(r);
}

enum wilco_status
wire_publish_decode(struct wire_publish *out, uint8_t flags, struct span body,
                    enum wire_version version)
{
    struct wire_reader r = wire_reader_init(body);

    /* Every field is set once: this is the hot path. */
    out->qos = (flags >> 1) & 0x03;
    out->dup = (flags & 0x08) != 0;
    out->retain = (flags & 0x01) != 0;
    if (out->qos == 3 ||
        (out->dup && out->qos == 0)) { /* [MQTT-3.3.1-4], [U-3.3.1-1], [MQTT-3.3.1-2] */
        return WILCO_EMALFORMED;
    }
    decode_topic(out, &r);
    out->packet_id = 0;
    if (out->qos > 0) { /* [MQTT-2.2.1-2] */
        out->packet_id = wire_reader_packet_id(&r);
    }
    if (version == WIRE_V5) {
        decode_tail(out, &r);
    } else {
        wire_properties_clear(&out->properties);
        out->payload = wire_reader_rest(&r);
        out->tail = SPAN_EMPTY;
    }
    if (out->topic.len == 0 && !wire_properties_has(&out->properties, WIRE_TOPIC_ALIAS)) {
        wire_reader_fail(&r, WILCO_EPROTOCOL); /* [U-3.3.2-1], [MQTT-4.7.3-1] */
    }
    return wire_reader_finish(&r);
}

static void
encode_body(struct wire_writer *w, const struct wire_publish *p, enum wire_version version)
{
    wire_writer_string(w, p->topic);
    if (p->qos > 0) { /* [MQTT-2.2.1-2] */
        wire_writer_u16(w, p->packet_id);
    }
    if (version == WIRE_V5) {
        wire_properties_encode(w, &p->properties);
    }
    wire_writer_bytes(w, p->payload);
}

void
wire_publish_encode(struct wire_writer *w, const struct wire_publish *p, enum wire_version version)
{
    unsigned flags = (p->dup ? 0x08U : 0U) | (unsigned)p->qos << 1 | (p->retain ? 0x01U : 0U);
    struct wire_writer measured = wire_writer_measure();

    encode_body(&measured, p, version);
    wire_header_encode(w, WIRE_PUBLISH, (uint8_t)flags, measured.len);
    encode_body(w, p, version);
}
