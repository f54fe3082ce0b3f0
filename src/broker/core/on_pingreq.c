#include "broker/core/handlers.h"

#include "broker/core/reply.h"
#include "wire/ping.h"

enum wilco_status
on_pingreq(struct conn *c, const struct frame *f)
{
    enum wilco_status status = wire_ping_decode(f->body);

    if (status == WILCO_OK) {
        reply_pingresp(c); /* [MQTT-3.12.4-1] */
    }
    return status;
}
