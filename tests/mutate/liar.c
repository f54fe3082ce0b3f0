#include "liar.h"

#include "support/asking.h"
#include "wire/topic.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    ENDLESS_BYTES = 524288,
};

void
liar_init(struct liar *l, struct dice *d, struct customer *c)
{
    l->dice = d;
    l->customer = c;
    l->is_connected = false;
    l->asked_count = 0;
    l->identifier_count = 0;
    l->inbox[0] = '\0';
}

/* ---- What the client says ---- */

static void
owe(struct liar *l, struct wire_any answer)
{
    if (l->owed_count < LIAR_OWED_MAX) {
        l->owed[l->owed_count++] = answer;
    }
}

static void
owe_ack(struct liar *l, enum wire_type type, uint16_t packet_id)
{
    owe(l, (struct wire_any){.type = type, .as.ack.packet_id = packet_id});
}

static void
keep_text(char out[LIAR_TEXT_BYTES], struct span text)
{
    size_t len = text.len < LIAR_TEXT_BYTES ? text.len : LIAR_TEXT_BYTES - 1;

    if (len > 0) {
        memcpy(out, text.data, len);
    }
    out[len] = '\0';
}

static void
read_publish(struct liar *l, const struct wire_publish *p)
{
    const struct wire_properties *v = &p->properties;
    struct liar_request *r = &l->asked[l->asked_count % LIAR_ASKED_MAX];

    assert(!p->has_wildcard && p->topic.len > 0);
    assert(!wire_properties_has(v, WIRE_SUBSCRIPTION_IDENTIFIER)); /* [MQTT-3.3.4-6] */
    if (p->qos > 0) {
        owe_ack(l, p->qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, p->packet_id);
    }
    if (wire_properties_has(v, WIRE_RESPONSE_TOPIC)) {
        keep_text(r->topic, p->topic);
        keep_text(r->response_topic, v->response_topic);
        r->correlation_len = v->correlation_data.len < sizeof(r->correlation)
                                 ? v->correlation_data.len
                                 : sizeof(r->correlation);
        if (r->correlation_len > 0) {
            memcpy(r->correlation, v->correlation_data.data, r->correlation_len);
        }
        l->asked_count++;
    }
}

static void
read_subscribe(struct liar *l, const struct wire_subscribe *p)
{
    struct wire_any answer = {.type = WIRE_SUBACK, .as.suback.packet_id = p->packet_id};
    uint8_t *code = &l->codes[l->owed_count % LIAR_OWED_MAX];

    assert(p->count == 1);
    *code = dice_percent(l->dice, 10) ? 0x87 : (uint8_t)dice_below(l->dice, 3);
    answer.as.suback.reason_codes = span_of(code, 1);
    owe(l, answer);
    if (wire_properties_has(&p->properties, WIRE_SUBSCRIPTION_IDENTIFIER)) {
        l->identifiers[l->identifier_count++ % LIAR_ASKED_MAX] =
            p->properties.subscription_identifier;
    }
}

static void
read_unsubscribe(struct liar *l, const struct wire_unsubscribe *p)
{
    static const uint8_t code = 0;
    struct wire_any answer = {.type = WIRE_UNSUBACK, .as.suback.packet_id = p->packet_id};

    answer.as.suback.reason_codes = span_of(&code, 1);
    owe(l, answer);
}

static void
read_ack(struct liar *l, enum wire_type type, uint16_t packet_id)
{
    if (type == WIRE_PUBREC) {
        owe_ack(l, WIRE_PUBREL, packet_id);
    } else if (type == WIRE_PUBREL) {
        owe_ack(l, WIRE_PUBCOMP, packet_id);
    }
}

