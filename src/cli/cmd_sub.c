#include "cli/commands.h"

#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/say.h"
#include "cli/wake.h"

#include <limits.h>
#include <stdio.h>

/* Messages are written by the library's thread, one at a time; the main thread waits for the end.
 */
struct sub_command {
    struct option_list filters;
    struct option_number qos, count, timeout_ms;
    bool skip_retained, retain_as_published, no_local, show;
    struct output output;
    struct connection_options connection;

    unsigned written; /* the library's thread alone */
    bool has_failed;  /* ditto, until is_done */
    atomic_bool is_done;
};

#define FIELD(name) offsetof(struct sub_command, name)
static const struct option sub_rows[] = {
    {"topic", 't', "FILTER", "the same as a word FILTER; repeatable", option_texts, FIELD(filters)},
    {"qos", 'q', "0|1|2", "quality of service (default 0)", option_qos, FIELD(qos)},
    {"count", 'C', "NUMBER", "end after so many messages", option_count, FIELD(count)},
    {"timeout", 'W', "DURATION", "end after so long, with code 27", option_duration_ms,
     FIELD(timeout_ms)},
    {"skip-retained", 'R', NULL, "leave out what was retained before", option_flag,
     FIELD(skip_retained)},
    {"retain-as-published", 0, NULL, "keep the retain flag as the publisher set it", option_flag,
     FIELD(retain_as_published)},
    {"no-local", 0, NULL, "leave out what the same client id publishes", option_flag,
     FIELD(no_local)},
    {"verbose", 'v', NULL, "write the topic in front of the payload", option_flag,
     FIELD(output.topic)},
    {"json", 0, NULL, "write each message as one JSON object a line", option_flag,
     FIELD(output.json)},
    {"no-newline", 'N', NULL, "write payloads and nothing behind them", option_flag,
     FIELD(output.no_newline)},
    {"show", 0, NULL, "show each message with its properties on standard\nerror as well",
     option_flag, FIELD(show)},
    {.name = NULL},
};

static const struct option_group sub_groups[] = {
    {"Subscribing", sub_rows, 0},
    {"Connection", connection_server_rows, FIELD(connection)},
    {NULL, connection_rows, FIELD(connection)},
};

static const enum exit_code sub_exit_codes[] = {
    EXIT_CODE_OK,        EXIT_CODE_USAGE,   EXIT_CODE_CONNECTION,
    EXIT_CODE_TIMED_OUT, EXIT_CODE_REFUSED, EXIT_CODE_INTERRUPTED,
};

static const struct manual sub_manual = {
    .name = "wilco sub",
    .synopsis = "wilco sub [OPTION]... FILTER...",
    .about = "Subscribes and writes the payload of each message to standard output.",
    .examples = "  wilco sub 'lights/#'\n"
                "  wilco sub -v 'lights/+/state' 'doors/#'\n"
                "  wilco sub --json '#' | jq .properties\n"
                "  wilco sub -t weather/now -C 1 -W 5\n",
    .environment = connection_variables,
    .exit_codes = sub_exit_codes,
    .exit_code_count = sizeof(sub_exit_codes) / sizeof(sub_exit_codes[0]),
};

static void
finish(struct sub_command *c, bool has_failed)
{
    c->has_failed = has_failed;
    atomic_store(&c->is_done, true);
    wake_up();
}

static void
on_message(void *context, const struct wilco_message *message)
{
    struct sub_command *c = context;
    struct view view;

    if (atomic_load(&c->is_done) || (c->skip_retained && wilco_message_retain(message))) {
        return;
    }
    view = view_of_message(message);
    if (c->show) {
        output_show(stderr, "message", &view);
    }
    if (!output_message(&c->output, &view)) {
        finish(c, true);
    } else if (++c->written == c->count.value) {
        finish(c, false);
    }
    view_fini(&view);
}

static int
subscribe(struct sub_command *c, struct wilco *client)
{
    for (size_t i = 0; i < c->filters.count; i++) {
        uint8_t reason_code = 0;
        const struct wilco_subscription subscription = {
            .filter = c->filters.words[i],
            .qos = (uint8_t)c->qos.value,
            .no_local = c->no_local,
            .retain_as_published = c->retain_as_published,
        };
        enum wilco_status status =
            wilco_subscribe(client, &subscription, on_message, c, &reason_code);

        if (status != WILCO_OK) {
            return connection_not_subscribed("subscribe to", subscription.filter, status,
                                             reason_code);
        }
        say_debug("subscribed to %s with QoS %u", subscription.filter, reason_code);
    }
    return EXIT_CODE_OK;
}

/* Until the messages are counted, the connection is lost, a signal came or the time is up. */
static int
wait_for_end(struct sub_command *c, struct connection *connection)
{
    uint64_t end_ms = wake_now_ms() + c->timeout_ms.value;

    while (!atomic_load(&c->is_done) && !atomic_load(&connection->is_lost) && !wake_signalled()) {
        int wait_ms = -1;

        if (c->timeout_ms.is_set) {
            uint64_t now_ms = wake_now_ms();

            if (now_ms >= end_ms) {
                return EXIT_CODE_TIMED_OUT;
            }
            wait_ms = end_ms - now_ms > INT_MAX ? INT_MAX : (int)(end_ms - now_ms);
        }
        wake_wait(wait_ms);
    }
    return EXIT_CODE_OK;
}

static int
run(struct sub_command *c, char **words, size_t word_count)
{
    const struct connection_rest rest = {.on_message = on_message, .context = c};
    struct connection connection;
    int exit_code = connection_prepare(&c->connection);

    for (size_t i = 0; i < word_count; i++) {
        option_list_add(&c->filters, words[i]);
    }
    if (exit_code == EXIT_CODE_OK && c->filters.count == 0 && c->connection.topic != NULL) {
        option_list_add(&c->filters, c->connection.topic);
    }
    if (exit_code == EXIT_CODE_OK && c->filters.count == 0) {
        exit_code = options_wrong("which topics?");
    }
    if (exit_code == EXIT_CODE_OK) {
        exit_code = connection_open(&connection, &c->connection, &rest);
    }
    if (exit_code != EXIT_CODE_OK) {
        return exit_code;
    }
    wake_on_signals();
    exit_code = subscribe(c, connection.client);
    if (exit_code == EXIT_CODE_OK) {
        exit_code = wait_for_end(c, &connection);
    }
    if (atomic_load(&c->is_done)) { /* whatever happened to the connection since */
        wilco_close(connection.client);
        return c->has_failed ? EXIT_CODE_USAGE : EXIT_CODE_OK;
    }
    return wake_exit(connection_close(&connection, exit_code));
}

static int
run_command(int argc, char **argv)
{
    struct sub_command c = {0};
    size_t word_count = 0;
    int exit_code = EXIT_CODE_OK;

    if (options_parse(&command_sub, &c, argc, argv, &word_count, &exit_code)) {
        exit_code = run(&c, argv + 1, word_count);
    }
    option_list_fini(&c.filters);
    connection_options_fini(&c.connection);
    return exit_code;
}

const struct command command_sub = {
    .name = "sub",
    .summary = "subscribe, and write what arrives",
    .manual = &sub_manual,
    .groups = sub_groups,
    .group_count = sizeof(sub_groups) / sizeof(sub_groups[0]),
    .words_max = SIZE_MAX - 1,
    .run = run_command,
};
