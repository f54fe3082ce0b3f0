#define _POSIX_C_SOURCE 200809L

#include "cli/commands.h"

#include "cli/connection.h"
#include "cli/exchange.h"
#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/pair_map.h"
#include "cli/say.h"
#include "cli/wake.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A response is known by the request before it, of which so many are remembered. */
#define REQUESTS_REMEMBERED 65536U

/* Messages are written by the library's thread; the main thread waits for the end. */
struct record_command {
    const char *file;
    struct option_number qos, count, timeout_ms;
    struct connection_options connection;

    FILE *out;
    struct pair_map *requests; /* their ids, by Response Topic and Correlation Data */
    uint64_t start_us, written;
    bool has_failed; /* until is_done the library's thread's, like the three above */
    atomic_bool is_done;
};

#define FIELD(name) offsetof(struct record_command, name)
static const struct option record_rows[] = {
    {"out", 'o', "FILE", "where to write (default: standard output)", option_text, FIELD(file)},
    {"qos", 'q', "0|1|2", "quality of service (default 1)", option_qos, FIELD(qos)},
    {"count", 'C', "NUMBER", "end after so many messages", option_count, FIELD(count)},
    {"timeout", 'W', "DURATION", "end after so long", option_duration_ms, FIELD(timeout_ms)},
    {.name = NULL},
};

static const struct option_group record_groups[] = {
    {"Recording", record_rows, 0},
    {"Connection", connection_server_rows, FIELD(connection)},
    {NULL, connection_rows, FIELD(connection)},
};

static const enum exit_code record_exit_codes[] = {
    EXIT_CODE_OK, EXIT_CODE_USAGE, EXIT_CODE_CONNECTION, EXIT_CODE_REFUSED, EXIT_CODE_INTERRUPTED,
};

static const struct manual record_manual = {
    .name = "wilco record",
    .synopsis = "wilco record [OPTION]... FILTER...",
    .about =
        "Writes each message to the topics of FILTER as a line of JSON, with the time since the\n"
        "beginning; and of responses, which request they answer. Responses to an inbox are\n"
        "nobody's to see: record those to response topics that FILTER has, too. To a broker\n"
        "that knows requests it is no responder. wilco replay asks again; wilco respond --from\n"
        "answers instead of the recorded responder.",
    .examples = "  wilco record 'requests/#' 'responses/#' --out calls.jsonl\n"
                "  wilco record 'rpc/#' --timeout 1m > minute.jsonl\n",
    .environment = connection_variables,
    .exit_codes = record_exit_codes,
    .exit_code_count = sizeof(record_exit_codes) / sizeof(record_exit_codes[0]),
};

static void
finish(struct record_command *c, bool has_failed)
{
    c->has_failed = has_failed;
    atomic_store(&c->is_done, true);
    wake_up();
}

/* Notes what it asks, and finds what it answers. */
static void
relate(struct record_command *c, struct exchange *e)
{
    const struct view *m = &e->message;

    (void)pair_map_get(c->requests, m->topic, m->correlation_data, &e->response_to);
    if (m->response_topic.data != NULL) {
        pair_map_put(c->requests, m->response_topic, m->correlation_data, e->id);
    }
}

static bool
write_line(struct record_command *c, const struct exchange *e)
{
    char *line = exchange_write(e);
    bool is_written = fprintf(c->out, "%s\n", line) >= 0 && fflush(c->out) == 0;

    if (!is_written && errno != EPIPE) {
        say("cannot write to %s: %s", c->file == NULL ? "standard output" : c->file,
            say_errno(errno).text);
    }
    free(line);
    return is_written;
}

static void
on_message(void *context, const struct wilco_message *message)
{
    struct record_command *c = context;
    struct exchange e = {.time_us = wake_now_us() - c->start_us, .id = c->written + 1};

    if (atomic_load(&c->is_done)) {
        return;
    }
    e.message = view_of_response(message);
    relate(c, &e);
    if (e.response_to == 0) { /* only responses have a status */
        e.message.status = 0;
        e.message.is_part = false;
        e.message.has_progress = false;
    }
    if (!write_line(c, &e)) {
        finish(c, true);
    } else if (++c->written == c->count.value) {
        finish(c, false);
    }
    view_fini(&e.message);
}

