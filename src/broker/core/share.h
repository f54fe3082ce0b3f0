#ifndef WILCO_BROKER_CORE_SHARE_H
#define WILCO_BROKER_CORE_SHARE_H

#include "broker/core/mail.h"
#include "broker/core/topic_group.h"

/* Shared subscriptions (MQTT 5.0, 4.8.2): which member of a group gets a message, and who gets it
 * instead when that member is lost.
 *
 * A delivery that came from a group carries the group's number (topic_group.h). When its member
 * loses the connection, what was QoS 1 and not acknowledged, or not sent at all, goes to a member
 * that is connected [U-4.8.2-2] and has room for it; if there is none, it stays. When the member's
 * session ends, it goes to any member that is left. QoS 2 that was sent goes nowhere else
 * [MQTT-4.8.2-4, 4.8.2-5], and neither does what a member refused [MQTT-4.8.2-6] or has answered.
 * Each time a message moves, some connection or session has ended: it cannot go round for ever. */

/* settings.group_strategy */
enum share_strategy {
    SHARE_LEAST = 0,
    SHARE_PARTITION = 1,
    SHARE_STICKY = 2,
};

/* Members compared for a request when the first of them could take it. */
#define SHARE_LOOKS_MAX 64U

/* Whom not to choose, and who is good enough. */
struct share_wish {
    uint64_t except; /* a session id, or SESSION_ID_NONE */
    enum session_presence at_least;
    bool opens_request; /* with whom is chosen (request.h) */
};

/* The best member for this message, inside a read section. Of those who can take it best, requests
 * go to who has the fewest of them in flight and then to who has answered fastest of late, unless
 * he has let too many deadlines pass (standing.h); or always to the same one, if that is the
 * group_strategy. Among equals members take turns. What opens a request with a member in another
 * shard counts as coming to him until share_arrived(). false: there is none. */
bool share_choose(struct shard *s, struct topic_group *g, const struct message *m,
                  const struct share_wish *wish, struct topic_match *out);

/* What a member had, or should have had. */
struct share_load {
    struct message *message;
    uint32_t group;  /* the number of the group */
    bool is_request; /* it is a request that has not ended */
    bool was_sent;   /* some member may have executed it */
};

/* Gives it to another member of the group. false: none was found, or there was no memory; nothing
 * has changed. */
bool share_pass_on(struct shard *s, const struct share_load *load, const struct share_wish *wish);

/* A request has arrived here, in the shard of the member that another shard chose for it. */
void share_arrived(struct shard *s, uint64_t session_id);
/* It will not be sent, by the shard that chose the member. */
void share_take_back(struct shard *s, uint64_t session_id);

/* The session has lost its connection; it lives on. */
void share_member_left(struct session *s);
/* The session is about to end. What cannot go elsewhere stays in it. */
void share_member_ends(struct session *s);

/* Mail for a member has arrived in its shard. true: the member is gone or away by now, and another
 * gets the message. */
bool share_redirect(struct shard *s, struct message *m, const struct target *t, uint32_t group);

#endif
