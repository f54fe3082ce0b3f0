/* What the broker says of itself below $SYS/broker/. */
#include "broker/core/session.h"
#include "broker/core/sys.h"
#include "support/rig.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ROOT        "$SYS/broker/"
#define INTERVAL_MS 10000U
#define TOPICS_MAX  256

/* What a client has heard last, topic by topic. */
struct board {
    size_t count;
    struct {
        char topic[80];
        char text[64];
        unsigned times;
        bool retain; /* the flag of the last one */
    } items[TOPICS_MAX];
};

static void
copy_text(char *out, size_t size, struct span bytes)
{
    assert_true(bytes.len < size);
    memcpy(out, bytes.data, bytes.len);
    out[bytes.len] = '\0';
}

static void
note(struct board *b, const struct wire_publish *p)
{
    char topic[80];
    size_t i = 0;

    copy_text(topic, sizeof(topic), p->topic);
    while (i < b->count && strcmp(b->items[i].topic, topic) != 0) {
        i++;
    }
    assert_true(i < TOPICS_MAX);
    b->count += i == b->count;
    memcpy(b->items[i].topic, topic, sizeof(topic));
    copy_text(b->items[i].text, sizeof(b->items[i].text), p->payload);
    b->items[i].times++;
    b->items[i].retain = p->retain;
}

/* Takes everything that has come; how many messages that was. */
static size_t
listen_to(struct rig_client *c, struct board *b)
{
    struct wire_any packet;
    size_t count = 0;

    while (rig_next(c, &packet)) {
        assert_int_equal(packet.type, WIRE_PUBLISH);
        assert_int_equal(packet.as.publish.qos, 0);
        note(b, &packet.as.publish);
        count++;
    }
    return count;
}

/* NULL: never heard of. */
static const char *
heard(const struct board *b, const char *topic)
{
    char whole[80];

    (void)snprintf(whole, sizeof(whole), "%s%s", topic[0] == '$' ? "" : ROOT, topic);
    for (size_t i = 0; i < b->count; i++) {
        if (strcmp(b->items[i].topic, whole) == 0) {
            return b->items[i].text;
        }
    }
    return NULL;
}

static void
assert_heard(const struct board *b, const char *topic, const char *text)
{
    const char *got = heard(b, topic);

    if (got == NULL || strcmp(got, text) != 0) {
        fail_msg("%s is %s, not %s", topic, got == NULL ? "missing" : got, text);
    }
}

/* A client that watches everything. */
static void
watch(struct rig *r, struct rig_client *c, struct board *b)
{
    *b = (struct board){.count = 0};
    rig_client_connect(r, c, "watcher");
    rig_subscribe(c, "$SYS/#", 2);
    (void)listen_to(c, b);
}

static size_t
row_count(void)
{
    size_t count = 0;

    while (sys_row(count).topic != NULL) {
        count++;
    }
    return count;
}

/* A subscriber gets every topic of the table and no other, once, retained, with RETAIN 1. */
static void
test_all_at_once(void **state)
{
    struct rig r;
    struct rig_client c;
    struct board b;

    (void)state;
    rig_open(&r, 2, NULL);
    watch(&r, &c, &b);
    assert_int_equal(b.count, row_count());
    for (size_t i = 0; i < b.count; i++) {
        assert_int_equal(b.items[i].times, 1);
        assert_true(b.items[i].retain);
        assert_non_null(heard(&b, sys_row(i).topic));
    }
    assert_int_equal(strncmp(heard(&b, "version"), "wilco version ", 14), 0);
    assert_heard(&b, "uptime", "0 seconds");
    assert_heard(&b, "load/messages/received/1min", "0.00");
    rig_client_close(&c);
    rig_close(&r);
}

