#include "cli/commands.h"

#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/options.h"
#include "cli/outgoing.h"
#include "cli/output.h"
#include "cli/say.h"
#include "cli/wake.h"

#include <stdatomic.h>
#include <stdio.h>

struct request_command {
    struct outgoing outgoing;
    struct option_number timeout_ms;
    bool idempotent, fail_if_offline;
    struct output output;
    bool show;
    struct connection_options connection;

    /* How it ended: the library's thread writes that, then is_done. */
    enum wilco_status status;
    struct wilco_error error;
    struct wilco_message *response; /* NULL: none */
    atomic_bool is_done;
};

#define FIELD(name) offsetof(struct request_command, name)
static const struct option request_rows[] = {
    {"timeout", 'W', "DURATION", "how long to wait for the answer (default 10s)",
     option_duration_ms, FIELD(timeout_ms)},
    {"qos", 'q', "0|1|2", "quality of service (default 1)", option_qos, FIELD(outgoing.qos)},
    {"idempotent", 0, NULL, "it may be executed again if a responder is lost", option_flag,
     FIELD(idempotent)},
    {"fail-if-offline", 0, NULL, "do not wait for responders that are offline", option_flag,
     FIELD(fail_if_offline)},
    {"json", 0, NULL, "write the answer, or what became of the\nrequest, as one JSON object",
     option_flag, FIELD(output.json)},
    {"no-newline", 'N', NULL, "write the payload and nothing behind it", option_flag,
     FIELD(output.no_newline)},
    {"show", 'v', NULL, "show request and answer with their properties\non standard error",
     option_flag, FIELD(show)},
    {"verbose", 0, NULL, "the same", option_flag, FIELD(show)},
    {.name = NULL},
};

static const struct option_group request_groups[] = {
    {"Asking", request_rows, 0},
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
    .about = "Asks whoever serves TOPIC and writes the answer to standard output.",
    .examples = "  wilco request weather/now\n"
                "  wilco request lights/kitchen/set on --timeout 500ms\n"
                "  wilco request requests/device1/getConfig '{}' --json\n"
                "  wilco request rpc/add - < numbers.json > sum.json\n"
                "  wilco request -v requests/device1/getConfig '{}' \\\n"
                "      --response-topic responses/device1/getConfig --correlation abcdef12345\n",
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
        exit_code = outgoing_complete(&c->outgoing, words, word_count, c->connection.topic);
    }
    if (!c->outgoing.qos.is_set) {
        c->outgoing.qos.value = 1;
    }
    return exit_code;
}

static void
say_failure(const struct request_command *c)
{
    bool is_servers = c->error.stage > WILCO_STAGE_UNSENT;

    if (c->error.text[0] != '\0' && (is_servers || c->status != WILCO_ELIMIT)) {
        say("%s", c->error.text);
    } else {
        (void)connection_failed("request", c->outgoing.topic, c->status, c->error.reason_code);
    }
    if (c->output.json) {
        (void)output_failure(c->outgoing.topic, &c->error);
    }
}

static int
write_response(const struct request_command *c)
{
    struct view view = view_of_response(c->response);
    struct wilco_bytes text = wilco_message_user_property(c->response, "__stMsg");
    int exit_code = exit_code_of(c->status, 0);

    if (c->show) {
        output_show(stderr, "response", &view);
    }
    if ((c->status == WILCO_OK || c->output.json || view.payload.len > 0) &&
        !output_message(&c->output, &view)) {
        exit_code = EXIT_CODE_USAGE;
    }
    if (c->status == WILCO_EREMOTE) {
        say("the responder answered with status %d%s%.*s", view.status, text.len > 0 ? ": " : "",
            WILCO_PRINTF_BYTES(text));
    }
    view_fini(&view);
    return exit_code;
}

static void
finish(struct request_command *c, enum wilco_status status)
{
    c->status = status;
    atomic_store(&c->is_done, true);
    wake_up();
}

static void
on_response(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct request_command *c = context;

    c->response = response == NULL ? NULL : wilco_message_ref(response);
    finish(c, status);
}

static void
ask(struct request_command *c, struct wilco *client)
{
    struct wilco_request request = outgoing_request(&c->outgoing);
    enum wilco_status status;

    request.timeout_ms = c->timeout_ms.value;
    request.idempotent = c->idempotent;
    request.fail_if_offline = c->fail_if_offline;
    request.error = &c->error;
    if (c->show) {
        struct wilco_publish p = outgoing_publish(&c->outgoing);
        struct view view = view_of_publish(&p);

        output_show(stderr, "request", &view);
        view_fini(&view);
    }
    status = wilco_request_start(client, &request, on_response, c, NULL);
    if (status != WILCO_OK) {
        finish(c, status);
    }
}

/* Until the request has ended, or a signal came. */
static int
wait_for_end(const struct request_command *c)
{
    while (!atomic_load(&c->is_done)) {
        if (wake_signalled()) {
            return EXIT_CODE_INTERRUPTED;
        }
        wake_wait(-1);
    }
    if (c->response != NULL) {
        return write_response(c);
    }
    say_failure(c);
    return exit_code_of(c->status, c->error.reason_code);
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
    ask(c, connection.client);
    exit_code = connection_close(&connection, wait_for_end(c));
    wilco_message_unref(c->response);
    return wake_exit(exit_code);
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
