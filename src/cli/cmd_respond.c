#include "cli/commands.h"

#include "cli/answer.h"
#include "cli/connection.h"
#include "cli/drain.h"
#include "cli/exit_code.h"
#include "cli/jobs.h"
#include "cli/manual.h"
#include "cli/memory.h"
#include "cli/mock.h"
#include "cli/options.h"
#include "cli/payload.h"
#include "cli/say.h"
#include "cli/wake.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_CONCURRENCY 16U
#define DEFAULT_QUEUE       1024U
#define DEFAULT_TIMEOUT_MS  60000U
#define DEFAULT_DRAIN_MS    10000U
#define CONCURRENCY_MAX     1024U
#define QUEUE_MAX           1048576U

struct respond_command {
    const char *filter, *group, *service_text, *description, *journal;
    char *service, *version; /* of service_text */
    bool ack_late;
    struct option_number qos;
    bool echo;
    const char *text, *file, *command, *recording; /* one of these, or echo */
    struct option_number concurrency, queue, timeout_ms, drain_ms;
    struct answers answers;
    struct connection_options connection;
    struct jobs *jobs; /* for `command` only */
    struct mock *mock; /* for `recording` only */
};

#define FIELD(name) offsetof(struct respond_command, name)
static const struct option respond_rows[] = {
    {"echo", 0, NULL, "answer with the payload of the request", option_flag, FIELD(echo)},
    {"reply", 'm', "TEXT", "answer with this text", option_text, FIELD(text)},
    {"reply-file", 'f', "FILE", "answer with what the file holds at that time", option_text,
     FIELD(file)},
    {"exec", 0, "COMMAND",
     "answer with what this shell command writes; the\n"
     "request's payload is its standard input, and\n"
     "WILCO_TOPIC, WILCO_RESPONSE_TOPIC, WILCO_CORRELATION,\n"
     "WILCO_CORRELATION_HEX, WILCO_CONTENT_TYPE and\n"
     "WILCO_REMAINING_MS are in its environment. Another\n"
     "exit code than 0 is an error for the requester",
     option_text, FIELD(command)},
    {"from", 0, "FILE",
     "answer as was answered in this recording of wilco\nrecord, to the same topic and payload",
     option_text, FIELD(recording)},
    {"concurrency", 0, "NUMBER", "so many commands run at a time (default 16)", option_count,
     FIELD(concurrency)},
    {"queue", 0, "NUMBER",
     "so many requests wait for that (default 1024); more\nare answered with 429", option_count,
     FIELD(queue)},
    {"timeout", 'W', "DURATION",
     "a command may take so long for a request that comes\nwithout a deadline (default 60s)",
     option_duration_ms, FIELD(timeout_ms)},
    {.name = NULL},
};

static const struct option serve_rows[] = {
    {"topic", 't', "FILTER", "instead of the word FILTER", option_text, FIELD(filter)},
    {"group", 'g', "NAME", "share the requests with others of this group", option_text,
     FIELD(group)},
    {"qos", 'q', "0|1|2", "quality of service (default 1)", option_qos, FIELD(qos)},
    {"service", 0, "NAME[:VERSION]", "tell the broker what service this is", option_text,
     FIELD(service_text)},
    {"description", 0, "TEXT", "and what it does", option_text, FIELD(description)},
    {"drain", 0, "DURATION",
     "when it is stopped, take no new requests and answer\n"
     "those that have come, for so long (default 10s, but\n"
     "not at all with --keep-session, where requests wait\n"
     "for the next start); a second signal ends it at once",
     option_duration_ms, FIELD(drain_ms)},
    {"ack-late", 0, NULL,
     "acknowledge a request when it is answered; no more\nthan --concurrency are then on their way",
     option_flag, FIELD(ack_late)},
    {"journal", 0, "FILE",
     "write down what is executed and answered, so that\n"
     "after a crash nothing is executed twice; use it with\n"
     "--keep-session, so that unanswered requests come again",
     option_text, FIELD(journal)},
    {"count", 'C', "NUMBER", "end after so many requests", option_count, FIELD(answers.count)},
    {"show", 'v', NULL, "show each request and answer with their properties\non standard error",
     option_flag, FIELD(answers.show)},
    {"verbose", 0, NULL, "the same", option_flag, FIELD(answers.show)},
    {.name = NULL},
};

static const struct option_group respond_groups[] = {
    {"Answering", respond_rows, 0},
    {"Serving", serve_rows, 0},
    {"Properties of the answers", properties_common_rows, FIELD(answers.properties)},
    {"Connection", connection_server_rows, FIELD(connection)},
    {NULL, connection_rows, FIELD(connection)},
};

static const enum exit_code respond_exit_codes[] = {
    EXIT_CODE_OK, EXIT_CODE_USAGE, EXIT_CODE_CONNECTION, EXIT_CODE_REFUSED, EXIT_CODE_INTERRUPTED,
};

