/* Out of memory while services come, are asked about, and go: every allocation fails once. Nothing
 * leaks, what was granted is listed and what was not is not, and who asks is answered to the end.
 */
#include "support/offering.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SHARDS 2

struct scene {
    struct rig r;
    struct rig_client asker;
    struct rig_client responder;
    char inbox[INBOX_TEXT_BYTES];
    size_t granted; /* SUBSCRIBEs for a service of its own */
    size_t closing; /* answers that were the last one */
};

/* Takes all that has come, and acknowledges it. */
static void
take(struct scene *s, struct rig_client *c)
{
    struct wire_any packet;
    struct span more = SPAN_EMPTY;

    while (rig_next(c, &packet)) {
        const struct wire_publish *p = &packet.as.publish;

        if (packet.type == WIRE_SUBACK && packet.as.suback.reason_codes.data[0] == 1) {
            s->granted++;
        }
        if (packet.type != WIRE_PUBLISH) {
            continue;
        }
        if (p->payload.len > 0 &&
            span_equal(p->properties.content_type, SPAN_LITERAL("application/json"))) {
            assert_int_equal(p->payload.data[0], '{');
            assert_int_equal(p->payload.data[p->payload.len - 1], '}');
        }
        s->closing +=
            c == &s->asker && !wire_properties_user(&p->properties, SPAN_LITERAL("rr-more"), &more);
        if (p->qos == 1) {
            rig_ack(c, WIRE_PUBACK, p->packet_id);
        }
    }
}

static void
offer_quietly(struct scene *s, const char *filter, const struct wire_user_property *users,
              size_t count)
{
    const struct wire_subscription w = {.filter = span_of_text(filter), .qos = 1};
    struct wire_any packet = {
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = 1, .count = 1, .subscriptions = &w},
    };

    packet.as.subscribe.properties.users = users;
    packet.as.subscribe.properties.user_count = count;
    wire_properties_set(&packet.as.subscribe.properties, WIRE_USER_PROPERTY);
    if (rig_client_is_ended(&s->responder)) {
        return;
    }
    rig_send(&s->responder, &packet);
    take(s, &s->responder);
}

static void
play(struct scene *s)
{
    static const struct wire_user_property one[] = {
        USER("rr-service", "one"), USER("rr-meta", "k=v"), USER("rr-description", "the first")};
    static const struct wire_user_property again[] = {USER("rr-service", "one"),
                                                      USER("rr-meta", "k=w")};
    static const struct wire_user_property two[] = {USER("rr-service", "two")};

    offer_quietly(s, "x", one, 3);
    offer_quietly(s, "y", again, 2);
    offer_quietly(s, "z", two, 1);
    for (int i = 0; i < 2 && !rig_client_is_ended(&s->asker); i++) {
        question(&s->asker, i == 0 ? "$SRV/INFO" : "$SRV/STATS/one", s->inbox);
        take(s, &s->asker);
    }
}

/* Once memory is there again the broker knows what it said. */
static void
check(struct scene *s)
{
    struct wire_any packet;
    size_t endpoints = 0;

    s->r.alloc.fail_at = 0;
    if (rig_client_is_ended(&s->responder) || rig_client_is_ended(&s->asker)) {
        return;
    }
    question(&s->asker, "$SRV/INFO", s->inbox);
    while (rig_next(&s->asker, &packet)) {
        struct span text = packet.as.publish.payload;

        for (size_t i = 0; i + 10 <= text.len; i++) {
            endpoints += memcmp(text.data + i, "\"subject\":", 10) == 0;
        }
        if (packet.as.publish.qos == 1) {
            rig_ack(&s->asker, WIRE_PUBACK, packet.as.publish.packet_id);
        }
    }
    assert_int_equal(endpoints, s->granted);
}

/* The number of allocations made. */
static size_t
run(size_t fail_at)
{
    struct scene s = {.granted = 0};
    size_t before = 0;
    size_t made = 0;

    rig_open(&s.r, SHARDS, NULL);
    asker_connect(&s.r, &s.asker, "asker", ASKER_FULL, s.inbox);
    rig_client_connect(&s.r, &s.responder, "responder");
    before = s.r.alloc.attempts;
    s.r.alloc.fail_at = fail_at == 0 ? 0 : before + fail_at;
    play(&s);
    made = s.r.alloc.attempts - before;
    if (fail_at == 0) {
        assert_int_equal(s.granted, 3);
        assert_int_equal(s.closing, 2);
    }
    check(&s);
    rig_client_close(&s.asker);
    rig_client_close(&s.responder);
    rig_close(&s.r);
    return made;
}

static void
each_allocation_fails_once(void **state)
{
    size_t fail_at = 1;

    (void)state;
    assert_true(run(0) > 30);
    while (run(fail_at) >= fail_at) {
        fail_at++;
    }
    print_message("%u allocations\n", (unsigned)(fail_at - 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_fails_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
