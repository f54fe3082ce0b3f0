/* Out of memory, at every single allocation: a scenario that comes by every part of the core is run
 * once for each allocation it makes, with that one failing. Connections may break and messages be
 * dropped; but nothing crashes, nothing leaks, all that is sent decodes, and a new client is served
 * afterwards. */
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    SUBSCRIBER,
    MEMBER, /* of a group, and of MQTT 3.1.1 */
    PUBLISHER,
    CLIENTS,
};

struct scene {
    struct rig r;
    struct rig_client c[CLIENTS];
    size_t fails_each;  /* which allocation of every step fails; 0: only what rig_try_open() got */
    uint16_t packet_id; /* the last one */
    char large[5000];
};

/* The step to come has its failure, too. */
static void
next_step(struct scene *s)
{
    if (s->fails_each > 0) {
        s->r.alloc.fail_at = s->r.alloc.attempts + s->fails_each;
    }
}

/* Looks at what has come and answers it. */
static void
answer(struct scene *s, struct rig_client *c)
{
    struct wire_any packet;

    while (rig_next(c, &packet)) {
        next_step(s);
        if (packet.type == WIRE_PUBLISH && packet.as.publish.qos == 1) {
            rig_ack(c, WIRE_PUBACK, packet.as.publish.packet_id);
        } else if (packet.type == WIRE_PUBLISH && packet.as.publish.qos == 2) {
            rig_ack(c, WIRE_PUBREC, packet.as.publish.packet_id);
        } else if (packet.type == WIRE_PUBREC && packet.as.ack.reason_code < 0x80) {
            rig_ack(c, WIRE_PUBREL, packet.as.ack.packet_id);
        } else if (packet.type == WIRE_PUBREL) {
            rig_ack(c, WIRE_PUBCOMP, packet.as.ack.packet_id);
        }
    }
}

static void
answer_all(struct scene *s)
{
    for (int i = 0; i < CLIENTS; i++) {
        answer(s, &s->c[i]);
    }
}

static void
send_packet(struct scene *s, int client, struct wire_any *packet)
{
    next_step(s);
    rig_send(&s->c[client], packet);
}

static void
connect_client(struct scene *s, int client, uint32_t expiry_s)
{
    static const char *const names[CLIENTS] = {"subscriber", "member", "publisher"};
    struct wire_any packet = {.type = WIRE_CONNECT};
    struct wire_connect *how = &packet.as.connect;

    *how = rig_lasting(names[client], expiry_s);
    how->version = client == MEMBER ? WIRE_V311 : WIRE_V5;
    how->properties.topic_alias_maximum = 2;
    wire_properties_set(&how->properties, WIRE_TOPIC_ALIAS_MAXIMUM);
    how->has_will = true;
    how->will.topic = SPAN_LITERAL("will/topic");
    how->will.retain = client == PUBLISHER;
    how->will.qos = 1;
    next_step(s);
    rig_client_open(&s->r, &s->c[client], names[client], how->version);
    rig_send(&s->c[client], &packet);
}

static void
subscribe(struct scene *s, int client, const char *filter, uint8_t qos)
{
    const struct wire_subscription w = {.filter = span_of_text(filter), .qos = qos};
    struct wire_any packet = {
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = 1, .count = 1, .subscriptions = &w},
    };

    if (client == SUBSCRIBER) {
        packet.as.subscribe.properties.subscription_identifier = 77;
        wire_properties_set(&packet.as.subscribe.properties, WIRE_SUBSCRIPTION_IDENTIFIER);
    }
    send_packet(s, client, &packet);
}

static void
unsubscribe(struct scene *s, int client, const char *filter)
{
    const struct span filters[] = {span_of_text(filter)};
    struct wire_any packet = {
        .type = WIRE_UNSUBSCRIBE,
        .as.unsubscribe = {.packet_id = 1, .count = 1, .filters = filters},
    };

    send_packet(s, client, &packet);
}

static void
publish(struct scene *s, const char *topic, const char *payload, uint8_t qos, uint16_t alias)
{
    struct wire_any packet = rig_publish_packet(topic, payload, qos, 0);

    s->packet_id = (uint16_t)(s->packet_id % 1000 + 1);
    packet.as.publish.packet_id = qos == 0 ? 0 : s->packet_id;
    packet.as.publish.retain = alias == 0;
    if (alias > 0) {
        packet.as.publish.properties.topic_alias = alias;
        wire_properties_set(&packet.as.publish.properties, WIRE_TOPIC_ALIAS);
    }
    send_packet(s, PUBLISHER, &packet);
}

