#include "person.h"

#include "wire/reason.h"

#include <stdio.h>

/* How long a session lasts, and how long a will waits: for ever, as seen from here. */
#define LONG_S 3600U

static unsigned
pick(struct person *p, unsigned below)
{
    return soak_pick(p->model->soak, below);
}

static bool
is_member(const struct person *p)
{
    return p->who >= CLIENTS;
}

void
person_init(struct person *p, unsigned who, struct model *m, struct traffic *t)
{
    *p = (struct person){.model = m, .traffic = t, .who = who, .will = MESSAGES};
}

/* Being connected. */

static void
forget_connection(struct person *p)
{
    line_close(&p->line);
    p->state = PERSON_AWAY;
    p->answer_count = 0;
    p->open_count = 0;
    p->asked_id = 0;
    p->is_napping = false;
    p->was_pinged = false;
    memset(p->open, 0, sizeof(p->open));
}

static void
abandon_session(struct person *p)
{
    model_abandon(p->model, p->who);
    p->has_session = false;
}

/* The session is new: nothing is left of the one before. */
static void
forget_session(struct person *p)
{
    model_forget(p->model, p->who);
    p->sent_count = 0;
    memset(p->held, 0, sizeof(p->held));
}

static void
publish_will(struct person *p)
{
    if (p->will != MESSAGES) {
        model_will_is_due(p->model, p->will);
        p->will = MESSAGES;
    }
}

/* The connection ends without DISCONNECT. A will that waits may still be cancelled. */
static void
vanish(struct person *p)
{
    if (p->will_delay_s == 0 || p->expiry_s == 0) {
        publish_will(p);
    }
    if (p->expiry_s == 0) {
        abandon_session(p);
    }
    forget_connection(p);
}

static struct wire_will
new_will(struct person *p, uint8_t *room)
{
    struct wire_will will = {.qos = (uint8_t)pick(p, 3)};

    p->will = model_message(p->model, p->who, FIRST_WILL + p->who, will.qos);
    p->model->messages[p->will].is_forbidden = true;
    will.topic = span_of_text(topic_names[FIRST_WILL + p->who]);
    will.payload = model_payload(p->model, p->will, room);
    if (p->version == WIRE_V5) {
        will.properties.will_delay_interval = p->will_delay_s;
        wire_properties_set(&will.properties, WIRE_WILL_DELAY_INTERVAL);
    }
    return will;
}

static void
choose_version(struct person *p, struct wire_connect *how)
{
    struct wire_properties *props = &how->properties;

    if (p->version != WIRE_V5) {
        return;
    }
    p->receive_maximum = (uint16_t)(1 + pick(p, 20));
    props->receive_maximum = p->receive_maximum;
    wire_properties_set(props, WIRE_RECEIVE_MAXIMUM);
    props->session_expiry_interval = p->expiry_s;
    wire_properties_set(props, WIRE_SESSION_EXPIRY_INTERVAL);
}

static void
send_connect(struct person *p, bool clean_start)
{
    uint8_t room[PAYLOAD_MAX];
    char name[16];
    struct wire_any packet = {
        .type = WIRE_CONNECT,
        .as.connect = {.version = p->version, .clean_start = clean_start},
    };

    (void)snprintf(name, sizeof(name), "person-%u", p->who);
    packet.as.connect.client_id = span_of_text(name);
    p->receive_maximum = UINT16_MAX;
    p->will = MESSAGES;
    choose_version(p, &packet.as.connect);
    if (!is_member(p) && pick(p, 2) == 0) {
        packet.as.connect.has_will = true;
        packet.as.connect.will = new_will(p, room);
    }
    p->clean_start = packet.as.connect.clean_start;
    line_open(&p->line, &p->model->soak->address, p->version);
    line_send(&p->line, &packet);
    line_write(&p->line);
    p->state = PERSON_CONNECTING;
}

/* Connects, perhaps while the last connection is still there. */
static void
join(struct person *p, bool clean_start)
{
    bool is_v5 = pick(p, 3) != 0;
    bool lasts = is_member(p) || pick(p, 3) != 0;

    clean_start = clean_start && !is_member(p);
    if (!is_v5) { /* a session either lasts or starts clean */
        lasts = !clean_start && (lasts || p->has_session);
        clean_start = !lasts;
    }
    p->version = is_v5 ? WIRE_V5 : WIRE_V311;
    p->expiry_s = lasts ? LONG_S : 0;
    if (clean_start) {
        abandon_session(p);
        publish_will(p); /* one that waits: its session ends */
    }
    p->will_delay_s = is_v5 && p->expiry_s > 0 && pick(p, 2) == 0 ? LONG_S : 0;
    send_connect(p, clean_start);
}