/* Every interval, not earlier, only what has changed, and no longer as retained [MQTT-3.3.1-12]. */
static void
test_interval(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;
    struct board b;

    (void)state;
    settings.sys_interval_s = 7;
    rig_open(&r, 1, &settings);
    watch(&r, &c, &b);
    rig_advance(&r, 6999);
    assert_int_equal(listen_to(&c, &b), 0);
    rig_advance(&r, 1);
    b = (struct board){.count = 0};
    assert_true(listen_to(&c, &b) > 0);
    assert_heard(&b, "uptime", "7 seconds");
    assert_heard(&b, "packets/received/subscribe", "1");
    assert_null(heard(&b, "version"));
    assert_null(heard(&b, "clients/connected"));
    for (size_t i = 0; i < b.count; i++) {
        assert_int_equal(b.items[i].times, 1);
        assert_false(b.items[i].retain);
    }
    rig_advance(&r, 6999);
    assert_int_equal(listen_to(&c, &b), 0);
    rig_advance(&r, 1);
    assert_true(listen_to(&c, &b) > 0);
    assert_heard(&b, "uptime", "14 seconds");
    rig_client_close(&c);
    rig_close(&r);
}

static void
test_off(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;
    struct board b;

    (void)state;
    settings.sys_interval_s = 0;
    rig_open(&r, 2, &settings);
    watch(&r, &c, &b);
    rig_advance(&r, 1000000);
    assert_int_equal(listen_to(&c, &b), 0);
    assert_int_equal(b.count, 0);
    rig_client_close(&c);
    rig_close(&r);
}

static uint64_t
next_deadline(const struct rig *r)
{
    uint64_t deadline_ms = UINT64_MAX;

    for (unsigned i = 0; i < r->broker.shard_count; i++) {
        uint64_t at_ms = shard_deadline_ms(r->broker.shards[i]);

        deadline_ms = at_ms < deadline_ms ? at_ms : deadline_ms;
    }
    return deadline_ms;
}

/* Whoever finds that it is time asks the others; the last one to answer publishes. */
static void
test_every_shard_is_asked(void **state)
{
    struct rig r;
    struct rig_client c;
    struct board b;

    (void)state;
    rig_open(&r, 3, NULL);
    watch(&r, &c, &b);
    r.now_ms += INTERVAL_MS;
    shard_advance(r.broker.shards[1], r.now_ms * 1000);
    assert_int_equal(shard_take_kicks(r.broker.shards[1]), 1U << 0 | 1U << 2);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(shard_has_mail(r.broker.shards[i]), i != 1);
    }
    shard_advance(r.broker.shards[2], r.now_ms * 1000);
    assert_int_equal(shard_take_kicks(r.broker.shards[2]), 0); /* that is being done */
    shard_run_inbox(r.broker.shards[2]);
    assert_false(shard_has_mail(r.broker.shards[2]));
    assert_int_equal(listen_to(&c, &b), 0);
    shard_run_inbox(r.broker.shards[0]);
    rig_settle(&r);
    b = (struct board){.count = 0};
    assert_true(listen_to(&c, &b) > 0);
    assert_heard(&b, "packets/received/subscribe", "1");
    for (size_t i = 0; i < b.count; i++) {
        assert_int_equal(b.items[i].times, 1);
    }
    rig_client_close(&c);
    rig_close(&r);
}

/* A broker whose clients do nothing and watch nothing is not woken; whoever comes then hears what
 * is true now. */
static void
test_idle(void **state)
{
    struct rig r;
    struct rig_client idle;
    struct rig_client c;
    struct board b;
    struct wire_any packet = {.type = WIRE_UNSUBSCRIBE};
    const struct span filter = span_of_text("$SYS/#");

    (void)state;
    rig_open(&r, 4, NULL);
    rig_client_connect(&r, &idle, "idle");
    assert_true(next_deadline(&r) == UINT64_MAX);
    rig_advance(&r, 3600000);
    assert_true(next_deadline(&r) == UINT64_MAX);
    watch(&r, &c, &b);
    assert_heard(&b, "uptime", "3600 seconds");
    assert_heard(&b, "clients/connected", "1"); /* when the sample was taken */
    assert_true(next_deadline(&r) <= r.now_ms + INTERVAL_MS);
    rig_advance(&r, INTERVAL_MS);
    (void)listen_to(&c, &b);
    assert_heard(&b, "clients/connected", "2");
    packet.as.unsubscribe.packet_id = 9;
    packet.as.unsubscribe.count = 1;
    packet.as.unsubscribe.filters = &filter;
    rig_send(&c, &packet);
    rig_expect(&c, WIRE_UNSUBACK, &packet);
    assert_true(next_deadline(&r) == UINT64_MAX);
    rig_advance(&r, INTERVAL_MS);
    rig_expect_nothing(&c);
    rig_client_close(&idle);
    rig_client_close(&c);
    rig_close(&r);
}