static void
read_packet(struct liar *l, const struct wire_any *p)
{
    assert((p->type == WIRE_CONNECT) == !l->has_connect); /* [MQTT-3.1.0-1], [MQTT-3.1.0-2] */
    assert(!l->has_disconnect);                           /* [MQTT-3.14.4-1] */
    l->has_connect = true;
    switch (p->type) {
    case WIRE_CONNECT:
        assert(p->as.connect.version == WIRE_V5);
        owe(l, (struct wire_any){.type = WIRE_CONNACK});
        break;
    case WIRE_PUBLISH: read_publish(l, &p->as.publish); break;
    case WIRE_PUBACK:
    case WIRE_PUBREC:
    case WIRE_PUBREL:
    case WIRE_PUBCOMP:
        l->flying -= l->flying > 0 && (p->type == WIRE_PUBACK || p->type == WIRE_PUBCOMP);
        read_ack(l, p->type, p->as.ack.packet_id);
        break;
    case WIRE_SUBSCRIBE: read_subscribe(l, &p->as.subscribe); break;
    case WIRE_UNSUBSCRIBE: read_unsubscribe(l, &p->as.unsubscribe); break;
    case WIRE_PINGREQ: owe(l, (struct wire_any){.type = WIRE_PINGRESP}); break;
    case WIRE_DISCONNECT:
        assert(p->as.disconnect.reason_code == 0 || p->as.disconnect.reason_code >= 0x80);
        l->has_disconnect = true;
        break;
    case WIRE_AUTH: break;
    default: (void)fprintf(stderr, "lies: %s from a client\n", wire_type_name(p->type)); abort();
    }
}

static void
read_packets(struct liar *l)
{
    size_t at = 0;

    while (at < l->in_len) {
        struct span left = span_of(l->in + at, l->in_len - at);
        struct wire_header h;
        struct wire_any packet;
        enum wilco_status status = wire_header_decode(&h, left);
        size_t len = 0;

        if (status == WILCO_AGAIN) {
            break;
        }
        assert(status == WILCO_OK);
        len = h.header_bytes + h.remaining;
        if (len > left.len) {
            break;
        }
        status = wire_any_decode(&packet, span_first(left, len), WIRE_V5);
        if (status != WILCO_OK) {
            (void)fprintf(stderr, "lies: a %s that does not decode: %d\n", wire_type_name(h.type),
                          (int)status);
            abort();
        }
        read_packet(l, &packet);
        at += len;
    }
    l->in_len -= at;
    memmove(l->in, l->in + at, l->in_len);
}

static void
take_output(struct liar *l)
{
    struct wilco *client = l->customer->client;
    struct wilco_bytes bytes;

    while (wilco_output(client, &bytes)) {
        size_t len = bytes.len < 1000 ? bytes.len : 1000;

        assert(l->in_len + len <= LIAR_BYTES_MAX);
        memcpy(l->in + l->in_len, bytes.data, len);
        l->in_len += len;
        wilco_wrote(client, len);
        read_packets(l);
    }
}

/* ---- What the server says ---- */

/* What would answer a request may, wherever it comes from. */
static void
note_correlations(const struct liar *l, struct span bytes)
{
    for (size_t i = 0; i < l->customer->deed_count; i++) {
        struct deed *deed = &l->customer->deeds[i];

        for (size_t at = 0; at + 16 <= bytes.len && deed->is_request; at++) {
            deed->may_be_answered =
                deed->may_be_answered || memcmp(bytes.data + at, deed->correlation, 16) == 0;
        }
    }
}

static void
put(struct liar *l, struct span bytes)
{
    if (l->out_len + bytes.len <= LIAR_BYTES_MAX) {
        memcpy(l->out + l->out_len, bytes.data, bytes.len);
        l->out_len += bytes.len;
        l->packets++;
    }
}

