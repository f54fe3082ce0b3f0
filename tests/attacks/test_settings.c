/* Each setting at its smallest and at its largest value, with all others as they are: the broker
 * starts, serves a request, and stops. What a sanitizer says of it fails the test. */
#include "fixture.h"
#include "mqtt_peer.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One client and one topic, for both request and response: some settings allow no more. */
static void
ask_and_answer(struct mqtt_peer *p)
{
    struct wire_any packet = mqtt_publish("q", SPAN_LITERAL("?"));

    packet.as.publish.properties.response_topic = SPAN_LITERAL("q");
    wire_properties_set(&packet.as.publish.properties, WIRE_RESPONSE_TOPIC);
    mqtt_peer_send(p, &packet);
    mqtt_peer_expect_message(p, "q", "?");
    mqtt_peer_publish(p, "q", "!");
    mqtt_peer_expect_message(p, "q", "!");
}

/* Where a millisecond is all the time there is to say CONNECT it takes more than one attempt. */
static void
enter(struct mqtt_peer *p, const struct address *a)
{
    for (int i = 0; i < 1000; i++) {
        struct wire_any packet = mqtt_connect("c");

        mqtt_peer_open(p, a);
        mqtt_peer_send(p, &packet);
        if (mqtt_peer_next(p, &packet)) {
            assert_int_equal(packet.type, WIRE_CONNACK);
            assert_int_equal(packet.as.connack.reason_code, 0);
            return;
        }
        mqtt_peer_close(p);
    }
    fail_msg("nobody gets in");
}

static void
serve_with(const char *name, uint64_t value)
{
    char assignment[128];
    char reason[SETTINGS_REASON_BYTES] = "";
    struct server_config config = fixture_config(1);
    struct server *s = NULL;
    struct mqtt_peer p;

    (void)snprintf(assignment, sizeof(assignment), "%s=%" PRIu64, name, value);
    print_message("%s\n", assignment);
    assert_int_equal(settings_apply(&config.settings, assignment, reason), WILCO_OK);
    s = fixture_start_with(&config);
    enter(&p, fixture_address(s));
    mqtt_peer_subscribe(&p, "q");
    ask_and_answer(&p);
    mqtt_peer_close(&p);
    server_stop(s);
}

static void
each_setting_at_its_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; settings_row(i).name != NULL; i++) {
        const struct setting_row row = settings_row(i);

        serve_with(row.name, row.min);
        serve_with(row.name, row.max);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_setting_at_its_bounds)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
