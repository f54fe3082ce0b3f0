/* MQTT 5.0. What comes often is read by hand: of a PUBLISH only its identifier, Response Topic,
 * Correlation Data and payload are looked at, and a response is composed of these. Everything else
 * goes through wire/. */
#include "load/dialect.h"

#include <stdio.h>

static void
ask_for_inbox(struct wire_properties *v)
{
    static const struct wire_user_property rr = {SPAN_INIT("rr"), SPAN_INIT("1")};

    v->request_response_information = 1;
    v->users = &rr;
    v->user_count = 1;
    wire_properties_set(v, WIRE_REQUEST_RESPONSE_INFORMATION);
    wire_properties_set(v, WIRE_USER_PROPERTY);
}

static void
hello(struct outbox *out, const struct introduction *who)
{
    struct wire_any connect = {.type = WIRE_CONNECT};

    connect.as.connect.version = WIRE_V5;
    connect.as.connect.clean_start = true;
    connect.as.connect.client_id = span_of_text(who->client_id);
    if (who->inbox != NULL) {
        ask_for_inbox(&connect.as.connect.properties);
    }
    outbox_packet(out, &connect);
}

static void
subscribe(struct outbox *out, const struct introduction *who)
{
    char filter[PLACE_BYTES + 32];
    struct wire_subscription subscription = {.qos = who->qos};
    struct wire_any packet = {.type = WIRE_SUBSCRIBE};

    (void)snprintf(filter, sizeof(filter), "%s%s%s%s", who->group == NULL ? "" : "$share/",
                   who->group == NULL ? "" : who->group, who->group == NULL ? "" : "/",
                   who->listens.text);
    subscription.filter = span_of_text(filter);
    packet.as.subscribe =
        (struct wire_subscribe){.packet_id = 1, .count = 1, .subscriptions = &subscription};
    outbox_packet(out, &packet);
}

static enum wilco_status
take_welcome(const struct introduction *who, const struct arrival *a, struct terms *terms)
{
    struct wire_connack p;
    struct span inbox = SPAN_EMPTY;

    if (wire_connack_decode(&p, a->body, WIRE_V5) != WILCO_OK || p.reason_code != 0) {
        return WILCO_EREFUSED;
    }
    if (wire_properties_has(&p.properties, WIRE_RECEIVE_MAXIMUM)) {
        terms->receive_maximum = p.properties.receive_maximum;
    }
    inbox = p.properties.response_information;
    if (who->inbox == NULL) {
        return WILCO_OK;
    }
    if (inbox.len == 0 || inbox.len >= PLACE_BYTES) {
        return WILCO_EREFUSED;
    }
    memcpy(who->inbox, inbox.data, inbox.len);
    who->inbox[inbox.len] = '\0';
    return WILCO_OK;
}

static enum wilco_status
greet(struct outbox *out, const struct introduction *who, const struct arrival *a,
      struct terms *terms)
{
    enum wilco_status status = WILCO_AGAIN;

    if (a->kind == ARRIVAL_SUBSCRIBED) {
        return a->reason_code < 0x80 ? WILCO_OK : WILCO_EREFUSED;
    }
    if (a->kind != ARRIVAL_WELCOME) {
        return WILCO_EREFUSED;
    }
    status = take_welcome(who, a, terms);
    if (status == WILCO_OK && who->listens.room != PLACE_ROOM_NONE) {
        subscribe(out, who);
        return WILCO_AGAIN;
    }
    return status;
}

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
    a->reason_code = type == WIRE_DISCONNECT && body.len > 0 ? body.data[0] : 0;
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

static enum wilco_status
cut(struct span *in, struct arrival *a)
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