/* The packet as it is, or spoiled. */
static void
say(struct liar *l, struct wire_any *packet)
{
    static uint8_t bytes[VANDAL_BYTES_MAX];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    bool is_lie = dice_percent(l->dice, l->lie_percent);
    size_t way = is_lie ? dice_below(l->dice, 4) : 4;
    size_t len = 0;

    if (way == 0) {
        vandal_spoil_fields(l->dice, packet);
    }
    wire_any_encode(&w, packet, WIRE_V5);
    if (wire_writer_finish(&w, &len) != WILCO_OK) {
        return;
    }
    note_correlations(l, span_of(bytes, len));
    if (way == 1) {
        vandal_spoil_properties(l->dice, WIRE_V5, bytes, &len);
    } else if (way == 2) {
        vandal_spoil_bytes(l->dice, bytes, &len);
    }
    note_correlations(l, span_of(bytes, len));
    put(l, span_of(bytes, len));
    l->spoiled += is_lie;
    if (way == 3) { /* twice */
        put(l, span_of(bytes, len));
    }
}

static void
draw_limits(struct dice *d, struct wire_properties *v)
{
    static const uint32_t sizes[] = {1, 20, 100, 1000, 100000};

    if (dice_percent(d, 30)) {
        v->receive_maximum = (uint16_t)(1 + dice_below(d, 3));
        wire_properties_set(v, WIRE_RECEIVE_MAXIMUM);
    }
    if (dice_percent(d, 20)) {
        v->maximum_packet_size = sizes[dice_below(d, COUNT(sizes))];
        wire_properties_set(v, WIRE_MAXIMUM_PACKET_SIZE);
    }
    if (dice_percent(d, 20)) {
        v->topic_alias_maximum = (uint16_t)dice_below(d, 4);
        wire_properties_set(v, WIRE_TOPIC_ALIAS_MAXIMUM);
    }
    if (dice_percent(d, 10)) {
        v->maximum_qos = (uint8_t)dice_below(d, 2);
        wire_properties_set(v, WIRE_MAXIMUM_QOS);
    }
    if (dice_percent(d, 10)) {
        v->server_keep_alive = (uint16_t)dice_below(d, 3);
        wire_properties_set(v, WIRE_SERVER_KEEP_ALIVE);
    }
    if (dice_percent(d, 10)) {
        v->wildcard_subscription_available = 0;
        wire_properties_set(v, WIRE_WILDCARD_SUBSCRIPTION_AVAILABLE);
    }
}

static void
say_connack(struct liar *l)
{
    static const char *const inboxes[] = {"$r/0123456789abcdef", "$r/", "$r/#", "inbox/of/mine",
                                          "$r/fedcba9876543210"};
    static const uint8_t refusals[] = {0x80, 0x87, 0x89, 0x95, 0x97, 0x9D};
    struct wire_any packet = {.type = WIRE_CONNACK};
    struct wire_properties *v = &packet.as.connack.properties;

    packet.as.connack.session_present = dice_percent(l->dice, 30);
    if (dice_percent(l->dice, 10)) {
        packet.as.connack.session_present = false;
        packet.as.connack.reason_code = refusals[dice_below(l->dice, COUNT(refusals))];
    }
    if (dice_percent(l->dice, 60)) {
        keep_text(
            l->inbox,
            span_of_text(
                inboxes[dice_percent(l->dice, 70) ? 0 : dice_below(l->dice, COUNT(inboxes))]));
        v->response_information = span_of_text(l->inbox);
        wire_properties_set(v, WIRE_RESPONSE_INFORMATION);
    }
    if (dice_percent(l->dice, 50)) {
        v->assigned_client_identifier = SPAN_LITERAL("assigned");
        wire_properties_set(v, WIRE_ASSIGNED_CLIENT_IDENTIFIER);
    }
    draw_limits(l->dice, v);
    say(l, &packet);
}

static void
pay(struct liar *l)
{
    size_t at = dice_percent(l->dice, 80) ? 0 : dice_below(l->dice, l->owed_count);
    struct wire_any packet = l->owed[at];

    l->owed_count--;
    memmove(&l->owed[at], &l->owed[at + 1], (l->owed_count - at) * sizeof(l->owed[0]));
    if (packet.type == WIRE_CONNACK) {
        say_connack(l);
        return;
    }
    if ((packet.type == WIRE_PUBACK || packet.type == WIRE_PUBREC) && dice_percent(l->dice, 20)) {
        packet.as.ack.reason_code = dice_percent(l->dice, 50) ? 0x10 : 0x97;
    }
    say(l, &packet);
}

