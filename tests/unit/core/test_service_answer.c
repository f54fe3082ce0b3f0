/* Questions below $SRV, and what the broker answers. */
#include "broker/core/service_answer.h"

#include "support/offering.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const unsigned shard_counts[] = {1, 4};
#define EACH_SHARD_COUNT(i)                                                                        \
    size_t i = 0;                                                                                  \
    (i) < sizeof shard_counts / sizeof shard_counts[0];                                            \
    (i)++

struct hall {
    struct rig r;
    struct rig_client asker;
    struct rig_client responder;
    char inbox[INBOX_TEXT_BYTES];
};

static void
hall_open(struct hall *h, unsigned shards, const struct settings *settings)
{
    rig_open(&h->r, shards, settings);
    asker_connect(&h->r, &h->asker, "asker", ASKER_FULL, h->inbox);
    rig_client_connect(&h->r, &h->responder, "responder");
}

static void
hall_close(struct hall *h)
{
    rig_expect_nothing(&h->asker);
    rig_client_close(&h->asker);
    rig_client_close(&h->responder);
    rig_close(&h->r);
}

#define PING_OF(name, version)                                                                     \
    "{\"type\":\"io.wilco.rr.v1.ping_response\",\"name\":\"" name                                  \
    "\",\"id\":\"@\",\"version\":\"" version "\",\"metadata\":{}}"
#define STRANGERS(type, group, filter, more, figures)                                              \
    "{\"type\":\"io.wilco.rr.v1." type "_response\",\"name\":\"\",\"id\":\"\",\"version\":\"\","   \
    "\"metadata\":{}" more ",\"endpoints\":[{\"name\":\"" filter "\",\"subject\":\"" filter        \
    "\",\"queue_group\":\"" group "\",\"metadata\":{}" figures "}]}"

/* What an instance has as its id, by its own word. */
static void
take_id(struct hall *h, const char *name, char out[64])
{
    struct wire_any packet;
    char topic[128];
    struct span text = SPAN_EMPTY;
    const char *at = NULL;
    char copy[512] = "";

    (void)snprintf(topic, sizeof topic, "$SRV/PING/%s", name);
    question(&h->asker, topic, h->inbox);
    rig_expect(&h->asker, WIRE_PUBLISH, &packet);
    rig_ack(&h->asker, WIRE_PUBACK, packet.as.publish.packet_id);
    text = packet.as.publish.payload;
    assert_true(text.len < sizeof copy);
    memcpy(copy, text.data, text.len);
    at = strstr(copy, "\"id\":\"");
    assert_non_null(at);
    (void)snprintf(out, 64, "%.22s", at + 6);
}

/* C38: each instance answers, and the last answer says that it is. */
static void
questions_can_be_for_some(void **state)
{
    static const struct {
        const char *topic; /* "@": the id of the first one */
        const char *answers[3];
    } rows[] = {
        {"$SRV/PING", {PING_OF("one", "1"), PING_OF("one", "2"), PING_OF("two", "1")}},
        {"$SRV/PING/one", {PING_OF("one", "1"), PING_OF("one", "2")}},
        {"$SRV/PING/two", {PING_OF("two", "1")}},
        {"$SRV/PING/two/@", {PING_OF("two", "1")}},
        {"$SRV/PING/one/@", {NULL}},
        {"$SRV/PING/three", {NULL}},
        {"$SRV/INFO/ONE", {NULL}},
        {"$SRV/STATS/two/0123456789012345678901", {NULL}},
    };
    struct hall h;
    char id[64];
    char topic[128];

    (void)state;
    for (EACH_SHARD_COUNT(s)) {
        hall_open(&h, shard_counts[s], NULL);
        offer(&h.responder, &(struct offer){.filter = "x", OFFERS("one", "1")});
        offer(&h.asker, &(struct offer){.filter = "x", OFFERS("one", "2")});
        offer(&h.responder, &(struct offer){.filter = "y", OFFERS("two", "1")});
        take_id(&h, "two", id);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            const char *at = strchr(rows[i].topic, '@');

            (void)snprintf(topic, sizeof topic, "%.*s%s",
                           at == NULL ? 99 : (int)(at - rows[i].topic), rows[i].topic,
                           at == NULL ? "" : id);
            question(&h.asker, topic, h.inbox);
            for (unsigned n = 0; n < 3 && rows[i].answers[n] != NULL; n++) {
                expect_answer(&h.asker, n, n < 2 && rows[i].answers[n + 1] != NULL,
                              rows[i].answers[n]);
            }
            if (rows[i].answers[0] == NULL) {
                expect_no_service(&h.asker);
            }
        }
        hall_close(&h);
    }
}