static void
encode(struct wire_writer *w, const struct wording *wording, struct span payload)
{
    static const uint8_t word[WORD_BYTES] = {0};
    struct wire_publish p = {
        .qos = wording->qos, .packet_id = wording->qos, .retain = wording->retain};

    p.topic = span_of_text(wording->to.text);
    p.payload = payload;
    if (wording->reply_to.text[0] != '\0') {
        p.properties.response_topic = span_of_text(wording->reply_to.text);
        p.properties.correlation_data = span_of(word, sizeof(word));
        wire_properties_set(&p.properties, WIRE_RESPONSE_TOPIC);
        wire_properties_set(&p.properties, WIRE_CORRELATION_DATA);
    }
    wire_publish_encode(w, &p, WIRE_V5);
}

/* Where the parts lie is what our own decoder says. */
static enum wilco_status
find_parts(struct stencil *s, const struct wording *wording)
{
    struct span in = span_of(s->bytes, s->len);
    struct wire_header h;
    struct arrival a;

    if (wire_header_decode(&h, in) != WILCO_OK || cut(&in, &a) != WILCO_OK || a.word == NULL) {
        return WILCO_EINVAL;
    }
    s->word_at = (size_t)(a.word - s->bytes);
    s->packet_id_at = wording->qos > 0 ? h.header_bytes + 2 + strlen(wording->to.text) : 0;
    return WILCO_OK;
}

static enum wilco_status
draw(struct stencil *s, const struct wording *wording)
{
    const struct wilco_alloc *heap = alloc_system();
    uint8_t *payload = mem_zalloc(heap, wording->payload_bytes + 1);
    struct wire_writer w = wire_writer_measure();
    enum wilco_status status = WILCO_ENOMEM;

    if (payload == NULL) {
        return status;
    }
    encode(&w, wording, span_of(payload, wording->payload_bytes));
    status = w.status == WILCO_OK ? stencil_init(s, w.len) : w.status;
    if (status == WILCO_OK) {
        w = wire_writer_init(s->bytes, s->len);
        encode(&w, wording, span_of(payload, wording->payload_bytes));
        status = find_parts(s, wording);
    }
    mem_free(heap, payload);
    return status;
}

static uint8_t *
put_u16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)(value & 0xFF);
    return at + 2;
}

static uint8_t *
put(uint8_t *at, struct span bytes)
{
    memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

static uint8_t *
put_length(uint8_t *at, size_t value)
{
    for (; value > 127; value >>= 7) {
        *at++ = (uint8_t)((value & 0x7F) | 0x80);
    }
    *at++ = (uint8_t)value;
    return at;
}

static void
answer(struct outbox *out, const struct arrival *a, uint16_t packet_id)
{
    const size_t properties = 1 + 2 + WORD_BYTES;
    size_t remaining =
        2 + a->reply_to.len + (a->qos > 0 ? 2U : 0U) + 1 + properties + a->payload.len;
    uint8_t *at = outbox_claim(out, 1 + wire_varint_size((uint32_t)remaining) + remaining);

    if (at == NULL) {
        return;
    }
    *at++ = (uint8_t)(WIRE_PUBLISH << 4 | a->qos << 1);
    at = put(put_u16(put_length(at, remaining), a->reply_to.len), a->reply_to);
    if (a->qos > 0) {
        at = put_u16(at, packet_id);
    }
    *at++ = (uint8_t)properties;
    *at++ = WIRE_CORRELATION_DATA;
    at = put(put_u16(at, WORD_BYTES), span_of(a->word, WORD_BYTES));
    (void)put(at, a->payload);
}

static void
acknowledge(struct outbox *out, const struct arrival *a)
{
    uint8_t *at = outbox_claim(out, 4);

    if (at != NULL) {
        at[0] = WIRE_PUBACK << 4;
        at[1] = 2;
        (void)put_u16(at + 2, a->packet_id);
    }
}

static void
pong(struct outbox *out)
{
    (void)out; /* a server asks for none */
}

const struct dialect dialect_mqtt = {
    .name = "mqtt",
    .is_mqtt = true,
    .hello = hello,
    .greet = greet,
    .cut = cut,
    .draw = draw,
    .answer = answer,
    .acknowledge = acknowledge,
    .pong = pong,
};