/* [MQTT-4.7.2-1] */
static void
test_wildcards(void **state)
{
    static const char *const filters[] = {"#", "+/#", "+/broker/version", "+/+/uptime"};
    struct rig r;
    struct rig_client c;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c, "c");
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        rig_subscribe(&c, filters[i], 0);
    }
    rig_advance(&r, INTERVAL_MS);
    rig_advance(&r, INTERVAL_MS);
    rig_expect_nothing(&c);
    rig_client_close(&c);
    rig_close(&r);
}

/* Nobody else may say it, at any QoS, retained or not. */
static void
test_only_the_broker(void **state)
{
    struct rig r;
    struct rig_client c;
    struct rig_client liar;
    struct board b;
    struct wire_any packet = rig_publish_packet(ROOT "version", "a lie", 1, 1);

    (void)state;
    rig_open(&r, 1, NULL);
    watch(&r, &c, &b);
    rig_client_connect(&r, &liar, "liar");
    rig_send(&liar, &packet);
    rig_expect(&liar, WIRE_PUBACK, &packet);
    assert_int_equal(packet.as.ack.reason_code, WIRE_REASON_NOT_AUTHORIZED);
    packet = rig_publish_packet(ROOT "version", "", 0, 0);
    packet.as.publish.retain = true;
    rig_send(&liar, &packet);
    rig_expect_nothing(&c);
    rig_client_close(&c);
    watch(&r, &c, &b);
    assert_int_equal(strncmp(heard(&b, "version"), "wilco version ", 14), 0);
    rig_client_close(&c);
    rig_client_close(&liar);
    rig_close(&r);
}

/* The broker's own take no room from the retained messages of clients. */
static void
test_retained_limits(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;
    struct rig_client publisher;
    struct board b;
    struct wire_any packet = rig_publish_packet("t", "kept", 1, 1);

    (void)state;
    settings.retained_messages_max = 1;
    settings.retained_bytes_max = 20;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &publisher, "publisher");
    packet.as.publish.retain = true;
    rig_send(&publisher, &packet);
    rig_expect_ack(&publisher, WIRE_PUBACK, 1, WIRE_REASON_NO_MATCHING_SUBSCRIBERS);
    rig_advance(&r, INTERVAL_MS);
    assert_int_equal(retained_count(r.broker.retained), 1);
    watch(&r, &c, &b);
    assert_int_equal(b.count, row_count());
    assert_heard(&b, "retained messages/count", "1");
    packet = rig_publish_packet("u", "one too many", 1, 2);
    packet.as.publish.retain = true;
    rig_send(&publisher, &packet);
    rig_expect(&publisher, WIRE_PUBACK, &packet);
    assert_int_equal(packet.as.ack.reason_code, WIRE_REASON_QUOTA_EXCEEDED);
    rig_advance(&r, INTERVAL_MS);
    (void)listen_to(&c, &b);
    assert_heard(&b, "counters/refused_retained_full", "1");
    assert_heard(&b, "reasons/0x97", "1");
    rig_client_close(&c);
    rig_client_close(&publisher);
    rig_close(&r);
}

static const struct {
    const char *topic, *text;
} after_script[] = {
    {"clients/connected", "3"},
    {"clients/disconnected", "1"},
    {"clients/total", "4"},
    {"clients/maximum", "4"},
    {"clients/expired", "0"},
    {"messages/received", "14"}, /* 4 CONNECT, 4 SUBSCRIBE, 5 PUBLISH, 1 PUBREL */
    {"messages/inflight", "1"},
    {"messages/stored", "3"},
    {"store/messages/count", "3"}, /* one retained, one in flight, one for who is away */
    {"retained messages/count", "1"},
    {"subscriptions/count", "3"},
    {"shared_subscriptions/count", "1"},
    {"publish/messages/received", "5"},
    {"publish/messages/dropped", "0"},
    {"publish/bytes/received", "15"},
    {"packets/received/connect", "4"},
    {"packets/received/publish", "5"},
    {"packets/received/pubrel", "1"},
    {"packets/received/pingreq", "0"},
    {"packets/sent/connack", "4"},
    {"packets/sent/suback", "4"},
    {"packets/sent/puback", "2"},
    {"packets/sent/pubrec", "1"},
    {"packets/sent/pubcomp", "1"},
    {"counters/publish_unmatched", "3"},
    {"counters/connections", "4"},
};

