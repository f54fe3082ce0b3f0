#ifndef WILCO_BROKER_CORE_PERMISSION_H
#define WILCO_BROKER_CORE_PERMISSION_H

#include "broker/core/access.h"

#include <stdint.h>

struct broker;
struct message;
struct session;

/* What the policy (access.h) says to one session, of which the last few answers are remembered: as
 * many, of topics of so many bytes at most. They are forgotten when the policy changes. Made when
 * the policy is asked for the first time; who does nothing costs nothing. */
#define PERMISSIONS_KEPT            8U
#define PERMISSIONS_TOPIC_BYTES_MAX 72U
struct permissions;

/* For session_may(), where there is a policy. Without memory nothing is remembered. */
bool permission_ask(struct session *s, enum access_action action, struct span topic);
void permissions_free(struct session *s); /* of a session that ends */

/* Whether the session's client may be given the message: what lies in its own inbox always. */
bool permission_to_get(struct session *s, const struct message *m);
/* Whether the message may still be sent as one that is retained: who published it may still do
 * that. What the broker itself has published may. */
bool permission_lasts(const struct broker *b, const struct message *m);

/* Whom the broker's own answer to the client reaches at this topic: whoever wants it
 * (SESSION_ID_NONE) where the client itself may publish, else and in an inbox the client alone. */
uint64_t permission_reach(struct session *s, struct span topic);

/* A message, a filter or a will was refused for want of this permission: counts it, and says so in
 * the log (log_gate.h). */
void permission_denied(struct session *s, enum access_action action, struct span topic);

#endif
