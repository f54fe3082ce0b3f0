#include "author.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const topics[] = {"t/a",
                                     "t/b",
                                     "t/a/b",
                                     "t",
                                     "/",
                                     "t//a",
                                     "t/\xC3\xBC/\xE2\x82\xAC",
                                     "t/long/long/long/long/long/long/long/long"};
static const char *const filters[] = {"t/#", "t/+",          "t/a",          "+/a",   "t/a/b",
                                      "#",   "$share/g/t/#", "$share/h/t/+", "t/a/#", "+/+"};
static const char *const payloads[] = {
    "", "x", "a payload", "{\"a\":1}",
    "a payload that is somewhat longer than the others are, so that it fills more of a packet"};

static struct span
pick(struct dice *d, const char *const *from, size_t count)
{
    return span_of_text(from[dice_below(d, count)]);
}

static uint16_t
next_id(struct author *a)
{
    a->last_id = (uint16_t)(a->last_id % 60 + 1);
    return a->last_id;
}

void
author_begin(struct author *a)
{
    a->is_connected = false;
    a->last_id = 0;
    a->ack_count = 0;
}

static void
keep_text(char out[INBOX_TEXT_BYTES], struct span text)
{
    size_t len = text.len < INBOX_TEXT_BYTES ? text.len : INBOX_TEXT_BYTES - 1;

    if (len > 0) {
        memcpy(out, text.data, len);
    }
    out[len] = '\0';
}

static void
keep_ack(struct author *a, enum wire_type type, uint16_t packet_id)
{
    if (a->ack_count < AUTHOR_ACKS_MAX) {
        a->acks[a->ack_count++] = (struct wire_any){.type = type, .as.ack.packet_id = packet_id};
    }
}

static void
read_publish(struct author *a, const struct wire_publish *p)
{
    if (p->qos > 0) {
        keep_ack(a, p->qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, p->packet_id);
    }
    if (wire_properties_has(&p->properties, WIRE_RESPONSE_TOPIC)) {
        keep_text(a->asked_at, p->properties.response_topic);
        keep_text(a->asked_as, p->properties.correlation_data);
    }
}

void
author_read(struct author *a, const struct wire_any *packet)
{
    switch (packet->type) {
    case WIRE_CONNACK:
        a->is_connected = packet->as.connack.reason_code == 0;
        keep_text(a->inbox, packet->as.connack.properties.response_information);
        break;
    case WIRE_PUBLISH: read_publish(a, &packet->as.publish); break;
    case WIRE_PUBREC:
        if (packet->as.ack.reason_code < 0x80) {
            keep_ack(a, WIRE_PUBREL, packet->as.ack.packet_id);
        }
        break;
    case WIRE_PUBREL: keep_ack(a, WIRE_PUBCOMP, packet->as.ack.packet_id); break;
    default: break;
    }
}

/* ---- CONNECT ---- */

static void
set_limits(struct dice *d, struct wire_properties *v)
{
    if (dice_percent(d, 30)) {
        v->receive_maximum = (uint16_t)(1 + dice_below(d, 4));
        wire_properties_set(v, WIRE_RECEIVE_MAXIMUM);
    }
    if (dice_percent(d, 30)) {
        v->topic_alias_maximum = (uint16_t)(1 + dice_below(d, 4));
        wire_properties_set(v, WIRE_TOPIC_ALIAS_MAXIMUM);
    }
    if (dice_percent(d, 10)) {
        v->maximum_packet_size = (uint32_t)(20 + dice_below(d, 200));
        wire_properties_set(v, WIRE_MAXIMUM_PACKET_SIZE);
    }
    if (dice_percent(d, 10)) {
        v->request_problem_information = 0;
        wire_properties_set(v, WIRE_REQUEST_PROBLEM_INFORMATION);
    }
}

static void
set_session(struct author *a, struct dice *d, struct wire_connect *p)
{
    static const struct wire_user_property rr = USER("rr", "1");
    struct wire_properties *v = &p->properties;

    if (dice_percent(d, 60)) {
        v->session_expiry_interval = 30;
        wire_properties_set(v, WIRE_SESSION_EXPIRY_INTERVAL);
    }
    if (dice_percent(d, 60)) {
        v->request_response_information = 1;
        wire_properties_set(v, WIRE_REQUEST_RESPONSE_INFORMATION);
    }
    if (dice_percent(d, 60)) {
        a->users[0] = rr;
        v->users = a->users;
        v->user_count = 1;
        wire_properties_set(v, WIRE_USER_PROPERTY);
    }
    set_limits(d, v);
}

static void
set_will(const struct author *a, struct dice *d, struct wire_connect *p)
{
    struct wire_properties *v = &p->will.properties;

    p->has_will = true;
    p->will.topic = pick(d, topics, COUNT(topics));
    p->will.payload = pick(d, payloads, COUNT(payloads));
    p->will.qos = (uint8_t)dice_below(d, 3);
    p->will.retain = dice_percent(d, 20);
    if (p->version == WIRE_V5 && dice_percent(d, 50)) {
        v->will_delay_interval = (uint32_t)dice_below(d, 10);
        wire_properties_set(v, WIRE_WILL_DELAY_INTERVAL);
    }
    if (p->version == WIRE_V5 && a->inbox[0] != '\0' && dice_percent(d, 30)) {
        v->response_topic = span_of_text(a->inbox);
        wire_properties_set(v, WIRE_RESPONSE_TOPIC);
    }
}

