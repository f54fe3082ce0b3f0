#ifndef WILCO_BROKER_CORE_LIMITS_H
#define WILCO_BROKER_CORE_LIMITS_H

#include "broker/core/settings.h"
#include "wire/connect.h"

#include <stdbool.h>

/* What the settings let a client do, where a question has more to it than one comparison. Reason
 * codes are WIRE_REASON_SUCCESS when there is no objection. */

/* Of a Topic Name or Topic Filter. */
bool limits_allow_topic(const struct settings *s, struct span topic);
/* Of a CONNECT (its will included), PUBLISH, SUBSCRIBE or UNSUBSCRIBE. */
bool limits_allow_properties(const struct settings *s, const struct wire_properties *v);
#define LIMITS_TOO_MANY_PROPERTIES "it has more User Properties than the broker takes"
/* Whether a message with these may be retained: requests and responses may be excluded. */
bool limits_allow_retained(const struct settings *s, const struct wire_properties *v);

/* A message of a client: its PUBLISH or its will. */
uint8_t limits_on_message(const struct settings *s, uint8_t qos, bool retain);
/* A valid Topic Filter that is wanted, by its kind. */
uint8_t limits_on_filter(const struct settings *s, struct span filter);

/* Seconds; 0: none. */
uint16_t limits_keep_alive(const struct settings *s, uint16_t wanted);

/* Puts into the properties of a CONNACK what the broker takes or has less of than MQTT 5.0 assumes.
 */
void limits_announce(const struct settings *s, struct wire_properties *connack);

#endif
