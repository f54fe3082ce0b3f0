#include "base/status.h"

const char *
status_text(enum wilco_status status)
{
    switch (status) {
    case WILCO_OK: return "success";
    case WILCO_AGAIN: return "more input or room is needed";
    case WILCO_ENOMEM: return "out of memory";
    case WILCO_EMALFORMED: return "malformed packet";
    case WILCO_EPROTOCOL: return "protocol error";
    case WILCO_ELIMIT: return "limit reached";
    case WILCO_EINVAL: return "invalid argument";
    case WILCO_EIO: return "operating system error";
    case WILCO_ECLOSED: return "closed";
    case WILCO_ECONNECT: return "cannot connect";
    case WILCO_ETIMEDOUT: return "timed out";
    case WILCO_ENORESPONDER: return "no responder";
    case WILCO_EREMOTE: return "the responder answered with an error";
    case WILCO_EREFUSED: return "refused by the server";
    case WILCO_ECANCELLED: return "cancelled";
    case WILCO_ENOTFOUND: return "not found";
    case WILCO_ELOST: return "no answer will come";
    }
    return "unknown status";
}
