#define _POSIX_C_SOURCE 200809L

#include "cli/top_frame.h"

#include "said.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000)

static void
put(struct sys_figures *f, const char *topic, const char *value, uint64_t now_us)
{
    sys_figures_put(f, (struct wilco_bytes){topic, strlen(topic)},
                    (struct wilco_bytes){value, strlen(value)}, now_us);
}

/* The rows of what these answers say. */
static struct top_rows
rows_of(const char *const *answers, size_t count, const struct top_rows *before, uint64_t now_us)
{
    struct service all[8];
    struct services services = {all, count};
    struct top_rows rows;

    assert_true(count <= 8);
    for (size_t i = 0; i < count; i++) {
        assert_true(service_parse(&all[i], (struct wilco_bytes){answers[i], strlen(answers[i])}));
    }
    rows = top_rows_of(&services, before, now_us);
    for (size_t i = 0; i < count; i++) {
        service_fini(&all[i]);
    }
    return rows;
}

static void
what_there_is_and_how_it_rises(void **state)
{
    static const char *const first[] = {
        ("{\"name\":\"calc\",\"endpoints\":[{\"subject\":\"c/+\",\"queue_group\":\"w\","
         "\"num_requests\":10,\"average_processing_time\":2000000}]}"),
        ("{\"name\":\"calc\",\"endpoints\":[{\"subject\":\"c/+\",\"queue_group\":\"w\","
         "\"num_requests\":30,\"num_errors\":1,\"average_processing_time\":1000000}]}"),
        "{\"name\":\"\",\"endpoints\":[{\"subject\":\"x\",\"num_requests\":9}]}",
    };
    static const char *const second[] = {
        ("{\"name\":\"calc\",\"endpoints\":[{\"subject\":\"c/+\",\"queue_group\":\"w\","
         "\"num_requests\":44,\"num_errors\":1,\"average_processing_time\":1000000}]}"),
        "{\"name\":\"\",\"endpoints\":[{\"subject\":\"x\",\"num_requests\":29}]}",
        "{\"name\":\"new\",\"endpoints\":[{\"subject\":\"y\",\"num_requests\":5}]}",
    };
    struct sys_figures *f = sys_figures_new();
    struct top_rows none = {0}, a, b;
    struct top_frame frame = {.server = "h:1", .figures = f, .rows = &a, .lines_max = SIZE_MAX};
    struct said said;

    (void)state;
    a = rows_of(first, 3, &none, SECOND);
    said_begin(&said, stdout);
    top_frame_write(&frame, stdout);
    assert_string_equal(
        said_end(&said),
        "h:1   -   up -   clients -\n"
        "requests   all -   answered -   in flight -\n"
        "failed     no responder -   offline -   refused -   not taken -   lost -   timed out -   "
        "response lost -\n\n"
        "ENDPOINT  GROUP  SERVICE  REQ/S  REQUESTS  ERRORS  AVERAGE  P50  P99\n"
        "c/+       w      calc         -        40       1   1.2 ms    -    -\n"
        "x         -      -            -         9       0        -    -    -\n");

    put(f, "$SYS/broker/version", "wilco\033[2J", SECOND);
    put(f, "$SYS/broker/uptime", "7 seconds", SECOND);
    put(f, "$SYS/broker/clients/connected", "3", SECOND);
    put(f, "$SYS/rr/requests", "50", SECOND);
    put(f, "$SYS/rr/requests", "75", 3 * SECOND);
    put(f, "$SYS/rr/lost", "2", SECOND);
    put(f, "$SYS/rr/groups/w/c/%2B", "{\"service_us\":{\"count\":1,\"p50\":900,\"p99\":1500}}", 1);
    b = rows_of(second, 3, &a, 3 * SECOND);
    frame.rows = &b;
    frame.before_us = a.time_us;
    frame.lines_max = 2;
    said_begin(&said, stdout);
    top_frame_write(&frame, stdout);
    assert_string_equal(
        said_end(&said),
        "h:1   wilco?[2J   up 7 seconds   clients 3\n"
        "requests   all 75 (12.5/s)   answered -   in flight -\n"
        "failed     no responder -   offline -   refused -   not taken -   lost 2   timed out -   "
        "response lost -\n\n"
        "ENDPOINT  GROUP  SERVICE  REQ/S  REQUESTS  ERRORS  AVERAGE     P50     P99\n"
        "x         -      -         10.0        29       0        -       -       -\n"
        "c/+       w      calc       2.0        44       1   1.0 ms  900 us  1.5 ms\n");
    top_rows_fini(&a);
    top_rows_fini(&b);
    sys_figures_free(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_there_is_and_how_it_rises),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
