#define _POSIX_C_SOURCE 200809L

#include "cli/commands.h"

#include "cli/bench/outcome.h"
#include "cli/bench/progress.h"
#include "cli/bench/report.h"
#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/memory.h"
#include "cli/output.h"
#include "cli/say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TIME_MS     10000U
#define DEFAULT_WARMUP_MS   1000U
#define DEFAULT_TIMEOUT_MS  5000U
#define DEFAULT_PAYLOAD     64U
#define DEFAULT_CONNECTIONS 10000U
#define REQUEST_IN_FLIGHT   1U
#define PUBLISH_IN_FLIGHT   64U
#define CONNECT_IN_FLIGHT   16U
#define RATE_IN_FLIGHT      1000U
#define MOMENT_SECONDS      0.1

struct bench_command {
    struct option_number requesters, responders, publishers, subscribers, connections;
    struct option_number in_flight, rate, payload, qos;
    const char *topic;
    bool group, inbox, fan;
    struct option_number time_ms, warmup_ms, timeout_ms, pid;
    bool json, show;
    const char *report;
    struct connection_options connection;

    struct load_options load;
    char *server, *password;
    FILE *report_file;
    struct series series;
    struct progress progress;
};

#define FIELD(name) offsetof(struct bench_command, name)
static const struct option load_rows[] = {
    {"in-flight", 'n', "NUMBER",
     "so many at a time: requests or messages of each\n"
     "(default 1 and 64, and 1000 with --rate), or\n"
     "connections in all (default 16)",
     option_count, FIELD(in_flight)},
    {"rate", 'r', "NUMBER",
     "send so many in a second in all, whatever the server\n"
     "does; latency then counts from when each was due, so\n"
     "that no stall is hidden (default: the next one when\n"
     "one has come back)",
     option_count, FIELD(rate)},
    {"payload", 0, "BYTES", "how large messages are (default 64)", option_u32, FIELD(payload)},
    {"qos", 'q', "0|1", "quality of service (default 0)", option_qos, FIELD(qos)},
    {.name = NULL},
};

static const struct option request_rows[] = {
    {"requesters", 0, "NUMBER", "who ask (default 1)", option_count, FIELD(requesters)},
    {"responders", 0, "NUMBER", "who answer (default 1)", option_count, FIELD(responders)},
    {"group", 'g', NULL, "the responders share one subscription", option_flag, FIELD(group)},
    {"topic", 't', "TOPIC",
     "ask whoever serves TOPIC, with no responders of our\n"
     "own; what they answer is not looked at",
     option_text, FIELD(topic)},
    {"inbox", 0, NULL,
     "answers go to inboxes that the server gives, with no\n"
     "subscription (Response Information)",
     option_flag, FIELD(inbox)},
    {.name = NULL},
};

static const struct option publish_rows[] = {
    {"publishers", 0, "NUMBER", "who publish (default 1)", option_count, FIELD(publishers)},
    {"subscribers", 0, "NUMBER", "who subscribe, each to its share of the publishers\n(default 1)",
     option_count, FIELD(subscribers)},
    {"fan-out", 0, NULL, "every subscriber gets every message", option_flag, FIELD(fan)},
    {.name = NULL},
};

static const struct option connect_rows[] = {
    {"connections", 'C', "NUMBER", "so many come and go in all (default 10000)", option_count,
     FIELD(connections)},
    {.name = NULL},
};

static const struct option measure_rows[] = {
    {"time", 0, "DURATION", "how long to measure (default 10s)", option_duration_ms,
     FIELD(time_ms)},
    {"warmup", 0, "DURATION", "how long before that (default 1s)", option_duration_ms,
     FIELD(warmup_ms)},
    {"timeout", 'W', "DURATION", "what has not come by then is missing (default 5s)",
     option_duration_ms, FIELD(timeout_ms)},
    {"pid", 0, "PID", "the server's process on this machine: see what it uses", option_u32,
     FIELD(pid)},
    {"json", 0, NULL, "write the result as one JSON object", option_flag, FIELD(json)},
    {"report", 0, "FILE", "also write a page with plots, as HTML", option_text, FIELD(report)},
    {"verbose", 'v', NULL,
     "say how it goes every five seconds, where there is no\nterminal for a bar", option_flag,
     FIELD(show)},
    {"quiet", 0, NULL, "say nothing, fail by exit code alone", option_flag,
     FIELD(connection.quiet)},
    {.name = NULL},
};

static const struct option_group bench_groups[] = {
    {"Load", load_rows, 0},         {"request", request_rows, 0},
    {"publish", publish_rows, 0},   {"connect", connect_rows, 0},
    {"Measuring", measure_rows, 0}, {"Server", connection_server_rows, FIELD(connection)},
};