static const struct manual respond_manual = {
    .name = "wilco respond",
    .synopsis = "wilco respond [OPTION]... FILTER\n"
                "         (--echo | --reply TEXT | --reply-file FILE | --exec COMMAND |\n"
                "          --from FILE)",
    .about = "Answers requests to the topics of FILTER until it is stopped.",
    .examples = "  wilco respond weather/now --exec 'curl -s wttr.in?format=3'\n"
                "  wilco respond requests/device1/getConfig --reply-file config.json \\\n"
                "      --content-type application/json\n"
                "  wilco respond 'rpc/+' --group workers --exec './handle \"$WILCO_TOPIC\"'\n"
                "  wilco respond 'rpc/#' --from calls.jsonl\n"
                "  wilco respond ping --reply pong --count 1 -v\n"
                "  wilco respond 'orders/+' -c -i orders-1 -x 3600 --journal orders.journal \\\n"
                "      --service orders:1.2 --exec ./order\n",
    .environment = connection_variables,
    .exit_codes = respond_exit_codes,
    .exit_code_count = sizeof(respond_exit_codes) / sizeof(respond_exit_codes[0]),
};

static bool
read_reply_file(const char *path, char **out, size_t *len)
{
    int error = 0;

    if (!payload_read_file(path, out, len, &error)) {
        say("cannot read %s: %s", path, say_errno(error).text);
        return false;
    }
    return true;
}

static void
answer_with_file(struct respond_command *c, struct wilco_call *call)
{
    char *bytes = NULL;
    size_t len = 0;

    if (read_reply_file(c->file, &bytes, &len)) {
        answer_bytes(&c->answers, call, (struct wilco_bytes){bytes, len});
    } else {
        answer_error(&c->answers, call, 500, "the responder cannot read its file");
    }
    free(bytes);
}

static void
answer_as_recorded(struct respond_command *c, struct wilco_call *call)
{
    struct wilco_reply reply;

    if (mock_answer(c->mock, wilco_call_message(call), &reply)) {
        answer_reply(&c->answers, call, &reply);
    } else {
        answer_error(&c->answers, call, 404, "this was not recorded");
    }
}

static void
on_request(void *context, struct wilco_call *call)
{
    struct respond_command *c = context;

    if (!answer_accept(&c->answers, call)) {
        return;
    }
    if (c->jobs != NULL) {
        jobs_add(c->jobs, call);
    } else if (c->echo) {
        answer_bytes(&c->answers, call, wilco_message_payload(wilco_call_message(call)));
    } else if (c->mock != NULL) {
        answer_as_recorded(c, call);
    } else if (c->file != NULL) {
        answer_with_file(c, call);
    } else {
        answer_bytes(&c->answers, call, (struct wilco_bytes){c->text, strlen(c->text)});
    }
}

static void
set_default(struct option_number *number, unsigned value)
{
    if (!number->is_set) {
        number->value = value;
    }
}

/* "NAME:VERSION", or no more than the name. */
static void
split_service(struct respond_command *c)
{
    char *colon;

    if (c->service_text == NULL) {
        return;
    }
    c->service = memory_text("%s", c->service_text);
    colon = strchr(c->service, ':');
    if (colon != NULL) {
        *colon = '\0';
        c->version = colon + 1;
    }
}

static int
complete(struct respond_command *c, char **words, size_t word_count)
{
    /* A kept session is to go on getting requests: leaving would end that. */
    set_default(&c->drain_ms, c->connection.keep_session ? 0 : DEFAULT_DRAIN_MS);
    split_service(c);
    c->connection.reconnects = true;
    set_default(&c->qos, 1);
    set_default(&c->concurrency, DEFAULT_CONCURRENCY);
    set_default(&c->queue, DEFAULT_QUEUE);
    set_default(&c->timeout_ms, DEFAULT_TIMEOUT_MS);
    if (c->filter == NULL) {
        c->filter = word_count > 0 ? words[0] : c->connection.topic;
    } else if (word_count > 0) {
        return options_wrong("\"%s\" is one word too many", words[0]);
    }
    if (c->filter == NULL) {
        return options_wrong("which requests?");
    }
    if (c->echo + (c->text != NULL) + (c->file != NULL) + (c->command != NULL) +
            (c->recording != NULL) !=
        1) {
        return options_wrong("how to answer? One of --echo, --reply, --reply-file, --exec "
                             "and --from");
    }
    if (c->concurrency.value > CONCURRENCY_MAX || c->queue.value > QUEUE_MAX) {
        return options_wrong("at most %u for --concurrency and %u for --queue", CONCURRENCY_MAX,
                             QUEUE_MAX);
    }
    if (c->service_text == NULL && c->description != NULL) {
        return options_wrong("--description goes with --service");
    }
    c->connection.receive_maximum = c->ack_late ? c->concurrency.value : 0;
    return EXIT_CODE_OK;
}

