#ifndef WILCO_BROKER_CORE_REQUEST_OP_H
#define WILCO_BROKER_CORE_REQUEST_OP_H

#include "broker/core/message.h"
#include "broker/core/request_failure.h"
#include "broker/core/session.h"

/* Words about requests: a PUBLISH with `rr-op` is no request, but says something about one that its
 * publisher has asked before on the same topic, with the same Response Topic and Correlation Data.
 * It goes to whoever holds that request and to nobody else, as it is and in order behind it, if
 * that client has said `rr`=`1` in its CONNECT; of others the broker does what it can itself. Where
 * a requester has asked several times with the same Correlation Data, the oldest is meant.
 *
 * A request is known to the shard of its holder only, so all shards are asked, through the
 * mailboxes that the request itself took: no word comes before its request. */

/* Sends a word, which is a message of a client, on its way. `*reached`: 0 if it is certain that
 * there is no such request. WILCO_ENOMEM: some shards have not heard it. */
WILCO_MUST_CHECK enum wilco_status request_op_send(struct shard *s, struct message *op,
                                                   size_t *reached);
/* It arrives in a shard, from a session of another one. */
void request_op_arrives(struct shard *s, struct message *op);

/* The session with this id has just ended: those of its requests that said so (`rr-on-loss`) are
 * cancelled, in all shards. */
void request_op_asker_ended(struct shard *s, uint64_t asker);
/* Likewise, in this shard. */
void request_op_cancel_all(struct shard *s, uint64_t asker);

/* The holder cannot be given the word; `why` is what deliver.c found. A request that has lost a
 * piece fails. */
void request_op_lost(struct session *holder, const struct message *op, enum request_failure why);

#endif