static const enum exit_code bench_exit_codes[] = {
    EXIT_CODE_OK,     EXIT_CODE_USAGE,   EXIT_CODE_CONNECTION,
    EXIT_CODE_REMOTE, EXIT_CODE_REFUSED, EXIT_CODE_INTERRUPTED,
};
static const char *const bench_exit_texts[] = {
    "everything came back right",
    "the command line or a file is wrong, or output cannot be written",
    "the server cannot be reached, or a connection was lost",
    "something was wrong, missing, late, or came twice",
    "and above: the server refused a connection, with this MQTT reason code",
    "interrupted (Ctrl-C)",
};

static const struct manual bench_manual = {
    .name = "wilco bench",
    .synopsis = "wilco bench (request | publish | connect) [OPTION]...",
    .about =
        "Puts a load on any server that speaks MQTT 5.0, checks everything that comes back, and\n"
        "says how much it was and how long each took: answers to requests, messages delivered, or\n"
        "connections that come and go. It uses one core; the generator's line says how much of it.",
    .examples = "  wilco bench request\n"
                "  wilco bench request --requesters 16 --in-flight 64 --responders 4\n"
                "  wilco bench request --requesters 16 --rate 20000 --report latency.html\n"
                "  wilco bench request --topic rooms/kitchen/temperature --rate 100\n"
                "  wilco bench publish --subscribers 1000 --fan-out --rate 50 --qos 1\n"
                "  wilco bench connect -C 5000 --url mqtt://test.example:1883 --json\n",
    .environment = connection_variables,
    .exit_codes = bench_exit_codes,
    .exit_code_count = sizeof(bench_exit_codes) / sizeof(bench_exit_codes[0]),
    .exit_texts = bench_exit_texts,
};

/* What only one mode knows. */
struct only {
    const char *mode, *option;
    bool is_given;
};

static int
check_mode(const struct bench_command *c)
{
    const struct only rows[] = {
        {"request", "requesters", c->requesters.is_set},
        {"request", "responders", c->responders.is_set},
        {"request", "group", c->group},
        {"request", "topic", c->topic != NULL},
        {"request", "inbox", c->inbox},
        {"publish", "publishers", c->publishers.is_set},
        {"publish", "subscribers", c->subscribers.is_set},
        {"publish", "fan-out", c->fan},
        {"connect", "connections", c->connections.is_set},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].is_given && strcmp(rows[i].mode, c->load.mode) != 0) {
            return options_wrong("option --%s is for wilco bench %s", rows[i].option, rows[i].mode);
        }
    }
    if (strcmp(c->load.mode, "connect") == 0 && c->rate.is_set) {
        return options_wrong("option --rate is not for wilco bench connect");
    }
    if (c->topic != NULL && (c->responders.is_set || c->group)) {
        return options_wrong("option --topic asks others; it needs no responders");
    }
    return EXIT_CODE_OK;
}

static unsigned
number_or(const struct option_number *n, unsigned otherwise)
{
    return n->is_set ? n->value : otherwise;
}

static double
seconds_or(const struct option_number *n, unsigned otherwise_ms)
{
    return (double)number_or(n, otherwise_ms) / 1e3;
}

/* What is due is sent whatever has not come back, within reason. */
static unsigned
in_flight_of(const struct bench_command *c)
{
    if (c->rate.is_set) {
        return RATE_IN_FLIGHT;
    }
    if (strcmp(c->load.mode, "request") == 0) {
        return REQUEST_IN_FLIGHT;
    }
    return strcmp(c->load.mode, "publish") == 0 ? PUBLISH_IN_FLIGHT : CONNECT_IN_FLIGHT;
}

static void
fill_load(struct bench_command *c)
{
    struct load_options *o = &c->load;
    o->requesters = number_or(&c->requesters, 1);
    o->responders = c->topic != NULL ? 0 : number_or(&c->responders, 1);
    o->publishers = number_or(&c->publishers, 1);
    o->subscribers = number_or(&c->subscribers, 1);
    o->connections = number_or(&c->connections, DEFAULT_CONNECTIONS);
    o->window = number_or(&c->in_flight, in_flight_of(c));
    o->rate = c->rate.value;
    o->payload_bytes = number_or(&c->payload, DEFAULT_PAYLOAD);
    o->qos = (uint8_t)c->qos.value;
    o->topic = c->topic;
    o->group = c->group;
    o->inbox = c->inbox;
    o->fan = c->fan;
    o->pid = (int)c->pid.value;
    o->seconds = seconds_or(&c->time_ms, DEFAULT_TIME_MS);
    o->warmup = seconds_or(&c->warmup_ms, DEFAULT_WARMUP_MS);
    o->timeout = seconds_or(&c->timeout_ms, DEFAULT_TIMEOUT_MS);
}

