#ifndef WILCO_CLI_CALL_ENVIRONMENT_H
#define WILCO_CLI_CALL_ENVIRONMENT_H

#include "wilco/wilco.h"

/* The environment of a command that answers a call: ours, without WILCO_URL and MQTT_PASSWORD,
 * which may hold secrets, and with WILCO_TOPIC, WILCO_RESPONSE_TOPIC WILCO_CORRELATION      if it
 * is text WILCO_CORRELATION_HEX  in any case WILCO_CONTENT_TYPE     if there is one
 *     WILCO_REMAINING_MS     until the requester stops waiting, if it said so
 * An array with NULL behind it. */
char **call_environment_new(const struct wilco_call *call);
void call_environment_free(char **environment);

#endif