static uint16_t
next_id(struct liar *l)
{
    l->last_id = (uint16_t)(l->last_id % 20 + 1);
    return l->last_id;
}

/* Words that mean something to the library, about requests, parts and pieces. */
static void
add_words(struct dice *d, struct wire_user_property *users, struct wire_properties *v)
{
    static const struct wire_user_property words[] = {
        USER("rr-more", "1"),
        USER("rr-seq", "1"),
        USER("rr-seq", "2"),
        USER("rr-seq", "4294967295"),
        USER("rr-offset", "0"),
        USER("rr-offset", "9"),
        USER("rr-size", "9"),
        USER("rr-size", "4294967294"),
        USER("rr-size", "100"),
        USER("rr-hash", "00000000000000000000000000000000"),
        USER("rr-want", "5"),
        USER("rr-packet", "100"),
        USER("rr-packet", "0"),
        USER("rr-op", "cancel"),
        USER("rr-op", "data"),
        USER("rr-op", "credit"),
        USER("rr-op", "nonsense"),
        USER("rr-take", "5000"),
        USER("rr-parts", "0"),
        USER("rr-src", "broker"),
        USER("__stat", "503"),
        USER("__stat", "200"),
        USER("__stat", "nonsense"),
        USER("__stat", "429"),
        USER("__stat", "504"),
        USER("__stMsg", "words"),
        USER("rr-exec", "no"),
        USER("rr-exec", "maybe"),
        USER("rr-stage", "queued"),
        USER("rr-ttl", "100"),
        USER("rr-ttl", "0"),
        USER("__protVer", "1.0"),
        USER("__protVer", "9.0"),
        USER("rr-count", "3"),
        USER("rr-prog", "0.5"),
        USER("rr-fan", "1"),
        USER("rr", "1"),
        USER("rr-more", "5"),
    };

    v->user_count = dice_below(d, 5);
    for (size_t i = 0; i < v->user_count; i++) {
        users[i] = words[dice_below(d, COUNT(words))];
    }
    v->users = users;
    if (v->user_count > 0) {
        wire_properties_set(v, WIRE_USER_PROPERTY);
    }
}

static void
add_properties(struct liar *l, struct wire_properties *v)
{
    if (l->identifier_count > 0 && dice_percent(l->dice, 70)) {
        size_t known = l->identifier_count < LIAR_ASKED_MAX ? l->identifier_count : LIAR_ASKED_MAX;

        v->subscription_identifier = l->identifiers[dice_below(l->dice, known)];
        wire_properties_set(v, WIRE_SUBSCRIPTION_IDENTIFIER);
    }
    if (dice_percent(l->dice, 10)) {
        v->message_expiry_interval = (uint32_t)dice_below(l->dice, 3);
        wire_properties_set(v, WIRE_MESSAGE_EXPIRY_INTERVAL);
    }
    if (dice_percent(l->dice, l->lie_percent / 2)) {
        v->topic_alias = (uint16_t)dice_below(l->dice, 3);
        wire_properties_set(v, WIRE_TOPIC_ALIAS);
    }
}

static void
begin_publish(struct liar *l, struct wire_any *packet)
{
    static const char *const topics[] = {"t/a", "t/b", "do", "t/a/b", "t/x/b", "nobody/wants/this"};
    static const char *const payloads[] = {"", "x", "a payload", "123456789"};

    *packet = (struct wire_any){.type = WIRE_PUBLISH};
    if (l->flying == 0 || dice_percent(l->dice, l->lie_percent)) { /* within any Receive Maximum */
        packet->as.publish.qos = (uint8_t)dice_below(l->dice, 3);
        packet->as.publish.packet_id = packet->as.publish.qos == 0 ? 0 : next_id(l);
        l->flying += packet->as.publish.qos > 0;
    }
    packet->as.publish.topic = span_of_text(topics[dice_below(l->dice, COUNT(topics))]);
    packet->as.publish.payload = span_of_text(payloads[dice_below(l->dice, COUNT(payloads))]);
    packet->as.publish.retain = dice_percent(l->dice, 5);
}

