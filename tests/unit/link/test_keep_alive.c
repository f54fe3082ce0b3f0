#include "link/keep_alive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    uint16_t seconds;
    uint64_t since_ms;
    uint64_t server_ms; /* [MQTT-3.1.2-22] */
    uint64_t ping_ms;   /* [MQTT-3.1.2-20] */
    uint64_t pong_ms;
} rows[] = {
    {0, 0, UINT64_MAX, UINT64_MAX, UINT64_MAX},
    {0, 12345, UINT64_MAX, UINT64_MAX, UINT64_MAX},
    {1, 0, 1500, 750, 1000},
    {1, 1000000, 1001500, 1000750, 1001000},
    {2, 10, 3010, 1510, 2010},
    {3, 0, 4500, 2250, 3000},
    {20, 0, 30000, 15000, 20000},
    {21, 0, 31500, 16000, 21000}, /* no more than five seconds early */
    {60, 7, 90007, 55007, 60007},
    {65535, 0, 98302500, 65530000, 65535000},
    {65535, UINT64_C(1) << 50, (UINT64_C(1) << 50) + 98302500, (UINT64_C(1) << 50) + 65530000,
     (UINT64_C(1) << 50) + 65535000},
};

static void
deadlines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint16_t s = rows[i].seconds;
        uint64_t since = rows[i].since_ms;

        assert_true(keep_alive_server_deadline_ms(s, since) == rows[i].server_ms);
        assert_true(keep_alive_ping_deadline_ms(s, since) == rows[i].ping_ms);
        assert_true(keep_alive_pong_deadline_ms(s, since) == rows[i].pong_ms);
    }
}

/* A ping that leaves on time keeps the server from closing, whatever the interval. */
static void
a_client_that_pings_is_never_late(void **state)
{
    (void)state;
    for (uint32_t s = 1; s <= UINT16_MAX; s++) {
        uint64_t ping = keep_alive_ping_deadline_ms((uint16_t)s, 0);

        assert_true(ping > 0);
        assert_true(ping < (uint64_t)s * 1000);
        assert_true(ping < keep_alive_server_deadline_ms((uint16_t)s, 0));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadlines),
        cmocka_unit_test(a_client_that_pings_is_never_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