/* Any client of MQTT 5.0 can ask: it need not know of status responses to hear that nobody is
 * there. */
static void
stock_clients_are_answered(void **state)
{
    struct hall h;
    struct rig_client stock;
    struct wire_any packet;

    (void)state;
    for (EACH_SHARD_COUNT(s)) {
        hall_open(&h, shard_counts[s], NULL);
        rig_client_connect(&h.r, &stock, "stock");
        rig_subscribe(&stock, "answers/here", 0);
        ask(&stock, &(struct ask){.topic = "$SRV/PING",
                                  .response_topic = "answers/here",
                                  .correlation = "question",
                                  .qos = 1,
                                  .packet_id = 4});
        rig_expect_ack(&stock, WIRE_PUBACK, 4, 0x10);
        expect_no_service(&stock);
        offer(&h.responder, &(struct offer){.filter = "x", OFFERS("one", "1")});
        question(&stock, "$SRV/PING", "answers/here");
        expect_answer(&stock, 0, false, PING_OF("one", "1"));
        /* Like any response it is for whoever has subscribed. */
        rig_subscribe(&h.responder, "answers/#", 1);
        question(&stock, "$SRV/PING", "answers/here");
        expect_answer(&stock, 0, false, PING_OF("one", "1"));
        expect_answer(&h.responder, 0, false, PING_OF("one", "1"));
        rig_publish(&h.responder, "answers/here", "as anybody may"); /* but for inboxes */
        rig_expect_publish(&stock, "as anybody may", &packet);
        rig_expect_publish(&h.responder, "as anybody may", &packet);
        question(&h.responder, "$SRV/PING/two", "answers/here");
        expect_no_service(&h.responder);
        rig_expect_publish(&stock, "", &packet);
        rig_expect_nothing(&stock);
        rig_expect_nothing(&h.responder);
        assert_int_equal(rig_stats(&h.r).rr_requests, 4);
        assert_int_equal(rig_stats(&h.r).rr_answered, 2);
        assert_int_equal(rig_stats(&h.r).rr_no_responder, 2);
        rig_client_close(&stock);
        hall_close(&h);
    }
}

/* [U-4.7.2-1] */
static void
other_topics_there_are_refused(void **state)
{
    const struct {
        struct ask ask;
        uint8_t reason_code;
    } rows[] = {
        {{.topic = "$SRV", .response_topic = "r"}, 0x90},
        {{.topic = "$SRV/PING/", .response_topic = "r"}, 0x90},
        {{.topic = "$SRV/PING/a/", .response_topic = "r"}, 0x90},
        {{.topic = "$SRV/PING/a/b/c", .response_topic = "r"}, 0x90},
        {{.topic = "$SRV/ping", .response_topic = "r"}, 0x90},
        {{.topic = "$SRV/EVENT/a/b", .response_topic = "r"}, 0x90},
        {{.topic = "$SRV/EVENT/a/b"}, 0x90},
        {{.topic = "$SRVX/PING", .response_topic = "r"}, 0x87},
        {{.topic = "$SRV/PING"}, 0x83},
        {{.topic = "$SRV/PING", .response_topic = "r", .retain = true}, 0x83},
        {{.topic = "$SRV/PING", .response_topic = "$r/another"}, 0x87},
        {{.topic = "$SRV/PING", .response_topic = "r", USERS(USER("rr-ttl", "soon"))}, 0x83},
    };
    struct hall h;
    struct wire_any packet;

    (void)state;
    hall_open(&h, 1, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ask a = rows[i].ask;

        a.qos = 1;
        a.packet_id = 9;
        ask(&h.responder, &a);
        rig_expect(&h.responder, WIRE_PUBACK, &packet);
        assert_int_equal(packet.as.ack.reason_code, rows[i].reason_code);
        assert_true(packet.as.ack.properties.reason_string.len > 0);
    }
    rig_expect_nothing(&h.responder);
    hall_close(&h);
}

