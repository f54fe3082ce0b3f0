#include "actor.h"

#include "payload.h"

#include "broker/core/session.h"
#include "broker/core/status_response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NEVER_S UINT32_MAX

bool
actor_can_send(struct actor *a)
{
    if (a->is_connected) { /* what is due in its shard may fill its output */
        rig_step(&a->sim->r, a->line->conn.shard->index, RIG_CLOCK);
    }
    return a->is_connected && a->line->is_open && conn_wants_input(&a->line->conn);
}

void
actor_send(struct actor *a, const struct wire_any *packet)
{
    assert_true(actor_can_send(a));
    rig_post(a->line, packet);
}

uint16_t
actor_next_id(struct actor *a)
{
    return ++a->last_id;
}

static struct taken *
find_taken(struct actor *a, uint16_t packet_id)
{
    for (unsigned i = 0; i < a->taken_count; i++) {
        if (a->taken[i].packet_id == packet_id) {
            return &a->taken[i];
        }
    }
    return NULL;
}

static void
forget_taken(struct actor *a, struct taken *t)
{
    *t = a->taken[--a->taken_count];
}

/* Something that came before comes with DUP, except that what was QoS 1 may have become another
 * client's, and its packet identifier another message's. */
static void
take_publish(struct actor *a, const struct wire_publish *p)
{
    struct taken *t = p->qos == 0 ? NULL : find_taken(a, p->packet_id);
    unsigned number = a->role->number(a, p);

    if (t != NULL && p->dup && t->number == number) {
        t->is_of_before = false;
        return;
    }
    if (t != NULL && t->qos == 2) {
        sim_fail(a->sim, "%s gets packet identifier %u again", a->name, p->packet_id);
    }
    a->role->publish(a, p);
    if (p->qos == 0) {
        return;
    }
    if (t == NULL) {
        assert_true(a->taken_count < TAKEN_MAX);
        t = &a->taken[a->taken_count++];
    }
    *t = (struct taken){.packet_id = p->packet_id, .qos = p->qos, .number = number};
}

static void
send_ack(struct actor *a, enum wire_type type, uint16_t packet_id, uint8_t reason_code)
{
    const struct wire_any packet = {.type = type,
                                    .as.ack = {.packet_id = packet_id, .reason_code = reason_code}};

    actor_send(a, &packet);
}

/* QoS 2 goes on by itself: PUBREC is answered at once, PUBREL too. */
static void
take_pubrel(struct actor *a, uint16_t packet_id)
{
    struct taken *t = find_taken(a, packet_id);

    if (t != NULL) {
        forget_taken(a, t);
    }
    send_ack(a, WIRE_PUBCOMP, packet_id, 0);
}

static void
take(struct actor *a, const struct wire_any *packet)
{
    switch (packet->type) {
    case WIRE_PUBLISH: take_publish(a, &packet->as.publish); break;
    case WIRE_PUBREL: take_pubrel(a, packet->as.ack.packet_id); break;
    case WIRE_PUBREC:
        a->role->acknowledged(a, &packet->as.ack);
        if (packet->as.ack.reason_code < 0x80) {
            send_ack(a, WIRE_PUBREL, packet->as.ack.packet_id, 0);
        }
        break;
    case WIRE_PUBACK: a->role->acknowledged(a, &packet->as.ack); break;
    case WIRE_DISCONNECT:
        sim_fail(a->sim, "%s is disconnected: 0x%02x", a->name, packet->as.disconnect.reason_code);
    default: break;
    }
}

bool
actor_read(struct actor *a)
{
    struct wire_any packet;
    bool any = false;

    while (actor_can_send(a) && rig_next(a->line, &packet)) {
        any = true;
        take(a, &packet);
    }
    return any;
}

/* Of what goes down with the connection only QoS 0 is lost: the rest comes again. */
static void
note_lost(struct actor *a)
{
    struct wire_any packet;

    rig_client_see_lost(a->line);
    while (rig_next(a->line, &packet)) {
        if (packet.type == WIRE_PUBLISH && packet.as.publish.qos == 0) {
            a->role->lost(a, &packet.as.publish);
        }
    }
}