static void
take_over(struct person *p, bool clean_start)
{
    struct line old = p->line;
    struct wire_any packet;
    bool is_v5 = p->version == WIRE_V5;

    if (p->will_delay_s == 0 || p->expiry_s == 0) {
        publish_will(p);
    }
    p->line.is_open = false;
    if (p->expiry_s == 0) {
        abandon_session(p);
    }
    forget_connection(p);
    join(p, clean_start);
    while (line_wait(&old, &packet)) {
        SOAK_CHECK(packet.type != WIRE_DISCONNECT ||
                   (is_v5 && packet.as.disconnect.reason_code == WIRE_REASON_SESSION_TAKEN_OVER));
    }
    line_close(&old);
}

/* With DISCONNECT, and until the broker has closed: a client that comes back sooner might be read
 * before its DISCONNECT. */
static void
leave(struct person *p, bool wants_will)
{
    struct wire_any packet = {.type = WIRE_DISCONNECT};

    if (wants_will) {
        packet.as.disconnect.reason_code = WIRE_REASON_DISCONNECT_WITH_WILL;
    } else {
        p->will = MESSAGES;
    }
    if (p->expiry_s == 0) {
        abandon_session(p);
    }
    line_send(&p->line, &packet);
    if (wants_will && (p->will_delay_s == 0 || p->expiry_s == 0)) {
        publish_will(p);
    }
    while (line_wait(&p->line, &packet)) {
        SOAK_CHECK(packet.type != WIRE_DISCONNECT);
    }
    forget_connection(p);
}

/* Publishing. */

static struct sent *
find_sent(struct person *p, uint16_t packet_id)
{
    for (unsigned i = 0; i < p->sent_count; i++) {
        if (p->sent[i].packet_id == packet_id) {
            return &p->sent[i];
        }
    }
    return NULL;
}

static void
send_ack(struct person *p, enum wire_type type, uint16_t packet_id)
{
    const struct wire_any packet = {.type = type, .as.ack = {.packet_id = packet_id}};

    line_send(&p->line, &packet);
}

static void
send_publish(struct person *p, unsigned number, uint16_t packet_id, bool dup)
{
    uint8_t room[PAYLOAD_MAX];
    const struct message *msg = &p->model->messages[number];
    const struct wire_any packet = {
        .type = WIRE_PUBLISH,
        .as.publish = {.qos = msg->qos,
                       .dup = dup,
                       .retain = msg->is_retained,
                       .packet_id = packet_id,
                       .topic = span_of_text(topic_names[msg->topic]),
                       .payload = model_payload(p->model, number, room)},
    };

    model_sent(p->model, number);
    p->traffic->publish_sent++;
    line_send(&p->line, &packet);
}

static void
send_again(struct person *p)
{
    for (unsigned i = 0; i < p->sent_count; i++) {
        if (p->sent[i].is_released) {
            send_ack(p, WIRE_PUBREL, p->sent[i].packet_id);
        } else {
            send_publish(p, p->sent[i].message, p->sent[i].packet_id, true);
        }
    }
}

static uint16_t
next_id(struct person *p)
{
    do {
        p->last_id = (uint16_t)(p->last_id % 30 + 1);
    } while (find_sent(p, p->last_id) != NULL || p->last_id == p->asked_id);
    return p->last_id;
}

/* A retained topic's only publisher uses it at QoS 1 and 2, so that it knows what the last one is.
 */
static void
publish(struct person *p)
{
    bool retained = p->who < RETAINED_TOPICS && pick(p, 8) == 0;
    uint8_t qos = (uint8_t)(retained ? 1 + p->who % 2 : pick(p, 3));
    unsigned topic = pick(p, PLAIN_TOPICS + SHARED_TOPICS);
    unsigned number;

    if (p->sent_count == IN_FLIGHT || p->model->message_count > MESSAGES - 1000) {
        return;
    }
    topic += topic >= PLAIN_TOPICS ? RETAINED_TOPICS : 0;
    number = model_message(p->model, p->who, retained ? FIRST_RETAINED + p->who : topic, qos);
    p->model->messages[number].is_retained = retained;
    if (qos > 0) {
        p->sent[p->sent_count] = (struct sent){.message = number, .packet_id = next_id(p)};
        p->sent_count++;
    }
    send_publish(p, number, qos > 0 ? p->last_id : 0, false);
}

