/* MQTT 5.0. Requests and plain messages are drawn once; a response is composed by hand of what its
 * request brought. Everything else goes through wire/. */
#include "load/dialect.h"
#include "load/mqtt_cut.h"

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
    if (who->username != NULL) {
        connect.as.connect.has_user_name = true;
        connect.as.connect.user_name = span_of_text(who->username);
    }
    if (who->password != NULL) {
        connect.as.connect.has_password = true;
        connect.as.connect.password = span_of_text(who->password);
    }
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
    struct span inbox;

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

static void
encode(struct wire_writer *w, const struct wording *wording, struct span payload)
{
    static const uint8_t word[LOAD_WORD_BYTES] = {0};
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

    if (wire_header_decode(&h, in) != WILCO_OK || mqtt_cut(&in, &a) != WILCO_OK || a.word == NULL) {
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
    const size_t properties = 1 + 2 + LOAD_WORD_BYTES;
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
    at = put(put_u16(at, LOAD_WORD_BYTES), span_of(a->word, LOAD_WORD_BYTES));
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
    .cut = mqtt_cut,
    .draw = draw,
    .answer = answer,
    .acknowledge = acknowledge,
    .pong = pong,
};
