/* What the broker says of requests below $SYS/rr/. */
#include "broker/core/sys_requests.h"

#include "support/asking.h"
#include "support/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define INTERVAL_MS 10000U
#define TOPICS_MAX  100

/* What a client has heard last, topic by topic. */
struct board {
    size_t count;
    struct {
        char topic[100];
        char text[800];
        unsigned times;
    } items[TOPICS_MAX];
};

struct scene {
    struct rig r;
    struct rig_client watcher;
    struct rig_client asker;
    struct rig_client responder;
    char inbox[INBOX_TEXT_BYTES];
    struct wire_any request;
    struct board board;
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
    size_t i = 0;

    while (i < b->count && !span_equal(span_of_text(b->items[i].topic), p->topic)) {
        i++;
    }
    assert_true(i < TOPICS_MAX);
    b->count += i == b->count;
    copy_text(b->items[i].topic, sizeof(b->items[i].topic), p->topic);
    copy_text(b->items[i].text, sizeof(b->items[i].text), p->payload);
    b->items[i].times++;
}

static void
listen_to(struct scene *s)
{
    struct wire_any packet;

    while (rig_next(&s->watcher, &packet)) {
        assert_int_equal(packet.type, WIRE_PUBLISH);
        note(&s->board, &packet.as.publish);
    }
}

/* Lets the broker look again. */
static void
sample(struct scene *s)
{
    rig_advance(&s->r, INTERVAL_MS);
    listen_to(s);
}

static const char *
heard(const struct scene *s, const char *topic)
{
    char whole[100];

    (void)snprintf(whole, sizeof(whole), "$SYS/rr/%s", topic);
    for (size_t i = 0; i < s->board.count; i++) {
        if (strcmp(s->board.items[i].topic, whole) == 0) {
            return s->board.items[i].text;
        }
    }
    return NULL;
}

/* How many topics were heard of that begin so, and how often all of them. */
static unsigned
times_heard(const struct scene *s, const char *prefix, unsigned *topics)
{
    unsigned times = 0;

    *topics = 0;
    for (size_t i = 0; i < s->board.count; i++) {
        if (strncmp(s->board.items[i].topic, prefix, strlen(prefix)) == 0) {
            times += s->board.items[i].times;
            *topics += 1;
        }
    }
    return times;
}

struct times {
    unsigned long long count, sum, p50, p90, p99, p999, max;
};

struct figures {
    unsigned long long requests, answered, errors, failed;
    struct times queue, service, back;
};

#define TIMES_FORMAT                                                                               \
    ":{\"count\":%llu,\"sum\":%llu,\"p50\":%llu,\"p90\":%llu,\"p99\":%llu,\"p999\":%llu,"          \
    "\"max\":%llu}"
#define TIMES_OF(t) &(t).count, &(t).sum, &(t).p50, &(t).p90, &(t).p99, &(t).p999, &(t).max

/* Reads the JSON object, which has just these fields. */
static struct figures
figures_of(const struct scene *s, const char *topic)
{
    const char *text = heard(s, topic);
    struct figures f;
    int end = 0;

    if (text == NULL) {
        fail_msg("nothing was heard of %s", topic);
        return (struct figures){0};
    }
    assert_int_equal(sscanf(text, /* NOLINT(cert-err34-c): the broker's own numbers */
                            "{\"requests\":%llu,\"answered\":%llu,\"errors\":%llu,\"failed\":%llu,"
                            "\"queue_us\"" TIMES_FORMAT ",\"service_us\"" TIMES_FORMAT
                            ",\"return_us\"" TIMES_FORMAT "}%n",
                            &f.requests, &f.answered, &f.errors, &f.failed, TIMES_OF(f.queue),
                            TIMES_OF(f.service), TIMES_OF(f.back), &end),
                     4 + 3 * 7);
    assert_int_equal(end, strlen(text));
    return f;
}