static void
set_property(struct wire_properties *v, enum wire_property_id id, bool is_set)
{
    if (is_set) {
        wire_properties_set(v, id);
    }
}

/* A requester does not take smaller packets than before: it would be told that it cannot have what
 * it has read and not acknowledged. */
static void
draw_limits(struct actor *a, struct wire_properties *v)
{
    v->receive_maximum = a->has_small_quota ? (uint16_t)sim_pick(a->sim, 4) : 0;
    set_property(v, WIRE_RECEIVE_MAXIMUM, v->receive_maximum > 0);
    v->maximum_packet_size = PAYLOAD_SMALL_PACKET;
    set_property(v, WIRE_MAXIMUM_PACKET_SIZE,
                 a->has_small_packets && (a->is_requester || sim_chance(a->sim, 2)));
}

static struct wire_any
connect_packet(struct actor *a, bool clean_start)
{
    static const struct wire_user_property rr = USER("rr", "1");
    struct wire_connect how = rig_lasting(a->name, a->expiry_s);
    struct wire_properties *v = &how.properties;

    how.clean_start = clean_start;
    v->request_response_information = 1;
    v->users = &rr;
    v->user_count = a->wants_status;
    draw_limits(a, v);
    set_property(v, WIRE_REQUEST_RESPONSE_INFORMATION, a->wants_inbox);
    set_property(v, WIRE_USER_PROPERTY, a->wants_status);
    return (struct wire_any){.type = WIRE_CONNECT, .as.connect = how};
}

static void
begin_session(struct actor *a)
{
    a->session++;
    a->has_session = true;
    a->taken_count = 0;
}

/* What was QoS 1 and not acknowledged comes again, or went to somebody else. */
static void
resume_session(struct actor *a)
{
    for (unsigned i = 0; i < a->taken_count; i++) {
        a->taken[i].is_of_before = a->taken[i].qos == 1;
    }
}

static void
take_connack(struct actor *a, bool is_resumed)
{
    struct wire_any connack;
    struct span inbox = SPAN_EMPTY;

    rig_step(&a->sim->r, a->line->conn.shard->index, RIG_OUTPUT);
    rig_expect(a->line, WIRE_CONNACK, &connack);
    inbox = connack.as.connack.properties.response_information;
    if (connack.as.connack.reason_code != 0 || connack.as.connack.session_present != is_resumed) {
        sim_fail(a->sim, "%s gets CONNACK 0x%02x, session present %d", a->name,
                 connack.as.connack.reason_code, connack.as.connack.session_present);
    }
    if (is_resumed && !span_equal(inbox, span_of_text(a->inbox))) {
        sim_fail(a->sim, "%s comes back and finds another inbox", a->name);
    }
    assert_true(inbox.len < sizeof(a->inbox));
    memset(a->inbox, 0, sizeof(a->inbox));
    if (inbox.len > 0) {
        memcpy(a->inbox, inbox.data, inbox.len);
    }
}

static bool
is_resumed_with(struct actor *a, bool clean_start)
{
    if (a->is_connected && a->expiry_s == 0) {
        return false;
    }
    actor_check_expiry(a);
    return a->has_session && !clean_start;
}

