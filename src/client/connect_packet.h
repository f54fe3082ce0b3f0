#ifndef WILCO_CLIENT_CONNECT_PACKET_H
#define WILCO_CLIENT_CONNECT_PACKET_H

#include "base/buffer.h"
#include "wire/connect.h"

/* The CONNECT of a client, encoded once and kept, so that it can be said again on each connection
 * with no memory of the options it was made from. */

/* Into an empty buffer. WILCO_ELIMIT: more than a packet, or the buffer, can hold. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status connect_packet_encode(struct buffer *out,
                                                         const struct wire_connect *connect);

/* Makes it the one of a client that has a session: Clean Start 0, and the Client Identifier that
 * the server assigned in the place of an empty one. Harmless when that has been done. WILCO_ELIMIT,
 * WILCO_ENOMEM: it is as before. */
WILCO_MUST_CHECK enum wilco_status connect_packet_resume(struct buffer *packet,
                                                         struct span client_id);

/* Puts other Authentication Data into the place of what is in it, which is as long. */
void connect_packet_authenticate(struct buffer *packet, struct span data);

#endif
