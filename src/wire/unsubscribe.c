#include "wire/unsubscribe.h"

enum wilco_status
wire_unsubscribe_decode(struct wire_unsubscribe *out, struct span body, enum wire_version version)
{
    struct wire_reader r = wire_reader_init(body);

    *out = (struct wire_unsubscribe){.packet_id = wire_reader_packet_id(&r)};
    if (version == WIRE_V5) {
        wire_properties_decode(&out->properties, &r, WIRE_UNSUBSCRIBE);
    }
    out->payload = span_of(r.cur, wire_reader_left(&r));
    if (out->payload.len == 0) { /* [MQTT-3.10.3-2], [U-3.10.3-1] */
        wire_reader_fail(&r, WILCO_EPROTOCOL);
    }
    while (wire_reader_left(&r) > 0) {
        (void)wire_reader_string(&r); /* [MQTT-3.10.3-1] */
        out->count++;
    }
    return wire_reader_finish(&r);
}

bool
wire_unsubscribe_next(struct span *payload, struct span *filter)
{
    struct wire_reader r = wire_reader_init(*payload);

    *filter = wire_reader_binary(&r);
    *payload = wire_reader_rest(&r);
    return r.status == WILCO_OK;
}

static void
encode_body(struct wire_writer *w, const struct wire_unsubscribe *p, enum wire_version version)
{
    wire_writer_u16(w, p->packet_id);
    if (version == WIRE_V5) {
        wire_properties_encode(w, &p->properties);
    }
    if (p->filters == NULL) {
        wire_writer_bytes(w, p->payload);
        return;
    }
    for (size_t i = 0; i < p->count; i++) {
        wire_writer_string(w, p->filters[i]);
    }
}

void
wire_unsubscribe_encode(struct wire_writer *w, const struct wire_unsubscribe *p,
                        enum wire_version version)
{
    struct wire_writer measured = wire_writer_measure();

    encode_body(&measured, p, version);
    wire_header_encode(w, WIRE_UNSUBSCRIBE, wire_type_flags(WIRE_UNSUBSCRIBE), measured.len);
    encode_body(w, p, version);
}
