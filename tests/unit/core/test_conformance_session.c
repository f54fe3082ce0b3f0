/* Statements about names and sessions that no other test shows. */
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* [MQTT-3.1.3-5]: names of 1 to 23 letters and digits, each of them anywhere. */
static void
test_names_that_must_be_allowed(void **state)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const enum wire_version versions[] = {WIRE_V31, WIRE_V311, WIRE_V5};
    struct rig r;
    struct rig_client c;
    struct wire_any connack;

    (void)state;
    rig_open(&r, 4, NULL);
    for (size_t len = 1; len <= 23; len++) {
        for (size_t at = 0; at + len < sizeof(letters); at++) {
            const struct wire_connect how = {.version = versions[at % 3],
                                             .clean_start = true,
                                             .client_id = span_of(letters + at, len)};

            rig_connect(&r, &c, &how, &connack);
            assert_int_equal(connack.as.connack.reason_code, 0);
            rig_client_close(&c);
        }
    }
    rig_close(&r);
}

/* [MQTT-3.1.3-2]: the name is the session, to the byte; another name is another one. */
static void
test_a_name_is_a_session(void **state)
{
    static const char *const names[] = {"name",  "names",       "Name",
                                        "name ", "n\xC3\xA4me", "na\xCC\x88me"};
    enum { NAMES = sizeof(names) / sizeof(names[0]) };
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        rig_open(&r, shards, NULL);
        rig_client_connect(&r, &publisher, "publisher");
        for (size_t i = 0; i < NAMES; i++) {
            char filter[] = {'t', '/', (char)('0' + i), '\0'};

            rig_resume(&r, &c, names[i], false);
            rig_subscribe(&c, filter, 1);
            rig_client_close(&c);
        }
        assert_int_equal(atomic_load(&r.broker.session_count), NAMES + 1);
        for (uint16_t i = 0; i < NAMES; i++) {
            char topic[] = {'t', '/', (char)('0' + i), '\0'};

            rig_publish_qos(&publisher, topic, names[i], 1, (uint16_t)(i + 1));
        }
        for (size_t i = NAMES; i-- > 0;) {
            rig_resume(&r, &c, names[i], true);
            rig_expect_publish(&c, names[i], &packet);
            rig_expect_nothing(&c);
            rig_client_close(&c);
        }
        rig_client_close(&publisher);
        rig_close(&r);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_that_must_be_allowed),
        cmocka_unit_test(test_a_name_is_a_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
