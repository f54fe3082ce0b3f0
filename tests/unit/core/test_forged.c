/* Ten thousand messages to an inbox from those who were not asked this: another client, the
 * responder with other Correlation Data, too late, again, or for somebody else's request. None
 * arrives, each is refused, and what was asked is answered afterwards. */
#include "support/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum {
    FORGED = 10000,
    PENDING = 8,
    OF_LATE = 100, /* correlations from here on are of requests that have ended */
    OF_ANSWERED = 200,
    OF_OTHER = 300, /* the other asker's */
};

struct forging {
    struct scene s;
    struct rig_client other; /* asks, too */
    struct rig_client foreign;
    char others_inbox[INBOX_TEXT_BYTES];
    struct random_seeded random;
    uint16_t last_id;
};

static unsigned
draw(struct forging *f, unsigned sides)
{
    uint64_t value = 0;

    assert_int_equal(random_u64(&f->random.source, &value), WILCO_OK);
    return (unsigned)(value % sides);
}

static void
ask_as(struct forging *f, struct rig_client *asker, const char *inbox, unsigned number,
       const char *ttl)
{
    const struct wire_user_property says = {.name = SPAN_LITERAL("rr-ttl"),
                                            .value = span_of_text(ttl)};
    char correlation[16];
    struct wire_any request;

    (void)snprintf(correlation, sizeof(correlation), "c%u", number);
    ask(asker, &(struct ask){.topic = "service/x",
                             .response_topic = inbox,
                             .correlation = correlation,
                             .users = &says,
                             .user_count = 1});
    expect_request(&f->s.responder, true, &request);
}

static void
answer(struct rig_client *c, const char *inbox, unsigned number, const char *payload,
       uint16_t packet_id)
{
    char correlation[16];

    (void)snprintf(correlation, sizeof(correlation), "c%u", number);
    ask(c, &(struct ask){.topic = inbox,
                         .correlation = correlation,
                         .payload = payload,
                         .qos = packet_id > 0,
                         .packet_id = packet_id});
}

static void
open_forging(struct forging *f)
{
    memset(f, 0, sizeof(*f));
    random_seeded_init(&f->random, 1);
    scene_open(&f->s, 4, NULL, ASKER_RRI | ASKER_RR);
    asker_connect(&f->s.r, &f->other, "other", ASKER_FULL, f->others_inbox);
    rig_client_connect(&f->s.r, &f->foreign, "foreign");
    ask_as(f, &f->s.asker, f->s.inbox, OF_LATE, "10");
    rig_advance(&f->s.r, 10);
    expect_status(&f->s.asker, "c100", "504", "delivered", "maybe");
    ask_as(f, &f->s.asker, f->s.inbox, OF_ANSWERED, "10000000");
    answer(&f->s.responder, f->s.inbox, OF_ANSWERED, "yes", 0);
    expect_response(&f->s.asker, "c200", "yes");
    for (unsigned i = 0; i < PENDING; i++) {
        ask_as(f, &f->s.asker, f->s.inbox, i, "10000000");
        ask_as(f, &f->other, f->others_inbox, OF_OTHER + i, "10000000");
    }
}

static void
send_forged(struct forging *f, unsigned kind)
{
    unsigned number = draw(f, PENDING);
    struct rig_client *by = &f->s.responder;

    f->last_id = (uint16_t)(f->last_id % 60000 + 1);
    switch (kind) {
    case 0: by = &f->foreign; break;
    case 1: by = &f->other; break;
    case 2: number = OF_LATE; break;
    case 3: number = OF_ANSWERED; break;
    case 4: number += OF_OTHER; break;
    default: number = 1000 + draw(f, 1000000); break;
    }
    answer(by, f->s.inbox, number, "forged", f->last_id);
    rig_expect_ack(by, WIRE_PUBACK, f->last_id, WIRE_REASON_NOT_AUTHORIZED);
}

static void
none_of_ten_thousand_arrives(void **state)
{
    static struct forging f;
    char correlation[16];

    (void)state;
    open_forging(&f);
    for (unsigned i = 0; i < FORGED; i++) {
        send_forged(&f, i % 6);
        rig_expect_nothing(&f.s.asker);
    }
    assert_int_equal(rig_stats(&f.s.r).publish_refused, FORGED);
    for (unsigned i = 0; i < PENDING; i++) {
        (void)snprintf(correlation, sizeof(correlation), "c%u", i);
        answer(&f.s.responder, f.s.inbox, i, "yes", 0);
        expect_response(&f.s.asker, correlation, "yes");
    }
    rig_expect_nothing(&f.other);
    rig_client_close(&f.other);
    rig_client_close(&f.foreign);
    scene_close(&f.s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_of_ten_thousand_arrives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
