#include "load/mqtt_cut.h"

/* A Variable Byte Integer; returns what is behind it, or NULL. */
static const uint8_t *
read_length(const uint8_t *at, const uint8_t *end, size_t *out)
{
    unsigned shift = 0;

    for (*out = 0; at < end && shift < 28; shift += 7) {
        uint8_t byte = *at++;

        *out |= (size_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            return at;
        }
    }
    return NULL;
}

static size_t
u16_at(const uint8_t *at)
{
    return (size_t)(at[0] << 8 | at[1]);
}

/* With other properties than requests and responses have. */
static enum wilco_status
read_all_properties(struct arrival *a, struct span block, struct span *correlation)
{
    uint8_t length[4];
    struct wire_properties all;
    struct wire_reader r;
    struct wire_writer w = wire_writer_init(length, sizeof(length));

    wire_writer_length(&w, block.len);
    /* The length is in front of the block, which is the decoder's way to be told. */
    r = wire_reader_init(span_of(block.data - w.len, w.len + block.len));
    wire_properties_decode(&all, &r, WIRE_PUBLISH);
    a->reply_to = all.response_topic;
    *correlation = all.correlation_data;
    return wire_reader_finish(&r);
}

static enum wilco_status
read_properties(struct arrival *a, struct span block, struct span *correlation)
{
    const uint8_t *at = block.data;
    const uint8_t *end = at + block.len;

    while (at < end) {
        uint8_t id = at[0];
        struct span value;

        if (id != WIRE_CORRELATION_DATA && id != WIRE_RESPONSE_TOPIC) {
            return read_all_properties(a, block, correlation);
        }
        if (end - at < 3 || (size_t)(end - at) - 3 < u16_at(at + 1)) {
            return WILCO_EMALFORMED;
        }
        value = span_of(at + 3, u16_at(at + 1));
        *(id == WIRE_CORRELATION_DATA ? correlation : &a->reply_to) = value;
        at = value.data + value.len;
    }
    return WILCO_OK;
}

/* A word is eight bytes of Correlation Data, or of payload where there is none. */
static void
find_word(struct arrival *a, struct span correlation)
{
    a->word = NULL;
    if (correlation.data != NULL) {
        a->word = correlation.len == WORD_BYTES ? correlation.data : NULL;
    } else if (a->payload.len >= WORD_BYTES) {
        a->word = a->payload.data;
        a->payload = span_skip(a->payload, WORD_BYTES);
    }
}

/* The topic is not looked at: whoever subscribes to one only knows it. */
static enum wilco_status
open_publish(struct arrival *a, uint8_t flags, struct span body)
{
    const uint8_t *end = body.data + body.len;
    const uint8_t *at = NULL;
    struct span correlation = SPAN_EMPTY;
    size_t head = 2;
    size_t length = 0;
    enum wilco_status status = WILCO_OK;

    a->kind = ARRIVAL_MESSAGE;
    a->qos = (flags >> 1) & 0x03;
    a->reply_to = SPAN_EMPTY;
    head += (body.len < 2 ? 0 : u16_at(body.data)) + (a->qos > 0 ? 2 : 0);
    if (body.len < head) {
        return WILCO_EMALFORMED;
    }
    a->packet_id = a->qos > 0 ? (uint16_t)u16_at(body.data + head - 2) : 0;
    at = read_length(body.data + head, end, &length);
    if (at == NULL || (size_t)(end - at) < length) {
        return WILCO_EMALFORMED;
    }
    a->payload = span_of(at + length, (size_t)(end - at) - length);
    status = read_properties(a, span_of(at, length), &correlation);
    find_word(a, correlation);
    return status;
}

static enum wilco_status
open_acks_of_filters(struct arrival *a, enum wire_type type, struct span body)
{
    struct wire_suback p;

    if (wire_suback_decode(&p, type, body, WIRE_V5) != WILCO_OK) {
        return WILCO_EMALFORMED;
    }
    a->kind = type == WIRE_SUBACK ? ARRIVAL_SUBSCRIBED : ARRIVAL_UNSUBSCRIBED;
    a->packet_id = p.packet_id;
    a->reason_code = 0;
    for (size_t i = 0; i < p.reason_codes.len; i++) {
        uint8_t code = p.reason_codes.data[i];

        a->reason_code = code > a->reason_code ? code : a->reason_code;
    }
    return WILCO_OK;
}

static enum wilco_status
open_ack(struct arrival *a, struct span body)
{
    a->kind = ARRIVAL_ACK;
    if (body.len < 2) {
        return WILCO_EMALFORMED;
    }
    a->packet_id = (uint16_t)(body.data[0] << 8 | body.data[1]);
    a->reason_code = body.len > 2 ? body.data[2] : 0;
    return WILCO_OK;
}

static void
open_other(struct arrival *a, enum wire_type type, struct span body)
{
    a->kind = type == WIRE_CONNACK      ? ARRIVAL_WELCOME
              : type == WIRE_PINGRESP   ? ARRIVAL_PONG
              : type == WIRE_DISCONNECT ? ARRIVAL_GOODBYE
                                        : ARRIVAL_OTHER;
    a->body = body;
    a->reason_code = 0;
    if (type == WIRE_DISCONNECT && body.len > 0) {
        a->reason_code = body.data[0];
    } else if (type == WIRE_CONNACK && body.len > 1) {
        a->reason_code = body.data[1];
    }
}

/* Anything but PUBLISH. */
static enum wilco_status
open_packet(struct arrival *a, const struct wire_header *h, struct span body)
{
    if (h->type == WIRE_PUBACK) {
        return open_ack(a, body);
    }
    if (h->type == WIRE_SUBACK || h->type == WIRE_UNSUBACK) {
        return open_acks_of_filters(a, h->type, body);
    }
    open_other(a, h->type, body);
    return WILCO_OK;
}

enum wilco_status
mqtt_cut(struct span *in, struct arrival *a)
{
    struct wire_header h = {.type = WIRE_PUBLISH, .header_bytes = 2};
    struct span body;

    /* A short PUBLISH needs no more than this look at its header. */
    if (in->len >= 2 && in->data[0] >> 4 == WIRE_PUBLISH && in->data[1] < 0x80) {
        h.flags = in->data[0] & 0x0F;
        h.remaining = in->data[1];
    } else {
        enum wilco_status status = wire_header_decode(&h, *in);

        if (status != WILCO_OK) {
            return status;
        }
    }
    if (in->len - h.header_bytes < h.remaining) {
        return WILCO_AGAIN;
    }
    body = span_of(in->data + h.header_bytes, h.remaining);
    *in = span_skip(*in, h.header_bytes + h.remaining);
    return h.type == WIRE_PUBLISH ? open_publish(a, h.flags, body) : open_packet(a, &h, body);
}
