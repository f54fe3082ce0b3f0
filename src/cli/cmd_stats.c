#include "cli/commands.h"

#include "cli/exit_code.h"
#include "cli/latencies.h"
#include "cli/manual.h"
#include "cli/service_command.h"
#include "cli/table.h"

#include <inttypes.h>
#include <stdio.h>

static const struct option stats_rows[] = {
    {"watch", 0, NULL, "count again and again, until Ctrl-C", option_flag,
     offsetof(struct service_command, watch)},
    {.name = NULL},
};

static const struct option_group stats_groups[] = {
    {"Counting", service_rows, 0},
    {NULL, stats_rows, 0},
    {NULL, service_again_rows, 0},
    {"Connection", connection_server_rows, offsetof(struct service_command, connection)},
    {NULL, connection_rows, offsetof(struct service_command, connection)},
};

static const enum exit_code stats_exit_codes[] = {
    EXIT_CODE_OK,        EXIT_CODE_USAGE,  EXIT_CODE_CONNECTION, EXIT_CODE_NO_RESPONDER,
    EXIT_CODE_TIMED_OUT, EXIT_CODE_REMOTE, EXIT_CODE_REFUSED,    EXIT_CODE_INTERRUPTED,
};

static const struct manual stats_manual = {
    .name = "wilco stats",
    .synopsis = "wilco stats [OPTION]... [NAME [ID]]",
    .about = "Counts, for each instance and endpoint, requests that have come to their end, "
             "errors, and\n"
             "the average time to the answer, as the broker has seen them.",
    .examples = "  wilco stats\n"
                "  wilco stats calc --watch\n"
                "  wilco stats --json | jq '.endpoints[].num_requests'\n",
    .environment = connection_variables,
    .exit_codes = stats_exit_codes,
    .exit_code_count = sizeof(stats_exit_codes) / sizeof(stats_exit_codes[0]),
};

static void
add_line(struct table *t, const struct service *s, const struct service_endpoint *e)
{
    table_add(t, "%s", service_cell(s->name));
    table_add(t, "%s", service_cell(s->version));
    table_add(t, "%s", service_cell(s->id));
    table_add(t, "%s", e->filter);
    table_add(t, "%s", service_cell(e->group));
    table_add(t, "%" PRIu64, e->requests);
    table_add(t, "%" PRIu64, e->errors);
    table_add(t, "%s", e->average_ns == 0 ? "-" : latency_text(e->average_ns / 1000).text);
    table_add(t, "%s", service_cell(e->last_error));
}

static void
write_stats(const struct service_command *c, const struct services *s)
{
    static const struct table_column columns[] = {
        {"NAME", TABLE_LEFT},     {"VERSION", TABLE_LEFT},  {"ID", TABLE_LEFT},
        {"ENDPOINT", TABLE_LEFT}, {"GROUP", TABLE_LEFT},    {"REQUESTS", TABLE_RIGHT},
        {"ERRORS", TABLE_RIGHT},  {"AVERAGE", TABLE_RIGHT}, {"LAST ERROR", TABLE_LEFT},
    };
    struct table *t = table_new(columns, sizeof(columns) / sizeof(columns[0]));

    for (size_t i = 0; i < s->count; i++) {
        const struct service *service = &s->all[i];

        if (c->json) {
            (void)printf("%s\n", service->json);
        }
        for (size_t n = 0; n < service->endpoint_count; n++) {
            add_line(t, service, &service->endpoints[n]);
        }
    }
    if (!c->json) {
        table_write(t, stdout, SIZE_MAX);
    }
    table_free(t);
}

static int
run_command(int argc, char **argv)
{
    return service_command_run(&(struct service_command_plan){&command_stats, "STATS", write_stats},
                               argc, argv);
}

const struct command command_stats = {
    .name = "stats",
    .summary = "count what services have answered",
    .manual = &stats_manual,
    .groups = stats_groups,
    .group_count = sizeof(stats_groups) / sizeof(stats_groups[0]),
    .words_max = 2,
    .run = run_command,
};