static void
only_events_can_be_subscribed_to(void **state)
{
    static const struct {
        const char *filter;
        uint8_t reason_code;
    } rows[] = {
        {"$SRV/#", 0x87},
        {"$SRV", 0x87},
        {"$SRV/PING/+", 0x87},
        {"$SRV/+/a", 0x87},
        {"$share/g/$SRV/#", 0x87},
        {"$SRV/EVENT/#", 0},
        {"$SRV/EVENT/name/+", 0},
        {"$SRV/EVENT", 0},
        {"$share/g/$SRV/EVENT/#", 0},
        {"$SRVX/PING", 0},
    };
    struct hall h;

    (void)state;
    hall_open(&h, 1, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct wire_subscription w = {.filter = span_of_text(rows[i].filter)};

        rig_subscribe_with(&h.asker, &w, 0, rows[i].reason_code);
    }
    hall_close(&h);
}

static bool
may(void *context, const struct access_subject *who, enum access_action action, struct span topic)
{
    (void)who;
    return action != ACCESS_PUBLISH || !span_equal(topic, span_of_text(context));
}

static void
access_control_is_asked(void **state)
{
    static char topic[] = "$SRV/STATS";
    const struct access_policy policy = {.may = may, .context = topic};
    struct hall h;
    struct wire_any packet;

    (void)state;
    hall_open(&h, 1, NULL);
    h.r.broker.access = &policy;
    ask(&h.responder,
        &(struct ask){.topic = topic, .response_topic = "r", .qos = 1, .packet_id = 9});
    rig_expect(&h.responder, WIRE_PUBACK, &packet);
    assert_int_equal(packet.as.ack.reason_code, 0x87);
    ask(&h.responder,
        &(struct ask){.topic = "$SRV/INFO", .response_topic = "r", .qos = 1, .packet_id = 9});
    rig_expect_ack(&h.responder, WIRE_PUBACK, 9, 0x10);
    hall_close(&h);
}

/* One request, which takes the responder so long to answer. */
static void
exchange(struct hall *h, struct rig_client *responder, const char *topic, uint64_t took_ms,
         const char *status, const char *words)
{
    struct wire_any request;
    struct wire_any packet;
    const struct wire_user_property users[] = {
        {SPAN_INIT("__stat"), span_of_text(status)},
        {SPAN_INIT("__stMsg"), span_of_text(words)},
    };

    ask(&h->asker, &(struct ask){.topic = topic, .response_topic = h->inbox, .correlation = "c"});
    expect_request(responder, true, &request);
    rig_advance(&h->r, took_ms);
    packet = rig_publish_packet("", "done", 0, 0);
    packet.as.publish.topic = request.as.publish.properties.response_topic;
    packet.as.publish.properties = (struct wire_properties){
        .correlation_data = SPAN_LITERAL("c"), .users = users, .user_count = 2};
    wire_properties_set(&packet.as.publish.properties, WIRE_CORRELATION_DATA);
    wire_properties_set(&packet.as.publish.properties, WIRE_USER_PROPERTY);
    rig_send(responder, &packet);
    expect_response(&h->asker, "c", "done");
}

#define STATS_OF(name, version, endpoints)                                                         \
    "{\"type\":\"io.wilco.rr.v1.stats_response\",\"name\":\"" name                                 \
    "\",\"id\":\"@\",\"version\":\"" version                                                       \
    "\",\"metadata\":{},\"started\":\"2026-01-01T00:00:01.500Z\",\"endpoints\":[" endpoints "]}"
#define FIGURES(requests, errors, error, took, average)                                            \
    ",\"num_requests\":" requests ",\"num_errors\":" errors error ",\"processing_time\":" took     \
    ",\"average_processing_time\":" average
#define COUNTED(group, filter, figures)                                                            \
    "{\"name\":\"" filter "\",\"subject\":\"" filter "\",\"queue_group\":\"" group                 \
    "\",\"metadata\":{}" figures "}"
#define LAST(error) ",\"last_error\":\"" error "\""

