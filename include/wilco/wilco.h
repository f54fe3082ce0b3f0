#ifndef WILCO_WILCO_H
#define WILCO_WILCO_H

#include "wilco/client.h"
#include "wilco/loop.h"
#include "wilco/message.h"
#include "wilco/publish.h"
#include "wilco/request.h"
#include "wilco/respond.h"
#include "wilco/status.h"

/* libwilco: requests and responses over MQTT 5.0, against any MQTT 5.0 server.
 *
 *     struct wilco_options options = {.url = "mqtt://localhost"};
 *     struct wilco_request request = {.topic = "weather/now"};
 *     struct wilco_message *response = NULL;
 *     struct wilco *client = NULL;
 *     enum wilco_status status = wilco_open(&client, &options);
 *
 *     if (status == WILCO_OK)
 *         status = wilco_request(client, &request, &response);
 *     if (status == WILCO_OK)
 *         printf("%.*s\n", WILCO_PRINTF_BYTES(wilco_message_payload(response)));
 *     else
 *         fprintf(stderr, "%s\n", wilco_status_text(status));
 *     wilco_message_unref(response);
 *     wilco_close(client);
 *
 * A client has a thread of its own, which reads, keeps time and runs every callback, one at a time
 * and under no lock. A callback that takes long delays everything that thread does, keeping the
 * connection alive included: hand long work to a thread of your own. All functions may be called
 * from any thread, callbacks included, except where they say that they wait: those must not be
 * called from a callback of the same client, and answer WILCO_EINVAL there.
 *
 * A client is one session with a server. When its connection is lost, it makes another one and goes
 * on where it was; struct wilco_options says how, and state_changed tells of it.
 *
 * Structs of options are valid when zero-filled; what they point to is borrowed for the call only.
 * Strings end in zero and are UTF-8. */

#endif
