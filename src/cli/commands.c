#include "cli/commands.h"

const struct command *const commands[] = {
    &command_request, &command_respond, &command_pub, &command_sub, &command_broker, NULL,
};