/* A client that gets one thing at a time. */
static void
connect_narrow(struct scene *s, struct rig_client *c, const char *client_id)
{
    static const struct wire_user_property rr = USER("rr", "1");
    struct wire_connect how = rig_lasting(client_id, 0);
    struct wire_any connack;

    how.properties.receive_maximum = 1;
    wire_properties_set(&how.properties, WIRE_RECEIVE_MAXIMUM);
    how.properties.request_response_information = 1;
    wire_properties_set(&how.properties, WIRE_REQUEST_RESPONSE_INFORMATION);
    how.properties.users = &rr;
    how.properties.user_count = 1;
    wire_properties_set(&how.properties, WIRE_USER_PROPERTY);
    rig_connect(&s->r, c, &how, &connack);
    copy_text(s->inbox, sizeof(s->inbox), connack.as.connack.properties.response_information);
}

static void
open_scene(struct scene *s, unsigned shards, const struct settings *settings, const char *filter)
{
    memset(s, 0, sizeof(*s));
    rig_open(&s->r, shards, settings);
    rig_client_connect(&s->r, &s->watcher, "watcher");
    rig_subscribe(&s->watcher, "$SYS/rr/#", 0);
    connect_narrow(s, &s->responder, "responder");
    connect_narrow(s, &s->asker, "asker");
    rig_subscribe(&s->responder, filter, 1);
    listen_to(s);
}

static void
close_scene(struct scene *s)
{
    rig_client_close(&s->watcher);
    rig_client_close(&s->asker);
    rig_client_close(&s->responder);
    rig_close(&s->r);
}

static void
ask_for(struct scene *s, const char *topic, uint8_t qos)
{
    ask(&s->asker, &(struct ask){.topic = topic,
                                 .response_topic = s->inbox,
                                 .correlation = "c1",
                                 .qos = qos,
                                 .packet_id = qos});
    if (qos > 0) {
        rig_expect_ack(&s->asker, WIRE_PUBACK, qos, 0);
    }
}

/* An exchange whose service takes so long. */
static void
exchange(struct scene *s, const char *topic, uint64_t ms)
{
    ask_for(s, topic, 0);
    expect_request(&s->responder, true, &s->request);
    rig_advance(&s->r, ms);
    respond(&s->responder, &s->request.as.publish, "answer", 0, 0);
    expect_response(&s->asker, "c1", "answer");
}

/* ---- times ---- */

/* Something else that occupies the client, until it is acknowledged. */
static uint16_t
occupy(struct scene *s, struct rig_client *c, const char *topic)
{
    struct wire_any packet;

    rig_subscribe(c, topic, 1);
    rig_publish_qos(&s->watcher, topic, "o", 1, 3);
    rig_expect_ack(&s->watcher, WIRE_PUBACK, 3, 0);
    rig_expect_publish(c, "o", &packet);
    return packet.as.publish.packet_id;
}

/* The three parts of the way are what they were, and add up to what the requester has seen. */
static void
test_times_add_up(void **state)
{
    static const struct {
        uint64_t queue_ms, service_ms, return_ms;
    } rows[] = {{0, 0, 0}, {20, 0, 0}, {0, 30, 0}, {0, 0, 40}, {20, 30, 40}, {1, 2000, 3}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (unsigned shards = 1; shards <= 4; shards += 3) {
            struct scene s;
            struct figures f;
            uint64_t began_ms = 0;
            uint64_t seen_us = 0;
            uint16_t at_responder = 0;
            uint16_t at_asker = 0;

            open_scene(&s, shards, NULL, "service/+");
            at_responder = occupy(&s, &s.responder, "one");
            at_asker = occupy(&s, &s.asker, "two");
            began_ms = s.r.now_ms;
            ask_for(&s, "service/x", 1);
            rig_advance(&s.r, rows[i].queue_ms);
            rig_ack(&s.responder, WIRE_PUBACK, at_responder);
            expect_request(&s.responder, true, &s.request);
            rig_advance(&s.r, rows[i].service_ms);
            respond(&s.responder, &s.request.as.publish, "answer", 1, 9);
            rig_expect_ack(&s.responder, WIRE_PUBACK, 9, 0);
            rig_advance(&s.r, rows[i].return_ms);
            rig_expect_nothing(&s.asker);
            rig_ack(&s.asker, WIRE_PUBACK, at_asker);
            expect_response(&s.asker, "c1", "answer");
            seen_us = (s.r.now_ms - began_ms) * 1000;
            sample(&s);
            f = figures_of(&s, "filters/service/%2B");
            assert_int_equal(f.requests, 1);
            assert_int_equal(f.answered, 1);
            assert_int_equal(f.queue.sum, rows[i].queue_ms * 1000);
            assert_int_equal(f.service.sum, rows[i].service_ms * 1000);
            assert_int_equal(f.back.sum, rows[i].return_ms * 1000);
            assert_int_equal(f.queue.sum + f.service.sum + f.back.sum, seen_us);
            assert_int_equal(f.queue.max, f.queue.sum);
            assert_int_equal(f.service.p50, f.service.sum);
            assert_int_equal(f.back.count, 1);
            close_scene(&s);
        }
    }
}

