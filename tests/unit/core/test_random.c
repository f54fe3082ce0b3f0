/* Random life: publishers and subscribers that connect, drop, come back, take over, subscribe and
 * unsubscribe, answer late and in any order, lose what they were sent and what they send, while
 * time passes. A model follows. What it checks:
 *   - QoS 1 and 2 are never lost to a session that is kept, QoS 2 arrives exactly once;
 *   - nothing arrives that was not published while subscribed, nor more often than accepted but as
 *     DUP;
 *   - what one client publishes to one topic arrives in order, for each QoS;
 *   - the client's Receive Maximum holds, Session Present tells the truth, all that is sent
 * decodes;
 *   - at the end nothing is under way and no memory is left.
 * A failure names its seed and can be replayed. */
#include "broker/core/session.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    PUBLISHERS = 3,
    SUBSCRIBERS = 4,
    TOPICS = 3,
    FILTERS = TOPICS + 1, /* the topics, and "#" */
    MESSAGES = 1200,
    IN_FLIGHT = 8,
    IDS = 65536,
    ANSWERS = 4096,
    STEPS = 6000,
};

static const char *const names_of_publishers[PUBLISHERS] = {"p0", "p1", "p2"};
static const char *const names_of_subscribers[SUBSCRIBERS] = {"s0", "s1", "s2", "s3"};
static const char *const filters[FILTERS] = {"topic/0", "topic/1", "other", "#"};

struct sent {
    unsigned message;
    uint16_t packet_id; /* 0: this place is free */
    bool was_taken;     /* the broker has it */
    bool is_released;   /* PUBREC has come */
};

struct publisher {
    struct rig_client c;
    bool is_connected;
    struct sent sent[IN_FLIGHT]; /* in order */
    size_t sent_count;
    uint16_t last_id;
};

/* What one subscriber is due of one message, for one QoS. */
struct due {
    unsigned first_at; /* when it was accepted first; 0: it is not due */
    uint16_t accepted;
    uint16_t got;
    uint16_t got_without_dup;
};

struct answer {
    enum wire_type type;
    uint16_t packet_id;
};

struct subscriber {
    struct rig_client c;
    bool is_connected;
    bool has_session;
    uint32_t expiry_s;
    uint64_t expires_at_ms;
    int granted[FILTERS]; /* -1: not subscribed */
    uint16_t receive_maximum;
    size_t open_count;              /* PUBLISH packets of this connection not finished with */
    bool open[IDS];                 /* which */
    bool held[IDS];                 /* QoS 2: had, and not released; part of the session */
    struct answer answers[ANSWERS]; /* not yet sent */
    size_t answer_count;
    struct due due[MESSAGES][3];
    unsigned last_at[PUBLISHERS][TOPICS][3];
};

struct world {
    struct rig r;
    struct random_seeded random;
    struct publisher publishers[PUBLISHERS];
    struct subscriber subscribers[SUBSCRIBERS];
    struct {
        uint8_t publisher;
        uint8_t topic;
        uint8_t qos;
    } messages[MESSAGES];
    unsigned message_count;
    unsigned accepted_count;
};

static unsigned
pick(struct world *w, unsigned below)
{
    uint64_t number = 0;

    assert_int_equal(random_u64(&w->random.source, &number), WILCO_OK);
    return (unsigned)(number % below);
}

/* The model's part: the broker has taken a message. */

static int
granted_for(const struct subscriber *s, unsigned topic)
{
    int exact = s->granted[topic];
    int all = s->granted[TOPICS];

    return exact > all ? exact : all;
}

static void
model_accept(struct world *w, unsigned message)
{
    w->accepted_count++;
    for (size_t i = 0; i < SUBSCRIBERS; i++) {
        struct subscriber *s = &w->subscribers[i];
        int qos = granted_for(s, w->messages[message].topic);
        struct due *due = NULL;

        if (!s->has_session || qos < 0) {
            continue;
        }
        qos = qos < w->messages[message].qos ? qos : w->messages[message].qos;
        due = &s->due[message][qos];
        due->first_at = due->first_at == 0 ? w->accepted_count : due->first_at;
        due->accepted++;
    }
}

