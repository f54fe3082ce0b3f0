/* Inboxes: who is given one, what it is called, and how long it lasts. */
#include "broker/core/inbox.h"

#include "support/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const unsigned shard_counts[] = {1, 4};

/* [MQTT-3.1.2-28], [U-3.2.2-9]; C32. */
static void
only_who_asks_is_given_one(void **state)
{
    static const struct {
        unsigned kind;
        size_t bytes;
    } rows[] = {
        {ASKER_PLAIN, 0},
        {ASKER_RR, 0},
        {ASKER_PLAIN | ASKER_LASTS, 0},
        {ASKER_RRI, 3 + INBOX_TOKEN_CHARS},
        {ASKER_FULL, 3 + INBOX_TOKEN_CHARS},
        {ASKER_FULL | ASKER_LASTS, 3 + INBOX_TOKEN_CHARS},
    };
    struct rig r;
    struct rig_client c;
    char inbox[INBOX_TEXT_BYTES];
    char last[INBOX_TEXT_BYTES] = "";

    (void)state;
    rig_open(&r, 2, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        asker_connect(&r, &c, i % 2 == 0 ? "a" : "b", rows[i].kind, inbox);
        assert_int_equal(strlen(inbox), rows[i].bytes);
        if (inbox[0] != '\0') {
            assert_memory_equal(inbox, "$r/", 3);
            assert_string_not_equal(inbox, last);
            memcpy(last, inbox, sizeof(last));
        }
        rig_client_close(&c);
    }
    rig_close(&r);
}

/* U-3.2.2-9, 4.10.2: for the lifetime of the session. */
static void
it_lasts_as_long_as_the_session(void **state)
{
    struct rig r;
    struct rig_client c;
    char first[INBOX_TEXT_BYTES];
    char inbox[INBOX_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(shard_counts) / sizeof(shard_counts[0]); i++) {
        rig_open(&r, shard_counts[i], NULL);
        asker_connect(&r, &c, "asker", ASKER_FULL | ASKER_LASTS, first);
        rig_client_drop(&c);
        rig_client_close(&c);
        rig_advance(&r, 3600000);
        rig_resume(&r, &c, "asker", true); /* without asking: not told, but not lost */
        rig_client_close(&c);
        asker_connect(&r, &c, "asker", ASKER_RRI | ASKER_LASTS, inbox);
        assert_string_equal(inbox, first);
        rig_client_close(&c);
        asker_connect(&r, &c, "asker", ASKER_FULL, inbox); /* Clean Start */
        assert_string_not_equal(inbox, first);
        rig_subscribe_with(&c, &(struct wire_subscription){.filter = span_of_text(first)}, 0, 0x87);
        rig_client_close(&c);
        memcpy(first, inbox, sizeof(first));
        asker_connect(&r, &c, "asker", ASKER_FULL | ASKER_LASTS, inbox); /* that one is over */
        assert_string_not_equal(inbox, first);
        rig_client_close(&c);
        rig_close(&r);
    }
}

/* C2: also what came while the requester was away, and by the connection that it is back with. */
static void
responses_wait_for_a_session_that_is_away(void **state)
{
    struct scene s;
    struct wire_any request;

    (void)state;
    for (size_t i = 0; i < sizeof(shard_counts) / sizeof(shard_counts[0]); i++) {
        scene_open(&s, shard_counts[i], NULL, ASKER_FULL | ASKER_LASTS);
        ask(&s.asker, &(struct ask){.topic = "service/x",
                                    .response_topic = s.inbox,
                                    .correlation = "c1",
                                    .qos = 1,
                                    .packet_id = 1});
        rig_client_drop(&s.asker);
        rig_client_close(&s.asker);
        expect_request(&s.responder, true, &request);
        respond(&s.responder, &request.as.publish, "answer", 1, 5);
        rig_expect_ack(&s.responder, WIRE_PUBACK, 5, 0);
        rig_resume(&s.r, &s.asker, "asker", true);
        expect_response(&s.asker, "c1", "answer");
        scene_exchange(&s, "", "another");
        scene_close(&s);
    }
}

/* What the Response Information of a listener's client begins with. */
static const struct {
    const char *prefix;
    const char *client_id;
    const char *user_name;
    const char *want;
} prefixes[] = {
    {"$r", "me", "", "$r/"},
    {"$r/tenant1", "me", "", "$r/tenant1/"},
    {"$r/%c", "me", "", "$r/me/"},
    {"$r/%u/%c", "me", "alice", "$r/alice/me/"},
    {"$r/x%cx", "a/b/../c", "", "$r/xa_b_.._cx/"},
    {"$r/%c", "+", "", "$r/_/"},
    {"$r/%c", "#", "", "$r/_/"},
    {"$r/%u", "me", "a+b#/c", "$r/a_b__c/"},
};

