#ifndef WILCO_BROKER_CORE_INBOX_H
#define WILCO_BROKER_CORE_INBOX_H

#include "broker/core/session.h"

/* A session's own part of the topic tree, for responses (Response Information [U-3.2.2-9],
 * MQTT 5.0, 4.10.2):
 * "$r/<token>" and all below it, `token` being 16 characters that nobody can guess; a listener may
 * put levels between. It lives as long as the session.
 *
 * All topics below "$r/" are inboxes. The topic index knows none of them: what is published to one
 * goes to its session by id, and subscriptions in one are kept with it. So no other client's
 * subscription can match, whatever its filter, and nothing there is ever retained. */
#define INBOX_ROOT        "$r"
#define INBOX_TOKEN_CHARS 16U
#define INBOX_BYTES_MAX   1024U

/* Whether a Topic Name, or Topic Filter (without "$share/<group>/"), is in any inbox. */
static inline bool
inbox_holds(struct span topic)
{
    return topic.len >= 2 && topic.data[0] == '$' && topic.data[1] == 'r' &&
           (topic.len == 2 || topic.data[2] == '/');
}

/* Gives the session an inbox, if it has none yet. `prefix` is a listener's template: "$r" or
 * longer, with "%c" for the Client Identifier and "%u" for the user name. WILCO_ENOMEM; WILCO_EIO
 * (no randomness). */
WILCO_MUST_CHECK enum wilco_status inbox_give(struct session *s, struct span prefix,
                                              struct span user_name);
/* The session gets everything in its inbox, without subscribing (MQTT 5.0, 4.5). */
void inbox_assign(struct session *s);
void inbox_free(struct session *s); /* for a session that ends; harmless without an inbox */

/* Its Response Information; empty if it has no inbox. */
struct span inbox_topic(const struct session *s);
/* Whether a Topic Name or Topic Filter lies in this session's inbox. */
bool inbox_owns(const struct session *s, struct span topic);

/* A subscription of the session's in its own inbox. WILCO_ELIMIT (subscriptions_max),
 * WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status inbox_subscribe(struct session *s, struct span filter,
                                                   const struct subscription_how *how,
                                                   bool *existed);
size_t inbox_filter_count(const struct session *s); /* these subscriptions; 0 without an inbox */
bool inbox_unsubscribe(struct session *s, struct span filter); /* false: there was none */

/* Sends a message that was published to the session's inbox on its way to it, in whatever shard it
 * is. `*receivers`: 1, or 0 if the session is gone. WILCO_ENOMEM: it was not sent. */
WILCO_MUST_CHECK enum wilco_status inbox_send(struct shard *s, struct message *m,
                                              uint64_t session_id, size_t *receivers);
/* In the shard of the session: delivers it, as far as its subscriptions want it. `request`: the one
 * that was opened with it, or NULL. */
void inbox_deliver(struct session *s, struct message *m, struct request *request);

#endif