static void
forget_session(struct subscriber *s)
{
    s->has_session = false;
    memset(s->due, 0, sizeof(s->due));
    memset(s->held, 0, sizeof(s->held));
    memset(s->last_at, 0, sizeof(s->last_at));
    for (size_t i = 0; i < FILTERS; i++) {
        s->granted[i] = -1;
    }
}

static void
check_received(struct world *w, struct subscriber *s, const struct wire_publish *p)
{
    char text[8] = "";
    unsigned number = 0;
    struct due *due = NULL;
    unsigned *last_at = NULL;

    assert_in_range(p->payload.len, 1, 7);
    memcpy(text, p->payload.data, p->payload.len);
    number = (unsigned)strtoul(text, NULL, 10);
    assert_true(number < w->message_count);
    due = &s->due[number][p->qos];
    assert_true(due->first_at > 0);
    due->got++;
    due->got_without_dup = (uint16_t)(due->got_without_dup + !p->dup);
    assert_true(due->got_without_dup <= due->accepted);
    assert_true(p->qos != 2 || due->got == 1);
    last_at = &s->last_at[w->messages[number].publisher][w->messages[number].topic][p->qos];
    /* A QoS 1 message that its publisher sent twice may have been lost the first time as QoS 0. */
    if (due->got == 1 && (p->qos > 0 || w->messages[number].qos == 0)) {
        assert_true(due->first_at > *last_at);
        *last_at = due->first_at;
    }
}

/* Subscribers. */

static void
owe(struct subscriber *s, enum wire_type type, uint16_t packet_id)
{
    assert_true(s->answer_count < ANSWERS);
    s->answers[s->answer_count++] = (struct answer){type, packet_id};
}

static void
take_publish(struct world *w, struct subscriber *s, const struct wire_publish *p)
{
    if (p->qos > 0 && !s->open[p->packet_id]) {
        s->open[p->packet_id] = true;
        s->open_count++;
        assert_true(s->open_count <= s->receive_maximum);
    }
    if (p->qos < 2 || !s->held[p->packet_id]) {
        check_received(w, s, p);
    }
    if (p->qos == 1) {
        owe(s, WIRE_PUBACK, p->packet_id);
    } else if (p->qos == 2) {
        s->held[p->packet_id] = true;
        owe(s, WIRE_PUBREC, p->packet_id);
    }
}

static void
read_packets(struct world *w, struct subscriber *s, unsigned max)
{
    struct wire_any packet;

    for (unsigned i = 0; i < max && rig_next(&s->c, &packet); i++) {
        if (packet.type == WIRE_PUBLISH) {
            take_publish(w, s, &packet.as.publish);
        } else if (packet.type == WIRE_PUBREL) {
            s->held[packet.as.ack.packet_id] = false;
            owe(s, WIRE_PUBCOMP, packet.as.ack.packet_id);
        } else {
            assert_true(packet.type == WIRE_SUBACK || packet.type == WIRE_UNSUBACK);
        }
    }
}

static void
send_answer(struct subscriber *s, size_t at)
{
    struct answer answer = s->answers[at];

    memmove(&s->answers[at], &s->answers[at + 1],
            (s->answer_count - at - 1) * sizeof(s->answers[0]));
    s->answer_count--;
    if (answer.type != WIRE_PUBREC && s->open[answer.packet_id]) {
        s->open[answer.packet_id] = false;
        s->open_count--;
    }
    rig_ack(&s->c, answer.type, answer.packet_id);
    assert_false(rig_client_is_ended(&s->c));
}

static void
pay_attention(struct world *w, struct subscriber *s)
{
    s->c.is_stuck = false;
    conn_touch(&s->c.conn);
    rig_settle(&w->r);
}

