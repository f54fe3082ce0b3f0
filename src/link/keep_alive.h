#ifndef WILCO_LINK_KEEP_ALIVE_H
#define WILCO_LINK_KEEP_ALIVE_H

#include <stdbool.h>
#include <stdint.h>

/* Keep Alive (MQTT 5.0, 3.1.2.10), for both ends. Only whole packets count as life. `seconds` 0 is
 * off, and every deadline is then UINT64_MAX. */

/* The server's end: when to close the connection, one and a half times the interval after the last
 * whole packet arrived [MQTT-3.1.2-22]. */
uint64_t keep_alive_server_deadline_ms(uint16_t seconds, uint64_t last_received_ms);

/* The client's end: when to send PINGREQ, so that no more than the interval passes between two
 * packets sent [MQTT-3.1.2-20]; a quarter of the interval early, at most five seconds, to allow for
 * the way. */
uint64_t keep_alive_ping_deadline_ms(uint16_t seconds, uint64_t last_sent_ms);
/* When a PINGREQ sent at `ping_ms` counts as unanswered: one interval later. */
uint64_t keep_alive_pong_deadline_ms(uint16_t seconds, uint64_t ping_ms);

#endif
