#include "cli/commands.h"

#include "cli/colour.h"
#include "cli/encoding.h"
#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/memory.h"
#include "cli/service_command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct option_group info_groups[] = {
    {"Describing", service_rows, 0},
    {"Connection", connection_server_rows, offsetof(struct service_command, connection)},
    {NULL, connection_rows, offsetof(struct service_command, connection)},
};

static const enum exit_code info_exit_codes[] = {
    EXIT_CODE_OK,        EXIT_CODE_USAGE,  EXIT_CODE_CONNECTION, EXIT_CODE_NO_RESPONDER,
    EXIT_CODE_TIMED_OUT, EXIT_CODE_REMOTE, EXIT_CODE_REFUSED,    EXIT_CODE_INTERRUPTED,
};

static const struct manual info_manual = {
    .name = "wilco info",
    .synopsis = "wilco info [OPTION]... [NAME [ID]]",
    .about = "Describes each instance of a service: what its responder says, and where it answers.",
    .examples = "  wilco info calc\n"
                "  wilco info calc mV7dNPj6_lfppm_x7UKvzs --json\n",
    .environment = connection_variables,
    .exit_codes = info_exit_codes,
    .exit_code_count = sizeof(info_exit_codes) / sizeof(info_exit_codes[0]),
};

static void
write_line(const char *name, const char *text)
{
    char *line = memory_text("%s", text);

    encoding_make_harmless(line);
    if (*line != '\0') {
        (void)printf("    %-12s  %s\n", name, line);
    }
    free(line);
}

static void
write_endpoint(const struct service_endpoint *e)
{
    char *text = *e->group == '\0' ? memory_text("%s", e->filter)
                                   : memory_text("%s, group %s", e->filter, e->group);

    write_line("endpoint", text);
    free(text);
}

static void
write_service(const struct service *s)
{
    char *title = memory_text("%s%s%s", *s->name == '\0' ? "(no name)" : s->name,
                              *s->version == '\0' ? "" : " ", s->version);
    char *members = memory_text("%" PRIu64 ", %" PRIu64 " of them online", s->members, s->online);

    encoding_make_harmless(title);
    (void)printf("%s%s%s\n", colour_begin(stdout, COLOUR_TITLE), title, colour_end(stdout));
    write_line("id", s->id);
    write_line("description", s->description);
    write_line("client id", s->client_id);
    write_line("metadata", s->metadata);
    if (*s->name == '\0') {
        write_line("members", members);
    } else {
        write_line("online", s->online > 0 ? "yes" : "no");
    }
    for (size_t i = 0; i < s->endpoint_count; i++) {
        write_endpoint(&s->endpoints[i]);
    }
    free(members);
    free(title);
}

static void
write_info(const struct service_command *c, const struct services *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (c->json) {
            (void)printf("%s\n", s->all[i].json);
        } else {
            (void)fputs(i == 0 ? "" : "\n", stdout);
            write_service(&s->all[i]);
        }
    }
}

static int
run_command(int argc, char **argv)
{
    return service_command_run(&(struct service_command_plan){&command_info, "INFO", write_info},
                               argc, argv);
}

const struct command command_info = {
    .name = "info",
    .summary = "describe a service, instance by instance",
    .manual = &info_manual,
    .groups = info_groups,
    .group_count = sizeof(info_groups) / sizeof(info_groups[0]),
    .words_max = 2,
    .run = run_command,
};
