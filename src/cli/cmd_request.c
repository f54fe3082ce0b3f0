#include "cli/commands.h"

#include "cli/ask_options.h"
#include "cli/asker.h"
#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/options.h"
#include "cli/outgoing.h"
#include "cli/repeat.h"
#include "cli/response_writer.h"
#include "cli/wake.h"

#include <stdio.h>

struct request_command {
    struct outgoing outgoing;
    struct ask_options ask;
    struct repeat_options repeat_options;
    struct response_writer writer;
    struct connection_options connection;

    struct repeat repeat;
};

#define FIELD(name) offsetof(struct request_command, name)
static const struct option request_rows[] = {
    {"qos", 'q', "0|1|2", "quality of service (default 1)", option_qos, FIELD(outgoing.qos)},
    {"lines", 'l', NULL, "each line of standard input is a request", option_flag,
     FIELD(outgoing.by_line)},
    {.name = NULL},
};

static const struct option request_output_rows[] = {
    {"json", 0, NULL, "write each answer, or what became of the\nrequest, as one JSON object",
     option_flag, FIELD(writer.output.json)},
    {"no-newline", 'N', NULL, "write the payload and nothing behind it", option_flag,
     FIELD(writer.output.no_newline)},
    {"show", 'v', NULL, "show request and answer with their properties\non standard error",
     option_flag, FIELD(writer.show)},
    {"verbose", 0, NULL, "the same", option_flag, FIELD(writer.show)},
    {.name = NULL},
};

static const struct option_group request_groups[] = {
    {"Asking", ask_rows, FIELD(ask)},
    {NULL, request_rows, 0},
    {"Answers", ask_answers_rows, FIELD(ask)},
    {NULL, request_output_rows, 0},
    {"Asking again and again", repeat_rows, FIELD(repeat_options)},
    {"Message", outgoing_rows, FIELD(outgoing)},
    {"Properties", properties_common_rows, FIELD(outgoing.properties)},
    {NULL, properties_request_rows, FIELD(outgoing.properties)},
    {"Connection", connection_server_rows, FIELD(connection)},
    {NULL, connection_rows, FIELD(connection)},
};

static const enum exit_code request_exit_codes[] = {
    EXIT_CODE_OK,        EXIT_CODE_USAGE,  EXIT_CODE_CONNECTION, EXIT_CODE_NO_RESPONDER,
    EXIT_CODE_TIMED_OUT, EXIT_CODE_REMOTE, EXIT_CODE_REFUSED,    EXIT_CODE_INTERRUPTED,
};

static const struct manual request_manual = {
    .name = "wilco request",
    .synopsis = "wilco request [OPTION]... TOPIC [PAYLOAD|-]",
    .about = "Asks whoever serves TOPIC and writes the answer to standard output. Ctrl-C takes the "
             "request back: a broker that knows requests tells the responder.",
    .examples = "  wilco request weather/now\n"
                "  wilco request lights/kitchen/set on --timeout 500ms\n"
                "  wilco request requests/device1/getConfig '{}' --json\n"
                "  wilco request rpc/add - < numbers.json > sum.json\n"
                "  wilco request -v requests/device1/getConfig '{}' \\\n"
                "      --response-topic responses/device1/getConfig --correlation abcdef12345\n"
                "  wilco request --scatter --stall 200ms sensors/all/read\n"
                "  wilco request --parts 16 reports/yearly 2026 > report.csv\n"
                "  wilco request --count 1000 --in-flight 20 rpc/echo 'no. {{n}}' > answers\n"
                "  wilco request -l rpc/translate < words.txt\n",
    .environment = connection_variables,
    .exit_codes = request_exit_codes,
    .exit_code_count = sizeof(request_exit_codes) / sizeof(request_exit_codes[0]),
};

static int
prepare(struct request_command *c, char **words, size_t word_count)
{
    int exit_code = connection_prepare(&c->connection);

    if (exit_code == EXIT_CODE_OK && c->outgoing.properties.expiry_s.is_set) {
        exit_code = options_wrong("a request expires when its --timeout does");
    }
    if (exit_code == EXIT_CODE_OK) {
        exit_code = ask_options_check(&c->ask);
    }
    if (exit_code == EXIT_CODE_OK) {
        exit_code = outgoing_complete(&c->outgoing, words, word_count, c->connection.topic);
    }
    if (!c->outgoing.qos.is_set) {
        c->outgoing.qos.value = 1;
    }
    return exit_code;
}

/* ---- For the asker ---- */

static enum asker_next
next(void *context, struct question *q)
{
    struct request_command *c = context;
    enum asker_next next = repeat_next(&c->repeat, q);

    if (next == ASKER_ASK && c->writer.show) {
        struct wilco_publish p = outgoing_publish(&c->outgoing);
        struct view view;

        p.payload = q->request.payload;
        view = view_of_publish(&p);
        output_show(stderr, "request", &view);
        view_fini(&view);
    }
    return next;
}

static void
part(void *context, const struct wilco_message *part)
{
    struct request_command *c = context;

    response_writer_part(&c->writer, part);
}

/* Of many, the first failure is told; the others are counted. */
static int
ended(void *context, const struct ending *e)
{
    struct request_command *c = context;
    int exit_code = response_writer_end(&c->writer, e->topic, e->status, e->response, e->error);

    if (exit_code != EXIT_CODE_OK && repeat_is_wanted(&c->repeat_options)) {
        c->writer.fails_quietly = true;
    }
    return exit_code;
}

static void
cancelled(void *context)
{
    struct request_command *c = context;

    c->writer.fails_quietly = true;
}

static bool
is_over(void *context)
{
    struct request_command *c = context;

    return atomic_load(&c->writer.is_broken);
}

/* ---- */

static int
ask(struct request_command *c, struct connection *connection)
{
    struct wilco_request request = outgoing_request(&c->outgoing);
    struct asker *asker = asker_new(&(struct asker_plan){
        .connection = connection,
        .in_flight_max = repeat_in_flight_max(&c->repeat_options),
        .next = next,
        .part = part,
        .ended = ended,
        .cancelled = cancelled,
        .is_over = is_over,
        .context = c,
    });
    int exit_code;

    ask_options_apply(&c->ask, &request);
    repeat_init(&c->repeat, &c->repeat_options, &request, c->outgoing.by_line);
    exit_code = asker_run(asker);
    if (is_over(c)) {
        exit_code = EXIT_CODE_USAGE;
    }
    if (repeat_is_wanted(&c->repeat_options)) {
        asker_say_outcome(asker_outcome(asker));
    }
    exit_code = connection_close(connection, exit_code);
    repeat_fini(&c->repeat);
    asker_free(asker);
    return exit_code;
}

static int
run(struct request_command *c, char **words, size_t word_count)
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
    return wake_exit(ask(c, &connection));
}

static int
run_command(int argc, char **argv)
{
    struct request_command c = {0};
    size_t word_count = 0;
    int exit_code = EXIT_CODE_OK;

    if (options_parse(&command_request, &c, argc, argv, &word_count, &exit_code)) {
        exit_code = run(&c, argv + 1, word_count);
    }
    connection_options_fini(&c.connection);
    outgoing_fini(&c.outgoing);
    return exit_code;
}

const struct command command_request = {
    .name = "request",
    .summary = "ask a question, and write the answer",
    .manual = &request_manual,
    .groups = request_groups,
    .group_count = sizeof(request_groups) / sizeof(request_groups[0]),
    .words_max = 2,
    .run = run_command,
};