/* Answers are lost with the connection, and so is what was not read. */
static void
leave(struct world *w, struct subscriber *s, bool politely)
{
    if (politely) {
        rig_disconnect(&s->c, 0);
    } else {
        rig_client_drop(&s->c);
    }
    rig_client_close(&s->c);
    s->is_connected = false;
    s->answer_count = 0;
    s->open_count = 0;
    memset(s->open, 0, sizeof(s->open));
    s->expires_at_ms =
        s->expiry_s == UINT32_MAX ? UINT64_MAX : w->r.now_ms + (uint64_t)s->expiry_s * 1000;
    if (s->expiry_s == 0) {
        forget_session(s);
    }
}

static void
join(struct world *w, struct subscriber *s, bool for_good)
{
    static const uint32_t expiries[] = {0, 5, 60, UINT32_MAX, UINT32_MAX};
    uint32_t expiry_s = for_good ? UINT32_MAX : expiries[pick(w, 5)];
    struct wire_connect how = rig_lasting(names_of_subscribers[s - w->subscribers], expiry_s);
    struct wire_any connack;

    how.clean_start = !for_good && pick(w, 20) == 0;
    s->receive_maximum = for_good ? UINT16_MAX : (uint16_t)(1 + pick(w, 6));
    how.properties.receive_maximum = s->receive_maximum;
    wire_properties_set(&how.properties, WIRE_RECEIVE_MAXIMUM);
    how.properties.topic_alias_maximum = (uint16_t)pick(w, 3);
    wire_properties_set(&how.properties, WIRE_TOPIC_ALIAS_MAXIMUM);
    rig_connect(&w->r, &s->c, &how, &connack);
    assert_int_equal(connack.as.connack.reason_code, 0);
    assert_int_equal(connack.as.connack.session_present, s->has_session && !how.clean_start);
    if (!connack.as.connack.session_present) {
        forget_session(s);
    }
    s->has_session = true;
    s->is_connected = true;
    s->expiry_s = how.properties.session_expiry_interval;
}

/* Another connection of the same client comes while the last one is there. */
static void
take_over(struct world *w, struct subscriber *s)
{
    struct wire_connect how = rig_lasting(names_of_subscribers[s - w->subscribers], s->expiry_s);
    struct rig_client fresh;
    struct wire_any packet;

    pay_attention(w, s);
    how.properties.receive_maximum = s->receive_maximum;
    wire_properties_set(&how.properties, WIRE_RECEIVE_MAXIMUM);
    rig_connect(&w->r, &fresh, &how, &packet);
    assert_true(rig_client_is_ended(&s->c));
    leave(w, s, false);
    rig_client_drop(&fresh);
    rig_client_close(&fresh);
}

static void
subscribe(struct world *w, struct subscriber *s)
{
    unsigned at = pick(w, FILTERS);
    struct wire_subscription how = {.filter = span_of_text(filters[at]),
                                    .qos = (uint8_t)pick(w, 3)};
    const struct span filter = how.filter;
    struct wire_any packet = {
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = 1, .count = 1, .subscriptions = &how},
    };

    pay_attention(w, s);
    if (pick(w, 4) == 0) {
        packet = (struct wire_any){
            .type = WIRE_UNSUBSCRIBE,
            .as.unsubscribe = {.packet_id = 1, .count = 1, .filters = &filter},
        };
        s->granted[at] = -1;
    } else {
        s->granted[at] = how.qos;
    }
    rig_send(&s->c, &packet);
}

static void
step_subscriber(struct world *w, struct subscriber *s)
{
    if (!s->is_connected) {
        if (pick(w, 3) == 0) {
            join(w, s, false);
        }
        return;
    }
    switch (pick(w, 16)) {
    case 0: leave(w, s, false); break;
    case 1: leave(w, s, true); break;
    case 2: take_over(w, s); break;
    case 3: subscribe(w, s); break;
    case 4: s->c.is_stuck = !s->c.is_stuck; break;
    default:
        pay_attention(w, s);
        read_packets(w, s, pick(w, 10));
        while (s->answer_count > 0 && pick(w, 4) != 0) {
            send_answer(s, pick(w, 3) == 0 ? pick(w, (unsigned)s->answer_count) : 0);
        }
        break;
    }
}

