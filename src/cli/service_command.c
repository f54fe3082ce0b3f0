#define _POSIX_C_SOURCE 200809L

#include "cli/service_command.h"

#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/wake.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define INTERVAL_MS 1000U

#define FIELD(name) offsetof(struct service_command, name)
const struct option service_rows[] = {
    {"json", 0, NULL, "write one JSON object a line", option_flag, FIELD(json)},
    {"timeout", 'W', "DURATION", "how long to wait for the broker (default 10s)",
     option_duration_ms, FIELD(timeout_ms)},
    {.name = NULL},
};

const struct option service_again_rows[] = {
    {"interval", 0, "DURATION", "from one time to the next (default 1s)", option_duration_ms,
     FIELD(interval_ms)},
    {.name = NULL},
};

const char *
service_cell(const char *text)
{
    return *text == '\0' ? "-" : text;
}

static int
check_word(const char *word)
{
    if (word != NULL && (*word == '\0' || strpbrk(word, "/+#") != NULL)) {
        return options_wrong("\"%s\" is no name of a service, nor of an instance", word);
    }
    return EXIT_CODE_OK;
}

static int
prepare(struct service_command *c, char **words, size_t word_count)
{
    int exit_code = connection_prepare(&c->connection);

    c->name = word_count > 0 ? words[0] : NULL;
    c->id = word_count > 1 ? words[1] : NULL;
    if (exit_code == EXIT_CODE_OK) {
        exit_code = check_word(c->name);
    }
    return exit_code != EXIT_CODE_OK ? exit_code : check_word(c->id);
}

/* What is looked at again and again stays in its place on a terminal. */
static void
begin_round(const struct service_command *c)
{
    if (c->watch && !c->json && isatty(STDOUT_FILENO) == 1) {
        (void)fputs("\033[H\033[J", stdout);
    }
}

static int
run_round(const struct service_command_plan *plan, const struct service_command *c,
          struct connection *connection)
{
    const struct service_query q = {plan->kind, c->name, c->id, c->timeout_ms.value};
    struct services services;
    int exit_code = service_query_run(connection, &q, &services);

    if (exit_code == EXIT_CODE_OK) {
        begin_round(c);
        plan->write(c, &services);
        exit_code = output_finish() ? EXIT_CODE_OK : EXIT_CODE_USAGE;
    }
    services_fini(&services);
    return exit_code;
}

/* False when it is time to end. */
static bool
wait_for_next(const struct service_command *c, const struct connection *connection)
{
    uint64_t next_ms = wake_now_ms() + (c->interval_ms.is_set ? c->interval_ms.value : INTERVAL_MS);

    while (!wake_signalled() && !atomic_load(&connection->is_lost)) {
        uint64_t now_ms = wake_now_ms();

        if (now_ms >= next_ms) {
            return true;
        }
        wake_wait(next_ms - now_ms > INT_MAX ? INT_MAX : (int)(next_ms - now_ms));
    }
    return false;
}

static int
run(const struct service_command_plan *plan, struct service_command *c, char **words,
    size_t word_count)
{
    uint64_t rounds = c->count.is_set ? c->count.value : c->watch ? UINT64_MAX : 1;
    struct connection connection;
    int exit_code = prepare(c, words, word_count);

    if (exit_code == EXIT_CODE_OK) {
        exit_code = connection_open(&connection, &c->connection, NULL);
    }
    if (exit_code != EXIT_CODE_OK) {
        return exit_code;
    }
    wake_on_signals();
    exit_code = run_round(plan, c, &connection);
    while (exit_code == EXIT_CODE_OK && --rounds > 0 && wait_for_next(c, &connection)) {
        exit_code = run_round(plan, c, &connection);
    }
    return wake_exit(connection_close(&connection, exit_code));
}

int
service_command_run(const struct service_command_plan *plan, int argc, char **argv)
{
    struct service_command c = {0};
    size_t word_count = 0;
    int exit_code = EXIT_CODE_OK;

    if (options_parse(plan->command, &c, argc, argv, &word_count, &exit_code)) {
        exit_code = run(plan, &c, argv + 1, word_count);
    }
    connection_options_fini(&c.connection);
    return exit_code;
}
