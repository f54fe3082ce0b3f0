/* Random life of a group: members come, take messages, answer some of them, vanish, and come back
 * or do not. In the end every QoS 1 message was answered by somebody, and every QoS 2 message once,
 * unless it was with a member whose session ended [MQTT-4.8.2-5]. */
#include "broker/core/session.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MEMBERS  5
#define MESSAGES 300
#define STEPS    1500
#define FILTER   "$share/group/t/+"

static const char *const names[MEMBERS] = {"one", "two", "three", "four", "five"};

struct taken {
    uint16_t packet_id;
    unsigned number;
    uint8_t qos;
    bool is_received; /* QoS 2: PUBREC is sent */
};

/* The first member always keeps its session, so that nobody is ever the last one. */
struct member {
    struct rig_client c;
    bool is_connected;
    bool has_session;
    struct taken taken[MESSAGES]; /* and not finished */
    size_t taken_count;
};

struct world {
    struct rig r;
    struct random_seeded random;
    struct rig_client publisher;
    struct member members[MEMBERS];
    unsigned count; /* messages published */
    uint8_t qos[MESSAGES];
    unsigned answered[MESSAGES];
    bool may_be_lost[MESSAGES]; /* QoS 2, and was sent in a session that ended */
};

static unsigned
pick(struct world *w, unsigned n)
{
    uint64_t value = 0;

    assert_int_equal(random_u64(&w->random.source, &value), WILCO_OK);
    return (unsigned)(value % n);
}

static struct taken *
find(struct member *m, uint16_t packet_id)
{
    for (size_t i = 0; i < m->taken_count; i++) {
        if (m->taken[i].packet_id == packet_id) {
            return &m->taken[i];
        }
    }
    return NULL;
}

static void
forget(struct member *m, struct taken *t)
{
    *t = m->taken[--m->taken_count];
}

static void
take(struct member *m, const struct wire_publish *p)
{
    char text[8] = "";
    struct taken *t = find(m, p->packet_id);

    assert_true(p->qos == 1 || p->dup == (t != NULL)); /* the same client again */
    if (t == NULL) {
        assert_true(m->taken_count < MESSAGES);
        t = &m->taken[m->taken_count++];
        t->is_received = false;
    }
    assert_in_range(p->payload.len, 1, 7);
    memcpy(text, p->payload.data, p->payload.len);
    *t = (struct taken){
        .packet_id = p->packet_id,
        .number = (unsigned)strtoul(text, NULL, 10),
        .qos = p->qos,
        .is_received = t->is_received,
    };
}

static void
read_all(struct world *w, struct member *m)
{
    struct wire_any packet;

    while (rig_next(&m->c, &packet)) {
        if (packet.type == WIRE_PUBLISH) {
            take(m, &packet.as.publish);
        } else if (packet.type == WIRE_PUBREL) {
            struct taken *t = find(m, packet.as.ack.packet_id);

            if (t != NULL) {
                w->answered[t->number]++;
                forget(m, t);
            }
            rig_ack(&m->c, WIRE_PUBCOMP, packet.as.ack.packet_id);
        } else {
            assert_int_equal(packet.type, WIRE_SUBACK);
        }
    }
}

/* A step of one message: PUBACK, or PUBREC, after which PUBREL is waited for. */
static void
answer(struct world *w, struct member *m, size_t at)
{
    struct taken *t = &m->taken[at];

    if (t->qos == 1) {
        w->answered[t->number]++;
        rig_ack(&m->c, WIRE_PUBACK, t->packet_id);
        forget(m, t);
    } else if (!t->is_received) {
        t->is_received = true;
        rig_ack(&m->c, WIRE_PUBREC, t->packet_id);
    }
}

static void
come(struct world *w, struct member *m, uint16_t receive_maximum)
{
    struct wire_connect how = rig_lasting(names[m - w->members], UINT32_MAX);
    struct wire_any connack;

    how.properties.receive_maximum = receive_maximum;
    wire_properties_set(&how.properties, WIRE_RECEIVE_MAXIMUM);
    rig_connect(&w->r, &m->c, &how, &connack);
    assert_int_equal(connack.as.connack.session_present, m->has_session);
    m->is_connected = true;
    m->has_session = true;
    if (!connack.as.connack.session_present) {
        rig_subscribe(&m->c, FILTER, 2);
    }
}

