/* Services: what a SUBSCRIBE says of them is put down, and goes with the subscription. */
#include "broker/core/services.h"

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

/* An asker, and two who may offer something. */
struct fair {
    struct rig r;
    struct rig_client asker;
    struct rig_client a;
    struct rig_client b;
    char inbox[INBOX_TEXT_BYTES];
};

static void
fair_open(struct fair *f, unsigned shards, const struct settings *settings)
{
    rig_open(&f->r, shards, settings);
    asker_connect(&f->r, &f->asker, "asker", ASKER_FULL, f->inbox);
    rig_client_connect(&f->r, &f->a, "a");
    rig_client_connect(&f->r, &f->b, "b");
}

static void
fair_close(struct fair *f)
{
    rig_expect_nothing(&f->asker);
    rig_client_close(&f->asker);
    rig_client_close(&f->a);
    rig_client_close(&f->b);
    rig_close(&f->r);
}

/* There is just this one. */
static void
expect_info(struct fair *f, const char *pattern)
{
    question(&f->asker, "$SRV/INFO", f->inbox);
    expect_answer(&f->asker, 0, false, pattern);
}

static void
expect_none(struct fair *f)
{
    question(&f->asker, "$SRV/INFO", f->inbox);
    expect_no_service(&f->asker);
}

#define INFO_OF(name, version, metadata, description, online, client, endpoints)                   \
    "{\"type\":\"io.wilco.rr.v1.info_response\",\"name\":\"" name                                  \
    "\",\"id\":\"@\",\"version\":\"" version "\",\"metadata\":{" metadata                          \
    "},\"description\":\"" description "\",\"online\":" online ",\"client_id\":\"" client          \
    "\",\"endpoints\":[" endpoints "]}"
#define AT(group, filter)                                                                          \
    "{\"name\":\"" filter "\",\"subject\":\"" filter "\",\"queue_group\":\"" group                 \
    "\",\"metadata\":{}}"

/* C38. */
static void
a_service_is_what_its_subscribe_says(void **state)
{
    const struct {
        struct offer offer;
        const char *want;
    } rows[] = {
        {{.filter = "add", USERS(USER("rr-service", "calc"))},
         INFO_OF("calc", "", "", "", "true", "a", AT("", "add"))},
        {{.filter = "$share/q/add/+", OFFERS("calc", "1.0.0")},
         INFO_OF("calc", "1.0.0", "", "", "true", "a", AT("q", "add/+"))},
        {{.filter = "add",
          USERS(USER("rr-meta", "unit=mm"), USER("rr-description", "adds \"up\""),
                USER("rr-service", "calc"), USER("rr-meta", "k\\=v=w"), USER("rr-other", "x"))},
         INFO_OF("calc", "", "\"unit\":\"mm\",\"k\\\\\":\"v=w\"", "adds \\\"up\\\"", "true", "a",
                 AT("", "add"))},
    };
    struct fair f;

    (void)state;
    for (EACH_SHARD_COUNT(s)) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            fair_open(&f, shard_counts[s], NULL);
            expect_none(&f);
            offer(&f.a, &rows[i].offer);
            expect_info(&f, rows[i].want);
            withdraw(&f.a, rows[i].offer.filter);
            expect_none(&f);
            fair_close(&f);
        }
    }
}

static void
subscriptions_for_one_name_and_version_add_up(void **state)
{
    struct fair f;

    (void)state;
    for (EACH_SHARD_COUNT(s)) {
        fair_open(&f, shard_counts[s], NULL);
        offer(&f.a, &(struct offer){.filter = "add", OFFERS("calc", "1")});
        offer(&f.a, &(struct offer){.filter = "$share/q/sub", OFFERS("calc", "1")});
        offer(&f.a, &(struct offer){.filter = "sub", OFFERS("calc", "1")});
        offer(&f.a, &(struct offer){.filter = "add", OFFERS("calc", "1")});
        expect_info(&f, INFO_OF("calc", "1", "", "", "true", "a",
                                AT("", "add") "," AT("q", "sub") "," AT("", "sub")));
        withdraw(&f.a, "sub");
        withdraw(&f.a, "add");
        expect_info(&f, INFO_OF("calc", "1", "", "", "true", "a", AT("q", "sub")));
        withdraw(&f.a, "$share/q/sub");
        expect_none(&f);
        fair_close(&f);
    }
}

