#ifndef WILCO_CLI_EXIT_CODE_H
#define WILCO_CLI_EXIT_CODE_H

#include "wilco/status.h"

#include <stdint.h>

/* What the shell gets to see. When the server refused something, its MQTT
 * Reason Code of 128 or more is passed on as it is; not when it ended the connection, for whatever
 * reason. */
enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_USAGE = 1,
    EXIT_CODE_CONNECTION = 2,
    EXIT_CODE_NO_RESPONDER = 16,
    EXIT_CODE_TIMED_OUT = 27,
    EXIT_CODE_REMOTE = 64,
    EXIT_CODE_REFUSED = 128, /* and above */
    EXIT_CODE_INTERRUPTED = 130,
};

int exit_code_of(enum wilco_status status, uint8_t reason_code);

/* One line of help: what the code means to the caller of a command. */
const char *exit_code_text(enum exit_code code);

#endif
