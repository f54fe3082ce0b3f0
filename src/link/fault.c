#include "link/fault.h"

uint8_t
fault_reason(enum wilco_status status)
{
    switch (status) {
    case WILCO_EMALFORMED: return WIRE_REASON_MALFORMED_PACKET;
    case WILCO_EPROTOCOL: return WIRE_REASON_PROTOCOL_ERROR;
    case WILCO_ELIMIT: return WIRE_REASON_PACKET_TOO_LARGE;
    case WILCO_ENOMEM: return WIRE_REASON_QUOTA_EXCEEDED;
    case WILCO_OK:
    case WILCO_AGAIN:
    case WILCO_EINVAL:
    case WILCO_EIO:
    case WILCO_ECLOSED:
    case WILCO_ECONNECT:
    case WILCO_ETIMEDOUT:
    case WILCO_ENORESPONDER:
    case WILCO_EREMOTE:
    case WILCO_EREFUSED:
    case WILCO_ECANCELLED:
    case WILCO_ENOTFOUND:
    case WILCO_ELOST: break;
    }
    return WIRE_REASON_UNSPECIFIED_ERROR;
}
