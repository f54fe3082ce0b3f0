#define _POSIX_C_SOURCE 200809L

#include "cli/bench/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    struct load_options options;
    const char *load;
} load_rows[] = {
    {{.mode = "request", .requesters = 1, .window = 1, .responders = 1, .payload_bytes = 64},
     "1 requester with 1 in flight, 1 responder, 64 bytes, QoS 0"},
    {{.mode = "request",
      .requesters = 16,
      .window = 64,
      .responders = 4,
      .group = true,
      .qos = 1,
      .inbox = true,
      .rate = 5000},
     "16 requesters with 64 in flight each, 4 responders in a group, answers to inboxes, 0 bytes, "
     "QoS 1, 5000 per second"},
    {{.mode = "request", .requesters = 2, .window = 8, .topic = "a/b"},
     "2 requesters with 8 in flight each, asking a/b, 0 bytes, QoS 0"},
    {{.mode = "publish", .publishers = 1, .window = 64, .subscribers = 20, .fan = true},
     "1 publisher with 64 in flight, 20 subscribers to every message, 0 bytes, QoS 0"},
    {{.mode = "connect", .connections = 1, .window = 16}, "1 connection, 16 at a time"},
};

static void
a_load_in_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(load_rows) / sizeof(load_rows[0]); i++) {
        assert_string_equal(outcome_load(&load_rows[i].options).text, load_rows[i].load);
    }
}

static const struct load_options options = {
    .mode = "publish", .publishers = 1, .subscribers = 3, .window = 9, .fan = true, .rate = 100};
static const struct load_result result = {
    .seconds = 2,
    .count = 570,
    .wrong = 1,
    .missing = 2,
    .late = 3,
    .repeated = 4,
    .generator_load = 0.95,
    .has_server = true,
    .server_load = 0.5,
    .server_cpu_us = 12,
    .server_rss_bytes = 5500000,
    .latency = {.count = 570, .p50_us = 52, .p9999_us = 5200, .max_us = 6e6},
};
static const struct series series = {.points = {{.at = 2, .seconds = 2, .count = 570}}, .count = 1};
static const struct outcome outcome = {&options, &result, &series, "mqtt://here:1"};

static void
says(void (*write)(FILE *out, const struct outcome *o), const char *const *wanted)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    write(out, &outcome);
    assert_int_equal(fclose(out), 0);
    for (; *wanted != NULL; wanted++) {
        if (strstr(text, *wanted) == NULL) {
            fail_msg("nothing like %s in %s", *wanted, text);
        }
    }
    free(text);
}

static void
for_people(void **state)
{
    static const char *const wanted[] = {
        "publish at mqtt://here:1: 1 publisher with 9 in flight, 3 subscribers to every message",
        "messages               570   in 2.0 s\n",
        "per second             285   of 300\n", /* one message a publisher, three deliveries */
        "latency   p50         52.0 us\n",
        "          p99.99      5.20 ms\n",
        "          max          6.00 s\n",
        "errors                  10   1 wrong, 2 missing, 3 late, 4 twice\n",
        "generator               95 % of a core: it may be the limit\n",
        "server                  50 % of a core, 12.0 us each, 5.5 MB of memory\n",
        NULL,
    };

    (void)state;
    says(outcome_write, wanted);
}

static void
for_programs(void **state)
{
    static const char *const wanted[] = {
        "{\"mode\":\"publish\",\"server\":\"mqtt://here:1\",",
        "\"fan_out\":true,",
        "\"per_second\":285.0,\"errors\":{\"wrong\":1,\"missing\":2,\"late\":3,\"repeated\":4}",
        "\"p99.99\":5200.0",
        "\"series\":[{\"at\":2.0,\"seconds\":2.0,\"count\":570,",
        "}\n",
        NULL,
    };

    (void)state;
    says(outcome_write_json, wanted);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_in_words),
        cmocka_unit_test(for_people),
        cmocka_unit_test(for_programs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