/* A file that cannot be read is better known now than when somebody asks. */
static int
check_file(struct respond_command *c)
{
    char *bytes = NULL;
    size_t len = 0;
    bool can_read;

    if (c->recording != NULL) {
        return mock_load(&c->mock, c->recording);
    }
    can_read = c->file == NULL || read_reply_file(c->file, &bytes, &len);

    free(bytes);
    return can_read ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

static enum wilco_status
respond(struct respond_command *c, struct connection *connection, uint8_t *reason_code)
{
    const struct wilco_responder responder = {
        .filter = c->filter,
        .group = c->group,
        .qos = (uint8_t)c->qos.value,
        .qos_0 = c->qos.value == 0,
        .service = c->service,
        .version = c->version,
        .description = c->description,
        .concurrency_max = c->concurrency.value,
        .queue_max = c->queue.value,
        .ack_late = c->ack_late,
        .journal = c->journal,
    };

    return wilco_respond(connection->client, &responder, on_request, c, reason_code);
}

/* Until something happens; the commands are run meanwhile. */
static void
turn(struct respond_command *c)
{
    if (c->jobs != NULL) {
        jobs_turn(c->jobs);
    } else {
        wake_wait(-1);
    }
}

/* Takes no more requests, and answers those that have come. */
static void
leave(struct respond_command *c, struct connection *connection)
{
    struct drain *d = drain_start(connection->client, c->filter, c->drain_ms.value);

    while (!drain_is_over(d)) {
        turn(c);
    }
    if (drain_finish(d) == WILCO_ETIMEDOUT) {
        say("not everything could be answered in time");
    }
}

static int
serve(struct respond_command *c, struct connection *connection)
{
    uint8_t reason_code = 0;
    enum wilco_status status = respond(c, connection, &reason_code);

    if (c->journal != NULL && (status == WILCO_EIO || status == WILCO_EINVAL)) {
        say("cannot use %s: %s", c->journal,
            status == WILCO_EIO ? "it cannot be written, or somebody else is using it"
                                : "it is no journal");
        return EXIT_CODE_USAGE;
    }
    if (status != WILCO_OK) {
        return connection_not_subscribed("respond to", c->filter, status, reason_code);
    }
    say_note("ready: serving %s", c->filter);
    while (!answer_is_last(&c->answers) && !atomic_load(&connection->is_lost) &&
           !wake_signalled()) {
        turn(c);
    }
    if (wake_signalled() && c->drain_ms.value > 0 && !atomic_load(&connection->is_lost)) {
        leave(c, connection);
    }
    return EXIT_CODE_OK;
}

static int
run_connected(struct respond_command *c, struct connection *connection)
{
    int exit_code;

    wake_on_signals();
    exit_code = serve(c, connection);
    if (c->jobs != NULL) {
        jobs_stop(c->jobs);
    }
    return connection_close(connection, exit_code);
}

/* Before the connection: a kept session may bring requests at once. */
static void
start_jobs(struct respond_command *c)
{
    if (c->command != NULL) {
        c->jobs = jobs_new(&(struct jobs_options){
            .command = c->command,
            .concurrency_max = c->concurrency.value,
            .queue_max = c->queue.value,
            .timeout_ms = c->timeout_ms.value,
            .answers = &c->answers,
        });
    }
}

static int
run(struct respond_command *c, char **words, size_t word_count)
{
    /* Nothing may be executed that is not in the journal: then what comes early waits. */
    const struct connection_rest rest = {.on_request = c->journal == NULL ? on_request : NULL,
                                         .context = c};
    struct connection connection;
    int exit_code = connection_prepare(&c->connection);

    if (exit_code == EXIT_CODE_OK) {
        exit_code = complete(c, words, word_count);
    }
    if (exit_code == EXIT_CODE_OK) {
        exit_code = check_file(c);
    }
    if (exit_code != EXIT_CODE_OK) {
        return exit_code;
    }
    start_jobs(c);
    exit_code = connection_open(&connection, &c->connection, &rest);
    if (exit_code == EXIT_CODE_OK) {
        exit_code = run_connected(c, &connection);
    }
    if (c->jobs != NULL) {
        jobs_free(c->jobs);
    }
    return wake_exit(exit_code);
}

static int
run_command(int argc, char **argv)
{
    struct respond_command c = {0};
    size_t word_count = 0;
    int exit_code = EXIT_CODE_OK;

    if (options_parse(&command_respond, &c, argc, argv, &word_count, &exit_code)) {
        exit_code = run(&c, argv + 1, word_count);
    }
    free(c.service);
    mock_free(c.mock);
    properties_fini(&c.answers.properties);
    connection_options_fini(&c.connection);
    return exit_code;
}

const struct command command_respond = {
    .name = "respond",
    .summary = "answer requests",
    .manual = &respond_manual,
    .groups = respond_groups,
    .group_count = sizeof(respond_groups) / sizeof(respond_groups[0]),
    .words_max = 1,
    .run = run_command,
};