/* Publishers. */

static void
send_publish(struct world *w, struct publisher *p, struct sent *sent, bool dup)
{
    char payload[8];
    unsigned number = sent->message;
    struct wire_any packet;

    (void)snprintf(payload, sizeof(payload), "%u", number);
    packet = rig_publish_packet(filters[w->messages[number].topic], payload,
                                w->messages[number].qos, sent->packet_id);
    packet.as.publish.dup = dup;
    if (w->messages[number].qos < 2 || !sent->was_taken) {
        model_accept(w, number);
    }
    sent->was_taken = true;
    rig_send(&p->c, &packet);
}

static void
remove_sent(struct publisher *p, struct sent *sent)
{
    size_t at = (size_t)(sent - p->sent);

    memmove(sent, sent + 1, (p->sent_count - at - 1) * sizeof(*sent));
    p->sent_count--;
}

static struct sent *
find_sent(struct publisher *p, uint16_t packet_id)
{
    for (size_t i = 0; i < p->sent_count; i++) {
        if (p->sent[i].packet_id == packet_id) {
            return &p->sent[i];
        }
    }
    return NULL;
}

static void
read_answers(struct publisher *p, unsigned max)
{
    struct wire_any packet;

    for (unsigned i = 0; i < max && rig_next(&p->c, &packet); i++) {
        struct sent *sent = find_sent(p, packet.as.ack.packet_id);

        assert_non_null(sent);
        assert_true(packet.as.ack.reason_code < 0x80 ||
                    (packet.type == WIRE_PUBCOMP && packet.as.ack.reason_code == 0x92));
        if (packet.type == WIRE_PUBREC) {
            sent->is_released = true;
            rig_ack(&p->c, WIRE_PUBREL, sent->packet_id);
        } else {
            assert_true(packet.type == WIRE_PUBACK || packet.type == WIRE_PUBCOMP);
            remove_sent(p, sent);
        }
    }
}

static void
return_publisher(struct world *w, struct publisher *p)
{
    rig_resume(&w->r, &p->c, names_of_publishers[p - w->publishers], true);
    p->is_connected = true;
    for (size_t i = 0; i < p->sent_count; i++) {
        if (p->sent[i].is_released) {
            rig_ack(&p->c, WIRE_PUBREL, p->sent[i].packet_id);
        } else {
            send_publish(w, p, &p->sent[i], true);
        }
    }
}

static void
drop_publisher(struct publisher *p)
{
    rig_client_drop(&p->c);
    rig_client_close(&p->c);
    p->is_connected = false;
}

static void
publish(struct world *w, struct publisher *p)
{
    unsigned number = w->message_count;
    struct sent once = {.message = number};
    struct sent *sent = &once;

    if (number == MESSAGES || p->sent_count == IN_FLIGHT) {
        return;
    }
    w->messages[number].publisher = (uint8_t)(p - w->publishers);
    w->messages[number].topic = (uint8_t)pick(w, TOPICS);
    w->messages[number].qos = (uint8_t)pick(w, 3);
    w->message_count++;
    if (w->messages[number].qos > 0) {
        do {
            p->last_id = (uint16_t)(p->last_id % 20 + 1);
        } while (find_sent(p, p->last_id) != NULL);
        sent = &p->sent[p->sent_count++];
        *sent = (struct sent){.message = number, .packet_id = p->last_id};
    }
    if (pick(w, 20) == 0) { /* the connection breaks and the broker has not got it */
        drop_publisher(p);
        return;
    }
    send_publish(w, p, sent, false);
}

static void
step_publisher(struct world *w, struct publisher *p)
{
    if (!p->is_connected) {
        return_publisher(w, p);
        return;
    }
    switch (pick(w, 12)) {
    case 0: drop_publisher(p); break;
    case 1:
    case 2:
    case 3: read_answers(p, pick(w, 6)); break;
    default: publish(w, p); break;
    }
}