/* Clients in as many shards as there are; `c` publishes, `q` leaves one unacknowledged, `away` is.
 */
static void
run_script(struct rig *r, struct rig_client *c, struct rig_client *q, struct rig_client *away)
{
    struct wire_any packet = rig_publish_packet("kept", "eee", 0, 0);

    rig_client_connect(r, c, "client-1");
    rig_client_connect(r, q, "client-2");
    rig_subscribe(q, "one", 1);
    rig_subscribe(q, "$share/g/two", 0);
    rig_resume(r, away, "client-3", false);
    rig_subscribe(away, "two", 2);
    rig_client_drop(away);
    rig_publish(c, "nobody", "aaa");
    rig_publish_qos(c, "one", "bbb", 1, 1);
    rig_expect_ack(c, WIRE_PUBACK, 1, 0);
    rig_publish_qos(c, "one/two", "ccc", 1, 2);
    rig_expect_ack(c, WIRE_PUBACK, 2, WIRE_REASON_NO_MATCHING_SUBSCRIBERS);
    rig_publish_qos(c, "two", "ddd", 2, 3);
    rig_expect_ack(c, WIRE_PUBREC, 3, 0);
    rig_ack(c, WIRE_PUBREL, 3);
    rig_expect_ack(c, WIRE_PUBCOMP, 3, 0);
    packet.as.publish.retain = true;
    rig_send(c, &packet);
}

static void
play(unsigned shards)
{
    struct rig r;
    struct rig_client watcher;
    struct rig_client c;
    struct rig_client q;
    struct rig_client away;
    struct board b;

    rig_open(&r, shards, NULL);
    watch(&r, &watcher, &b);
    run_script(&r, &c, &q, &away);
    rig_advance(&r, INTERVAL_MS);
    (void)listen_to(&watcher, &b);
    for (size_t i = 0; i < sizeof(after_script) / sizeof(after_script[0]); i++) {
        assert_heard(&b, after_script[i].topic, after_script[i].text);
    }
    rig_ack(&q, WIRE_PUBACK, 1);
    rig_client_close(&q);
    rig_client_close(&away);
    rig_advance(&r, INTERVAL_MS);
    (void)listen_to(&watcher, &b);
    assert_heard(&b, "messages/inflight", "0");
    assert_heard(&b, "store/messages/count", "2");
    assert_heard(&b, "shared_subscriptions/count", "0");
    assert_heard(&b, "subscriptions/count", "2");
    assert_heard(&b, "clients/connected", "2");
    assert_heard(&b, "clients/total", "3");
    assert_heard(&b, "clients/maximum", "4");
    rig_client_close(&watcher);
    rig_client_close(&c);
    rig_close(&r);
}

static void
test_numbers(void **state)
{
    (void)state;
    play(1);
    play(4);
}

/* What a client has sent and got is what the broker has received and sent. */
static void
test_bytes(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;
    struct board b = {.count = 0};
    char text[32];
    size_t sent = 0;

    (void)state;
    settings.sys_interval_s = 1;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "t", 0);
    rig_publish(&c, "t", "0123456789");
    sent = c.input_len;
    c.input_at = c.input_len;
    rig_advance(&r, 1000);
    rig_subscribe(&c, ROOT "bytes/+", 0);
    (void)listen_to(&c, &b);
    rig_subscribe(&c, ROOT "publish/bytes/+", 0);
    (void)listen_to(&c, &b);
    (void)snprintf(text, sizeof(text), "%zu", sent);
    assert_heard(&b, "bytes/sent", text);
    /* CONNECT 2 + 10 + 1 + 3, SUBSCRIBE 2 + 2 + 1 + 4, PUBLISH 2 + 3 + 1 + 10 */
    assert_heard(&b, "bytes/received", "41");
    assert_heard(&b, "publish/bytes/received", "10");
    assert_heard(&b, "publish/bytes/sent", "10");
    rig_client_close(&c);
    rig_close(&r);
}