static int
subscribe(struct record_command *c, struct wilco *client, char **filters, size_t count)
{
    static const struct wilco_user_property observe = {"rr-observe", "1"};

    for (size_t i = 0; i < count; i++) {
        uint8_t reason_code = 0;
        const struct wilco_subscription s = {
            .filter = filters[i],
            .qos = (uint8_t)c->qos.value,
            .retain_handling = 2, /* what was there before is no part of an exchange */
            .user_properties = &observe,
            .user_property_count = 1,
        };
        enum wilco_status status = wilco_subscribe(client, &s, on_message, c, &reason_code);

        if (status != WILCO_OK) {
            return connection_not_subscribed("subscribe to", s.filter, status, reason_code);
        }
    }
    say_note("ready: recording");
    return EXIT_CODE_OK;
}

static void
wait_for_end(struct record_command *c, const struct connection *connection)
{
    uint64_t end_ms = c->timeout_ms.is_set ? wake_now_ms() + c->timeout_ms.value : UINT64_MAX;

    while (!atomic_load(&c->is_done) && !atomic_load(&connection->is_lost) && !wake_signalled()) {
        uint64_t now_ms = wake_now_ms();

        if (now_ms >= end_ms) {
            return;
        }
        wake_wait(end_ms - now_ms > INT_MAX ? -1 : (int)(end_ms - now_ms));
    }
}

static int
record(struct record_command *c, char **filters, size_t count)
{
    struct connection connection;
    int exit_code = connection_open(&connection, &c->connection, NULL);

    if (exit_code != EXIT_CODE_OK) {
        return exit_code;
    }
    wake_on_signals();
    c->start_us = wake_now_us();
    exit_code = subscribe(c, connection.client, filters, count);
    if (exit_code == EXIT_CODE_OK) {
        wait_for_end(c, &connection);
    }
    exit_code = connection_close(&connection, exit_code);
    if (atomic_load(&c->is_done) && c->has_failed) {
        return EXIT_CODE_USAGE;
    }
    return wake_exit(exit_code);
}

static int
open_file(struct record_command *c)
{
    c->out = c->file == NULL || strcmp(c->file, "-") == 0 ? stdout : fopen(c->file, "w");
    if (c->out == NULL) {
        say("cannot write to %s: %s", c->file, say_errno(errno).text);
        return EXIT_CODE_USAGE;
    }
    return EXIT_CODE_OK;
}

static int
run(struct record_command *c, char **words, size_t word_count)
{
    int exit_code = connection_prepare(&c->connection);

    if (!c->qos.is_set) {
        c->qos.value = 1;
    }
    if (exit_code == EXIT_CODE_OK && word_count == 0 && c->connection.topic != NULL) {
        words = &c->connection.topic;
        word_count = 1;
    }
    if (exit_code == EXIT_CODE_OK && word_count == 0) {
        exit_code = options_wrong("which topics?");
    }
    if (exit_code == EXIT_CODE_OK) {
        exit_code = open_file(c);
    }
    if (exit_code != EXIT_CODE_OK) {
        return exit_code;
    }
    c->requests = pair_map_new(REQUESTS_REMEMBERED);
    exit_code = record(c, words, word_count);
    pair_map_free(c->requests);
    if (c->out != stdout) {
        (void)fclose(c->out); /* each line is written already */
    }
    return exit_code;
}

static int
run_command(int argc, char **argv)
{
    struct record_command c = {0};
    size_t word_count = 0;
    int exit_code = EXIT_CODE_OK;

    if (options_parse(&command_record, &c, argc, argv, &word_count, &exit_code)) {
        exit_code = run(&c, argv + 1, word_count);
    }
    connection_options_fini(&c.connection);
    return exit_code;
}

const struct command command_record = {
    .name = "record",
    .summary = "write requests and answers to a file",
    .manual = &record_manual,
    .groups = record_groups,
    .group_count = sizeof(record_groups) / sizeof(record_groups[0]),
    .words_max = SIZE_MAX - 1,
    .run = run_command,
};
