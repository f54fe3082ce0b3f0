#ifndef WILCO_BROKER_CORE_ACCOUNT_H
#define WILCO_BROKER_CORE_ACCOUNT_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* What the broker keeps for one client, in bytes, as one sum that client_bytes_max bounds: the part
 * of a packet that has arrived, what waits for its socket, messages queued and in flight (the bytes
 * of their packets, though others may share them), topics behind aliases, subscriptions.
 *
 * What makes it grow is asked for first: a subscription is refused (0x97), a message is queued no
 * more, or waits until others were acknowledged. Some room is left for what is not asked for, a
 * packet that arrives and what waits for the socket, each of which has a bound of its own; where
 * settings make these larger than the room, account_is_over() and the connection ends (0x97).
 *
 * Nothing is added up until somebody asks; the parts count themselves. */
struct conn;
struct session;

/* A subscription with `filter`, in the topic index or in an inbox. */
uint32_t account_subscription_bytes(struct span filter);

uint64_t account_bytes(const struct session *s);
/* Whether so much more may be kept. */
bool account_has_room(const struct session *s, uint64_t more_bytes);
/* Whether a message may be put in flight: those that are unacknowledged, and the subscriptions, may
 * make up half of client_bytes_max. One at a time always may. */
bool account_lets_send(const struct session *s, uint64_t packet_bytes);
/* Whether the connection itself, its messages in flight and subscriptions are too much. */
bool account_is_over(const struct conn *c);

#endif