static void
connect_by(struct rig *r, struct rig_client *c, const struct entrance *e,
           const struct wire_connect *how, struct wire_any *connack)
{
    const struct wire_any packet = {.type = WIRE_CONNECT, .as.connect = *how};

    rig_client_open(r, c, "", how->version);
    c->conn.entrance = e;
    rig_send(c, &packet);
    rig_expect(c, WIRE_CONNACK, connack);
}

static struct wire_connect
wanting_inbox(const char *client_id, const char *user_name)
{
    static const struct wire_user_property rr = USER("rr", "1");
    struct wire_connect how = {
        .version = WIRE_V5,
        .clean_start = true,
        .client_id = span_of_text(client_id),
        .has_user_name = user_name[0] != '\0',
        .user_name = span_of_text(user_name),
        .properties = {.request_response_information = 1, .users = &rr, .user_count = 1},
    };

    wire_properties_set(&how.properties, WIRE_REQUEST_RESPONSE_INFORMATION);
    wire_properties_set(&how.properties, WIRE_USER_PROPERTY);
    return how;
}

static void
templates_of_listeners(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        const struct wire_connect how = wanting_inbox(prefixes[i].client_id, prefixes[i].user_name);
        size_t len = strlen(prefixes[i].want);
        struct entrance e = entrance_standard;
        const char *why = NULL;
        struct wire_any packet;
        struct span inbox;
        struct scene s;

        scene_open(&s, 1, NULL, ASKER_PLAIN);
        rig_client_close(&s.asker);
        assert_int_equal(entrance_set_inbox_prefix(&e, span_of_text(prefixes[i].prefix), &why),
                         WILCO_OK);
        connect_by(&s.r, &s.asker, &e, &how, &packet);
        inbox = packet.as.connack.properties.response_information;
        assert_int_equal(inbox.len, len + INBOX_TOKEN_CHARS);
        assert_memory_equal(inbox.data, prefixes[i].want, len);
        memcpy(s.inbox, inbox.data, inbox.len);
        s.inbox[inbox.len] = '\0';
        scene_exchange(&s, "/below", "answer");
        scene_close(&s);
    }
}

/* Names that would make it longer than INBOX_BYTES_MAX stay out; those that just fit go in. */
static void
long_names(void **state)
{
    const size_t room = INBOX_BYTES_MAX - strlen("$r//") - INBOX_TOKEN_CHARS;
    char name[INBOX_BYTES_MAX + 1];
    struct entrance e = entrance_standard;
    const char *why = NULL;

    (void)state;
    assert_int_equal(entrance_set_inbox_prefix(&e, SPAN_LITERAL("$r/%c"), &why), WILCO_OK);
    for (size_t len = room - 1; len <= INBOX_BYTES_MAX; len++) {
        struct wire_connect how;
        struct rig r;
        struct rig_client c;
        struct wire_any packet;

        memset(name, 'x', len);
        name[len] = '\0';
        how = wanting_inbox(name, "");
        rig_open(&r, 1, NULL);
        connect_by(&r, &c, &e, &how, &packet);
        assert_int_equal(packet.as.connack.reason_code, 0);
        assert_int_equal(packet.as.connack.properties.response_information.len,
                         strlen("$r/") + INBOX_TOKEN_CHARS + (len <= room ? len + 1 : 0));
        rig_client_close(&c);
        rig_close(&r);
    }
}

/* MQTT before 5.0 has no Response Information; but a session keeps the inbox it was given. */
static void
older_versions(void **state)
{
    static const enum wire_version versions[] = {WIRE_V311, WIRE_V31};
    struct scene s;
    struct wire_any packet;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct wire_connect how = {.version = versions[i], .client_id = SPAN_LITERAL("asker")};
        struct wire_any request;

        scene_open(&s, 2, NULL, ASKER_FULL | ASKER_LASTS);
        ask(&s.asker, &(struct ask){.topic = "service/x", .response_topic = s.inbox});
        rig_client_close(&s.asker);
        rig_connect(&s.r, &s.asker, &how, &packet);
        assert_int_equal(packet.as.connack.reason_code, 0);
        expect_request(&s.responder, true, &request);
        respond(&s.responder, &request.as.publish, "answer", 0, 0);
        rig_expect_publish(&s.asker, "answer", &packet);
        assert_true(span_equal(packet.as.publish.topic, span_of_text(s.inbox)));
        rig_client_close(&s.asker);

        how.client_id = SPAN_LITERAL("old");
        how.clean_start = true;
        rig_connect(&s.r, &s.asker, &how, &packet);
        rig_publish_qos(&s.asker, s.inbox, "forged", 1, 3); /* acknowledged, and dropped */
        rig_expect_ack(&s.asker, WIRE_PUBACK, 3, 0);
        rig_subscribe_with(&s.asker, &(struct wire_subscription){.filter = span_of_text(s.inbox)},
                           0, 0x80);
        assert_int_equal(rig_stats(&s.r).rr_responses_unknown, 1);
        scene_close(&s);
    }
}