static void
test_percentiles(void **state)
{
    struct scene s;
    struct figures f;

    (void)state;
    open_scene(&s, 2, NULL, "service/x");
    for (uint64_t ms = 1; ms <= 100; ms++) {
        exchange(&s, "service/x", ms);
    }
    sample(&s);
    f = figures_of(&s, "filters/service/x");
    assert_int_equal(f.answered, 100);
    assert_int_equal(f.service.count, 100);
    assert_int_equal(f.service.sum, 5050000);
    assert_in_range(f.service.p50, 50000, 50000 + 50000 / 8);
    assert_in_range(f.service.p90, 90000, 100000);
    assert_in_range(f.service.p99, 99000, 100000);
    assert_int_equal(f.service.p999, 100000);
    assert_int_equal(f.service.max, 100000);
    close_scene(&s);
}

/* ---- names ---- */

static void
test_names(void **state)
{
    static const struct {
        const char *filter, *topic, *want;
    } rows[] = {
        {"service/x", "service/x", "filters/service/x"},
        {"service/+/y", "service/x/y", "filters/service/%2B/y"},
        {"service/#", "service/x", "filters/service/%23"},
        {"#", "service/x", "filters/%23"},
        {"100%/x", "100%/x", "filters/100%25/x"},
        {"100%2B", "100%2B", "filters/100%252B"},
        {"/", "/", "filters//"},
        {"$share/group/service/+", "service/x", "groups/group/service/%2B"},
        {"$share/50%/service/#", "service/x", "groups/50%25/service/%23"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scene s;
        unsigned topics = 0;

        open_scene(&s, 2, NULL, rows[i].filter);
        exchange(&s, rows[i].topic, 5);
        sample(&s);
        assert_int_equal(figures_of(&s, rows[i].want).answered, 1);
        (void)times_heard(&s, rows[i].want[0] == 'f' ? "$SYS/rr/filters/" : "$SYS/rr/groups/",
                          &topics);
        assert_int_equal(topics, 1);
        assert_null(heard(&s, "other"));
        close_scene(&s);
    }
}

/* Filters beyond the bound share one name, as do requests to inboxes. */
static void
test_bound(void **state)
{
    static const char *const topics[] = {"one", "two", "three", "four"};
    struct settings settings = settings_default();
    struct scene s;

    (void)state;
    settings.request_filters_max = 2;
    open_scene(&s, 4, &settings, topics[0]);
    for (size_t i = 0; i < 4; i++) {
        rig_subscribe(&s.responder, topics[i], 1);
        exchange(&s, topics[i], 5);
        exchange(&s, topics[i], 5);
    }
    sample(&s);
    assert_int_equal(figures_of(&s, "filters/one").answered, 2);
    assert_int_equal(figures_of(&s, "filters/two").answered, 2);
    assert_null(heard(&s, "filters/three"));
    assert_int_equal(figures_of(&s, "other").answered, 4);
    assert_int_equal(figures_of(&s, "other").service.sum, 20000);
    close_scene(&s);
}

/* ---- what is counted ---- */

static void
respond_failed(struct scene *s)
{
    static const struct wire_user_property failed = USER("__stat", "500");
    struct wire_any packet = rig_publish_packet("", "answer", 0, 0);
    struct wire_properties *v = &packet.as.publish.properties;

    packet.as.publish.topic = span_of_text(s->inbox);
    v->correlation_data = SPAN_LITERAL("c1");
    wire_properties_set(v, WIRE_CORRELATION_DATA);
    v->users = &failed;
    v->user_count = 1;
    wire_properties_set(v, WIRE_USER_PROPERTY);
    rig_send(&s->responder, &packet);
    expect_response(&s->asker, "c1", "answer");
}

static void
assert_counter(const struct scene *s, const char *topic, const char *want)
{
    const char *text = heard(s, topic);

    if (text == NULL || strcmp(text, want) != 0) {
        fail_msg("%s is %s, not %s", topic, text == NULL ? "missing" : text, want);
    }
}

/* One request of each kind. */
static void
play(struct scene *s)
{
    exchange(s, "service/x", 5);
    ask_for(s, "service/x", 0);
    expect_request(&s->responder, true, &s->request);
    respond_failed(s);
    ask_for(s, "nowhere", 0);
    expect_status(&s->asker, "c1", "503", "rejected", "no");
    ask_for(s, "service/x", 0);
    rig_advance(&s->r, 30000);
    expect_status(&s->asker, "c1", "504", "delivered", "maybe");
    expect_request(&s->responder, true, &s->request);
    respond(&s->responder, &s->request.as.publish, "late", 0, 0);
    ask_for(s, "service/x", 0);
    rig_client_drop(&s->responder);
    expect_status(&s->asker, "c1", "503", "delivered", "maybe");
}

static void
test_counters(void **state)
{
    static const struct {
        const char *topic, *want;
    } rows[] = {
        {"requests", "5"},
        {"answered", "2"},
        {"no_responder", "1"},
        {"timed_out", "1"},
        {"lost", "1"},
        {"statuses", "3"},
        {"responses_late", "1"},
        {"offline", "0"},
        {"not_taken", "0"},
        {"response_lost", "0"},
        {"responses_second", "0"},
        {"in_flight", "0"},
        {"in_flight_bytes", "0"},
    };

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards++) {
        struct scene s;
        struct figures f;

        open_scene(&s, shards, NULL, "service/+");
        play(&s);
        sample(&s);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            assert_counter(&s, rows[i].topic, rows[i].want);
        }
        f = figures_of(&s, "filters/service/%2B");
        assert_int_equal(f.requests, 4);
        assert_int_equal(f.answered, 2);
        assert_int_equal(f.errors, 1);
        assert_int_equal(f.failed, 2);
        assert_int_equal(f.queue.count, 4);
        assert_int_equal(f.service.count, 2);
        assert_int_equal(f.back.count, 2);
        close_scene(&s);
    }
}