static void
publish_all_kinds(struct scene *s)
{
    for (uint8_t qos = 0; qos <= 2; qos++) {
        publish(s, "a/topic", "small", qos, 1);
        publish(s, "a/topic", s->large, qos, 2);
        publish(s, "a/retained", "kept", qos, 0);
        publish(s, "a/retained/large", s->large, qos, 0);
        publish(s, "nobody/knows", "x", qos, 3);
    }
    for (int i = 0; i < 20; i++) {
        publish(s, "a/queue", "x", 1, 1);
    }
    answer_all(s);
    publish(s, "a/retained", "", 1, 0);
}

/* A packet that comes in two pieces, which the framer has to keep. */
static void
send_in_pieces(struct scene *s)
{
    next_step(s);
    rig_send_bytes(&s->c[PUBLISHER], "\x30\x09\x00\x03", 4);
    rig_send_bytes(&s->c[PUBLISHER], "a/b\x00xyz", 7);
}

static void
play(struct scene *s)
{
    connect_client(s, SUBSCRIBER, UINT32_MAX);
    connect_client(s, MEMBER, UINT32_MAX);
    connect_client(s, PUBLISHER, 0);
    subscribe(s, SUBSCRIBER, "a/#", 2);
    subscribe(s, SUBSCRIBER, "a/+", 1);
    subscribe(s, SUBSCRIBER, "will/topic", 1);
    subscribe(s, MEMBER, "$share/group/a/topic", 2);
    subscribe(s, MEMBER, "+/+/large", 1);
    answer_all(s);
    publish_all_kinds(s);
    send_in_pieces(s);
    rig_client_drop(&s->c[SUBSCRIBER]); /* away, while more comes */
    rig_client_close(&s->c[SUBSCRIBER]);
    publish_all_kinds(s);
    connect_client(s, SUBSCRIBER, UINT32_MAX);
    subscribe(s, SUBSCRIBER, "#", 1); /* retained messages */
    answer_all(s);
    unsubscribe(s, SUBSCRIBER, "a/#");
    next_step(s);
    rig_client_drop(&s->c[PUBLISHER]); /* its will */
    rig_client_close(&s->c[PUBLISHER]);
    connect_client(s, PUBLISHER, 0);
    rig_advance(&s->r, 10000);
    publish_all_kinds(s);
    answer_all(s);
}

/* Memory is there again: others are served as if nothing had been. */
static void
expect_service(struct rig *r)
{
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;

    r->alloc.fail_at = 0;
    r->alloc.fails_from = 0;
    rig_advance(r, 100); /* what shards owe each other */
    rig_client_connect(r, &publisher, "new publisher");
    rig_client_connect(r, &c, "new subscriber");
    rig_subscribe(&c, "new/+", 2);
    rig_publish_qos(&publisher, "new/topic", "service", 2, 1);
    rig_expect_ack(&publisher, WIRE_PUBREC, 1, 0);
    rig_expect_publish(&c, "service", &packet);
    assert_int_equal(packet.as.publish.qos, 2);
    rig_client_close(&publisher);
    rig_client_close(&c);
}

/* The number of allocations made. */
static size_t
run(struct scene *s, size_t fail_at, size_t fails_each, size_t fails_from)
{
    struct settings settings = settings_default();
    size_t attempts = 0;
    size_t before = 0;

    memset(s, 0, sizeof(*s));
    memset(s->large, 'x', sizeof(s->large) - 1);
    s->fails_each = fails_each;
    if (rig_try_open(&s->r, 2, &settings, fail_at) != WILCO_OK) {
        assert_int_equal(s->r.alloc.live, 0);
        return s->r.alloc.attempts;
    }
    before = s->r.alloc.attempts;
    s->r.alloc.fails_from = fails_from == 0 ? 0 : before + fails_from;
    play(s);
    attempts = s->r.alloc.attempts - (fails_from == 0 ? 0 : before);
    for (int i = 0; i < CLIENTS; i++) {
        rig_client_close(&s->c[i]);
    }
    expect_service(&s->r);
    rig_close(&s->r);
    return attempts;
}

static void
test_each_allocation_once(void **state)
{
    struct scene s;
    size_t fail_at = 1;

    (void)state;
    while (run(&s, fail_at, 0, 0) >= fail_at) {
        fail_at++;
    }
    print_message("%u allocations\n", (unsigned)(fail_at - 1));
    assert_true(fail_at > 100);
}

/* Memory is short all the time: in every step its first, second ... allocation fails. */
static void
test_one_in_every_step(void **state)
{
    struct scene s;

    (void)state;
    for (size_t which = 1; which <= 12; which++) {
        (void)run(&s, 0, which, 0);
    }
}

/* Memory ends, at each allocation, and comes back when all is over: nobody is deaf then. */
static void
test_all_from_each_on(void **state)
{
    struct scene s;
    size_t from = 1;

    (void)state;
    while (run(&s, 0, 0, from) >= from) {
        from++;
    }
    assert_true(from > 100);
}

