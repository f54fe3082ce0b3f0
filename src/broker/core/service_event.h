#ifndef WILCO_BROKER_CORE_SERVICE_EVENT_H
#define WILCO_BROKER_CORE_SERVICE_EVENT_H

#include "broker/core/service_registry.h"
#include "broker/core/shard.h"

/* What the broker publishes, not retained, to $SRV/EVENT/<name>/<id> when an instance of a service
 * becomes available or no longer is: an event like {"event":"up", ...}. docs/services.md has it
 * all. */
#define SERVICE_EVENT_ROOT     "$SRV/EVENT/"
#define SERVICE_EVENT_EXPIRY_S 60U /* how long it waits for a subscriber that is away */

/* Sent by shard_settle(). Not by a broker that stops, nor without memory. */
void service_event_publish(struct shard *s, const struct service_instance *i);

#endif