static void
say_message(struct liar *l)
{
    struct wire_user_property users[4];
    struct wire_any packet;
    struct wire_properties *v = &packet.as.publish.properties;
    char correlation[8];

    begin_publish(l, &packet);
    if (dice_percent(l->dice, 60)) { /* a request */
        packet.as.publish.topic = SPAN_LITERAL("do");
        v->response_topic = SPAN_LITERAL("somewhere");
        wire_properties_set(v, WIRE_RESPONSE_TOPIC);
        (void)snprintf(correlation, sizeof(correlation), "%u", (unsigned)dice_below(l->dice, 9));
        v->correlation_data = span_of_text(correlation);
        wire_properties_set(v, WIRE_CORRELATION_DATA);
    }
    add_properties(l, v);
    add_words(l->dice, users, v);
    say(l, &packet);
}

/* To a request, or nearly. */
static void
say_response(struct liar *l)
{
    size_t known = l->asked_count < LIAR_ASKED_MAX ? l->asked_count : LIAR_ASKED_MAX;
    const struct liar_request *r = &l->asked[dice_below(l->dice, known)];
    struct wire_user_property users[4];
    struct wire_any packet;
    struct wire_properties *v = &packet.as.publish.properties;
    uint8_t forged[16];

    begin_publish(l, &packet);
    packet.as.publish.topic = span_of_text(r->response_topic);
    packet.as.publish.retain = dice_percent(l->dice, 2);
    v->correlation_data = span_of(r->correlation, r->correlation_len);
    if (dice_percent(l->dice, 15) && r->correlation_len == sizeof(forged)) {
        memcpy(forged, r->correlation, sizeof(forged));
        forged[dice_below(l->dice, sizeof(forged))] ^= (uint8_t)(1U << dice_below(l->dice, 8));
        v->correlation_data = span_of(forged, sizeof(forged));
    }
    wire_properties_set(v, WIRE_CORRELATION_DATA);
    add_properties(l, v);
    if (dice_percent(l->dice, 60)) {
        add_words(l->dice, users, v);
    }
    say(l, &packet);
}

static void
say_foreign(struct liar *l)
{
    static const struct span foreign[] = {
        SPAN_INIT("\x82\x06\x00\x01\x00\x00\x00\x00"), /* SUBSCRIBE */
        SPAN_INIT("\xC0\x00"),                         /* PINGREQ */
        SPAN_INIT("\xD0\x00"),                         /* PINGRESP, unasked */
        SPAN_INIT("\x20\x03\x00\x00\x00"),             /* CONNACK, another one */
        SPAN_INIT("\xF0\x00"),                         /* AUTH */
        SPAN_INIT("\xF0\x0D\x18\x0B\x15\x00\x08"
                  "a method"),
        SPAN_INIT("\xE0\x00"),
        SPAN_INIT("\xE0\x02\x8E\x00"), /* taken over */
        SPAN_INIT("\xE0\x02\x89\x00"), /* busy */
        SPAN_INIT("\xE0\x02\x04\x00"), /* what clients say */
        SPAN_INIT("\x40\x02\xFF\xFF"), /* PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK of nothing */
        SPAN_INIT("\x50\x02\xFF\xFF"),
        SPAN_INIT("\x62\x02\xFF\xFF"),
        SPAN_INIT("\x70\x02\xFF\xFF"),
        SPAN_INIT("\x90\x04\xFF\xFF\x00\x00"),
        SPAN_INIT("\x00\x00"),
        SPAN_INIT("\x30\xFF\xFF\xFF\x7F\x00\x03t/a\x00"), /* the largest that can be announced */
    };

    if (dice_percent(l->dice, l->lie_percent)) {
        put(l, foreign[dice_below(l->dice, COUNT(foreign))]);
        l->spoiled++;
    }
}