/* What was said last of an instance holds; what says nothing changes nothing. */
static void
a_description_can_be_renewed(void **state)
{
    struct fair f;

    (void)state;
    fair_open(&f, 1, NULL);
    offer(&f.a, &(struct offer){.filter = "x",
                                USERS(USER("rr-service", "s"), USER("rr-description", "old"),
                                      USER("rr-meta", "a=1"))});
    offer(&f.a, &(struct offer){.filter = "y", USERS(USER("rr-service", "s"))});
    expect_info(&f,
                INFO_OF("s", "", "\"a\":\"1\"", "old", "true", "a", AT("", "x") "," AT("", "y")));
    offer(&f.a,
          &(struct offer){.filter = "x", USERS(USER("rr-service", "s"), USER("rr-meta", "b=2"))});
    expect_info(&f, INFO_OF("s", "", "\"b\":\"2\"", "", "true", "a", AT("", "x") "," AT("", "y")));
    fair_close(&f);
}

/* [MQTT-3.8.4-3]: the subscription is replaced with all that it was. */
static void
a_subscription_is_for_one_service(void **state)
{
    struct fair f;

    (void)state;
    fair_open(&f, 2, NULL);
    offer(&f.a, &(struct offer){.filter = "x", OFFERS("one", "1")});
    offer(&f.a, &(struct offer){.filter = "y", OFFERS("one", "1")});
    offer(&f.a, &(struct offer){.filter = "y", OFFERS("one", "2")});
    question(&f.asker, "$SRV/INFO/one", f.inbox);
    expect_answer(&f.asker, 0, true, INFO_OF("one", "1", "", "", "true", "a", AT("", "x")));
    expect_answer(&f.asker, 1, false, INFO_OF("one", "2", "", "", "true", "a", AT("", "y")));
    offer(&f.a, &(struct offer){.filter = "x"});
    expect_info(&f, INFO_OF("one", "2", "", "", "true", "a", AT("", "y")));
    offer(&f.a, &(struct offer){.filter = "y"});
    expect_none(&f);
    fair_close(&f);
}

/* All filters of the SUBSCRIBE are refused, and none is subscribed to. */
static void
what_makes_no_sense_is_refused(void **state)
{
    const struct offer rows[] = {
        {.filter = "x", USERS(USER("rr-service", "")), .refusal = 0x83},
        {.filter = "x", USERS(USER("rr-service", "a b")), .refusal = 0x83},
        {.filter = "x", USERS(USER("rr-service", "s"), USER("rr-version", "1 2")), .refusal = 0x83},
        {.filter = "x",
         USERS(USER("rr-service", "s"), USER("rr-meta", "novalue")),
         .refusal = 0x83},
        {.filter = "$SRV/PING", USERS(USER("rr-service", "s")), .refusal = 0x87},
    };
    struct fair f;

    (void)state;
    fair_open(&f, 2, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        offer(&f.a, &rows[i]);
        expect_none(&f);
    }
    rig_publish(&f.b, "x", "nobody gets it");
    rig_expect_nothing(&f.a);
    fair_close(&f);
}

/* Without a name the other words mean nothing. */
static void
without_a_name_there_is_no_service(void **state)
{
    struct fair f;

    (void)state;
    fair_open(&f, 1, NULL);
    offer(&f.a, &(struct offer){.filter = "x",
                                USERS(USER("rr-version", ""), USER("rr-meta", "novalue"))});
    expect_none(&f);
    fair_close(&f);
}

