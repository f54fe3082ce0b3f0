#include "cli/commands.h"

#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/memory.h"
#include "cli/outgoing.h"
#include "cli/output.h"
#include "cli/say.h"
#include "cli/trace.h"
#include "cli/wake.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* What the broker tells comes right behind the response. */
#define TRACE_WAIT_MS 2000U
#define TRACES_MAX    64U /* one for each who had the request */
#define TOPIC_BYTES   1024U

struct trace_command {
    struct outgoing outgoing;
    struct option_number timeout_ms;
    bool json;
    struct connection_options connection;

    char topic[TOPIC_BYTES]; /* where the broker is to tell */
    uint64_t start_us, took_us;
    struct wilco_error error;
    enum wilco_status status;
    int response_status;
    atomic_bool is_done;

    pthread_mutex_t lock; /* of the two below */
    struct trace *traces[TRACES_MAX];
    size_t count;
};

#define FIELD(name) offsetof(struct trace_command, name)
static const struct option trace_rows[] = {
    {"timeout", 'W', "DURATION", "how long to wait for the answer (default 10s)",
     option_duration_ms, FIELD(timeout_ms)},
    {"qos", 'q', "0|1|2", "quality of service (default 1)", option_qos, FIELD(outgoing.qos)},
    {"json", 0, NULL, "write what the broker tells as one JSON object", option_flag, FIELD(json)},
    {.name = NULL},
};

static const struct option_group trace_groups[] = {
    {"Asking", trace_rows, 0},
    {"Message", outgoing_rows, FIELD(outgoing)},
    {"Properties", properties_common_rows, FIELD(outgoing.properties)},
    {"Connection", connection_server_rows, FIELD(connection)},
    {NULL, connection_rows, FIELD(connection)},
};

static const enum exit_code trace_exit_codes[] = {
    EXIT_CODE_OK,        EXIT_CODE_USAGE,  EXIT_CODE_CONNECTION, EXIT_CODE_NO_RESPONDER,
    EXIT_CODE_TIMED_OUT, EXIT_CODE_REMOTE, EXIT_CODE_REFUSED,    EXIT_CODE_INTERRUPTED,
};

static const struct manual trace_manual = {
    .name = "wilco trace",
    .synopsis = "wilco trace [OPTION]... TOPIC [PAYLOAD|-]",
    .about =
        "Asks once, as wilco request does, and writes which way the request took instead of the\n"
        "answer: when the broker had it, who got it, when that one acknowledged and answered.\n"
        "Brokers other than Wilco's do not tell.",
    .examples = "  wilco trace rpc/add '[1, 2]'\n"
                "  wilco trace rpc/add '[1, 2]' --json | jq .times_us\n",
    .environment = connection_variables,
    .exit_codes = trace_exit_codes,
    .exit_code_count = sizeof(trace_exit_codes) / sizeof(trace_exit_codes[0]),
};

static void
on_trace(void *context, const struct wilco_message *message)
{
    struct trace_command *c = context;
    struct trace *t = trace_parse(wilco_message_payload(message));

    (void)pthread_mutex_lock(&c->lock);
    if (t != NULL && c->count < TRACES_MAX) {
        c->traces[c->count++] = t;
        t = NULL;
    }
    (void)pthread_mutex_unlock(&c->lock);
    trace_free(t);
    wake_up();
}

static void
finish(struct trace_command *c, enum wilco_status status)
{
    c->took_us = wake_now_us() - c->start_us;
    c->status = status;
    atomic_store(&c->is_done, true);
    wake_up();
}

static void
on_response(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct trace_command *c = context;

    c->response_status = response == NULL ? 0 : wilco_message_status(response);
    finish(c, status);
}

/* Where the broker is to tell: in the inbox, so nobody else hears it. */
static int
listen_for_traces(struct trace_command *c, struct wilco *client)
{
    struct wilco_subscription s = {.filter = c->topic, .qos = 1};
    uint8_t reason_code = 0;
    size_t len = wilco_inbox(client, c->topic, sizeof(c->topic));
    enum wilco_status status;

    if (len == 0 || len + sizeof("/trace") > sizeof(c->topic)) {
        say("this broker does not tell the way of requests: it assigns no inbox");
        return EXIT_CODE_USAGE;
    }
    (void)snprintf(c->topic + len, sizeof(c->topic) - len, "/trace");
    status = wilco_subscribe(client, &s, on_trace, c, &reason_code);
    return status == WILCO_OK
               ? EXIT_CODE_OK
               : connection_not_subscribed("subscribe to", c->topic, status, reason_code);
}