static void
end_session(struct world *w, struct member *m)
{
    struct wire_any packet = {.type = WIRE_DISCONNECT, .as.disconnect = {.reason_code = 4}};

    packet.as.disconnect.properties.session_expiry_interval = 0;
    wire_properties_set(&packet.as.disconnect.properties, WIRE_SESSION_EXPIRY_INTERVAL);
    rig_send(&m->c, &packet);
    for (size_t i = 0; i < m->taken_count; i++) {
        w->may_be_lost[m->taken[i].number] = true;
    }
    m->taken_count = 0;
    m->has_session = false;
}

static void
go(struct world *w, struct member *m)
{
    read_all(w, m);
    if (m != &w->members[0] && pick(w, 3) == 0) {
        end_session(w, m);
    } else {
        rig_client_drop(&m->c);
    }
    rig_client_close(&m->c);
    m->is_connected = false;
    for (size_t i = m->taken_count; i > 0; i--) { /* QoS 1 will be somebody else's */
        if (m->taken[i - 1].qos == 1) {
            forget(m, &m->taken[i - 1]);
        }
    }
}

static void
publish(struct world *w)
{
    char payload[8];
    char topic[8];
    struct wire_any packet;

    if (w->count == MESSAGES) {
        return;
    }
    w->qos[w->count] = (uint8_t)(1 + pick(w, 2));
    (void)snprintf(payload, sizeof(payload), "%u", w->count);
    (void)snprintf(topic, sizeof(topic), "t/%u", pick(w, 3));
    rig_publish_qos(&w->publisher, topic, payload, w->qos[w->count], (uint16_t)(w->count + 1));
    rig_expect(&w->publisher, w->qos[w->count] == 1 ? WIRE_PUBACK : WIRE_PUBREC, &packet);
    assert_int_equal(packet.as.ack.reason_code, 0); /* a member is always there to keep it */
    if (w->qos[w->count] == 2) {
        rig_ack(&w->publisher, WIRE_PUBREL, (uint16_t)(w->count + 1));
        rig_expect(&w->publisher, WIRE_PUBCOMP, &packet);
    }
    w->count++;
}

static void
step(struct world *w)
{
    struct member *m = &w->members[pick(w, MEMBERS)];

    if (pick(w, 3) == 0) {
        publish(w);
    } else if (!m->is_connected) {
        come(w, m, (uint16_t)(1 + pick(w, 4)));
    } else if (pick(w, 8) == 0) {
        go(w, m);
    } else {
        read_all(w, m);
        if (m->taken_count > 0) {
            answer(w, m, pick(w, (unsigned)m->taken_count));
        }
    }
}

/* All come back and answer all. */
static void
finish(struct world *w)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        if (!w->members[i].is_connected) {
            come(w, &w->members[i], 10);
        }
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        struct member *m = &w->members[i];

        read_all(w, m);
        for (size_t left = 3 * MESSAGES; m->taken_count > 0; left--) {
            assert_true(left > 0);
            answer(w, m, left % m->taken_count);
            read_all(w, m);
        }
        assert_int_equal(m->c.conn.session->sent.count, 0);
        assert_int_equal(m->c.conn.session->waiting->count, 0);
    }
    for (unsigned i = 0; i < w->count; i++) {
        if (w->qos[i] == 1) {
            assert_true(w->answered[i] >= 1);
        } else {
            assert_true(w->answered[i] == 1 || (w->answered[i] == 0 && w->may_be_lost[i]));
        }
    }
}

static void
live(unsigned shards, uint64_t seed)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    print_message("seed %u, %u shards\n", (unsigned)seed, shards);
    rig_open(&w->r, shards, NULL);
    random_seeded_init(&w->random, seed);
    rig_client_connect(&w->r, &w->publisher, "publisher");
    come(w, &w->members[0], 3);
    for (unsigned i = 0; i < STEPS; i++) {
        step(w);
    }
    finish(w);
    for (size_t i = 0; i < MEMBERS; i++) {
        rig_client_close(&w->members[i].c);
    }
    rig_client_close(&w->publisher);
    rig_close(&w->r);
    free(w);
}

/* Seeds to run: 1 to 8, or those named on the command line, from the first to the last. */
static uint64_t first_seed = 1;
static uint64_t last_seed = 8;

static void
test_random_group(void **state)
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
        cmocka_unit_test(test_random_group),
    };

    if (argc > 1) {
        first_seed = strtoull(argv[1], NULL, 10);
        last_seed = strtoull(argv[argc - 1], NULL, 10);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
