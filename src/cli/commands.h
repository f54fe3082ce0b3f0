#ifndef WILCO_CLI_COMMANDS_H
#define WILCO_CLI_COMMANDS_H

#include "cli/command.h"

/* Each is in cmd_<name>.c. */
extern const struct command command_bench;
extern const struct command command_acl;
extern const struct command command_broker;
extern const struct command command_completion;
extern const struct command command_info;
extern const struct command command_ls;
extern const struct command command_manual;
extern const struct command command_passwd;
extern const struct command command_ping;
extern const struct command command_pub;
extern const struct command command_record;
extern const struct command command_replay;
extern const struct command command_request;
extern const struct command command_respond;
extern const struct command command_stats;
extern const struct command command_sub;
extern const struct command command_top;
extern const struct command command_trace;

/* All of them as the overview lists them, ended by NULL. */
extern const struct command *const commands[];

/* The tool itself, which is no command: for its overview and its man page. */
extern const struct command command_wilco;

#endif
