#include "load/packets.h"

void
packets_subscribe(struct outbox *out, uint16_t packet_id,
                  const struct wire_subscription *subscriptions, size_t count)
{
    struct wire_any packet = {.type = WIRE_SUBSCRIBE};

    packet.as.subscribe = (struct wire_subscribe){
        .packet_id = packet_id, .count = count, .subscriptions = subscriptions};
    outbox_packet(out, &packet);
}

void
packets_unsubscribe(struct outbox *out, uint16_t packet_id, const char *filter)
{
    const struct span filters = span_of_text(filter);
    struct wire_any packet = {.type = WIRE_UNSUBSCRIBE};

    packet.as.unsubscribe =
        (struct wire_unsubscribe){.packet_id = packet_id, .count = 1, .filters = &filters};
    outbox_packet(out, &packet);
}

void
packets_publish(struct outbox *out, uint16_t packet_id, const char *topic, struct span payload,
                bool retain)
{
    struct wire_any packet = {.type = WIRE_PUBLISH};

    packet.as.publish = (struct wire_publish){.qos = packet_id != 0,
                                              .packet_id = packet_id,
                                              .retain = retain,
                                              .topic = span_of_text(topic),
                                              .payload = payload};
    outbox_packet(out, &packet);
}

void
packets_ping(struct outbox *out)
{
    const struct wire_any packet = {.type = WIRE_PINGREQ};

    outbox_packet(out, &packet);
}

void
packets_disconnect(struct outbox *out)
{
    const struct wire_any packet = {.type = WIRE_DISCONNECT};

    outbox_packet(out, &packet);
}