void
author_connect(struct author *a, struct dice *d, unsigned index, struct wire_any *out)
{
    static const enum wire_version versions[] = {WIRE_V5, WIRE_V5, WIRE_V5, WIRE_V311, WIRE_V31};
    static const char *const names[] = {"ann", "bob", "cid", "dee", "eve", "fay", "guy", "hal"};
    struct wire_connect *p = &out->as.connect;

    *out = (struct wire_any){.type = WIRE_CONNECT};
    a->version = versions[dice_below(d, COUNT(versions))];
    p->version = a->version;
    p->clean_start = dice_percent(d, 40);
    p->keep_alive = dice_percent(d, 50) ? 10 : 0;
    p->client_id = span_of_text(names[(index + dice_below(d, 2)) % COUNT(names)]);
    if (p->version != WIRE_V31 && p->clean_start && dice_percent(d, 5)) {
        p->client_id = SPAN_EMPTY;
    }
    if (p->version == WIRE_V5) {
        set_session(a, d, p);
    }
    if (dice_percent(d, 30)) {
        set_will(a, d, p);
    }
    if (dice_percent(d, 10)) {
        p->has_user_name = true;
        p->user_name = SPAN_LITERAL("user");
        p->has_password = true;
        p->password = SPAN_LITERAL("password");
    }
}

/* ---- After that ---- */

static void
write_subscribe(struct author *a, struct dice *d, struct wire_any *out)
{
    struct wire_subscribe *p = &out->as.subscribe;

    *out = (struct wire_any){.type = WIRE_SUBSCRIBE};
    p->packet_id = next_id(a);
    p->count = 1 + dice_below(d, AUTHOR_ITEMS_MAX);
    p->subscriptions = a->subscriptions;
    for (size_t i = 0; i < p->count; i++) {
        bool is_new = a->version == WIRE_V5;

        a->subscriptions[i] = (struct wire_subscription){
            .filter = pick(d, filters, COUNT(filters)),
            .qos = (uint8_t)dice_below(d, 3),
            .retain_as_published = is_new && dice_percent(d, 20),
            .retain_handling = is_new ? (uint8_t)dice_below(d, 3) : 0,
        };
    }
    if (a->version == WIRE_V5 && dice_percent(d, 30)) {
        p->properties.subscription_identifier = (uint32_t)(1 + dice_below(d, 5));
        wire_properties_set(&p->properties, WIRE_SUBSCRIPTION_IDENTIFIER);
    }
    if (a->version == WIRE_V5 && dice_percent(d, 10)) {
        a->users[0] = (struct wire_user_property)USER("rr-observe", "1");
        p->properties.users = a->users;
        p->properties.user_count = 1;
        wire_properties_set(&p->properties, WIRE_USER_PROPERTY);
    }
}

static void
write_unsubscribe(struct author *a, struct dice *d, struct wire_any *out)
{
    struct wire_unsubscribe *p = &out->as.unsubscribe;

    *out = (struct wire_any){.type = WIRE_UNSUBSCRIBE};
    p->packet_id = next_id(a);
    p->count = 1 + dice_below(d, 2);
    p->filters = a->filters;
    for (size_t i = 0; i < p->count; i++) {
        a->filters[i] = pick(d, filters, COUNT(filters));
    }
}

static void
begin_publish(struct author *a, struct dice *d, struct wire_any *out)
{
    struct wire_publish *p = &out->as.publish;

    *out = (struct wire_any){.type = WIRE_PUBLISH};
    p->qos = (uint8_t)dice_below(d, 3);
    p->packet_id = p->qos == 0 ? 0 : next_id(a);
    p->retain = dice_percent(d, 5);
    p->topic = pick(d, topics, COUNT(topics));
    p->payload = pick(d, payloads, COUNT(payloads));
}

static void
write_publish(struct author *a, struct dice *d, struct wire_any *out)
{
    struct wire_properties *v = &out->as.publish.properties;

    begin_publish(a, d, out);
    if (a->version != WIRE_V5) {
        return;
    }
    if (dice_percent(d, 20)) {
        v->message_expiry_interval = (uint32_t)dice_below(d, 20);
        wire_properties_set(v, WIRE_MESSAGE_EXPIRY_INTERVAL);
    }
    if (dice_percent(d, 20)) {
        v->topic_alias = (uint16_t)(1 + dice_below(d, 4));
        wire_properties_set(v, WIRE_TOPIC_ALIAS);
    }
    if (dice_percent(d, 20)) {
        v->content_type = SPAN_LITERAL("text/plain");
        wire_properties_set(v, WIRE_CONTENT_TYPE);
        v->payload_format_indicator = 1;
        wire_properties_set(v, WIRE_PAYLOAD_FORMAT_INDICATOR);
    }
}

