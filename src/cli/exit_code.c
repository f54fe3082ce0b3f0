#include "cli/exit_code.h"

#include <stdbool.h>

int
exit_code_of(enum wilco_status status, uint8_t reason_code)
{
    bool is_refused = status == WILCO_EREFUSED || status == WILCO_ECONNECT;

    if (is_refused && reason_code >= EXIT_CODE_REFUSED) {
        return reason_code;
    }
    switch (status) {
    case WILCO_OK: return EXIT_CODE_OK;
    case WILCO_ECONNECT:
    case WILCO_ECLOSED:
    case WILCO_EMALFORMED:
    case WILCO_EPROTOCOL:
    case WILCO_EIO: return EXIT_CODE_CONNECTION;
    case WILCO_ENORESPONDER: return EXIT_CODE_NO_RESPONDER;
    case WILCO_ETIMEDOUT: return EXIT_CODE_TIMED_OUT;
    case WILCO_EREMOTE:
    case WILCO_ELOST: return EXIT_CODE_REMOTE;
    case WILCO_EREFUSED: return EXIT_CODE_REFUSED;
    case WILCO_ECANCELLED: return EXIT_CODE_INTERRUPTED;
    case WILCO_AGAIN:
    case WILCO_ENOMEM:
    case WILCO_ELIMIT:
    case WILCO_EINVAL:
    case WILCO_ENOTFOUND: break;
    }
    return EXIT_CODE_USAGE;
}

const char *
exit_code_text(enum exit_code code)
{
    switch (code) {
    case EXIT_CODE_OK: return "it worked";
    case EXIT_CODE_USAGE: return "the command line or a file is wrong, or output cannot be written";
    case EXIT_CODE_CONNECTION: return "the server cannot be reached, or the connection was lost";
    case EXIT_CODE_NO_RESPONDER: return "nobody is there to answer";
    case EXIT_CODE_TIMED_OUT: return "the time was up";
    case EXIT_CODE_REMOTE: return "the responder answered with an error, or was lost";
    case EXIT_CODE_REFUSED: return "and above: the server refused, with this MQTT reason code";
    case EXIT_CODE_INTERRUPTED: return "interrupted (Ctrl-C)";
    }
    return "";
}