/* The world. */

static void
pass_time(struct world *w)
{
    rig_advance(&w->r, pick(w, 4000));
    for (size_t i = 0; i < SUBSCRIBERS; i++) {
        struct subscriber *s = &w->subscribers[i];

        if (!s->is_connected && s->has_session && s->expires_at_ms <= w->r.now_ms) {
            forget_session(s);
        }
    }
}

static void
begin(struct world *w, unsigned shards, uint64_t seed)
{
    struct settings settings = settings_default();

    memset(w, 0, sizeof(*w));
    settings.output_bytes_max = 1024;
    rig_open(&w->r, shards, &settings);
    random_seeded_init(&w->random, seed);
    for (size_t i = 0; i < SUBSCRIBERS; i++) {
        forget_session(&w->subscribers[i]);
    }
    for (size_t i = 0; i < PUBLISHERS; i++) {
        rig_resume(&w->r, &w->publishers[i].c, names_of_publishers[i], false);
        w->publishers[i].is_connected = true;
    }
}

/* All come back for good and finish what they have begun. */
static void
finish(struct world *w)
{
    for (size_t i = 0; i < PUBLISHERS; i++) {
        struct publisher *p = &w->publishers[i];

        if (!p->is_connected) {
            return_publisher(w, p);
        }
        read_answers(p, UINT32_MAX);
        assert_int_equal(p->sent_count, 0);
    }
    for (size_t i = 0; i < SUBSCRIBERS; i++) {
        struct subscriber *s = &w->subscribers[i];

        if (s->is_connected) {
            leave(w, s, false);
        }
    }
}

static void
check_all_arrived(struct world *w, struct subscriber *s)
{
    do {
        while (s->answer_count > 0) {
            send_answer(s, 0);
        }
        read_packets(w, s, UINT32_MAX);
    } while (s->answer_count > 0);
    for (unsigned i = 0; i < w->message_count; i++) {
        assert_true(s->due[i][1].first_at == 0 || s->due[i][1].got >= 1);
        assert_true(s->due[i][2].first_at == 0 || s->due[i][2].got == 1);
    }
    assert_int_equal(s->c.conn.session->sent.count, 0);
    assert_int_equal(s->c.conn.session->waiting->count, 0);
    assert_int_equal(s->c.conn.session->unsent, 0);
    assert_int_equal(s->c.conn.session->overdrawn, 0);
}

static void
live(unsigned shards, uint64_t seed)
{
    struct world *w = malloc(sizeof(*w));

    assert_non_null(w);
    print_message("seed %u, %u shards\n", (unsigned)seed, shards);
    begin(w, shards, seed);
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned who = pick(w, PUBLISHERS + SUBSCRIBERS + 1);

        if (who < PUBLISHERS) {
            step_publisher(w, &w->publishers[who]);
        } else if (who < PUBLISHERS + SUBSCRIBERS) {
            step_subscriber(w, &w->subscribers[who - PUBLISHERS]);
        } else {
            pass_time(w);
        }
    }
    finish(w);
    for (size_t i = 0; i < SUBSCRIBERS; i++) {
        join(w, &w->subscribers[i], true);
        check_all_arrived(w, &w->subscribers[i]);
        rig_client_close(&w->subscribers[i].c);
    }
    for (size_t i = 0; i < PUBLISHERS; i++) {
        rig_client_close(&w->publishers[i].c);
    }
    rig_close(&w->r);
    free(w);
}

/* Seeds to run: 1 to 8, or those named on the command line, from the first to the last. */
static uint64_t first_seed = 1;
static uint64_t last_seed = 8;

static void
test_random_life(void **state)
{
    (void)state;
    for (uint64_t seed = first_seed; seed <= last_seed; seed++) {
        live(seed % 2 == 0 ? 4 : 1, seed);
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_life),
    };

    if (argc > 1) {
        first_seed = strtoull(argv[1], NULL, 10);
        last_seed = strtoull(argv[argc - 1], NULL, 10);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