/* What a request says; the first half of these make it a word about another. */
static void
say(struct author *a, struct dice *d, struct wire_properties *v)
{
    static const struct wire_user_property words[] = {
        USER("rr-op", "cancel"),         USER("rr-op", "data"),  USER("rr-op", "credit"),
        USER("rr-ttl", "100"),           USER("rr-idem", "1"),   USER("rr-more", "2"),
        USER("rr-if-offline", "fail"),   USER("rr-fan", "1"),    USER("rr-on-loss", "cancel"),
        USER("rr-if-offline", "refuse"), USER("rr-size", "100"),
    };

    v->user_count = dice_below(d, AUTHOR_ITEMS_MAX);
    for (size_t i = 0; i < v->user_count; i++) {
        a->users[i] = words[dice_below(d, COUNT(words))];
    }
    if (v->user_count > 0 && dice_percent(d, 15)) {
        (void)snprintf(a->text, sizeof(a->text), "%s/trace", a->inbox);
        a->users[0] = (struct wire_user_property){.name = SPAN_LITERAL("rr-trace"),
                                                  .value = span_of_text(a->text)};
    }
    if (v->user_count > 0) {
        v->users = a->users;
        wire_properties_set(v, WIRE_USER_PROPERTY);
    }
}

static void
write_request(struct author *a, struct dice *d, const struct author *neighbour,
              struct wire_any *out)
{
    static const char *const correlations[] = {"1", "2", "correlation"};
    const char *places[] = {a->inbox, a->inbox, a->inbox, "t/a", "t/answer", neighbour->inbox};
    const char *place = places[dice_below(d, COUNT(places))];
    struct wire_properties *v = &out->as.publish.properties;

    begin_publish(a, d, out);
    out->as.publish.topic = dice_percent(d, 90) ? SPAN_LITERAL("t/a") : SPAN_LITERAL("nowhere");
    if (dice_percent(d, 5)) {
        out->as.publish.topic = SPAN_LITERAL("$SRV/PING");
    }
    v->response_topic = place[0] == '\0' ? SPAN_LITERAL("t/b") : span_of_text(place);
    wire_properties_set(v, WIRE_RESPONSE_TOPIC);
    if (dice_percent(d, 80)) {
        v->correlation_data = pick(d, correlations, COUNT(correlations));
        wire_properties_set(v, WIRE_CORRELATION_DATA);
    }
    say(a, d, v);
}

static void
write_response(struct author *a, struct dice *d, const struct author *neighbour,
               struct wire_any *out)
{
    struct wire_publish *p = &out->as.publish;

    begin_publish(a, d, out);
    p->topic = a->asked_at[0] == '\0' ? SPAN_LITERAL("t/b") : span_of_text(a->asked_at);
    if (dice_percent(d, 10) && neighbour->inbox[0] != '\0') {
        p->topic = span_of_text(neighbour->inbox);
    }
    if (a->version == WIRE_V5 && dice_percent(d, 90)) {
        p->properties.correlation_data = span_of_text(a->asked_as);
        wire_properties_set(&p->properties, WIRE_CORRELATION_DATA);
    }
    if (a->version == WIRE_V5 && dice_percent(d, 10)) {
        a->users[0] = (struct wire_user_property)USER("rr-more", "1");
        p->properties.users = a->users;
        p->properties.user_count = 1;
        wire_properties_set(&p->properties, WIRE_USER_PROPERTY);
    }
}

static void
write_ack(struct author *a, struct dice *d, struct wire_any *out)
{
    size_t at = dice_percent(d, 80) ? 0 : dice_below(d, a->ack_count);

    *out = a->acks[at];
    a->ack_count--;
    memmove(&a->acks[at], &a->acks[at + 1], (a->ack_count - at) * sizeof(a->acks[0]));
    if (a->version == WIRE_V5 && (out->type == WIRE_PUBACK || out->type == WIRE_PUBREC) &&
        dice_percent(d, 10)) {
        out->as.ack.reason_code = 0x83;
    }
}

static void
write_disconnect(struct author *a, struct dice *d, struct wire_any *out)
{
    *out = (struct wire_any){.type = WIRE_DISCONNECT};
    if (a->version == WIRE_V5 && dice_percent(d, 50)) {
        out->as.disconnect.reason_code = 0x04;
    }
}

void
author_write(struct author *a, struct dice *d, const struct author *neighbour, struct wire_any *out)
{
    size_t roll = dice_below(d, 100);

    if (a->ack_count > 0 && dice_percent(d, 50)) {
        write_ack(a, d, out);
    } else if (roll < 20) {
        write_subscribe(a, d, out);
    } else if (roll < 25) {
        write_unsubscribe(a, d, out);
    } else if (roll < 55) {
        write_publish(a, d, out);
    } else if (roll < 75 && a->version == WIRE_V5) {
        write_request(a, d, neighbour, out);
    } else if (roll < 90) {
        write_response(a, d, neighbour, out);
    } else if (roll < 98) {
        *out = (struct wire_any){.type = WIRE_PINGREQ};
    } else {
        write_disconnect(a, d, out);
    }
}