static void
finish_sent(struct person *p, struct sent *sent)
{
    size_t at = (size_t)(sent - p->sent);

    memmove(sent, sent + 1, (p->sent_count - at - 1) * sizeof(*sent));
    p->sent_count--;
}

/* PUBACK, PUBREC, PUBCOMP. */
static void
take_answer(struct person *p, enum wire_type type, const struct wire_ack *ack)
{
    struct sent *sent = find_sent(p, ack->packet_id);

    SOAK_CHECK(sent != NULL);
    SOAK_CHECK(
        ack->reason_code == 0 || ack->reason_code == WIRE_REASON_NO_MATCHING_SUBSCRIBERS ||
        (type == WIRE_PUBCOMP && ack->reason_code == WIRE_REASON_PACKET_IDENTIFIER_NOT_FOUND));
    if (!sent->is_released) {
        SOAK_CHECK(type != WIRE_PUBCOMP);
        p->traffic->publish_done++;
        model_done(p->model, sent->message);
    }
    if (type == WIRE_PUBREC) {
        sent->is_released = true;
        send_ack(p, WIRE_PUBREL, ack->packet_id);
    } else {
        finish_sent(p, sent);
    }
}

/* Subscribing. */

static void
subscribe(struct person *p)
{
    unsigned filter = is_member(p) ? SHARED_FILTER : pick(p, SHARED_FILTER);
    struct wire_subscription how = {
        .filter = span_of_text(filter_names[filter]),
        .qos = (uint8_t)(is_member(p) ? 2 : pick(p, 3)),
    };
    struct wire_any packet = {.type = WIRE_SUBSCRIBE};

    if (p->asked_id != 0 || p->model->ledgers[p->who].want_count == WANTS) {
        return;
    }
    p->asked_id = next_id(p);
    p->asked_filter = filter;
    packet.as.subscribe =
        (struct wire_subscribe){.packet_id = p->asked_id, .count = 1, .subscriptions = &how};
    if (pick(p, 3) == 0) {
        packet.type = WIRE_UNSUBSCRIBE;
        packet.as.unsubscribe =
            (struct wire_unsubscribe){.packet_id = p->asked_id, .count = 1, .filters = &how.filter};
        model_unsubscribing(p->model, p->who, filter);
    } else {
        model_subscribing(p->model, p->who, filter, how.qos);
    }
    line_send(&p->line, &packet);
}

static void
take_suback(struct person *p, enum wire_type type, const struct wire_suback *ack)
{
    SOAK_CHECK(ack->packet_id == p->asked_id);
    p->asked_id = 0;
    if (type == WIRE_SUBACK) {
        SOAK_CHECK(ack->reason_codes.len == 1 && ack->reason_codes.data[0] <= 2);
        model_subscribed(p->model, p->who, p->asked_filter);
    } else {
        model_unsubscribed(p->model, p->who, p->asked_filter);
    }
}

/* Getting messages. */

static void
owe(struct person *p, enum wire_type type, uint16_t packet_id)
{
    SOAK_CHECK(p->answer_count < ANSWERS);
    p->answers[p->answer_count++] = (struct answer){type, packet_id};
}

static void
take_publish(struct person *p, const struct wire_publish *publish)
{
    uint16_t id = publish->packet_id;

    p->traffic->publish_got++;
    if (publish->qos > 0 && !p->open[id]) {
        p->open[id] = true;
        p->open_count++;
        SOAK_CHECK(p->open_count <= p->receive_maximum); /* [MQTT-3.3.4-9] */
    }
    if (publish->qos < 2 || !p->held[id]) {
        model_got(p->model, p->who, publish);
    }
    if (publish->qos == 1) {
        owe(p, WIRE_PUBACK, id);
    } else if (publish->qos == 2) {
        p->held[id] = true;
        owe(p, WIRE_PUBREC, id);
    }
}

static void
take_connack(struct person *p, const struct wire_connack *connack)
{
    SOAK_CHECK(p->state == PERSON_CONNECTING && connack->reason_code == 0);
    SOAK_CHECK(!connack->session_present || !p->clean_start); /* [MQTT-3.2.2-2] */
    SOAK_CHECK(connack->session_present || !p->has_session);  /* [MQTT-3.2.2-3] */
    p->traffic->connacks++;
    p->state = PERSON_HERE;
    if (!connack->session_present) {
        forget_session(p);
    }
    p->has_session = p->expiry_s > 0;
    send_again(p);
}

