#include "cli/commands.h"

#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/manual.h"

const struct command *const commands[] = {
    &command_request,
    &command_respond,
    &command_pub,
    &command_sub,
    &command_ls,
    &command_info,
    &command_stats,
    &command_ping,
    &command_top,
    &command_trace,
    &command_record,
    &command_replay,
    &command_broker,
    &command_passwd,
    &command_acl,
    &command_bench,
    &command_completion,
    &command_manual,
    NULL,
};

static const enum exit_code wilco_exit_codes[] = {
    EXIT_CODE_OK,        EXIT_CODE_USAGE,  EXIT_CODE_CONNECTION, EXIT_CODE_NO_RESPONDER,
    EXIT_CODE_TIMED_OUT, EXIT_CODE_REMOTE, EXIT_CODE_REFUSED,    EXIT_CODE_INTERRUPTED,
};

static const struct manual wilco_manual = {
    .name = "wilco",
    .synopsis = "wilco COMMAND [OPTION]... [WORD]...",
    .about = "Requests and responses over MQTT 5.0.",
    .examples = "  wilco broker &\n"
                "  wilco respond weather/now --reply '12 degrees, rain' &\n"
                "  wilco request weather/now\n",
    .environment = connection_variables,
    .exit_codes = wilco_exit_codes,
    .exit_code_count = sizeof(wilco_exit_codes) / sizeof(wilco_exit_codes[0]),
};

const struct command command_wilco = {
    .name = "wilco",
    .summary = "requests and responses over MQTT 5.0",
    .manual = &wilco_manual,
};