/* A PUBLISH that goes on and on: as large as can be said, or a whole one of some size. */
static void
say_endless(struct liar *l)
{
    static const uint32_t sizes[] = {2048, 60000, 1000000, 16777000, 16777216, 268435455};
    struct wire_writer w = wire_writer_init(l->out + l->out_len, LIAR_BYTES_MAX - l->out_len);
    uint32_t size = sizes[dice_below(l->dice, COUNT(sizes))];
    size_t len = 0;

    if (!dice_percent(l->dice, l->lie_percent) || l->endless_left > 0) {
        return;
    }
    wire_header_encode(&w, WIRE_PUBLISH, 0, size);
    wire_writer_string(&w, SPAN_LITERAL("t/a"));
    wire_writer_varint(&w, 0);
    if (wire_writer_finish(&w, &len) == WILCO_OK) {
        l->out_len += len;
        l->endless_left = size - 6;
        l->endless++;
    }
}

/* The bytes of such a packet, once its beginning has been read. */
static void
go_on(struct liar *l)
{
    static uint8_t bytes[ENDLESS_BYTES];
    size_t len = l->endless_left < sizeof(bytes) ? l->endless_left : sizeof(bytes);

    wilco_feed(l->customer->client, (struct wilco_bytes){bytes, len});
    l->endless_left -= len;
}

void
liar_speak(struct liar *l)
{
    size_t roll = dice_below(l->dice, 100);

    if (l->owed_count > 0 && (roll < 70 || l->owed[0].type == WIRE_CONNACK)) {
        pay(l);
    } else if (roll < 80) {
        say_message(l);
    } else if (roll < 95 && l->asked_count > 0) {
        say_response(l);
    } else if (roll < 98) {
        say_foreign(l);
    } else {
        say_endless(l);
    }
}

/* ---- The connection ---- */

static void
connect(struct liar *l)
{
    static const unsigned percents[] = {0, 0, 1, 3, 10, 40};

    l->is_connected = true;
    l->has_connect = false;
    l->has_disconnect = false;
    l->lie_percent = percents[dice_below(l->dice, COUNT(percents))];
    l->flying = 0;
    l->endless_left = 0;
    l->owed_count = 0;
    l->out_len = 0;
    l->in_len = 0;
    l->connections++;
    wilco_transport_opened(l->customer->client);
}

void
liar_feed(struct liar *l, size_t len)
{
    uint8_t *copy = NULL;

    len = len < l->out_len ? len : l->out_len;
    if (len == 0) {
        return;
    }
    copy = malloc(len); /* of its exact size, so that reading past it is noticed */
    assert(copy != NULL);
    memcpy(copy, l->out, len);
    wilco_feed(l->customer->client, (struct wilco_bytes){copy, len});
    free(copy);
    l->out_len -= len;
    memmove(l->out, l->out + len, l->out_len);
}

void
liar_listen(struct liar *l)
{
    if (wilco_wants_transport(l->customer->client)) {
        connect(l);
    }
    if (l->is_connected) {
        take_output(l);
    }
}

void
liar_say(struct liar *l, struct span bytes)
{
    put(l, bytes);
    note_correlations(l, span_of(l->out, l->out_len));
}

void
liar_hang_up(struct liar *l)
{
    if (l->is_connected) {
        l->is_connected = false;
        wilco_transport_lost(l->customer->client, "the server has hung up");
    }
}

void
liar_act(struct liar *l)
{
    liar_listen(l);
    if (!l->is_connected) {
        return;
    }
    if (dice_percent(l->dice, 2)) {
        liar_hang_up(l);
        return;
    }
    if (l->endless_left > 0 && l->out_len == 0) {
        go_on(l);
        return;
    }
    do {
        liar_speak(l);
    } while (l->endless_left == 0 && dice_percent(l->dice, 60));
    liar_feed(l, dice_percent(l->dice, 60) ? l->out_len : dice_below(l->dice, l->out_len + 1));
}