static void
take(struct person *p, const struct wire_any *packet)
{
    switch (packet->type) {
    case WIRE_CONNACK: take_connack(p, &packet->as.connack); break;
    case WIRE_PUBLISH: take_publish(p, &packet->as.publish); break;
    case WIRE_PUBACK:
    case WIRE_PUBREC:
    case WIRE_PUBCOMP: take_answer(p, packet->type, &packet->as.ack); break;
    case WIRE_PUBREL:
        p->held[packet->as.ack.packet_id] = false;
        owe(p, WIRE_PUBCOMP, packet->as.ack.packet_id);
        break;
    case WIRE_SUBACK:
    case WIRE_UNSUBACK: take_suback(p, packet->type, &packet->as.suback); break;
    case WIRE_PINGRESP: p->was_pinged = false; break;
    case WIRE_CONNECT:
    case WIRE_SUBSCRIBE:
    case WIRE_UNSUBSCRIBE:
    case WIRE_PINGREQ:
    case WIRE_DISCONNECT:
    case WIRE_AUTH: SOAK_CHECK(packet->type == WIRE_CONNACK); break;
    }
}

/* Answers go in the order in which the messages came [MQTT-4.6.0-2]. */
static void
send_answers(struct person *p, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct answer *a = &p->answers[i];

        if (a->type != WIRE_PUBREC && p->open[a->packet_id]) {
            p->open[a->packet_id] = false;
            p->open_count--;
        }
        send_ack(p, a->type, a->packet_id);
    }
    p->answer_count -= count;
    memmove(p->answers, p->answers + count, p->answer_count * sizeof(p->answers[0]));
}

void
person_pump(struct person *p, bool all)
{
    struct wire_any packet;

    if (p->state == PERSON_AWAY) {
        return;
    }
    if (!p->is_napping) {
        line_read(&p->line);
        while (line_next(&p->line, &packet)) {
            take(p, &packet);
        }
        SOAK_CHECK(!p->line.is_ended); /* nobody has done anything wrong */
        send_answers(p, all ? p->answer_count : pick(p, p->answer_count + 1));
    }
    line_write(&p->line);
}

/* Living. */

static void
step_here(struct person *p)
{
    unsigned what = pick(p, 60);

    if (what < 3 && p->traffic->is_calm) {
        return;
    }
    switch (what) {
    case 0: vanish(p); break;
    case 1: leave(p, p->version == WIRE_V5 && pick(p, 3) == 0); break;
    case 2: take_over(p, pick(p, 4) == 0); break;
    case 3: p->is_napping = !p->is_napping; break;
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9: subscribe(p); break;
    default:
        if (!is_member(p)) {
            publish(p);
        }
        break;
    }
}

void
person_step(struct person *p)
{
    if (p->state == PERSON_HERE) {
        step_here(p);
    } else if (p->state == PERSON_AWAY && pick(p, 3) == 0) {
        join(p, pick(p, 6) == 0);
    }
}

void
person_settle(struct person *p)
{
    p->is_napping = false;
    if (p->state == PERSON_AWAY && p->has_session) {
        join(p, false);
    }
}

bool
person_is_settled(const struct person *p)
{
    if (p->state == PERSON_AWAY) {
        return !p->has_session;
    }
    return p->state == PERSON_HERE && p->sent_count == 0 && p->asked_id == 0 &&
           p->answer_count == 0 && p->open_count == 0 && p->line.out.len == 0 && !p->was_pinged;
}

void
person_ping(struct person *p)
{
    const struct wire_any packet = {.type = WIRE_PINGREQ};

    if (p->state == PERSON_HERE) {
        line_send(&p->line, &packet);
        p->was_pinged = true;
    }
}

void
person_end(struct person *p)
{
    char name[16];
    struct wire_any packet = {.type = WIRE_DISCONNECT};

    if (p->state == PERSON_HERE) {
        leave(p, false);
    }
    (void)snprintf(name, sizeof(name), "person-%u", p->who);
    packet = (struct wire_any){.type = WIRE_CONNECT};
    packet.as.connect = (struct wire_connect){
        .version = WIRE_V5, .clean_start = true, .client_id = span_of_text(name)};
    line_open(&p->line, &p->model->soak->address, WIRE_V5);
    line_send(&p->line, &packet);
    SOAK_CHECK(line_wait(&p->line, &packet) && packet.type == WIRE_CONNACK);
    SOAK_CHECK(packet.as.connack.reason_code == 0);
    p->traffic->connacks++;
    packet = (struct wire_any){.type = WIRE_DISCONNECT};
    line_send(&p->line, &packet);
    SOAK_CHECK(!line_wait(&p->line, &packet));
    forget_connection(p);
}