static void
ask(struct trace_command *c, struct wilco *client)
{
    struct wilco_request request = outgoing_request(&c->outgoing);
    size_t count = request.user_property_count;
    struct wilco_user_property *users = memory_get(count + 1, sizeof(*users));
    enum wilco_status status;

    for (size_t i = 0; i < count; i++) {
        users[i] = request.user_properties[i];
    }
    users[count] = (struct wilco_user_property){"rr-trace", c->topic};
    request.user_properties = users;
    request.user_property_count = count + 1;
    request.timeout_ms = c->timeout_ms.value;
    request.error = &c->error;
    c->start_us = wake_now_us();
    status = wilco_request_start(client, &request, on_response, c, NULL);
    if (status != WILCO_OK) {
        finish(c, status);
    }
    free(users);
}

static bool
has_trace(struct trace_command *c)
{
    bool has_one;

    (void)pthread_mutex_lock(&c->lock);
    has_one = c->count > 0;
    (void)pthread_mutex_unlock(&c->lock);
    return has_one;
}

/* Until the request has ended and the broker has told, or a signal came. */
static void
wait_for_end(struct trace_command *c)
{
    uint64_t end_ms = 0, now_ms = 0;

    while (!atomic_load(&c->is_done) && !wake_signalled()) {
        wake_wait(-1);
    }
    end_ms = wake_now_ms() + TRACE_WAIT_MS;
    while (!has_trace(c) && !wake_signalled() && (now_ms = wake_now_ms()) < end_ms) {
        wake_wait((int)(end_ms - now_ms));
    }
}

static int
write_traces(const struct trace_command *c)
{
    for (size_t i = 0; i < c->count; i++) {
        char *json = c->json ? trace_json(c->traces[i], c->took_us) : NULL;

        if (c->json) {
            (void)printf("%s\n", json);
        } else {
            trace_write(c->traces[i], stdout, c->took_us);
        }
        free(json);
    }
    return output_finish() ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

static int
say_end(const struct trace_command *c)
{
    if (c->status == WILCO_EREMOTE) {
        say("the responder answered with status %d", c->response_status);
    } else if (c->status != WILCO_OK && c->error.text[0] != '\0') {
        say("%s", c->error.text);
    } else if (c->status != WILCO_OK) {
        (void)connection_failed("request", c->outgoing.topic, c->status, c->error.reason_code);
    }
    if (c->count == 0) {
        say("the broker has not told which way the request took");
    }
    return exit_code_of(c->status, c->error.reason_code);
}

static int
trace(struct trace_command *c, struct connection *connection)
{
    int exit_code = listen_for_traces(c, connection->client), written;

    if (exit_code != EXIT_CODE_OK) {
        return connection_close(connection, exit_code);
    }
    ask(c, connection->client);
    wait_for_end(c);
    exit_code = connection_close(connection, EXIT_CODE_OK);
    if (wake_signalled()) {
        return exit_code;
    }
    written = write_traces(c);
    exit_code = say_end(c);
    return written != EXIT_CODE_OK ? written : exit_code;
}

static int
run(struct trace_command *c, char **words, size_t word_count)
{
    struct connection connection;
    int exit_code = connection_prepare(&c->connection);

    if (exit_code == EXIT_CODE_OK) {
        exit_code = outgoing_complete(&c->outgoing, words, word_count, c->connection.topic);
    }
    if (!c->outgoing.qos.is_set) {
        c->outgoing.qos.value = 1;
    }
    if (exit_code == EXIT_CODE_OK) {
        exit_code = connection_open(&connection, &c->connection, NULL);
    }
    if (exit_code != EXIT_CODE_OK) {
        return exit_code;
    }
    wake_on_signals();
    return wake_exit(trace(c, &connection));
}

static int
run_command(int argc, char **argv)
{
    struct trace_command c = {0};
    size_t word_count = 0;
    int exit_code = EXIT_CODE_OK;

    (void)pthread_mutex_init(&c.lock, NULL);
    if (options_parse(&command_trace, &c, argc, argv, &word_count, &exit_code)) {
        exit_code = run(&c, argv + 1, word_count);
    }
    for (size_t i = 0; i < c.count; i++) {
        trace_free(c.traces[i]);
    }
    (void)pthread_mutex_destroy(&c.lock);
    connection_options_fini(&c.connection);
    outgoing_fini(&c.outgoing);
    return exit_code;
}

const struct command command_trace = {
    .name = "trace",
    .summary = "ask, and see which way the request takes",
    .manual = &trace_manual,
    .groups = trace_groups,
    .group_count = sizeof(trace_groups) / sizeof(trace_groups[0]),
    .words_max = 2,
    .run = run_command,
};