/* Loads against their definition: five intervals of 10 seconds, in the second and fourth of which
 * messages come; nobody watches meanwhile, so that nothing happens in the others. */
static void
test_loads(void **state)
{
    static const int messages[] = {0, 30, 0, 6, 0};
    static const struct {
        const char *topic;
        double span_s;
    } loads[] = {
        {"load/publish/received/1min", 60.0},
        {"load/publish/received/5min", 300.0},
        {"load/publish/received/15min", 900.0},
    };
    struct rig r;
    struct rig_client c;
    struct rig_client watcher;
    struct board b;

    (void)state;
    rig_open(&r, 4, NULL);
    rig_client_connect(&r, &c, "c");
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        for (int k = 0; k < messages[i]; k++) {
            rig_publish(&c, "t", "x");
        }
        rig_advance(&r, INTERVAL_MS);
    }
    watch(&r, &watcher, &b);
    for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
        double keep = exp(-10.0 / loads[i].span_s);
        double want = 0.0;

        for (size_t k = 0; k < sizeof(messages) / sizeof(messages[0]); k++) {
            want = want * keep + 6.0 * messages[k] * (1.0 - keep);
        }
        if (fabs(strtod(heard(&b, loads[i].topic), NULL) - want) > 0.0051) {
            fail_msg("%s: %s instead of %f", loads[i].topic, heard(&b, loads[i].topic), want);
        }
    }
    rig_client_close(&c);
    rig_client_close(&watcher);
    rig_close(&r);
}

/* A client that is away does not find its queue full of what was true once. */
static void
test_not_queued(void **state)
{
    struct rig r;
    struct rig_client c;
    struct board b = {.count = 0};

    (void)state;
    rig_open(&r, 1, NULL);
    rig_resume(&r, &c, "c", false);
    rig_subscribe(&c, ROOT "uptime", 2);
    assert_int_equal(listen_to(&c, &b), 1);
    rig_client_close(&c);
    rig_advance(&r, INTERVAL_MS);
    rig_advance(&r, INTERVAL_MS);
    rig_resume(&r, &c, "c", true);
    rig_expect_nothing(&c);
    rig_advance(&r, INTERVAL_MS);
    assert_int_equal(listen_to(&c, &b), 1);
    assert_heard(&b, "uptime", "30 seconds");
    rig_client_close(&c);
    rig_close(&r);
}

static void
refuse_connect(struct rig *r)
{
    struct rig_client c;
    struct wire_any packet = {.type = WIRE_CONNACK};
    struct wire_connect how = {
        .version = WIRE_V5, .client_id = span_of_text("c"), .has_will = true};

    how.will.topic = span_of_text("a/#");
    rig_connect(r, &c, &how, &packet);
    assert_int_equal(packet.as.connack.reason_code, WIRE_REASON_TOPIC_NAME_INVALID);
    rig_client_close(&c);
}

static void
refuse_filter(struct rig *r)
{
    struct rig_client c;
    const struct wire_subscription w = {.filter = span_of_text("a#")};

    rig_client_connect(r, &c, "c");
    rig_subscribe_with(&c, &w, 0, WIRE_REASON_TOPIC_FILTER_INVALID);
    rig_client_close(&c);
}

static void
refuse_message(struct rig *r)
{
    struct rig_client c;

    rig_client_connect(r, &c, "c");
    rig_publish(&c, "$mine", "x"); /* QoS 0: it is not even told */
    rig_client_close(&c);
}

static void
break_protocol(struct rig *r)
{
    struct rig_client c;

    rig_client_connect(r, &c, "c");
    rig_send_bytes(&c, "\x20\x00", 2);
    rig_client_close(&c);
}

static void
take_over(struct rig *r)
{
    struct rig_client c;
    struct rig_client again;

    rig_client_connect(r, &c, "c");
    rig_client_connect(r, &again, "c");
    rig_client_close(&c);
    rig_client_close(&again);
}

static void
keep_silent(struct rig *r)
{
    struct rig_client c;
    struct wire_any packet;
    struct wire_connect how = {.version = WIRE_V311,
                               .clean_start = true,
                               .client_id = span_of_text("c"),
                               .keep_alive = 10};

    rig_connect(r, &c, &how, &packet);
    rig_advance(r, 20000);
    rig_client_close(&c);
}