/* [MQTT-3.1.2-24]: refused rather than left without what it has asked for. */
static void
a_connack_too_large(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_connect how = wanting_inbox("small", "");
    struct wire_any packet;
    uint8_t reason_code = 0;
    unsigned refused = 0;

    (void)state;
    wire_properties_set(&how.properties, WIRE_MAXIMUM_PACKET_SIZE);
    for (uint32_t max = 16; max < 64; max++) {
        rig_open(&r, 1, NULL);
        how.properties.maximum_packet_size = max;
        rig_connect(&r, &c, &how, &packet);
        reason_code = packet.as.connack.reason_code;
        assert_true(reason_code == 0 || reason_code == 0x95);
        assert_int_equal(packet.as.connack.properties.response_information.len > 0,
                         reason_code == 0);
        assert_int_equal(rig_client_is_ended(&c), reason_code != 0);
        assert_true(c.input_len <= max);
        refused += reason_code != 0;
        rig_client_close(&c);
        rig_close(&r);
    }
    assert_true(refused > 0 && refused < 48);
}

static enum wilco_status
no_randomness(void *context, void *out, size_t len)
{
    (void)context;
    (void)out;
    (void)len;
    return WILCO_EIO;
}

/* A token that can be guessed is worse than none. */
static void
no_randomness_for_a_token(void **state)
{
    const struct random_source none = {.fill = no_randomness};
    const struct wire_connect how = wanting_inbox("asker", "");
    struct rig r;
    struct rig_client c;
    struct wire_any packet;
    char inbox[INBOX_TEXT_BYTES];

    (void)state;
    rig_open(&r, 1, NULL);
    r.broker.random = &none;
    rig_connect(&r, &c, &how, &packet);
    assert_int_equal(packet.as.connack.reason_code, 0x88);
    assert_true(rig_client_is_ended(&c));
    rig_client_close(&c);
    assert_int_equal(atomic_load(&r.broker.session_count), 0);
    r.broker.random = &r.random.source;
    asker_connect(&r, &c, "asker", ASKER_FULL, inbox);
    assert_true(inbox[0] != '\0');
    rig_client_close(&c);
    rig_close(&r);
}

/* Each allocation of a CONNECT that asks for an inbox fails once, and of a SUBSCRIBE in it. */
static void
no_memory_for_an_inbox(void **state)
{
    const struct wire_connect how = wanting_inbox("asker", "");
    bool has_failed = true;
    unsigned refused = 0;

    (void)state;
    for (size_t which = 1; has_failed; which++) {
        struct rig r;
        struct rig_client c;
        struct wire_any packet = {.type = WIRE_CONNECT, .as.connect = how};
        char inbox[INBOX_TEXT_BYTES];

        rig_open(&r, 1, NULL);
        rig_client_open(&r, &c, "asker", WIRE_V5);
        r.alloc.fail_at = r.alloc.attempts + which;
        rig_send(&c, &packet);
        has_failed = r.alloc.attempts >= r.alloc.fail_at;
        r.alloc.fail_at = 0;
        if (rig_next(&c, &packet)) {
            assert_int_equal(packet.type, WIRE_CONNACK);
            assert_int_equal(packet.as.connack.reason_code,
                             has_failed && rig_client_is_ended(&c) ? 0x97 : 0);
            refused += packet.as.connack.reason_code != 0;
        }
        rig_client_close(&c);
        asker_connect(&r, &c, "asker", ASKER_FULL, inbox);
        rig_subscribe(&c, "elsewhere", 0); /* what a SUBACK needs is there */
        r.alloc.fail_at = r.alloc.attempts + 1;
        rig_subscribe_with(&c, &(struct wire_subscription){.filter = span_of_text(inbox)}, 0, 0x97);
        rig_subscribe(&c, inbox, 0);
        rig_client_close(&c);
        rig_close(&r);
    }
    assert_true(refused >= 2); /* the inbox, and what its topic is put together in */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_who_asks_is_given_one),
        cmocka_unit_test(it_lasts_as_long_as_the_session),
        cmocka_unit_test(responses_wait_for_a_session_that_is_away),
        cmocka_unit_test(templates_of_listeners),
        cmocka_unit_test(long_names),
        cmocka_unit_test(older_versions),
        cmocka_unit_test(a_connack_too_large),
        cmocka_unit_test(no_randomness_for_a_token),
        cmocka_unit_test(no_memory_for_an_inbox),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
