/* Payloads that are larger than any packet, both ways: the broker takes 64 KiB, the peers take less
 * or more, and what is handed out is what was sent. */
#include "scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PACKET_BYTES_MAX 65536U
#define LARGE_BYTES      50000000U
#define TIMEOUT_MS       120000U

/* Bytes of which no two pieces are the same. */
static uint8_t *
make_payload(size_t len)
{
    uint8_t *bytes = malloc(len);
    uint64_t x = 88172645463325252U;

    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        bytes[i] = (uint8_t)x;
    }
    return bytes;
}

/* Sends back what came. */
static void
echo(void *context, struct wilco_call *call)
{
    const struct wilco_message *m = wilco_call_message(call);

    (void)context;
    (void)wilco_reply(call, &(struct wilco_reply){.payload = wilco_message_payload(m),
                                                  .content_type = "text/plain"});
}

static struct wilco *
open_client(const struct scenario *s, const char *client_id, uint32_t packet_bytes_max)
{
    struct wilco *client = NULL;
    struct wilco_error error = {.text = ""};
    const struct wilco_options options = {
        .url = s->url,
        .client_id = client_id,
        .packet_bytes_max = packet_bytes_max,
        .error = &error,
    };

    if (wilco_open(&client, &options) != WILCO_OK) {
        fail_msg("%s", error.text);
    }
    return client;
}

struct scene {
    struct scenario s;
    struct wilco *asker, *responder;
};

static void
open_scene(struct scene *scene, uint32_t asker_packet, uint32_t responder_packet)
{
    const struct wilco_responder responder = {.filter = "echo", .request_bytes_max = LARGE_BYTES};
    struct settings settings = settings_default();

    settings.packet_bytes_max = PACKET_BYTES_MAX;
    scenario_open_with(&scene->s, 2, &settings);
    scene->asker = open_client(&scene->s, "asker", asker_packet);
    scene->responder = open_client(&scene->s, "responder", responder_packet);
    assert_int_equal(wilco_respond(scene->responder, &responder, echo, NULL, NULL), WILCO_OK);
}

static void
close_scene(struct scene *scene)
{
    wilco_close(scene->asker);
    wilco_close(scene->responder);
    scenario_close(&scene->s);
}

static void
goes_both_ways(void **state)
{
    static const struct {
        size_t len;
        uint32_t asker_packet, responder_packet;
    } rows[] = {
        {LARGE_BYTES, PACKET_BYTES_MAX, PACKET_BYTES_MAX},
        {LARGE_BYTES, 0, 0},
        {1000000, 1024, 0},
        {1000000, 0, 1024},
        {PACKET_BYTES_MAX, 0, 0},
        {1, 0, 0},
    };
    uint8_t *payload = make_payload(LARGE_BYTES);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wilco_error error = {.text = ""};
        const struct wilco_request r = {
            .topic = "echo",
            .payload = {payload, rows[i].len},
            .timeout_ms = TIMEOUT_MS,
            .response_bytes_max = LARGE_BYTES,
            .chunked = rows[i].len == 1,
            .error = &error,
        };
        struct wilco_message *response = NULL;
        struct wilco_bytes got;
        struct scene scene;

        open_scene(&scene, rows[i].asker_packet, rows[i].responder_packet);
        if (wilco_request(scene.asker, &r, &response) != WILCO_OK) {
            fail_msg("row %zu: %s", i, error.text);
        }
        got = wilco_message_payload(response);
        assert_int_equal(got.len, rows[i].len);
        assert_memory_equal(got.data, payload, got.len);
        got = wilco_message_content_type(response);
        assert_memory_equal(got.data, "text/plain", got.len);
        assert_int_equal(wilco_message_status(response), 200);
        wilco_message_unref(response);
        close_scene(&scene);
    }
    free(payload);
}

static void
what_is_too_large_is_an_error(void **state)
{
    static const struct {
        size_t len, response_bytes_max;
        enum wilco_status want;
        int status;
    } rows[] = {
        {100000, 99999, WILCO_EREMOTE, 413},
        {100000, 0, WILCO_EREMOTE, 413},
        {LARGE_BYTES + 1, LARGE_BYTES, WILCO_EREMOTE, 413}, /* the request is */
    };
    uint8_t *payload = make_payload(LARGE_BYTES + 1);
    struct scene scene;

    (void)state;
    open_scene(&scene, 0, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct wilco_request r = {
            .topic = "echo",
            .payload = {payload, rows[i].len},
            .timeout_ms = TIMEOUT_MS,
            .response_bytes_max = rows[i].response_bytes_max,
        };
        struct wilco_message *response = NULL;

        assert_int_equal(wilco_request(scene.asker, &r, &response), rows[i].want);
        assert_int_equal(wilco_message_status(response), rows[i].status);
        wilco_message_unref(response);
    }
    close_scene(&scene);
    free(payload);
}

/* Many at once: each ends well, or hears that there are too many. */
#define ASKED         24U
#define COMES_AT_ONCE 16U

struct answers {
    struct gate came;
    unsigned good, busy;
};

static void
on_answer(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct answers *a = context;

    a->good += status == WILCO_OK && wilco_message_payload(response).len == 300000;
    a->busy += status == WILCO_EREMOTE && wilco_message_status(response) == 429;
    gate_raise(&a->came);
}

static void
several_at_once(void **state)
{
    uint8_t *payload = make_payload(300000);
    const struct wilco_request r = {
        .topic = "echo",
        .payload = {payload, 300000},
        .timeout_ms = TIMEOUT_MS,
        .response_bytes_max = LARGE_BYTES,
    };
    struct answers answers = {.good = 0};
    struct scene scene;

    (void)state;
    gate_init(&answers.came);
    open_scene(&scene, 0, 0);
    for (unsigned i = 0; i < ASKED; i++) {
        assert_int_equal(wilco_request_start(scene.asker, &r, on_answer, &answers, NULL), WILCO_OK);
    }
    assert_true(gate_wait(&answers.came, ASKED));
    close_scene(&scene);
    assert_true(answers.good >= COMES_AT_ONCE);
    assert_int_equal(answers.good + answers.busy, ASKED);
    gate_fini(&answers.came);
    free(payload);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_both_ways),
        cmocka_unit_test(what_is_too_large_is_an_error),
        cmocka_unit_test(several_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
