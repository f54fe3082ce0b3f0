#include "cli/commands.h"

#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/memory.h"
#include "cli/output.h"
#include "cli/repeat.h"
#include "cli/replay.h"
#include "cli/say.h"
#include "cli/wake.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define IN_FLIGHT_MAX 64U

struct replay_command {
    struct replay_options options;
    struct option_number timeout_ms, in_flight;
    bool json;
    struct connection_options connection;

    struct recording recording;
    struct replay replay;
    bool has_failed; /* the first failure is told; the library's thread's */
};

#define FIELD(name) offsetof(struct replay_command, name)
static const struct option replay_rows[] = {
    {"speed", 0, "NUMBER", "so many times as fast as it was (default 1)", option_rate,
     FIELD(options.speed)},
    {"rate", 0, "NUMBER", "so many a second instead, whenever they were", option_rate,
     FIELD(options.rate)},
    {"no-wait", 0, NULL, "one after the other instead, whenever they were", option_flag,
     FIELD(options.is_hasty)},
    {"in-flight", 0, "NUMBER", "so many wait for their answers at a time (default 64)",
     option_in_flight, FIELD(in_flight)},
    {"timeout", 'W', "DURATION", "how long to wait for each answer (default 10s)",
     option_duration_ms, FIELD(timeout_ms)},
    {"compare", 0, NULL, "say which answers are not those that were recorded", option_flag,
     FIELD(options.compares)},
    {"json", 0, NULL, "write what it came to as one JSON object", option_flag, FIELD(json)},
    {.name = NULL},
};

static const struct option_group replay_groups[] = {
    {"Replaying", replay_rows, 0},
    {"Connection", connection_server_rows, FIELD(connection)},
    {NULL, connection_rows, FIELD(connection)},
};

static const enum exit_code replay_exit_codes[] = {
    EXIT_CODE_OK,        EXIT_CODE_USAGE,  EXIT_CODE_CONNECTION, EXIT_CODE_NO_RESPONDER,
    EXIT_CODE_TIMED_OUT, EXIT_CODE_REMOTE, EXIT_CODE_REFUSED,    EXIT_CODE_INTERRUPTED,
};

static const char *const replay_exit_texts[] = {
    "it worked",
    "the command line or a file is wrong, or output cannot be written",
    "the server cannot be reached, or the connection was lost",
    "nobody was there to answer a request",
    "the time for a request was up",
    "a request was answered with an error, or not as recorded",
    "and above: the server refused a request, with this MQTT reason code",
    "interrupted (Ctrl-C)",
};

static const struct manual replay_manual = {
    .name = "wilco replay",
    .synopsis = "wilco replay [OPTION]... FILE",
    .about =
        "Asks again what wilco record has written to FILE (- is standard input), when it was\n"
        "asked: with Correlation Data and an inbox of its own. What is no request is published\n"
        "as it was. Says how many were answered, and how fast.",
    .examples = "  wilco replay calls.jsonl\n"
                "  wilco replay calls.jsonl --speed 10 --compare\n"
                "  wilco replay calls.jsonl --rate 500 --json | jq .latency_us.p99\n",
    .environment = connection_variables,
    .exit_codes = replay_exit_codes,
    .exit_code_count = sizeof(replay_exit_codes) / sizeof(replay_exit_codes[0]),
    .exit_texts = replay_exit_texts,
};

/* ---- For the asker ---- */

static enum asker_next
next(void *context, struct question *q)
{
    struct replay_command *c = context;

    return replay_next(&c->replay, q);
}

static void
say_difference(const struct replay_command *c, const struct ending *e)
{
    say("%s, line %" PRIu64 ": not the answer that was recorded", e->topic,
        c->recording.all[e->tag].id);
}

static void
say_failure(struct replay_command *c, const struct ending *e)
{
    if (c->has_failed) {
        return;
    }
    c->has_failed = true;
    if (e->error->text[0] != '\0') {
        say("%s", e->error->text);
    } else {
        (void)connection_failed("request", e->topic, e->status, e->error->reason_code);
    }
}

static int
ended(void *context, const struct ending *e)
{
    struct replay_command *c = context;

    if (e->status == WILCO_ECANCELLED) {
        return EXIT_CODE_INTERRUPTED;
    }
    if (c->options.compares && recording_answer(&c->recording, (size_t)e->tag) != NULL) {
        if (replay_compare(&c->replay, e)) {
            return EXIT_CODE_OK; /* be it an error */
        }
        say_difference(c, e);
        return e->response == NULL ? exit_code_of(e->status, e->error->reason_code)
                                   : EXIT_CODE_REMOTE;
    }
    c->replay.unknown += c->options.compares;
    if (e->status != WILCO_OK) {
        say_failure(c, e);
    }
    return exit_code_of(e->status, e->error->reason_code);
}