void
actor_connect(struct actor *a, bool clean_start)
{
    struct rig_client *old = a->line;
    struct rig_client *line = old == &a->lines[0] ? &a->lines[1] : &a->lines[0];
    const struct wire_any packet = connect_packet(a, clean_start);
    bool is_resumed = is_resumed_with(a, clean_start);

    rig_step(&a->sim->r, broker_shard_of(&a->sim->r.broker, span_of_text(a->name))->index,
             RIG_CLOCK); /* a connection is as young as its shard's clock says */
    sim_say(a->sim, "%s %s%s", a->name, a->is_connected ? "takes over" : "connects",
            is_resumed ? "" : ", new session");
    if (a->is_connected) {
        note_lost(a);
    }
    rig_client_open(&a->sim->r, line, a->name, WIRE_V5);
    rig_post(line, &packet);
    rig_client_cut(old);
    a->line = line;
    a->is_connected = true;
    a->connection++;
    a->read_ms = a->sim->r.now_ms;
    if (is_resumed) {
        resume_session(a);
    } else {
        begin_session(a);
    }
    take_connack(a, is_resumed);
    if (!is_resumed) {
        a->role->begin(a);
    }
}

void
actor_subscribe(struct actor *a, const char *filter, uint8_t qos)
{
    const struct wire_subscription w = {.filter = span_of_text(filter), .qos = qos};
    const struct wire_any packet = {
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = actor_next_id(a), .count = 1, .subscriptions = &w},
    };

    actor_send(a, &packet);
}

static void
be_gone(struct actor *a, uint32_t expiry_s)
{
    rig_client_cut(a->line);
    a->role->left(a);
    a->is_connected = false;
    a->has_session = expiry_s > 0;
    a->expires_at_ms =
        expiry_s == NEVER_S ? UINT64_MAX : a->sim->r.now_ms + UINT64_C(1000) * expiry_s;
}

void
actor_drop(struct actor *a, bool reads)
{
    sim_say(a->sim, "%s loses its connection%s", a->name, reads ? "" : ", and what was on its way");
    if (reads) {
        (void)actor_read(a);
    }
    note_lost(a);
    be_gone(a, a->expiry_s);
}

void
actor_leave(struct actor *a, bool session_ends)
{
    struct wire_any packet = {.type = WIRE_DISCONNECT};

    (void)actor_read(a);
    if (!actor_can_send(a)) {
        return;
    }
    sim_say(a->sim, "%s leaves%s", a->name, session_ends ? ", for ever" : "");
    note_lost(a);
    set_property(&packet.as.disconnect.properties, WIRE_SESSION_EXPIRY_INTERVAL, session_ends);
    actor_send(a, &packet);
    be_gone(a, session_ends ? 0 : a->expiry_s);
}

bool
actor_acknowledge(struct actor *a, unsigned at, uint8_t reason_code)
{
    struct taken *t = &a->taken[at];
    uint16_t packet_id = t->packet_id;

    if (t->is_received || t->is_of_before || !actor_can_send(a)) {
        return false;
    }
    if (t->qos == 1 || reason_code >= 0x80) {
        enum wire_type type = t->qos == 1 ? WIRE_PUBACK : WIRE_PUBREC;

        forget_taken(a, t);
        send_ack(a, type, packet_id, reason_code);
    } else {
        t->is_received = true;
        send_ack(a, WIRE_PUBREC, packet_id, 0);
    }
    return true;
}

void
actor_be_stuck(struct actor *a, bool is_stuck)
{
    sim_say(a->sim, "%s %s", a->name, is_stuck ? "stops reading" : "reads again");
    a->line->is_stuck = is_stuck;
    if (!is_stuck) {
        conn_touch(&a->line->conn);
    }
}

bool
actor_time_passed(struct actor *a)
{
    uint64_t now_ms = a->sim->r.now_ms;
    bool reads = a->is_connected && !a->line->is_stuck;

    if (reads) {
        a->read_ms = now_ms;
    }
    if (reads && a->taken_count == 0) {
        a->behind_ms = now_ms;
    }
    return now_ms - a->behind_ms >= STATUS_EXPIRY_S * UINT64_C(1000);
}

void
actor_check_expiry(struct actor *a)
{
    if (!a->is_connected && a->has_session && a->sim->r.now_ms >= a->expires_at_ms) {
        a->has_session = false;
    }
}

void
actor_end(struct actor *a)
{
    rig_client_cut(&a->lines[0]);
    rig_client_cut(&a->lines[1]);
    a->is_connected = false;
}