/* Packets whose answer, or whose delivery to oneself, needs a piece of output that is not there: a
 * client that does not read holds the only one. Each allocation on the way fails once. */
static void
test_no_output(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        size_t times; /* in one write */
    } rows[] = {
        {"\xC0\x00", 2, 1},                          /* PINGREQ */
        {"\x62\x02\x00\x01", 4, 1},                  /* PUBREL */
        {"\x82\x07\x00\x01\x00\x00\x01t\x01", 9, 1}, /* SUBSCRIBE */
        {"\x32\x08\x00\x01m\x00\x05\x00xy", 10, 1},  /* PUBLISH to oneself, QoS 1 */
        {"\x30\x06\x00\x01m\x00xy", 8, 1},           /* and QoS 0 */
        {"\x30\x06\x00\x01m\x00xy", 8, 3000},        /* more than a piece holds */
        {"\x32\x08\x00\x01m\x00\x05\x00xy", 10, 2000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t *bytes = malloc(rows[i].len * rows[i].times);
        bool has_failed = true;

        assert_non_null(bytes);
        for (size_t n = 0; n < rows[i].times; n++) {
            memcpy(bytes + n * rows[i].len, rows[i].bytes, rows[i].len);
        }
        for (size_t which = 1; which < 20 && has_failed; which++) {
            struct rig r;
            struct rig_client holder;
            struct rig_client c;
            struct wire_any packet;

            rig_open(&r, 1, NULL);
            rig_client_connect(&r, &holder, "holder");
            rig_client_connect(&r, &c, "c");
            rig_subscribe(&c, "m", 1);
            holder.is_stuck = true;
            rig_send_bytes(&holder, "\xC0\x00", 2);
            r.alloc.fail_at = r.alloc.attempts + which;
            rig_send_bytes(&c, bytes, rows[i].len * rows[i].times);
            has_failed = r.alloc.attempts >= r.alloc.fail_at;
            while (rig_next(&c, &packet)) { /* decodes */
            }
            expect_service(&r);
            rig_client_close(&holder);
            rig_client_close(&c);
            rig_close(&r);
        }
        free(bytes);
    }
}

/* A large payload is referenced; the reference needs room in a piece of output, too. */
static void
test_no_output_for_a_reference(void **state)
{
    char payload[3000];

    (void)state;
    memset(payload, 'x', sizeof(payload) - 1);
    payload[sizeof(payload) - 1] = '\0';
    for (size_t which = 1; which < 150; which++) {
        struct rig r;
        struct rig_client publisher;
        struct rig_client c;
        struct wire_any packet;

        rig_open(&r, 1, NULL);
        rig_client_connect(&r, &publisher, "publisher");
        rig_client_connect(&r, &c, "c");
        rig_subscribe(&c, "t", 0);
        c.is_stuck = true;
        r.alloc.fail_at = r.alloc.attempts + which;
        for (int i = 0; i < 40; i++) { /* two entries each; a piece has 64 */
            rig_publish(&publisher, "t", payload);
        }
        c.is_stuck = false;
        if (c.is_open) {
            conn_touch(&c.conn);
        }
        rig_settle(&r);
        while (rig_next(&c, &packet)) { /* decodes */
        }
        expect_service(&r);
        rig_client_close(&publisher);
        rig_client_close(&c);
        rig_close(&r);
    }
}

static enum wilco_status
no_randomness(void *context, void *out, size_t len)
{
    (void)context;
    (void)out;
    (void)len;
    return WILCO_EIO;
}

/* No randomness: no broker, or later no names for those who have none. */
static void
test_no_randomness(void **state)
{
    const struct random_source none = {.fill = no_randomness};
    struct wire_connect how = rig_lasting("", 0);
    struct broker_config config = {.settings = settings_default(), .shard_count = 1};
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    r.broker.random = &none;
    rig_connect(&r, &c, &how, &packet);
    assert_int_equal(packet.as.connack.reason_code, 0x88);
    assert_true(rig_client_is_ended(&c));
    rig_client_close(&c);
    expect_service(&r);
    rig_close(&r);

    failing_alloc_init(&r.alloc, 0);
    config.alloc = &r.alloc.alloc;
    config.random = &none;
    assert_int_equal(broker_init(&r.broker, &config, 0), WILCO_EIO);
    assert_int_equal(r.alloc.live, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_once),      cmocka_unit_test(test_one_in_every_step),
        cmocka_unit_test(test_all_from_each_on),          cmocka_unit_test(test_no_output),
        cmocka_unit_test(test_no_output_for_a_reference), cmocka_unit_test(test_no_randomness),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
