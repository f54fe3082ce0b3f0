#include "broker/core/handlers.h"

#include "broker/core/inbox.h"
#include "broker/core/limits.h"
#include "broker/core/reply.h"
#include "broker/core/services.h"
#include "wire/topic.h"
#include "wire/unsubscribe.h"

/* The reason code for one filter. */
static uint8_t
leave(struct session *s, struct span filter)
{
    bool existed =
        inbox_holds(filter) ? inbox_unsubscribe(s, filter) : session_unsubscribe(s, filter);

    services_leave(s, filter);
    if (!existed && !topic_filter_is_valid(filter)) { /* nor can it ever exist */
        return WIRE_REASON_TOPIC_FILTER_INVALID;
    }
    return existed ? WIRE_REASON_SUCCESS : WIRE_REASON_NO_SUBSCRIPTION_EXISTED;
}

/* One UNSUBACK [MQTT-3.10.4-4], [MQTT-3.10.4-6] with the identifier of the UNSUBSCRIBE
 * [MQTT-3.10.4-5], [MQTT-2.2.1-6] and a code for each filter in their order [MQTT-3.11.3-1]. */
enum wilco_status
on_unsubscribe(struct conn *c, const struct frame *f)
{
    struct wire_unsubscribe p;
    struct wire_any packet = {.type = WIRE_UNSUBACK};
    struct buffer *codes = &c->shard->reply;
    struct span filter = SPAN_EMPTY;
    enum wilco_status status = wire_unsubscribe_decode(&p, f->body, (enum wire_version)c->version);

    if (status == WILCO_OK &&
        !limits_allow_properties(&c->shard->broker->settings, &p.properties)) {
        conn_refuse_because(c, WIRE_REASON_QUOTA_EXCEEDED, LIMITS_TOO_MANY_PROPERTIES);
        return WILCO_OK;
    }
    if (status == WILCO_OK) {
        status = buffer_reserve(codes, p.count);
    }
    if (status != WILCO_OK) {
        return status;
    }
    for (size_t i = 0; wire_unsubscribe_next(&p.payload, &filter); i++) {
        codes->data[i] = leave(c->session, filter);
    }
    packet.as.suback = (struct wire_suback){
        .packet_id = p.packet_id,
        .reason_codes = span_of(codes->data, p.count),
    };
    if (!reply_packet(c, &packet)) { /* as for SUBACK */
        conn_end_because(c, WIRE_REASON_PACKET_TOO_LARGE,
                         "the UNSUBACK is larger than the client's Maximum Packet Size");
    }
    return WILCO_OK;
}
