#include "broker/core/limits.h"

#include "wire/reason.h"
#include "wire/topic.h"

bool
limits_allow_topic(const struct settings *s, struct span topic)
{
    /* There are never more levels than bytes, and one. */
    return topic.len <= s->topic_bytes_max &&
           (topic.len < s->topic_levels_max || topic_level_count(topic) <= s->topic_levels_max);
}

bool
limits_allow_properties(const struct settings *s, const struct wire_properties *v)
{
    return v->user_count <= s->user_properties_max;
}

bool
limits_allow_retained(const struct settings *s, const struct wire_properties *v)
{
    return s->retained_requests != 0 || (!wire_properties_has(v, WIRE_RESPONSE_TOPIC) &&
                                         !wire_properties_has(v, WIRE_CORRELATION_DATA));
}

uint8_t
limits_on_message(const struct settings *s, uint8_t qos, bool retain)
{
    if (qos > s->maximum_qos) { /* [U-3.2.2-2], [MQTT-3.2.2-12] */
        return WIRE_REASON_QOS_NOT_SUPPORTED;
    }
    if (retain && s->retain_available == 0) { /* [U-3.2.2-3], [MQTT-3.2.2-13] */
        return WIRE_REASON_RETAIN_NOT_SUPPORTED;
    }
    return WIRE_REASON_SUCCESS;
}

uint8_t
limits_on_filter(const struct settings *s, struct span filter)
{
    struct span group = SPAN_EMPTY;
    struct span inner = filter;

    if (topic_share_split(filter, &group, &inner) && s->shared_subscriptions == 0) {
        return WIRE_REASON_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED; /* [U-3.2.2-7] */
    }
    if (s->wildcard_subscriptions == 0 && topic_has_wildcard(inner)) {
        return WIRE_REASON_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED; /* [U-3.2.2-5] */
    }
    return WIRE_REASON_SUCCESS;
}

uint16_t
limits_keep_alive(const struct settings *s, uint16_t wanted)
{
    if (s->keep_alive_max_s == 0 || (wanted != 0 && wanted <= s->keep_alive_max_s)) {
        return wanted;
    }
    return (uint16_t)s->keep_alive_max_s;
}

void
limits_announce(const struct settings *s, struct wire_properties *connack)
{
    connack->receive_maximum = (uint16_t)s->receive_maximum;
    wire_properties_set(connack, WIRE_RECEIVE_MAXIMUM);
    connack->maximum_packet_size = (uint32_t)s->packet_bytes_max;
    wire_properties_set(connack, WIRE_MAXIMUM_PACKET_SIZE);
    if (s->topic_alias_maximum > 0) {
        connack->topic_alias_maximum = (uint16_t)s->topic_alias_maximum;
        wire_properties_set(connack, WIRE_TOPIC_ALIAS_MAXIMUM);
    }
    if (s->maximum_qos < 2) { /* [MQTT-3.2.2-9] */
        connack->maximum_qos = (uint8_t)s->maximum_qos;
        wire_properties_set(connack, WIRE_MAXIMUM_QOS);
    }
    if (s->retain_available == 0) { /* the fields of the rest are 0 already */
        wire_properties_set(connack, WIRE_RETAIN_AVAILABLE);
    }
    if (s->wildcard_subscriptions == 0) {
        wire_properties_set(connack, WIRE_WILDCARD_SUBSCRIPTION_AVAILABLE);
    }
    if (s->subscription_identifiers == 0) {
        wire_properties_set(connack, WIRE_SUBSCRIPTION_IDENTIFIER_AVAILABLE);
    }
    if (s->shared_subscriptions == 0) {
        wire_properties_set(connack, WIRE_SHARED_SUBSCRIPTION_AVAILABLE);
    }
}