static void
what_an_instance_answers_is_counted(void **state)
{
    struct hall h;
    struct wire_any request;

    (void)state;
    for (EACH_SHARD_COUNT(s)) {
        hall_open(&h, shard_counts[s], NULL);
        rig_advance(&h.r, 1500);
        offer(&h.responder, &(struct offer){.filter = "x/+", OFFERS("s", "1")});
        offer(&h.responder, &(struct offer){.filter = "$share/g/y", OFFERS("s", "1")});
        /* Its figures are kept under the filter of the other one, which comes first. */
        rig_subscribe(&h.asker, "x/#", 0);
        exchange(&h, &h.responder, "y", 20, "200", "");
        exchange(&h, &h.responder, "y", 40, "204", "");
        question(&h.asker, "$SRV/STATS/s", h.inbox);
        expect_answer(
            &h.asker, 0, false,
            STATS_OF("s", "1",
                     COUNTED("", "x/+", FIGURES("0", "0", LAST(""), "0", "0")) "," COUNTED(
                         "g", "y", FIGURES("2", "0", LAST(""), "60000000", "30000000"))));
        withdraw(&h.asker, "x/#");
        exchange(&h, &h.responder, "x/1", 1, "500", "it \"broke\"");
        ask(&h.asker, &(struct ask){.topic = "y",
                                    .response_topic = h.inbox,
                                    .correlation = "late",
                                    USERS(USER("rr-ttl", "10"))});
        expect_request(&h.responder, true, &request);
        rig_advance(&h.r, 1000);
        expect_status(&h.asker, "late", "504", "delivered", "maybe");
        question(&h.asker, "$SRV/STATS/s", h.inbox);
        expect_answer(
            &h.asker, 0, false,
            STATS_OF("s", "1",
                     COUNTED("", "x/+",
                             FIGURES("1", "1", LAST("500:it \\\"broke\\\""), "1000000",
                                     "1000000")) "," COUNTED("g", "y",
                                                             FIGURES("3", "1",
                                                                     LAST("504:the deadline of the "
                                                                          "request has passed"),
                                                                     "60000000", "30000000"))));
        hall_close(&h);
    }
}

/* What another filter of another client is called does not tell whose an answer is. */
static void
an_observer_takes_no_figures_away(void **state)
{
    struct hall h;
    struct rig_client watcher;
    struct wire_any seen;

    (void)state;
    hall_open(&h, 1, NULL);
    rig_client_connect(&h.r, &watcher, "watcher");
    rig_subscribe(&watcher, "#", 0);
    rig_advance(&h.r, 1500);
    offer(&h.responder, &(struct offer){.filter = "x", OFFERS("s", "1")});
    exchange(&h, &h.responder, "x", 2, "200", "");
    rig_expect(&watcher, WIRE_PUBLISH, &seen);
    question(&h.asker, "$SRV/STATS/s", h.inbox);
    expect_answer(
        &h.asker, 0, false,
        STATS_OF("s", "1", COUNTED("", "x", FIGURES("1", "0", LAST(""), "2000000", "2000000"))));
    rig_client_close(&watcher);
    hall_close(&h);
}

/* One client, twice in different groups: each has figures of its own. */
static void
groups_are_counted_apart(void **state)
{
    struct hall h;
    struct wire_any request;

    (void)state;
    hall_open(&h, 1, NULL);
    rig_advance(&h.r, 1500);
    offer(&h.responder, &(struct offer){.filter = "$share/g/y", OFFERS("s", "1")});
    offer(&h.responder, &(struct offer){.filter = "$share/h/y", OFFERS("s", "1")});
    ask(&h.asker, &(struct ask){.topic = "y", .response_topic = h.inbox, .correlation = "c"});
    expect_request(&h.responder, true, &request);
    expect_request(&h.responder, true, &request);
    for (int i = 0; i < 2; i++) {
        respond(&h.responder, &request.as.publish, "done", 0, 0);
        expect_response(&h.asker, "c", "done");
    }
    question(&h.asker, "$SRV/STATS/s", h.inbox);
    expect_answer(&h.asker, 0, false,
                  STATS_OF("s", "1",
                           COUNTED("g", "y", FIGURES("1", "0", LAST(""), "0", "0")) "," COUNTED(
                               "h", "y", FIGURES("1", "0", LAST(""), "0", "0"))));
    hall_close(&h);
}

/* The end of a character that does not fit is not there either. */
static void
a_long_error_is_cut(void **state)
{
    struct hall h;
    char words[200] = "";
    char want[600] = "";

    (void)state;
    hall_open(&h, 1, NULL);
    rig_advance(&h.r, 1500);
    offer(&h.responder, &(struct offer){.filter = "x", OFFERS("s", "1")});
    for (size_t i = 0; i < 66; i++) {
        memcpy(words + 2 * i, "\xC3\xA4", 2);
    }
    exchange(&h, &h.responder, "x", 2, "500", words);
    words[2 * 61] = '\0'; /* "500:" and 122 bytes are 126: the next character would be cut */
    (void)snprintf(
        want, sizeof want,
        STATS_OF("s", "1",
                 COUNTED("", "x", FIGURES("1", "1", LAST("500:%s"), "2000000", "2000000"))),
        words);
    question(&h.asker, "$SRV/STATS/s", h.inbox);
    expect_answer(&h.asker, 0, false, want);
    hall_close(&h);
}