static void
never_connect(struct rig *r)
{
    struct rig_client c;

    rig_client_open(r, &c, "c", WIRE_V5);
    rig_advance(r, 20000);
    rig_client_close(&c);
}

static void
send_too_much(struct rig *r)
{
    struct rig_client c;
    struct rig_client publisher;
    struct wire_any packet;
    struct wire_connect how = {
        .version = WIRE_V5, .clean_start = true, .client_id = span_of_text("c")};

    how.properties.maximum_packet_size = 20;
    wire_properties_set(&how.properties, WIRE_MAXIMUM_PACKET_SIZE);
    rig_connect(r, &c, &how, &packet);
    rig_subscribe(&c, "t", 0);
    rig_client_connect(r, &publisher, "publisher");
    rig_publish(&publisher, "t", "far more than twenty bytes");
    rig_client_close(&c);
    rig_client_close(&publisher);
}

/* Every refusal and every end is seen by what it was and by why. */
static const struct {
    const char *name;
    void (*act)(struct rig *r);
    const char *topics[3];
} refusals[] = {
    {"CONNECT", refuse_connect, {"counters/connects_refused", "reasons/0x90"}},
    {"a filter", refuse_filter, {"counters/subscribe_refused", "reasons/0x8F"}},
    {"a message", refuse_message, {"counters/publish_refused", "reasons/0x87"}},
    {"a protocol error", break_protocol, {"counters/protocol_errors", "reasons/0x82"}},
    {"a takeover", take_over, {"reasons/0x8E"}},
    {"no keep alive", keep_silent, {"reasons/0x8D"}},
    {"no CONNECT", never_connect, {"counters/connect_timeouts"}},
    {"too large", send_too_much, {"counters/dropped_too_large", "publish/messages/dropped"}},
};

static void
test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct rig r;
        struct rig_client c;
        struct board b;

        rig_open(&r, 4, NULL);
        watch(&r, &c, &b);
        for (int k = 0; k < 3 && refusals[i].topics[k] != NULL; k++) {
            assert_heard(&b, refusals[i].topics[k], "0");
        }
        refusals[i].act(&r);
        rig_advance(&r, INTERVAL_MS);
        (void)listen_to(&c, &b);
        for (int k = 0; k < 3 && refusals[i].topics[k] != NULL; k++) {
            assert_heard(&b, refusals[i].topics[k], "1");
        }
        rig_client_close(&c);
        rig_close(&r);
    }
}

/* What could not be said for want of memory is said with the next sample. */
static void
test_no_memory(void **state)
{
    struct rig r;
    struct rig_client c;
    struct board b;

    (void)state;
    for (size_t i = 1; i <= 12; i++) {
        rig_open(&r, 1, NULL);
        r.alloc.fail_at = r.alloc.attempts + i;
        rig_advance(&r, 0); /* the first sample */
        r.alloc.fail_at = 0;
        rig_advance(&r, INTERVAL_MS);
        watch(&r, &c, &b);
        assert_int_equal(b.count, row_count());
        rig_client_close(&c);
        rig_close(&r);
    }
}

/* docs/sys.md has a line for each topic, and no other topics. */
static void
test_document(void **state)
{
    FILE *file = fopen("docs/sys.md", "r");
    char line[512];
    size_t next = 0;

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        struct sys_row row = sys_row(next);
        char want[512];

        if (strncmp(line, "| `$SYS/", 8) != 0) {
            continue;
        }
        if (row.topic == NULL) {
            fail_msg("docs/sys.md has a topic that is not published: %s", line);
        }
        (void)snprintf(want, sizeof(want), "| `%s` | %s |\n", row.topic, row.what);
        if (strcmp(line, want) != 0) {
            fail_msg("docs/sys.md: expected\n%snot\n%s", want, line);
        }
        next++;
    }
    (void)fclose(file);
    if (sys_row(next).topic != NULL) {
        fail_msg("docs/sys.md lacks: | `%s` | %s |", sys_row(next).topic, sys_row(next).what);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_interval),
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_every_shard_is_asked),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_wildcards),
        cmocka_unit_test(test_only_the_broker),
        cmocka_unit_test(test_retained_limits),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_loads),
        cmocka_unit_test(test_not_queued),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_document),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