static void
watch(void *context, const struct load_moment *m)
{
    struct bench_command *c = context;

    series_add(&c->series, m);
    progress_add(&c->progress, m);
}

/* The URL as it may be shown: without who we are. */
static char *
server_of(const char *url)
{
    const char *authority = strstr(url, "://");
    const char *at = strrchr(url, '@');

    if (authority == NULL || at == NULL) {
        return memory_text("%s", url);
    }
    return memory_text("%.*s%s", (int)(authority + 3 - url), url, at + 1);
}

static int
complete(struct bench_command *c, char **words, size_t word_count)
{
    int exit_code = EXIT_CODE_OK;

    c->load.mode = word_count > 0 ? words[0] : "";
    if (strcmp(c->load.mode, "request") != 0 && strcmp(c->load.mode, "publish") != 0 &&
        strcmp(c->load.mode, "connect") != 0) {
        return options_wrong("what to measure? request, publish or connect");
    }
    exit_code = check_mode(c);
    if (exit_code == EXIT_CODE_OK) {
        exit_code = connection_prepare(&c->connection);
    }
    if (exit_code != EXIT_CODE_OK) {
        return exit_code;
    }
    fill_load(c);
    if (c->connection.secret != NULL) {
        c->password = memory_text("%.*s", (int)c->connection.secret_len, c->connection.secret);
    }
    c->server = server_of(c->connection.address);
    c->load.url = c->connection.address;
    c->load.username = c->connection.username;
    c->load.password = c->password;
    c->load.watch = watch;
    c->load.context = c;
    c->load.moment = MOMENT_SECONDS;
    c->progress = progress_init(&c->load, c->connection.quiet, c->show);
    return EXIT_CODE_OK;
}

/* That it cannot be written is better known before measuring. */
static int
open_report(struct bench_command *c)
{
    if (c->report == NULL) {
        return EXIT_CODE_OK;
    }
    c->report_file = fopen(c->report, "w");
    if (c->report_file == NULL) {
        say("cannot write %s: %s", c->report, say_errno(errno).text);
        return EXIT_CODE_USAGE;
    }
    return EXIT_CODE_OK;
}

static int
close_report(struct bench_command *c)
{
    FILE *file = c->report_file;
    bool has_failed;

    c->report_file = NULL;
    if (file == NULL) {
        return EXIT_CODE_OK;
    }
    has_failed = ferror(file) != 0;
    if (fclose(file) != 0 || has_failed) {
        say("cannot write %s: %s", c->report, say_errno(errno).text);
        return EXIT_CODE_USAGE;
    }
    return EXIT_CODE_OK;
}

static int
write_outcome(struct bench_command *c, const struct load_result *r)
{
    const struct outcome o = {&c->load, r, &c->series, c->server};
    int exit_code = EXIT_CODE_OK;

    if (c->report_file != NULL) {
        report_write(c->report_file, &o);
    }
    exit_code = close_report(c);
    (c->json ? outcome_write_json : outcome_write)(stdout, &o);
    if (!output_finish()) {
        exit_code = EXIT_CODE_USAGE;
    }
    if (exit_code == EXIT_CODE_OK && !load_is_right(r)) {
        exit_code = EXIT_CODE_REMOTE;
    }
    return exit_code;
}

static int
measure(struct bench_command *c)
{
    struct load_result result;
    char reason[LOAD_REASON_BYTES] = "";
    enum wilco_status status = load_run(&result, &c->load, reason);

    progress_fini(&c->progress);
    if (status == WILCO_OK) {
        return write_outcome(c, &result);
    }
    say("%s", reason);
    if (c->report_file != NULL) {
        (void)fclose(c->report_file);
        (void)remove(c->report);
        c->report_file = NULL;
    }
    return exit_code_of(status, result.reason_code);
}

static int
run_command(int argc, char **argv)
{
    struct bench_command *c = memory_get(1, sizeof(*c));
    size_t word_count = 0;
    int exit_code = EXIT_CODE_OK;

    if (options_parse(&command_bench, c, argc, argv, &word_count, &exit_code)) {
        exit_code = complete(c, argv + 1, word_count);
        if (exit_code == EXIT_CODE_OK) {
            exit_code = open_report(c);
        }
        if (exit_code == EXIT_CODE_OK) {
            exit_code = measure(c);
        }
    }
    connection_options_fini(&c->connection);
    free(c->server);
    free(c->password);
    free(c);
    return exit_code;
}

const struct command command_bench = {
    .name = "bench",
    .summary = "measure a server",
    .manual = &bench_manual,
    .groups = bench_groups,
    .group_count = sizeof(bench_groups) / sizeof(bench_groups[0]),
    .words_max = 1,
    .words = "request|publish|connect",
    .run = run_command,
};