/* Clients that have said nothing of themselves, and are asked all the same. */
static void
strangers_are_listed_by_their_filter(void **state)
{
    struct hall h;
    struct rig_client other;

    (void)state;
    for (EACH_SHARD_COUNT(s)) {
        hall_open(&h, shard_counts[s], NULL);
        rig_resume(&h.r, &other, "other", false);
        rig_subscribe(&h.responder, "x/+", 0);
        rig_subscribe(&other, "x/+", 0);
        rig_subscribe(&other, "$share/g/y", 0);
        question(&h.asker, "$SRV/PING", h.inbox); /* nobody has been asked */
        expect_no_service(&h.asker);
        exchange(&h, &other, "y", 3, "500", "no");
        question(&h.asker, "$SRV/PING", h.inbox);
        expect_answer(&h.asker, 0, false, STRANGERS("ping", "g", "y", "", ""));
        question(&h.asker, "$SRV/STATS", h.inbox);
        expect_answer(
            &h.asker, 0, false,
            STRANGERS("stats", "g", "y", "", FIGURES("1", "1", "", "3000000", "3000000")));
        exchange(&h, &h.responder, "x/1", 3, "200", "");
        question(&h.asker, "$SRV/INFO", h.inbox);
        expect_answer(&h.asker, 0, true,
                      STRANGERS("info", "g", "y",
                                ",\"description\":\"\",\"online\":true,\"members\":1,"
                                "\"members_online\":1",
                                ""));
        expect_answer(&h.asker, 1, false,
                      STRANGERS("info", "", "x/+",
                                ",\"description\":\"\",\"online\":true,\"members\":2,"
                                "\"members_online\":2",
                                ""));
        /* One of them says who it is, the other leaves. */
        offer(&h.responder, &(struct offer){.filter = "x/+", OFFERS("s", "1")});
        rig_client_drop(&other);
        rig_client_close(&other);
        question(&h.asker, "$SRV/PING", h.inbox);
        expect_answer(&h.asker, 0, false, PING_OF("s", "1"));
        withdraw(&h.responder, "x/+");
        question(&h.asker, "$SRV/INFO", h.inbox);
        expect_answer(&h.asker, 0, true,
                      STRANGERS("info", "g", "y",
                                ",\"description\":\"\",\"online\":false,\"members\":1,"
                                "\"members_online\":0",
                                ""));
        expect_answer(&h.asker, 1, false,
                      STRANGERS("info", "", "x/+",
                                ",\"description\":\"\",\"online\":false,\"members\":1,"
                                "\"members_online\":0",
                                ""));
        rig_client_connect(&h.r, &other, "other"); /* Clean Start */
        rig_client_close(&other);
        question(&h.asker, "$SRV/INFO", h.inbox);
        expect_no_service(&h.asker);
        hall_close(&h);
    }
}

static void
what_is_too_long_is_not_sent(void **state)
{
    struct settings settings = settings_default();
    struct hall h;

    (void)state;
    settings.service_answer_bytes_max = 256;
    hall_open(&h, 1, &settings);
    offer(&h.responder, &(struct offer){.filter = "x", OFFERS("s", "1")});
    offer(&h.responder, &(struct offer){.filter = "y/0123456789/0123456789", OFFERS("s", "1")});
    offer(&h.responder, &(struct offer){.filter = "z", OFFERS("t", "1")});
    question(&h.asker, "$SRV/INFO", h.inbox);
    expect_answer(&h.asker, 0, true, "");
    expect_answer(
        &h.asker, 1, false,
        "{\"type\":\"io.wilco.rr.v1.info_response\",\"name\":\"t\",\"id\":\"@\",\"version\":"
        "\"1\",\"metadata\":{},\"description\":\"\",\"online\":true,\"client_id\":"
        "\"responder\",\"endpoints\":[{\"name\":\"z\",\"subject\":\"z\",\"queue_group\":"
        "\"\",\"metadata\":{}}]}");
    hall_close(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_can_be_for_some),
        cmocka_unit_test(stock_clients_are_answered),
        cmocka_unit_test(other_topics_there_are_refused),
        cmocka_unit_test(only_events_can_be_subscribed_to),
        cmocka_unit_test(access_control_is_asked),
        cmocka_unit_test(what_an_instance_answers_is_counted),
        cmocka_unit_test(an_observer_takes_no_figures_away),
        cmocka_unit_test(groups_are_counted_apart),
        cmocka_unit_test(a_long_error_is_cut),
        cmocka_unit_test(strangers_are_listed_by_their_filter),
        cmocka_unit_test(what_is_too_long_is_not_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
