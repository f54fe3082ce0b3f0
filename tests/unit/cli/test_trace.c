#define _POSIX_C_SOURCE 200809L

#include "cli/trace.h"

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
a_line_for_each_station(void **state)
{
    static const struct {
        const char *json, *want;
        uint64_t round_trip_us;
    } rows[] = {
        {"{\"topic\":\"a/b\",\"filter\":\"a/"
         "+\",\"group\":\"g\",\"holder\":\"c\\u001b1\",\"outcome\":"
         "\"answered\",\"status\":200,\"executed\":\"yes\",\"times_us\":{\"received\":0,"
         "\"delivered\":39,"
         "\"acknowledged\":103,\"responded\":1520,\"forwarded\":1523},\"wall\":\"2026\"}",
         "a/b: answered with status 200, executed: yes\n"
         "      0 us  the broker received it, at 2026\n"
         "     39 us  delivered to c?1 (a/+, group g)\n"
         "    103 us  acknowledged by c?1\n"
         "    1.5 ms  c?1 responded\n"
         "    1.5 ms  forwarded to the requester\n"
         "    1.8 ms  the requester had it, 280 us of that between it and the broker\n",
         1803},
        {"{\"topic\":\"a\",\"filter\":\"a\",\"holder\":\"c\",\"outcome\":\"answered\",\"status\":"
         "200,"
         "\"executed\":\"yes\",\"times_us\":{\"received\":0,\"responded\":10}}",
         "a: answered with status 200, executed: yes\n"
         "      0 us  the broker received it, at \n"
         "     10 us  c responded\n"
         "     11 us  the requester had it, 1 us of that between it and the broker\n",
         11},
        {"{\"topic\":\"a\",\"outcome\":\"failed\",\"status\":503,\"executed\":\"no\",\"times_us\":{"
         "\"received\":0},\"wall\":\"2026\"}",
         "a: failed with status 503, executed: no\n"
         "      0 us  the broker received it, at 2026\n"
         "    500 us  the requester knew\n",
         500},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct trace *t = trace_parse(bytes_of(rows[i].json));
        struct said said;

        assert_non_null(t);
        said_begin(&said, stdout);
        trace_write(t, stdout, rows[i].round_trip_us);
        assert_string_equal(said_end(&said), rows[i].want);
        trace_free(t);
    }
}

static void
for_programs_it_is_what_the_broker_said(void **state)
{
    struct trace *t = trace_parse(bytes_of("{\"outcome\":\"answered\",\"times_us\":{},\"new\":1}"));
    char *json;

    (void)state;
    assert_non_null(t);
    json = trace_json(t, 17);
    assert_string_equal(
        json, "{\"outcome\":\"answered\",\"times_us\":{},\"new\":1,\"round_trip_us\":17}");
    free(json);
    trace_free(t);
}

static void
other_things_are_no_traces(void **state)
{
    static const char *const rows[] = {"",
                                       "7",
                                       "{}",
                                       "{\"outcome\":1,\"times_us\":{}}",
                                       "{\"outcome\":\"a\",\"times_us\":[]}",
                                       "{\"outcome\":\"a\"}"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_null(trace_parse(bytes_of(rows[i])));
    }
    trace_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_for_each_station),
        cmocka_unit_test(for_programs_it_is_what_the_broker_said),
        cmocka_unit_test(other_things_are_no_traces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