/* Every copy that is counted as a request is counted again when it ends, however that is. */
static void
test_every_end_is_counted(void **state)
{
    static const struct wire_user_property fail = USER("rr-if-offline", "fail");
    struct settings settings = settings_default();
    struct scene s;
    struct figures f;

    (void)state;
    settings.requests_held_max = 1;
    open_scene(&s, 2, &settings, "service/+");
    ask_for(&s, "service/x", 0);
    ask_for(&s, "service/x", 0); /* one too many */
    expect_status(&s.asker, "c1", "429", "queued", "no");
    expect_request(&s.responder, true, &s.request);
    respond(&s.responder, &s.request.as.publish, "answer", 0, 0);
    expect_response(&s.asker, "c1", "answer");
    ask(&s.asker, &(struct ask){.topic = "service/x",
                                .response_topic = s.inbox,
                                .correlation = "c1",
                                .users = &fail,
                                .user_count = 1});
    rig_client_drop(&s.responder);
    expect_status(&s.asker, "c1", "503", "delivered", "maybe");
    sample(&s);
    f = figures_of(&s, "filters/service/%2B");
    assert_int_equal(f.requests, 3);
    assert_int_equal(f.answered, 1);
    assert_int_equal(f.failed, 2);
    close_scene(&s);
}

/* What several shards have seen of one filter is added up. */
static void
test_several_shards(void **state)
{
    struct scene s;
    struct rig_client more[3];
    struct figures f;

    (void)state;
    open_scene(&s, 4, NULL, "service/+");
    for (unsigned i = 0; i < 3; i++) {
        char name[RIG_NAME_BYTES];

        rig_name_in(&s.r, i, "more", name);
        rig_client_connect(&s.r, &more[i], name);
        rig_subscribe(&more[i], "service/+", 0);
    }
    ask_for(&s, "service/x", 0);
    rig_advance(&s.r, 10);
    for (unsigned i = 0; i < 3; i++) {
        expect_request(&more[i], true, &s.request);
        respond(&more[i], &s.request.as.publish, "answer", 0, 0);
        expect_response(&s.asker, "c1", "answer");
        rig_client_close(&more[i]);
    }
    sample(&s);
    f = figures_of(&s, "filters/service/%2B");
    assert_int_equal(f.requests, 4);
    assert_int_equal(f.answered, 3);
    assert_int_equal(f.service.sum, 30000);
    assert_int_equal(f.back.count, 3);
    close_scene(&s);
}

