#ifndef WILCO_NET_WEBSOCKET_H
#define WILCO_NET_WEBSOCKET_H

#include "base/random.h"
#include "net/http_upgrade.h"
#include "net/stream.h"

/* WebSocket (RFC 6455) on top of another stream: binary frames with the subprotocol `mqtt`, whose
 * borders mean nothing [MQTT-6.0.0-2]. finish() says Close, and the stream below is finished when
 * that is written. The opening handshake has no deadline of its own: whoever waits for the first
 * bytes has one.
 *
 * An open one takes 184 bytes and what is below. While a frame is on its way in, or out, it takes
 * 4.2 KiB for each direction, and during the handshake up to UPGRADE_BYTES_MAX. Pings are answered
 * one at a time. */

#define WEBSOCKET_REFUSED_BYTES_MAX 65536U /* read of a client whose request was refused */

/* At the server's end, onto `below`, which is its own from then on. `terms` outlive it. A request
 * that is not to our terms is answered, and read() then says WILCO_EIO with errno EPROTO when the
 * client has gone, or has sent too much. A frame against the rules: the same, and the client is
 * told by Close. NULL: out of memory, and `below` is still the caller's. */
struct stream *websocket_serve(struct stream *below, const struct upgrade_terms *terms,
                               const struct wilco_alloc *a);
/* At the client's end; `random` is for masks and outlives it. NULL also when `target` cannot be
 * asked for (upgrade_request_write()), or there is no randomness. */
struct stream *websocket_connect(struct stream *below, const struct upgrade_target *target,
                                 const struct random_source *random, const struct wilco_alloc *a);

#endif
