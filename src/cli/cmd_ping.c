#include "cli/commands.h"

#include "cli/encoding.h"
#include "cli/exit_code.h"
#include "cli/latencies.h"
#include "cli/manual.h"
#include "cli/memory.h"
#include "cli/service_command.h"

#include <stdio.h>
#include <stdlib.h>

static const struct option ping_rows[] = {
    {"count", 'C', "NUMBER", "ask so often (default 1)", option_count,
     offsetof(struct service_command, count)},
    {.name = NULL},
};

static const struct option_group ping_groups[] = {
    {"Asking", service_rows, 0},
    {NULL, ping_rows, 0},
    {NULL, service_again_rows, 0},
    {"Connection", connection_server_rows, offsetof(struct service_command, connection)},
    {NULL, connection_rows, offsetof(struct service_command, connection)},
};

static const enum exit_code ping_exit_codes[] = {
    EXIT_CODE_OK,        EXIT_CODE_USAGE,  EXIT_CODE_CONNECTION, EXIT_CODE_NO_RESPONDER,
    EXIT_CODE_TIMED_OUT, EXIT_CODE_REMOTE, EXIT_CODE_REFUSED,    EXIT_CODE_INTERRUPTED,
};

static const struct manual ping_manual = {
    .name = "wilco ping",
    .synopsis = "wilco ping [OPTION]... [NAME [ID]]",
    .about =
        "Asks which instances of services are there, and how long it takes to hear of each. The\n"
        "broker answers for them: it knows who is connected.",
    .examples = "  wilco ping\n"
                "  wilco ping calc --count 10 --interval 200ms\n",
    .environment = connection_variables,
    .exit_codes = ping_exit_codes,
    .exit_code_count = sizeof(ping_exit_codes) / sizeof(ping_exit_codes[0]),
};

static void
write_line(const struct service *s)
{
    bool has_name = *s->name != '\0' || s->endpoint_count == 0;
    char *line =
        memory_text("%s %s %s: %s", has_name ? s->name : s->endpoints[0].filter,
                    service_cell(s->version), service_cell(s->id), latency_text(s->took_us).text);

    encoding_make_harmless(line);
    (void)printf("%s\n", line);
    free(line);
}

static void
write_ping(const struct service_command *c, const struct services *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (c->json) {
            char *json = service_json_with_time(&s->all[i]);

            (void)printf("%s\n", json);
            free(json);
        } else {
            write_line(&s->all[i]);
        }
    }
}

static int
run_command(int argc, char **argv)
{
    return service_command_run(&(struct service_command_plan){&command_ping, "PING", write_ping},
                               argc, argv);
}

const struct command command_ping = {
    .name = "ping",
    .summary = "see which services are there",
    .manual = &ping_manual,
    .groups = ping_groups,
    .group_count = sizeof(ping_groups) / sizeof(ping_groups[0]),
    .words_max = 2,
    .run = run_command,
};