static bool
is_over(void *context)
{
    (void)context;
    return false;
}

/* ---- What it came to ---- */

static bool
write_json(const struct replay_command *c, const struct asker_outcome *o)
{
    json_t *object =
        json_pack("{s:I, s:I, s:I, s:I, s:{s:I, s:I, s:I}}", "asked", (json_int_t)o->asked,
                  "answered", (json_int_t)o->answered, "failed",
                  (json_int_t)asker_outcome_failed(o), "published", (json_int_t)c->replay.published,
                  "latency_us", "p50", (json_int_t)latencies_percentile(&o->latencies, 50), "p99",
                  (json_int_t)latencies_percentile(&o->latencies, 99), "max",
                  (json_int_t)o->latencies.max_us);
    char *text;

    if (c->options.compares) {
        json_t *compared =
            json_pack("{s:I, s:I, s:I}", "identical", (json_int_t)c->replay.identical, "different",
                      (json_int_t)c->replay.different, "without_recorded_answer",
                      (json_int_t)c->replay.unknown);

        if (json_object_update(memory_sure(object), memory_sure(compared)) != 0) {
            (void)memory_sure(NULL);
        }
        json_decref(compared);
    }
    text = memory_sure(json_dumps(memory_sure(object), JSON_COMPACT));
    json_decref(object);
    (void)printf("%s\n", text);
    free(text);
    return output_finish();
}

static bool
report(const struct replay_command *c, const struct asker_outcome *o)
{
    asker_say_outcome(o);
    if (c->replay.published > 0) {
        say_note("%" PRIu64 " other messages published", c->replay.published);
    }
    if (c->options.compares) {
        say_note("%" PRIu64 " answers as recorded, %" PRIu64 " others, %" PRIu64
                 " requests without a recorded answer",
                 c->replay.identical, c->replay.different, c->replay.unknown);
    }
    return !c->json || write_json(c, o);
}

static int
replay(struct replay_command *c, struct connection *connection)
{
    struct asker *asker = asker_new(&(struct asker_plan){
        .connection = connection,
        .in_flight_max = c->in_flight.value,
        .next = next,
        .ended = ended,
        .is_over = is_over,
        .context = c,
    });
    int exit_code;

    replay_init(&c->replay, &c->recording, &c->options, connection->client);
    exit_code = asker_run(asker);
    if (!report(c, asker_outcome(asker))) {
        exit_code = EXIT_CODE_USAGE;
    }
    exit_code = connection_close(connection, exit_code);
    replay_fini(&c->replay);
    asker_free(asker);
    return exit_code;
}

static int
prepare(struct replay_command *c, char **words, size_t word_count)
{
    int exit_code = connection_prepare(&c->connection);

    if (exit_code == EXIT_CODE_OK && word_count == 0) {
        exit_code = options_wrong("which recording?");
    }
    if (exit_code == EXIT_CODE_OK &&
        (c->options.speed > 0) + (c->options.rate > 0) + c->options.is_hasty > 1) {
        exit_code = options_wrong("only one of --speed, --rate and --no-wait");
    }
    c->options.speed = c->options.speed > 0 ? c->options.speed : 1;
    c->options.timeout_ms = c->timeout_ms.value;
    c->in_flight.value = c->in_flight.is_set ? c->in_flight.value : IN_FLIGHT_MAX;
    return exit_code != EXIT_CODE_OK ? exit_code : recording_load(&c->recording, words[0]);
}

static int
run(struct replay_command *c, char **words, size_t word_count)
{
    struct connection connection;
    int exit_code = prepare(c, words, word_count);

    if (exit_code == EXIT_CODE_OK) {
        exit_code = connection_open(&connection, &c->connection, NULL);
    }
    if (exit_code != EXIT_CODE_OK) {
        return exit_code;
    }
    wake_on_signals();
    return wake_exit(replay(c, &connection));
}

static int
run_command(int argc, char **argv)
{
    struct replay_command c = {0};
    size_t word_count = 0;
    int exit_code = EXIT_CODE_OK;

    if (options_parse(&command_replay, &c, argc, argv, &word_count, &exit_code)) {
        exit_code = run(&c, argv + 1, word_count);
    }
    recording_fini(&c.recording);
    connection_options_fini(&c.connection);
    return exit_code;
}

const struct command command_replay = {
    .name = "replay",
    .summary = "ask again what was recorded",
    .manual = &replay_manual,
    .groups = replay_groups,
    .group_count = sizeof(replay_groups) / sizeof(replay_groups[0]),
    .words_max = 1,
    .run = run_command,
};