static void
bounds_are_kept(void **state)
{
    struct settings settings = settings_default();
    struct fair f;

    (void)state;
    settings.services_max = 3;
    settings.services_per_client_max = 2;
    settings.service_endpoints_max = 2;
    settings.service_metadata_bytes_max = 20;
    fair_open(&f, 2, &settings);
    offer(&f.a, &(struct offer){.filter = "1", OFFERS("s", "1")});
    offer(&f.a, &(struct offer){.filter = "2", OFFERS("s", "1")});
    offer(&f.a, &(struct offer){.filter = "3", OFFERS("s", "1"), .refusal = 0x97});
    offer(&f.a, &(struct offer){.filter = "2", OFFERS("s", "1")}); /* it is there already */
    offer(&f.a, &(struct offer){.filter = "3", OFFERS("s", "2")});
    offer(&f.a, &(struct offer){.filter = "4", OFFERS("s", "3"), .refusal = 0x97});
    offer(&f.b, &(struct offer){.filter = "1", OFFERS("s", "1")});
    offer(&f.b, &(struct offer){.filter = "2", OFFERS("s", "2"), .refusal = 0x97});
    withdraw(&f.a, "3");
    offer(&f.b, &(struct offer){.filter = "2", OFFERS("s", "2")});
    rig_publish(&f.asker, "4", "nobody gets it");
    rig_expect_nothing(&f.a);
    /* As JSON, with the braces. */
    offer(&f.a,
          &(struct offer){.filter = "1",
                          USERS(USER("rr-service", "s"), USER("rr-version", "1"),
                                USER("rr-description", "012345"), USER("rr-meta", "key=1234"))});
    offer(&f.a,
          &(struct offer){.filter = "1",
                          USERS(USER("rr-service", "s"), USER("rr-version", "1"),
                                USER("rr-description", "0123456"), USER("rr-meta", "key=1234")),
                          .refusal = 0x97});
    fair_close(&f);
}

/* Where requests are like all other messages there are no services either. */
static void
they_need_request_tracking(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client a;
    struct wire_any packet;

    (void)state;
    settings.request_tracking = 0;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &a, "a");
    offer(&a, &(struct offer){.filter = "x", USERS(USER("rr-service", ""))});
    ask(&a, &(struct ask){.topic = "$SRV/PING", .response_topic = "x", .qos = 1, .packet_id = 2});
    rig_expect(&a, WIRE_PUBACK, &packet);
    assert_int_equal(packet.as.ack.reason_code, 0x87);
    rig_expect_nothing(&a);
    rig_client_close(&a);
    rig_close(&r);
}

/* Away, but with its session: still there, though not online. Then the session ends. */
static void
an_instance_lives_as_long_as_its_session(void **state)
{
    struct fair f;
    struct rig_client lasting;

    (void)state;
    for (EACH_SHARD_COUNT(s)) {
        fair_open(&f, shard_counts[s], NULL);
        rig_resume(&f.r, &lasting, "lasting", false);
        offer(&lasting, &(struct offer){.filter = "x", OFFERS("s", "1")});
        offer(&f.a, &(struct offer){.filter = "x", OFFERS("s", "1")});
        rig_client_drop(&lasting);
        rig_client_close(&lasting);
        rig_client_drop(&f.a);
        expect_info(&f, INFO_OF("s", "1", "", "", "false", "lasting", AT("", "x")));
        question(&f.asker, "$SRV/PING", f.inbox);
        expect_no_service(&f.asker);
        rig_resume(&f.r, &lasting, "lasting", true);
        expect_info(&f, INFO_OF("s", "1", "", "", "true", "lasting", AT("", "x")));
        rig_client_close(&lasting);
        rig_client_connect(&f.r, &lasting, "lasting"); /* Clean Start */
        expect_none(&f);
        rig_client_close(&lasting);
        fair_close(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_is_what_its_subscribe_says),
        cmocka_unit_test(subscriptions_for_one_name_and_version_add_up),
        cmocka_unit_test(a_description_can_be_renewed),
        cmocka_unit_test(a_subscription_is_for_one_service),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(without_a_name_there_is_no_service),
        cmocka_unit_test(bounds_are_kept),
        cmocka_unit_test(they_need_request_tracking),
        cmocka_unit_test(an_instance_lives_as_long_as_its_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
