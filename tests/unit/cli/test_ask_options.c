#define _POSIX_C_SOURCE 200809L

#include "cli/ask_options.h"
#include "cli/command.h"
#include "cli/manual.h"

#include "said.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 16U
#define BYTES     67108864U /* of an answer in pieces */

static const struct option_group groups[] = {{"Asking", ask_rows, 0}, {NULL, ask_answers_rows, 0}};
static const struct manual manual = {.name = "test"};
static const struct command command = {.manual = &manual, .groups = groups, .group_count = 2};

/* Reads "--a 1 --b" as the words of a command line. */
static bool
read_line(struct ask_options *o, char *line)
{
    char name[] = "test", *argv[WORDS_MAX] = {name}, *rest = NULL;
    int argc = 1, exit_code = 0;
    size_t word_count = 0;

    for (char *word = strtok_r(line, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        assert_true(argc < (int)WORDS_MAX);
        argv[argc++] = word;
    }
    return options_parse(&command, o, argc, argv, &word_count, &exit_code) &&
           ask_options_check(o) == 0;
}

static void
what_they_make_of_a_request(void **state)
{
    static const struct {
        const char *line;
        struct wilco_request want;
    } rows[] = {
        {"", {.response_bytes_max = BYTES}},
        {"--timeout 2s --wait 1m --retries 3",
         {.timeout_ms = 2000,
          .responder_wait_ms = 60000,
          .retries_max = 3,
          .response_bytes_max = BYTES}},
        {"--hedge 5ms --idempotent",
         {.hedge_after_ms = 5, .idempotent = true, .response_bytes_max = BYTES}},
        {"--fail-if-offline --fail-fast",
         {.fail_if_offline = true, .fail_fast = true, .response_bytes_max = BYTES}},
        {"--wait-if-offline", {.wait_if_offline = true, .response_bytes_max = BYTES}},
        {"--replies 7", {.responses_max = 7}},
        {"--replies all --stall 1s --until-empty",
         {.responses_max = UINT32_MAX, .stall_ms = 1000, .until_empty = true}},
        {"--scatter --stall 1s", {.scatter = true, .stall_ms = 1000}},
        {"--parts 9 --stall 1s", {.parts_max = 9, .stall_ms = 1000, .response_bytes_max = BYTES}},
        {"--large 0", {.topic = NULL}},
        {"--large 65537", {.response_bytes_max = 65537}},
        {"--large 64K", {.response_bytes_max = 65536}},
        {"--large 3G", {.response_bytes_max = 3221225472}},
        {"--replies 1", {.responses_max = 1, .response_bytes_max = BYTES}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char line[128];
        struct ask_options o = {0};
        struct wilco_request got, want = rows[i].want;

        memset(&got, 0, sizeof(got));
        (void)snprintf(line, sizeof(line), "%s", rows[i].line);
        assert_true(read_line(&o, line));
        ask_options_apply(&o, &got);
        if (got.timeout_ms != want.timeout_ms || got.responder_wait_ms != want.responder_wait_ms ||
            got.retries_max != want.retries_max || got.hedge_after_ms != want.hedge_after_ms ||
            got.idempotent != want.idempotent || got.wait_if_offline != want.wait_if_offline ||
            got.fail_if_offline != want.fail_if_offline || got.fail_fast != want.fail_fast ||
            got.responses_max != want.responses_max || got.stall_ms != want.stall_ms ||
            got.until_empty != want.until_empty || got.scatter != want.scatter ||
            got.response_bytes_max != want.response_bytes_max || got.parts_max != want.parts_max) {
            fail_msg("%s", rows[i].line);
        }
    }
}

static void
the_partition_is_borrowed(void **state)
{
    char line[] = "--partition eu";
    struct ask_options o = {0};
    struct wilco_request r = {0};

    (void)state;
    assert_true(read_line(&o, line));
    ask_options_apply(&o, &r);
    assert_string_equal(r.partition, "eu");
}

static void
contradictions_are_refused(void **state)
{
    static const struct {
        const char *line, *says;
    } rows[] = {
        {"--hedge 1s", "--hedge may have it executed twice: it needs --idempotent"},
        {"--parts 2 --scatter", "--parts is for one answer"},
        {"--parts 2 --replies 2", "--parts is for one answer"},
        {"--large 1M --scatter", "--large is for one answer"},
        {"--large 4G", "\"4G\" is not a number of bytes below 4G"},
        {"--large 1MB", "\"1MB\" is not a number"},
        {"--large M", "\"M\" is not a number"},
        {"--large 12345678901", "is not a number of bytes"},
        {"--stall 1s", "--stall and --until-empty need"},
        {"--until-empty --replies 1", "--stall and --until-empty need"},
        {"--replies none", "\"none\" is not a number from 1, or all"},
        {"--replies 0", "\"0\" is not a number from 1, or all"},
        {"--replies", "--replies needs NUMBER|all"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char line[128];
        struct ask_options o = {0};
        struct said said;
        bool is_fine;

        (void)snprintf(line, sizeof(line), "%s", rows[i].line);
        said_begin(&said, stderr);
        is_fine = read_line(&o, line);
        if (is_fine || strstr(said_end(&said), rows[i].says) == NULL) {
            fail_msg("row %zu says: %s", i, said.text);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_they_make_of_a_request),
        cmocka_unit_test(the_partition_is_borrowed),
        cmocka_unit_test(contradictions_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
