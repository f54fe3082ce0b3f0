/* By which listener a client came in is known where its packets are handled. */
#include "fixture.h"
#include "mqtt_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* So many that some of them are accepted by a shard that is not theirs. */
#define CROWD 16

/* Publishes at QoS 1 what nobody wants; the reason code of PUBACK. */
static uint8_t
answer_to(const struct address *a, const char *client_id)
{
    struct wire_any packet = mqtt_publish("nobody/wants/it", SPAN_EMPTY);
    struct mqtt_peer p;
    uint8_t reason_code = 0;

    packet.as.publish.qos = 1;
    packet.as.publish.packet_id = 1;
    mqtt_peer_connect(&p, a, client_id);
    mqtt_peer_send(&p, &packet);
    mqtt_peer_expect(&p, WIRE_PUBACK, &packet);
    reason_code = packet.as.ack.reason_code;
    mqtt_peer_close(&p);
    return reason_code;
}

static void
expect_answer(const struct address *a, uint8_t want)
{
    char name[16];

    for (int i = 0; i < CROWD; i++) {
        (void)snprintf(name, sizeof(name), "client %d", i);
        assert_int_equal(answer_to(a, name), want);
    }
}

static const struct {
    uint64_t setting;
    enum entrance_choice first;
    enum entrance_choice second;
    uint8_t first_answer;
    uint8_t second_answer;
} rows[] = {
    {1, ENTRANCE_AS_SET, ENTRANCE_NO, 0x10, 0x00},
    {0, ENTRANCE_AS_SET, ENTRANCE_YES, 0x00, 0x10},
    {1, ENTRANCE_NO, ENTRANCE_YES, 0x00, 0x10},
};

/* The second URL may open several sockets. */
static void
each_listener_answers_its_own_way(void **state)
{
    static const char *const listen[] = {"mqtt://127.0.0.1:0", "mqtt://localhost:0"};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct server_config config = fixture_config(*(unsigned *)*state);
        struct entrance entrances[] = {entrance_standard, entrance_standard};
        struct server *s = NULL;

        entrances[0].no_matching_subscribers = rows[i].first;
        entrances[1].no_matching_subscribers = rows[i].second;
        config.settings.no_matching_subscribers = rows[i].setting;
        config.listen = listen;
        config.listen_count = 2;
        config.entrances = entrances;
        s = fixture_start_with(&config);
        entrances[0].no_matching_subscribers = rows[i].second; /* they have been copied */
        entrances[1].no_matching_subscribers = rows[i].first;
        expect_answer(server_address(s, 0), rows[i].first_answer);
        assert_non_null(server_address(s, 1));
        for (size_t k = 1; server_address(s, k) != NULL; k++) {
            expect_answer(server_address(s, k), rows[i].second_answer);
        }
        server_stop(s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SHARDS(each_listener_answers_its_own_way, 1),
        ON_SHARDS(each_listener_answers_its_own_way, 2),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
