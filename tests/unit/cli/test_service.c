#define _POSIX_C_SOURCE 200809L

#include "cli/service.h"
#include "cli/service_list.h"

#include "said.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct wilco_bytes
bytes_of(const char *text)
{
    return (struct wilco_bytes){text, strlen(text)};
}

static void
an_answer_is_taken_apart(void **state)
{
    static const char json[] =
        "{\"type\":\"io.wilco.rr.v1.stats_response\",\"name\":\"calc\",\"id\":\"I\",\"version\":"
        "\"1\","
        "\"metadata\":{\"unit\":\"mm\",\"zone\":\"3\"},\"description\":\"sums\",\"client_id\":"
        "\"c\","
        "\"online\":false,\"started\":\"2026\",\"endpoints\":[{\"subject\":\"a/+\",\"queue_group\":"
        "\"w\",\"num_requests\":7,\"num_errors\":2,\"last_error\":\"500:no\","
        "\"average_processing_time\":1500}]}";
    struct service s;
    char *timed;

    (void)state;
    assert_true(service_parse(&s, bytes_of(json)));
    assert_string_equal(s.name, "calc");
    assert_string_equal(s.id, "I");
    assert_string_equal(s.version, "1");
    assert_string_equal(s.metadata, "unit=mm zone=3");
    assert_string_equal(s.description, "sums");
    assert_string_equal(s.client_id, "c");
    assert_string_equal(s.started, "2026");
    assert_int_equal(s.members, 1);
    assert_int_equal(s.online, 0);
    assert_int_equal(s.endpoint_count, 1);
    assert_string_equal(s.endpoints[0].filter, "a/+");
    assert_string_equal(s.endpoints[0].group, "w");
    assert_string_equal(s.endpoints[0].last_error, "500:no");
    assert_int_equal(s.endpoints[0].requests, 7);
    assert_int_equal(s.endpoints[0].errors, 2);
    assert_int_equal(s.endpoints[0].average_ns, 1500);
    assert_string_equal(s.json, json);
    s.took_us = 12;
    timed = service_json_with_time(&s);
    assert_non_null(strstr(timed, "\"round_trip_us\":12}"));
    free(timed);
    service_fini(&s);
}

static void
what_is_not_said_is_empty(void **state)
{
    struct service s;

    (void)state;
    assert_true(service_parse(
        &s, bytes_of(
                "{\"name\":\"\",\"id\":7,\"members\":3,\"members_online\":2,\"endpoints\":[{}]}")));
    assert_string_equal(s.id, "");
    assert_int_equal(s.members, 3);
    assert_int_equal(s.online, 2);
    assert_string_equal(s.endpoints[0].filter, "");
    assert_int_equal(s.endpoints[0].requests, 0);
    service_fini(&s);
}

static void
other_things_are_no_answers(void **state)
{
    static const char *const rows[] = {"",
                                       "{",
                                       "[]",
                                       "7",
                                       "\"name\"",
                                       "{\"id\":\"x\"}",
                                       "{\"name\":7}",
                                       "{\"name\":\"a\"} more",
                                       "no JSON"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct service s;

        if (service_parse(&s, bytes_of(rows[i]))) {
            fail_msg("%s", rows[i]);
        }
    }
}

/* Instances of one name and version are one line, with each endpoint once; strangers stay apart. */
static void
instances_become_services(void **state)
{
    static const char *const rows[] = {
        "{\"name\":\"calc\",\"version\":\"1\",\"endpoints\":[{\"subject\":\"a\",\"queue_group\":"
        "\"g\"}]}",
        "{\"name\":\"calc\",\"version\":\"1\",\"online\":false,\"endpoints\":[{\"subject\":\"a\","
        "\"queue_group\":\"g\"},{\"subject\":\"b\"},{\"subject\":\"b\"}]}",
        "{\"name\":\"calc\",\"version\":\"2\"}",
        "{\"name\":\"\",\"version\":\"\",\"members\":2,\"members_online\":2,\"endpoints\":[{"
        "\"subject\":\"x\"}]}",
        "{\"name\":\"\",\"version\":\"\",\"endpoints\":[{\"subject\":\"y\"}]}",
    };
    struct service all[sizeof(rows) / sizeof(rows[0])];
    struct services services = {all, sizeof(rows) / sizeof(rows[0])};
    struct service_list list;
    struct said said;

    (void)state;
    for (size_t i = 0; i < services.count; i++) {
        assert_true(service_parse(&all[i], bytes_of(rows[i])));
    }
    list = service_list_of(&services);
    said_begin(&said, stdout);
    service_list_write(&list);
    assert_string_equal(said_end(&said), "NAME  VERSION  INSTANCES  ENDPOINTS\n"
                                         "calc  1           1 of 2  a (g), b\n"
                                         "calc  2                1  -\n"
                                         "-     -                2  x\n"
                                         "-     -                1  y\n");
    said_begin(&said, stdout);
    service_list_write_json(&list);
    assert_memory_equal(said_end(&said),
                        "{\"name\":\"calc\",\"version\":\"1\",\"instances\":2,\"online\":1,"
                        "\"endpoints\":[{\"subject\":"
                        "\"a\",\"queue_group\":\"g\"},{\"subject\":\"b\",\"queue_group\":\"\"}]}\n",
                        120);
    service_list_fini(&list);
    for (size_t i = 0; i < services.count; i++) {
        service_fini(&all[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_taken_apart),
        cmocka_unit_test(what_is_not_said_is_empty),
        cmocka_unit_test(other_things_are_no_answers),
        cmocka_unit_test(instances_become_services),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
