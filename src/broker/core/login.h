#ifndef WILCO_BROKER_CORE_LOGIN_H
#define WILCO_BROKER_CORE_LOGIN_H

#include "base/compiler.h"
#include "broker/core/authenticator.h"
#include "broker/core/conn.h"
#include "wire/connect.h"

/* A CONNECT between its coming and the authenticator's verdict (authenticator.h). Where that comes
 * at once nothing is kept. Otherwise the connection is CONN_AUTHENTICATING without a method, and
 * keeps a copy of CONNECT, without the password, and of what the client has sent behind it, which
 * must not be looked at before [MQTT-3.1.4-6]; no more is read from it. All that a shard keeps so
 * is bounded (settings.login_bytes_max).
 *
 * A refusal that is to be told later waits in the same way, with nothing but its reason. */

/* Asks the authenticator and does what it says, now or later. WILCO_AGAIN: it is waited for. */
WILCO_MUST_CHECK enum wilco_status login_begin(struct conn *c, const struct wire_connect *p,
                                               struct span body);

/* Where the connection comes from, as far as anybody knows. */
void login_origin(struct conn *c, struct conn_origin *out);

/* Whether the connection waits for a verdict, or with a refusal. */
bool login_is_pending(const struct conn *c);
/* More has come from a client that waits. */
void login_keep(struct conn *c, struct span bytes);
/* The connection's timer has fired while it waits: tells the refusal, or gives up. */
void login_timer_fired(struct conn *c);
/* The connection ends: nothing waits any more. */
void login_forget(struct conn *c);

/* The credentials of the client are good for so long (0: without end), then its connection is ended
 * with 0x87. Replaces what was said before. false: out of memory. */
bool login_limit(struct conn *c, uint64_t valid_ms);
/* When that is; UINT64_MAX: never. */
uint64_t login_ends_ms(const struct conn *c);

/* For the shard, in its thread: disconnects those whom the present authenticator does not know any
 * more. */
void login_review(struct shard *s);

/* For the shard: takes its verdicts, in its thread; and throws them away. */
void login_take_answers(struct shard *s);
void login_drop_answers(struct shard *s);

#endif
