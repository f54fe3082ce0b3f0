#define _POSIX_C_SOURCE 200809L

#include "cli/commands.h"

#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/memory.h"
#include "cli/output.h"
#include "cli/say.h"
#include "cli/screen.h"
#include "cli/top_frame.h"
#include "cli/wake.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INTERVAL_MS  1000U
#define HEADER_LINES 5U /* what a frame has besides the lines of its table */

struct top_command {
    bool once;
    struct option_number interval_ms;
    struct connection_options connection;

    struct sys_figures *figures;
    struct top_rows rows;
};

#define FIELD(name) offsetof(struct top_command, name)
static const struct option top_rows_options[] = {
    {"interval", 0, "DURATION", "from one look to the next (default 1s)", option_duration_ms,
     FIELD(interval_ms)},
    {"once", 0, NULL,
     "write what is to be seen now, and end; also where\nstandard output is no terminal",
     option_flag, FIELD(once)},
    {.name = NULL},
};

static const struct option_group top_groups[] = {
    {"Looking", top_rows_options, 0},
    {"Connection", connection_server_rows, FIELD(connection)},
    {NULL, connection_rows, FIELD(connection)},
};

static const enum exit_code top_exit_codes[] = {
    EXIT_CODE_OK,     EXIT_CODE_USAGE,   EXIT_CODE_CONNECTION,  EXIT_CODE_TIMED_OUT,
    EXIT_CODE_REMOTE, EXIT_CODE_REFUSED, EXIT_CODE_INTERRUPTED,
};

static const struct manual top_manual = {
    .name = "wilco top",
    .synopsis = "wilco top [OPTION]...",
    .about =
        "Shows what a broker of ours is asked: requests and what becomes of them, and the\n"
        "endpoints that answer, the busiest first, until q or Ctrl-C. The figures of the table\n"
        "are of now; those above it and the percentiles are as old as the broker's $SYS, which\n"
        "is renewed every sys_interval_s seconds.",
    .examples = "  wilco top\n"
                "  wilco top --once\n"
                "  wilco top --interval 5s -L mqtt://broker.example\n",
    .environment = connection_variables,
    .exit_codes = top_exit_codes,
    .exit_code_count = sizeof(top_exit_codes) / sizeof(top_exit_codes[0]),
};

static void
on_message(void *context, const struct wilco_message *message)
{
    sys_figures_put(context, wilco_message_topic(message), wilco_message_payload(message),
                    wake_now_us());
}

static int
subscribe(struct top_command *c, struct wilco *client)
{
    static const char *const filters[] = {"$SYS/rr/#", "$SYS/broker/+", "$SYS/broker/clients/+"};

    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        const struct wilco_subscription s = {.filter = filters[i]};
        uint8_t reason_code = 0;
        enum wilco_status status =
            wilco_subscribe(client, &s, on_message, c->figures, &reason_code);

        if (status != WILCO_OK) {
            return connection_not_subscribed("subscribe to", filters[i], status, reason_code);
        }
    }
    return EXIT_CODE_OK;
}

static void
write_frame(const struct top_command *c, uint64_t before_us, bool is_on_screen)
{
    size_t lines = is_on_screen ? screen_lines() : SIZE_MAX, len = 0;
    char *text = NULL;
    FILE *out = memory_sure(open_memstream(&text, &len));

    top_frame_write(
        &(struct top_frame){
            .server = connection_server(&c->connection),
            .figures = c->figures,
            .rows = &c->rows,
            .before_us = before_us,
            .lines_max = lines > HEADER_LINES ? lines - HEADER_LINES : 0,
        },
        out);
    if (fclose(out) != 0) {
        (void)memory_sure(NULL);
    }
    if (is_on_screen) {
        screen_draw(text);
    } else {
        (void)fputs(text, stdout);
    }
    free(text);
}

/* Asks, and shows what there is. 0, or the exit code when it has said what is wrong. */
static int
look(struct top_command *c, struct connection *connection, bool is_on_screen)
{
    const struct service_query q = {.kind = "STATS"};
    struct top_rows before = c->rows;
    struct services services;
    int exit_code = service_query_run_for_any(connection, &q, &services);

    if (exit_code == EXIT_CODE_OK) {
        c->rows = top_rows_of(&services, &before, wake_now_us());
        write_frame(c, before.time_us, is_on_screen);
        top_rows_fini(&before);
    }
    services_fini(&services);
    return exit_code;
}

/* False when it is time to end. */
static bool
wait_for_next(const struct top_command *c, const struct connection *connection)
{
    uint64_t next_ms = wake_now_ms() + (c->interval_ms.is_set ? c->interval_ms.value : INTERVAL_MS);
    uint64_t now_ms;

    while ((now_ms = wake_now_ms()) < next_ms) {
        uint64_t wait_ms = next_ms - now_ms;

        if (wake_signalled() || atomic_load(&connection->is_lost) ||
            screen_wait(wait_ms > INT_MAX ? INT_MAX : (int)wait_ms) == 'q') {
            return false;
        }
    }
    return true;
}

static int
show(struct top_command *c, struct connection *connection)
{
    int exit_code;

    if (c->once || !screen_is_there()) {
        exit_code = look(c, connection, false);
        return exit_code == EXIT_CODE_OK && !output_finish() ? EXIT_CODE_USAGE : exit_code;
    }
    screen_enter();
    do {
        exit_code = look(c, connection, true);
    } while (exit_code == EXIT_CODE_OK && wait_for_next(c, connection));
    screen_leave();
    if (exit_code != EXIT_CODE_OK && !wake_signalled()) {
        say("the broker does not tell; wilco top --once says why");
    }
    return exit_code;
}

static int
run(struct top_command *c)
{
    struct connection connection;
    int exit_code = connection_prepare(&c->connection);

    if (exit_code == EXIT_CODE_OK) {
        exit_code = connection_open(&connection, &c->connection, NULL);
    }
    if (exit_code != EXIT_CODE_OK) {
        return exit_code;
    }
    wake_on_signals();
    c->figures = sys_figures_new();
    exit_code = subscribe(c, connection.client);
    if (exit_code == EXIT_CODE_OK) {
        exit_code = show(c, &connection);
    }
    exit_code = connection_close(&connection, exit_code);
    top_rows_fini(&c->rows);
    sys_figures_free(c->figures);
    return wake_exit(exit_code);
}

static int
run_command(int argc, char **argv)
{
    struct top_command c = {0};
    size_t word_count = 0;
    int exit_code = EXIT_CODE_OK;

    if (options_parse(&command_top, &c, argc, argv, &word_count, &exit_code)) {
        exit_code = run(&c);
    }
    connection_options_fini(&c.connection);
    return exit_code;
}

const struct command command_top = {
    .name = "top",
    .summary = "watch requests and who answers them",
    .manual = &top_manual,
    .groups = top_groups,
    .group_count = sizeof(top_groups) / sizeof(top_groups[0]),
    .words_max = 0,
    .run = run_command,
};
