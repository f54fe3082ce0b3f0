/* What the simulation (tests/sim) has found. */
#include "broker/core/session.h"
#include "support/asking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define INBOX_QUESTION(text_topic, text_inbox)                                                     \
    .topic = (text_topic), .response_topic = (text_inbox), .correlation = "c1"

/* Names that live in the first and in the second of two shards. */
static const char *
name_in(const struct rig *r, unsigned shard)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (broker_shard_of(&r->broker, span_of_text(names[i]))->index == shard) {
            return names[i];
        }
    }
    fail();
    return NULL;
}

/* A member that has answered and not acknowledged goes: the message moves on and is no request any
 * more, so nothing counts as on its way to the member that gets it. */
static void
what_has_been_answered_is_not_on_its_way(void **state)
{
    struct rig r;
    struct rig_client asker;
    struct rig_client members[2];
    struct wire_any packet;
    char inbox[INBOX_TEXT_BYTES];

    (void)state;
    rig_open(&r, 2, NULL);
    asker_connect(&r, &asker, "asker", ASKER_FULL, inbox);
    for (unsigned i = 0; i < 2; i++) {
        rig_client_connect(&r, &members[i], name_in(&r, i));
    }
    rig_subscribe(&members[0], "$share/g/service", 1);
    ask(&asker, &(struct ask){INBOX_QUESTION("service", inbox), .qos = 1, .packet_id = 1});
    rig_expect_ack(&asker, WIRE_PUBACK, 1, 0);
    rig_subscribe(&members[1], "$share/g/service", 1);
    expect_request(&members[0], false, &packet);
    respond(&members[0], &packet.as.publish, "answer", 0, 0);
    expect_response(&asker, "c1", "answer");
    rig_client_drop(&members[0]);
    rig_expect(&members[1], WIRE_PUBLISH, &packet);
    assert_int_equal(members[1].conn.session->standing->coming, 0);
    rig_expect_nothing(&asker);
    for (unsigned i = 0; i < 2; i++) {
        rig_client_close(&members[i]);
    }
    rig_client_close(&asker);
    rig_close(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_been_answered_is_not_on_its_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
