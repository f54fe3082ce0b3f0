#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* The exchange of MQTT 5.0, 4.10, with clients in any shards: response topic and correlation data
 * arrive byte for byte [MQTT-3.3.2-15, 3.3.2-16], [U-4.10-1]. */
static void
exchange(unsigned shards, uint8_t qos)
{
    struct rig r;
    struct rig_client requester;
    struct rig_client responder;
    struct wire_any packet;
    const struct span correlation = SPAN_LITERAL("{ \"requestId\": \"abcdef12345\" }");
    const struct span response_topic = SPAN_LITERAL("responses/device1/getConfig");
    struct wire_any request = rig_publish_packet("requests/device1/getConfig", "{}", qos, 5);

    rig_open(&r, shards, NULL);
    rig_client_connect(&r, &requester, "requester");
    rig_client_connect(&r, &responder, "device1");
    rig_subscribe(&responder, "requests/device1/#", 2);
    rig_subscribe(&requester, "responses/device1/getConfig", 2);

    request.as.publish.properties.response_topic = response_topic;
    wire_properties_set(&request.as.publish.properties, WIRE_RESPONSE_TOPIC);
    request.as.publish.properties.correlation_data = correlation;
    wire_properties_set(&request.as.publish.properties, WIRE_CORRELATION_DATA);
    rig_send(&requester, &request);
    if (qos > 0) {
        rig_expect(&requester, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, &packet);
        assert_int_equal(packet.as.ack.reason_code, 0);
    }
    rig_expect_publish(&responder, "{}", &packet);
    assert_int_equal(packet.as.publish.qos, qos);
    assert_true(span_equal(packet.as.publish.properties.response_topic, response_topic));
    assert_true(span_equal(packet.as.publish.properties.correlation_data, correlation));

    request = rig_publish_packet("responses/device1/getConfig", "{\"a\":1}", 0, 0);
    request.as.publish.properties.correlation_data = correlation;
    wire_properties_set(&request.as.publish.properties, WIRE_CORRELATION_DATA);
    rig_send(&responder, &request);
    rig_expect_publish(&requester, "{\"a\":1}", &packet);
    assert_true(span_equal(packet.as.publish.properties.correlation_data, correlation));

    rig_client_close(&requester);
    rig_client_close(&responder);
    rig_close(&r);
}

static void
test_exchange(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 4; shards++) {
        for (uint8_t qos = 0; qos <= 2; qos++) {
            exchange(shards, qos);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchange),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
