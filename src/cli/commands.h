#ifndef WILCO_CLI_COMMANDS_H
#define WILCO_CLI_COMMANDS_H

/* One function a subcommand, in cmd_<name>.c. argv[0] is the command's name; they return the exit
 * code. */
int cmd_broker(int argc, char **argv);
int cmd_pub(int argc, char **argv);
int cmd_request(int argc, char **argv);
int cmd_respond(int argc, char **argv);
int cmd_sub(int argc, char **argv);

#endif
