/* Ten thousand responses that are none: made up, late, again, to another request, or there before
 * anybody asked. Nobody is told of any, and each request gets its own answer afterwards. */
#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum {
    FORGED = 10000,
    PENDING = 8,
    DAY_MS = 86400000,
};

enum kind {
    MADE_UP,
    ONE_BIT,
    CUT,
    LONGER,
    WITHOUT,
    BESIDE,  /* its topic is nearly right */
    FOREIGN, /* to the topic of another request */
    THERE_BEFORE,
    LATE,
    AGAIN,
    KINDS,
};

struct scene {
    struct peer p;
    struct random_seeded random;
    struct peer_request pending[PENDING];
    struct peer_request overdue;
    struct peer_request answered;
};

static unsigned
draw(struct scene *s, unsigned sides)
{
    uint64_t value = 0;

    assert_int_equal(random_u64(&s->random.source, &value), WILCO_OK);
    return (unsigned)(value % sides);
}

/* Every second one has a response topic of its own. */
static void
ask_for(struct scene *s, unsigned i, uint32_t timeout_ms, struct peer_request *out)
{
    char topic[32];
    const struct wilco_request r = {
        .topic = "do",
        .timeout_ms = timeout_ms,
        .response_topic = i % 2 == 0 ? NULL : topic,
        .qos_0 = true,
    };

    (void)snprintf(topic, sizeof(topic), "$r/me/%u", i);
    (void)peer_ask(&s->p, &r);
    peer_take_request(&s->p, out);
    assert_int_equal(out->correlation_len, 16);
}

static void
expect_end(struct scene *s, enum wilco_status status)
{
    struct core_event event;

    peer_event(&s->p, CORE_RESPONSE, &event);
    assert_int_equal(event.status, status);
    wilco_message_unref(event.message);
}

static void
open_scene(struct scene *s)
{
    struct wire_properties connack = {.response_information = SPAN_INIT("$r/me")};

    wire_properties_set(&connack, WIRE_RESPONSE_INFORMATION);
    random_seeded_init(&s->random, 1);
    peer_open(&s->p, &(struct wilco_options){.client_id = "me", .keep_alive_off = true}, &connack);
    ask_for(s, 0, 100, &s->overdue);
    peer_advance(&s->p, 100);
    expect_end(s, WILCO_ETIMEDOUT);
    ask_for(s, 0, DAY_MS, &s->answered);
    peer_answer(&s->p, &s->answered, "yes", NULL);
    expect_end(s, WILCO_OK);
    for (unsigned i = 0; i < PENDING; i++) {
        ask_for(s, i, DAY_MS, &s->pending[i]);
    }
}

static void
forge_correlation(struct scene *s, enum kind kind, struct peer_request *r)
{
    size_t len = r->correlation_len;

    switch (kind) {
    case MADE_UP:
        assert_int_equal(random_bytes(&s->random.source, r->correlation, len), WILCO_OK);
        break;
    case ONE_BIT: r->correlation[draw(s, (unsigned)len)] ^= (uint8_t)(1U << draw(s, 8)); break;
    case CUT: r->correlation_len = 1 + draw(s, (unsigned)len - 1); break;
    case LONGER:
        r->correlation_len += 1 + draw(s, 16);
        memset(r->correlation + len, 0, r->correlation_len - len);
        break;
    default: r->correlation_len = 0; break;
    }
}

static void
send_forged(struct scene *s, enum kind kind, unsigned number)
{
    static const struct wire_user_property status[] = {
        {SPAN_INIT("rr-src"), SPAN_INIT("broker")},
        {SPAN_INIT("__stat"), SPAN_INIT("503")},
    };
    static const struct wire_user_property error = {SPAN_INIT("__stat"), SPAN_INIT("500")};
    struct peer_request r = s->pending[number % PENDING];
    size_t at = strlen(r.topic);

    switch (kind) {
    case BESIDE: (void)snprintf(r.topic + at, sizeof(r.topic) - at, "%s", "/x"); break;
    case FOREIGN: memcpy(r.topic, s->pending[(number + 1) % PENDING].topic, sizeof(r.topic)); break;
    case THERE_BEFORE: break;
    case LATE: r = s->overdue; break;
    case AGAIN: r = s->answered; break;
    default: forge_correlation(s, kind, &r); break;
    }
    switch (draw(s, 3)) {
    case 0: peer_answer_with(&s->p, &r, "no", NULL, 0, kind == THERE_BEFORE); break;
    case 1: peer_answer_with(&s->p, &r, "", status, 2, kind == THERE_BEFORE); break;
    default: peer_answer_with(&s->p, &r, "no", &error, 1, kind == THERE_BEFORE); break;
    }
}

static void
accepts_none_of_ten_thousand(void **state)
{
    static struct scene s;
    struct wilco_counters counters;

    (void)state;
    open_scene(&s);
    for (unsigned i = 0; i < FORGED; i++) {
        send_forged(&s, (enum kind)(i % KINDS), draw(&s, PENDING));
        peer_no_event(&s.p);
        peer_expect_nothing(&s.p);
    }
    counters = peer_counters(&s.p);
    assert_int_equal(counters.pending, PENDING);
    assert_int_equal(counters.responses, 1);
    assert_true(counters.responses_late > 0 && counters.responses_duplicate > 0);
    assert_true(counters.responses_unknown > FORGED / 2);
    for (unsigned i = 0; i < PENDING; i++) {
        peer_answer(&s.p, &s.pending[i], "yes", NULL);
        expect_end(&s, WILCO_OK);
    }
    peer_no_event(&s.p);
    peer_close(&s.p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_none_of_ten_thousand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
