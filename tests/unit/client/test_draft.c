#include "client/draft.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct wilco_user_property good = {"name", "value"};
static const struct wilco_user_property bad_name = {"\xff", "value"};
static const struct wilco_user_property no_value = {"name", NULL};

static void
refuses_what_cannot_be_said(void **state)
{
    static const struct {
        const char *name;
        struct wilco_publish publish;
        enum wilco_status want;
    } rows[] = {
        {"plain", {.topic = "a/b"}, WILCO_OK},
        {"no topic", {.topic = NULL}, WILCO_EINVAL},
        {"empty topic", {.topic = ""}, WILCO_EINVAL},        /* [MQTT-4.7.3-1] */
        {"wildcard", {.topic = "a/+"}, WILCO_EINVAL},        /* [MQTT-3.3.2-2, 4.7.0-1] */
        {"not UTF-8", {.topic = "a\xc0\x80"}, WILCO_EINVAL}, /* [MQTT-3.3.2-1] */
        {"QoS 3", {.topic = "a", .qos = 3}, WILCO_EINVAL},   /* [MQTT-3.3.1-4] */
        {"response topic", {.topic = "a", .response_topic = "b"}, WILCO_OK},
        /* [MQTT-3.3.2-13, 3.3.2-14] */
        {"response not UTF-8", {.topic = "a", .response_topic = "\xff"}, WILCO_EINVAL},
        {"response to a wildcard", {.topic = "a", .response_topic = "b/#"}, WILCO_EINVAL},
        {"response to nothing", {.topic = "a", .response_topic = ""}, WILCO_EINVAL},
        /* [MQTT-3.3.2-19, 1.5.4-1] */
        {"content type", {.topic = "a", .content_type = "\xed\xa0\x80"}, WILCO_EINVAL},
        {"user", {.topic = "a", .user_properties = &good, .user_property_count = 1}, WILCO_OK},
        /* [MQTT-1.5.7-1] */
        {"user name",
         {.topic = "a", .user_properties = &bad_name, .user_property_count = 1},
         WILCO_EINVAL},
        {"user value",
         {.topic = "a", .user_properties = &no_value, .user_property_count = 1},
         WILCO_EINVAL},
        {"correlation", {.topic = "a", .correlation_data = {"", 65536}}, WILCO_EINVAL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct draft d;

        if (draft_publish(&d, &rows[i].publish) != rows[i].want) {
            fail_msg("%s", rows[i].name);
        }
    }
}

/* [MQTT-4.7.3-3] */
static void
refuses_a_topic_longer_than_a_string(void **state)
{
    char *topic = test_malloc(65537);
    struct draft d;

    (void)state;
    memset(topic, 'a', 65536);
    topic[65536] = '\0';
    assert_int_equal(draft_publish(&d, &(struct wilco_publish){.topic = topic}), WILCO_EINVAL);
    topic[65535] = '\0';
    assert_int_equal(draft_publish(&d, &(struct wilco_publish){.topic = topic}), WILCO_OK);
    test_free(topic);
}

static struct span
extra(const struct draft *d, const char *name)
{
    for (size_t i = 0; i < d->extra_count; i++) {
        if (span_equal(d->extras[i].name, span_of_text(name))) {
            return d->extras[i].value;
        }
    }
    return SPAN_EMPTY;
}

static void
assert_span(struct span s, const char *text)
{
    assert_true(span_equal(s, span_of_text(text)));
}

static void
makes_requests_as_profile_p1_has_them(void **state)
{
    const struct wilco_request r = {.topic = "a", .is_utf8 = true, .content_type = "text/plain"};
    struct draft d;

    (void)state;
    assert_int_equal(draft_request(&d, &r, 1001, "me"), WILCO_OK);
    assert_span(extra(&d, "__protVer"), "1.0");
    assert_span(extra(&d, "__srcId"), "me");
    assert_span(extra(&d, "$partition"), "me");
    assert_int_equal(d.packet.qos, 1);
    assert_int_equal(d.packet.properties.message_expiry_interval, 2); /* rounded up */
    assert_int_equal(d.packet.properties.payload_format_indicator, 1);
    assert_span(d.packet.properties.content_type, "text/plain");
    assert_int_equal(draft_request(&d, &r, 1000, ""), WILCO_OK);
    assert_int_equal(d.packet.properties.message_expiry_interval, 1);
    assert_span(extra(&d, "__srcId"), ""); /* no empty identity */
    assert_span(extra(&d, "$partition"), "");
}

/* Of profile P2, and only what is needed. */
static void
adds_what_our_broker_knows(void **state)
{
    static const struct {
        struct wilco_request request;
        uint32_t timeout_ms;
        uint32_t expiry_s;
        const char *ttl, *idempotent, *if_offline; /* "": absent */
    } rows[] = {
        {{.topic = "a"}, 1000, 1, "", "", "refuse"},
        {{.topic = "a"}, 10000, 10, "", "", "refuse"},
        {{.topic = "a"}, 1, 1, "1", "", "refuse"},
        {{.topic = "a"}, 250, 1, "250", "", "refuse"},
        {{.topic = "a"}, 1500, 2, "1500", "", "refuse"},
        {{.topic = "a"}, UINT32_MAX, 4294968, "4294967295", "", "refuse"},
        {{.topic = "a", .idempotent = true}, 1000, 1, "", "1", "refuse"},
        {{.topic = "a", .wait_if_offline = true}, 1000, 1, "", "", ""},
        {{.topic = "a", .wait_if_offline = true, .responder_wait_ms = 1},
         1000,
         1,
         "",
         "",
         "refuse"},
        {{.topic = "a", .fail_if_offline = true}, 1000, 1, "", "", "fail"},
        {{.topic = "a", .idempotent = true, .fail_if_offline = true}, 999, 1, "999", "1", "fail"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct draft d;

        assert_int_equal(draft_request(&d, &rows[i].request, rows[i].timeout_ms, "me"), WILCO_OK);
        assert_int_equal(d.packet.properties.message_expiry_interval, rows[i].expiry_s);
        assert_span(extra(&d, "rr-ttl"), rows[i].ttl);
        assert_span(extra(&d, "rr-idem"), rows[i].idempotent);
        assert_span(extra(&d, "rr-if-offline"), rows[i].if_offline);
    }
}

static void
reads_the_qos_of_a_request(void **state)
{
    static const struct {
        uint8_t qos;
        bool qos_0;
        uint8_t want;
    } rows[] = {{0, false, 1}, {1, false, 1}, {2, false, 2}, {0, true, 0}, {2, true, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct wilco_request r = {.topic = "a", .qos = rows[i].qos, .qos_0 = rows[i].qos_0};
        struct draft d;

        assert_int_equal(draft_request(&d, &r, 1, ""), WILCO_OK);
        assert_int_equal(d.packet.qos, rows[i].want);
    }
}

static void
gives_an_answer_its_status(void **state)
{
    static const struct {
        struct wilco_reply reply;
        enum wilco_status want;
        const char *status, *text, *is_application_error; /* "": absent */
    } rows[] = {
        {{.payload = {"x", 1}}, WILCO_OK, "200", "", ""},
        {{.status = 0}, WILCO_OK, "204", "", ""},
        {{.status = 200}, WILCO_OK, "200", "", ""},
        {{.status = 404, .status_text = "gone"}, WILCO_OK, "404", "gone", "true"},
        {{.status = 500}, WILCO_OK, "500", "", "true"},
        {{.status = 99}, WILCO_EINVAL, "", "", ""},
        {{.status = 1000}, WILCO_EINVAL, "", "", ""},
        {{.status = -1}, WILCO_EINVAL, "", "", ""},
        {{.status = 400, .status_text = "\xff"}, WILCO_EINVAL, "", "", ""},
    };
    const struct wire_publish p = {.qos = 2, .topic = SPAN_LITERAL("t")};
    const struct draft_role role = {.sequence = 0};
    struct wilco_message *request = message_new(alloc_system(), &p, 0);

    (void)state;
    request->response_topic = SPAN_LITERAL("back");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct draft d;

        assert_int_equal(draft_reply(&d, request, &rows[i].reply, &role, 1500), rows[i].want);
        if (rows[i].want == WILCO_OK) {
            assert_span(extra(&d, "__stat"), rows[i].status);
            assert_span(extra(&d, "__stMsg"), rows[i].text);
            assert_span(extra(&d, "__apErr"), rows[i].is_application_error);
            assert_span(extra(&d, "__protVer"), "1.0");
            assert_span(d.packet.topic, "back");
            assert_int_equal(d.packet.qos, 2);
            assert_int_equal(d.packet.properties.message_expiry_interval, 2);
            assert_false(wire_properties_has(&d.packet.properties, WIRE_CORRELATION_DATA));
        }
    }
    wilco_message_unref(request);
}

static void
puts_user_properties_in_one_row(void **state)
{
    static const size_t counts[] = {0, 1, DRAFT_USERS_FEW - 1, DRAFT_USERS_FEW, 1000};
    struct wilco_user_property users[1000];

    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        users[i] = good;
    }
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        const struct wilco_request r = {
            .topic = "a",
            .wait_if_offline = true,
            .user_properties = users,
            .user_property_count = counts[i],
        };
        struct draft d;
        struct draft_users row;
        struct wire_properties properties = {.present = 0};

        assert_int_equal(draft_request(&d, &r, 1000, ""), WILCO_OK);
        assert_int_equal(draft_users_init(&row, alloc_system(), &d, &properties), WILCO_OK);
        assert_int_equal(properties.user_count, counts[i] + 1);
        assert_span(properties.users[0].name, "__protVer"); /* ours first */
        assert_span(properties.users[counts[i]].name, counts[i] == 0 ? "__protVer" : "name");
        draft_users_fini(&row);
    }
}

static void
bounds_user_properties(void **state)
{
    struct draft d = {.user_count = 1000000};
    struct draft_users row;
    struct wire_properties properties = {.present = 0};
    struct failing_alloc alloc;

    (void)state;
    assert_int_equal(draft_users_init(&row, alloc_system(), &d, &properties), WILCO_ELIMIT);
    d.user_count = 100;
    failing_alloc_init(&alloc, 1);
    assert_int_equal(draft_users_init(&row, &alloc.alloc, &d, &properties), WILCO_ENOMEM);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_cannot_be_said),
        cmocka_unit_test(refuses_a_topic_longer_than_a_string),
        cmocka_unit_test(makes_requests_as_profile_p1_has_them),
        cmocka_unit_test(adds_what_our_broker_knows),
        cmocka_unit_test(reads_the_qos_of_a_request),
        cmocka_unit_test(gives_an_answer_its_status),
        cmocka_unit_test(puts_user_properties_in_one_row),
        cmocka_unit_test(bounds_user_properties),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
