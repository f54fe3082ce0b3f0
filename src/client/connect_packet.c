#include "client/connect_packet.h"

#include "wire/packet.h"

#include <assert.h>

/* Where the Connect Flags are behind the fixed header (MQTT 5.0, 3.1.2.3), and the one for Clean
 * Start. */
#define FLAGS_OFFSET     7U
#define FLAG_CLEAN_START 0x02U

enum wilco_status
connect_packet_encode(struct buffer *out, const struct wire_connect *connect)
{
    struct wire_writer w = wire_writer_measure();
    size_t len = 0;
    enum wilco_status st;

    wire_connect_encode(&w, connect);
    st = wire_writer_finish(&w, &len);
    if (st != WILCO_OK && st != WILCO_AGAIN) {
        return st;
    }
    st = buffer_reserve(out, len);
    if (st != WILCO_OK) {
        return st;
    }
    w = wire_writer_init(out->data + out->len, len);
    wire_connect_encode(&w, connect);
    out->len += len;
    return WILCO_OK;
}

/* The same with a Client Identifier of `id` where `gap`, an empty one, is in `body`. */
static enum wilco_status
splice(struct buffer *packet, struct span body, struct span gap, struct span id)
{
    size_t before = (size_t)(gap.data - body.data) - 2;
    struct wire_writer w = wire_writer_measure();
    struct buffer spliced;
    enum wilco_status st;

    buffer_init(&spliced, packet->alloc, packet->bytes_max);
    st = buffer_reserve(&spliced, packet->len + id.len + 4);
    if (st != WILCO_OK) {
        return st;
    }
    w = wire_writer_init(spliced.data, spliced.capacity);
    wire_header_encode(&w, WIRE_CONNECT, 0, body.len + id.len);
    wire_writer_bytes(&w, span_first(body, before));
    wire_writer_string(&w, id);
    wire_writer_bytes(&w, span_skip(body, before + 2));
    st = wire_writer_finish(&w, &spliced.len);
    if (st == WILCO_OK) {
        buffer_fini(packet);
        *packet = spliced;
    } else {
        buffer_fini(&spliced);
    }
    return st;
}

enum wilco_status
connect_packet_resume(struct buffer *packet, struct span client_id)
{
    struct wire_header header;
    struct wire_connect connect;
    struct span body;
    enum wilco_status st = wire_header_decode(&header, buffer_span(packet));

    assert(st == WILCO_OK);
    packet->data[header.header_bytes + FLAGS_OFFSET] &= (uint8_t)~FLAG_CLEAN_START;
    body = span_skip(buffer_span(packet), header.header_bytes);
    st = wire_connect_decode(&connect, body);
    assert(st == WILCO_OK); /* we have made it */
    if (connect.client_id.len > 0 || client_id.len == 0) {
        return WILCO_OK;
    }
    return splice(packet, body, connect.client_id, client_id);
}

void
connect_packet_authenticate(struct buffer *packet, struct span data)
{
    struct wire_header header;
    struct wire_connect connect;
    struct span old;
    enum wilco_status st = wire_header_decode(&header, buffer_span(packet));

    assert(st == WILCO_OK);
    st = wire_connect_decode(&connect, span_skip(buffer_span(packet), header.header_bytes));
    assert(st == WILCO_OK);
    old = connect.properties.authentication_data;
    assert(old.len == data.len);
    memcpy(packet->data + (old.data - packet->data), data.data, data.len);
}