/* ---- when ---- */

/* What has not changed is not published again; who comes later finds it retained. */
static void
test_only_what_changed(void **state)
{
    struct scene s;
    struct rig_client late;
    struct wire_any packet;
    unsigned topics = 0;

    (void)state;
    open_scene(&s, 2, NULL, "service/+");
    rig_subscribe(&s.responder, "second", 1);
    exchange(&s, "service/x", 5);
    exchange(&s, "second", 5);
    sample(&s);
    assert_int_equal(times_heard(&s, "$SYS/rr/filters/", &topics), 2);
    sample(&s);
    sample(&s);
    assert_int_equal(times_heard(&s, "$SYS/rr/filters/", &topics), 2);
    exchange(&s, "second", 5);
    rig_advance(&s.r, INTERVAL_MS - 5 - 1);
    listen_to(&s);
    assert_int_equal(times_heard(&s, "$SYS/rr/filters/", &topics), 2);
    rig_advance(&s.r, 1);
    listen_to(&s);
    assert_int_equal(times_heard(&s, "$SYS/rr/filters/", &topics), 3);
    assert_int_equal(topics, 2);
    assert_int_equal(figures_of(&s, "filters/second").answered, 2);
    rig_client_connect(&s.r, &late, "late");
    rig_subscribe(&late, "$SYS/rr/filters/#", 0);
    for (unsigned i = 0; i < 2; i++) {
        rig_expect(&late, WIRE_PUBLISH, &packet);
        assert_true(packet.as.publish.retain);
    }
    rig_expect_nothing(&late);
    rig_client_close(&late);
    close_scene(&s);
}

static void
test_never(void **state)
{
    struct settings settings = settings_default();
    struct scene s;

    (void)state;
    settings.sys_interval_s = 0;
    open_scene(&s, 2, &settings, "service/+");
    exchange(&s, "service/x", 5);
    sample(&s);
    assert_int_equal(s.board.count, 0);
    close_scene(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_add_up),   cmocka_unit_test(test_percentiles),
        cmocka_unit_test(test_names),          cmocka_unit_test(test_bound),
        cmocka_unit_test(test_counters),       cmocka_unit_test(test_every_end_is_counted),
        cmocka_unit_test(test_several_shards), cmocka_unit_test(test_only_what_changed),
        cmocka_unit_test(test_never),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
