/* Responses that answer nothing: ten thousand of them, at random, to a client that always has one
 * request out. The application hears of none of them, and of each true answer once. FORGED sets how
 * many. */
#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned
any(struct random_seeded *random, unsigned below)
{
    uint64_t number = 0;

    assert_int_equal(random_u64(&random->source, &number), WILCO_OK);
    return (unsigned)(number % below);
}

/* What `out` and the requests before it make up for. */
static void
forge(struct peer *p, struct random_seeded *random, const struct peer_request *out,
      const struct peer_request *before)
{
    static const char *const statuses[] = {NULL, "200", "503", "nonsense"};
    struct peer_request r = *out;
    bool retain = false;

    switch (any(random, 6)) {
    case 0: r.correlation[any(random, (unsigned)r.correlation_len)] ^= 1U << any(random, 8); break;
    case 1: r.correlation_len = any(random, (unsigned)r.correlation_len); break;
    case 2: r.correlation[r.correlation_len++] = (uint8_t)any(random, 256); break;
    case 3: r = *before; break; /* it was answered, or is of an earlier session */
    case 4: memset(r.correlation, (int)any(random, 256), r.correlation_len); break;
    default: retain = true; break; /* who stored it did not mean this request */
    }
    if (retain) {
        peer_answer_with(p, &r, "forged", NULL, 0, true);
    } else {
        peer_answer(p, &r, "forged", statuses[any(random, 4)]);
    }
    peer_no_event(p);
}

static void
none_is_believed(void **state)
{
    const char *wanted = getenv("FORGED");
    unsigned count = wanted == NULL ? 10000 : (unsigned)strtoul(wanted, NULL, 10);
    const struct wilco_request ask = {.topic = "do"};
    struct peer_request before = {.correlation_len = 4, .correlation = "none", .topic = "r"};
    struct wire_properties connack = {.response_information = SPAN_LITERAL("$r/me")};
    struct random_seeded random;
    struct wilco_counters counters;
    struct core_event event;
    struct peer p;

    (void)state;
    random_seeded_init(&random, 99);
    wire_properties_set(&connack, WIRE_RESPONSE_INFORMATION);
    peer_open(&p, NULL, &connack);
    for (unsigned i = 0; i < count; i += 10) {
        struct peer_request out;

        (void)peer_ask(&p, &ask);
        peer_take_request(&p, &out);
        for (unsigned n = 0; n < 10; n++) {
            forge(&p, &random, &out, &before);
        }
        peer_answer(&p, &out, "answer", NULL);
        peer_event(&p, CORE_RESPONSE, &event);
        assert_int_equal(event.status, WILCO_OK);
        wilco_message_unref(event.message);
        peer_no_event(&p);
        before = out;
    }
    assert_int_equal(peer_counters(&p).pending, 0);
    counters = peer_counters(&p);
    assert_int_equal(counters.responses_unknown + counters.responses_duplicate, count);
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_is_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
