#include "cli/commands.h"

#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/service_command.h"
#include "cli/service_list.h"

static const struct option_group ls_groups[] = {
    {"Listing", service_rows, 0},
    {"Connection", connection_server_rows, offsetof(struct service_command, connection)},
    {NULL, connection_rows, offsetof(struct service_command, connection)},
};

static const enum exit_code ls_exit_codes[] = {
    EXIT_CODE_OK,        EXIT_CODE_USAGE,  EXIT_CODE_CONNECTION, EXIT_CODE_NO_RESPONDER,
    EXIT_CODE_TIMED_OUT, EXIT_CODE_REMOTE, EXIT_CODE_REFUSED,    EXIT_CODE_INTERRUPTED,
};

static const struct manual ls_manual = {
    .name = "wilco ls",
    .synopsis = "wilco ls [OPTION]...",
    .about =
        "Lists the services that a broker of ours knows of: with their names, if responders have\n"
        "said them, or else by the filters at which requests are answered.",
    .examples = "  wilco ls\n"
                "  wilco ls --json | jq .name\n",
    .environment = connection_variables,
    .exit_codes = ls_exit_codes,
    .exit_code_count = sizeof(ls_exit_codes) / sizeof(ls_exit_codes[0]),
};

static void
write_ls(const struct service_command *c, const struct services *s)
{
    struct service_list list = service_list_of(s);

    if (c->json) {
        service_list_write_json(&list);
    } else {
        service_list_write(&list);
    }
    service_list_fini(&list);
}

static int
run_command(int argc, char **argv)
{
    return service_command_run(&(struct service_command_plan){&command_ls, "INFO", write_ls}, argc,
                               argv);
}

const struct command command_ls = {
    .name = "ls",
    .summary = "list the services that answer requests",
    .manual = &ls_manual,
    .groups = ls_groups,
    .group_count = sizeof(ls_groups) / sizeof(ls_groups[0]),
    .words_max = 0,
    .run = run_command,
};
