#ifndef WILCO_BROKER_CORE_SESSION_H
#define WILCO_BROKER_CORE_SESSION_H

#include "base/map.h"
#include "base/wheel.h"
#include "base/word_set.h"
#include "broker/core/access.h"
#include "broker/core/delivery.h"
#include "broker/core/permission.h"
#include "broker/core/shard.h"
#include "link/receive_window.h"
#include "link/send_window.h"

struct conn;
struct inbox;
struct service_instance;

/* What the broker keeps of a client between and during its connections [U-4.1-1], [MQTT-3.1.2-23],
 * [MQTT-4.1.0-1], named by the client identifier [MQTT-3.1.3-2]: subscriptions, QoS 1 and 2
 * messages under way in both directions, messages waiting, the will, and when it all ends. Owned by
 * the shard that its client identifier chooses. */
struct session {
    struct map_node by_client_id;
    uint64_t id;       /* session_id.h */
    struct conn *conn; /* NULL: the client is not connected */
    struct shard *shard;
    struct send_window sent;         /* items are struct delivery */
    struct delivery_queue *waiting;  /* not yet sent; never NULL (delivery_queue_none()) */
    struct receive_window *received; /* QoS 2 identifiers not yet released; NULL: no QoS 2 so far */
    struct word_set subscriptions;   /* places in the topic index */
    struct session_absence *absence; /* NULL: it ends with its connection */
    struct message *will;            /* NULL: none, or published already */
    struct inbox *inbox;             /* NULL: it has none (inbox.h) */
    struct permissions *permissions; /* NULL: the policy has not been asked */
    struct list requests;            /* struct request: those it holds, the oldest first */
    uint64_t request_bytes;          /* of their packets */
    uint64_t asks_paid_ns;           /* until when requests_per_second_max pays for its requests */
    struct standing *standing;       /* in its slot */
    /* What it has said that it offers (services.h). */
    struct service_instance *services;
    uint32_t request_count;
    uint32_t asks_started; /* of its own requests; modulo 2^32 */
    uint32_t asks_ended;   /* in this shard; the others count in its slot */
    uint32_t expiry_s;     /* Session Expiry Interval; UINT32_MAX: never */
    uint32_t will_delay_s;
    uint32_t held_bytes;   /* packets in flight, and subscriptions, for its account (account.h) */
    uint16_t unsent;       /* entries of `sent` to be sent again on this connection */
    uint16_t overdrawn;    /* entries that go on although there was no quota for them */
    bool wants_status : 1; /* it takes status responses, and words about requests (request_op.h):
                          its CONNECT has User Property rr=1 */
    bool has_asked_on : 1; /* it has asked what is to end with it (`rr-on-loss`) */
    uint8_t presence;      /* enum session_presence, as the table tells it to other shards */
    uint16_t client_id_bytes;
    uint16_t user_bytes;
    uint8_t names[]; /* the client identifier, the user */
};

/* The clocks of a session whose client is away. It is made when a client connects that may leave
 * its session behind, because then it can still be refused if there is no memory. */
struct session_absence {
    struct session *session;
    struct timer timer;
    uint64_t will_at_ms;    /* UINT64_MAX: never */
    uint64_t expires_at_ms; /* likewise */
};

/* A new session, filed in its shard's table, of a client of this name and `user` (empty: not
 * authenticated). WILCO_ENOMEM; WILCO_ELIMIT (sessions_max). */
WILCO_MUST_CHECK enum wilco_status session_new(struct session **out, struct shard *s,
                                               struct span client_id, struct span user);
/* Ends the session [MQTT-4.1.0-2]: subscriptions, messages and everything else go; a will that was
 * not published is published [MQTT-3.1.2-8]. It has no connection. */
void session_end(struct session *s);
/* The same, without publishing anything: for a broker that stops. */
void session_free(struct session *s);

static inline struct span
session_client_id(const struct session *s)
{
    return span_of(s->names, s->client_id_bytes);
}

/* The user to whom it belongs, for as long as it lives; empty: who made it was not authenticated.
 */
static inline struct span
session_user(const struct session *s)
{
    return span_of(s->names + s->client_id_bytes, s->user_bytes);
}

static inline struct access_subject
session_subject(const struct session *s)
{
    return (struct access_subject){.client_id = session_client_id(s), .user = session_user(s)};
}

/* Whether its client may do this: the one question, before anything that depends on it. */
static inline bool
session_may(struct session *s, enum access_action action, struct span topic)
{
    return WILCO_LIKELY(s->shard->broker->access == NULL) || permission_ask(s, action, topic);
}

/* The connection is gone. `will_is_due`: it did not end with DISCONNECT 0x00. The session ends at
 * once or later, as its expiry says: NULL, or the session. */
struct session *session_detach(struct session *s, bool will_is_due);
/* A connection is there: stops the clocks; a will that waited is forgotten [MQTT-3.1.3-9]. */
void session_attach(struct session *s, struct conn *c);
void session_timer_fired(struct session_absence *absence);
/* The session may outlive its connection from now on. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status session_allow_absence(struct session *s);

/* Its own requests that have not come to their end. */
uint32_t session_asks_in_flight(const struct session *s);

/* Sets the will [MQTT-3.1.2-7], a reference that is the session's from now on (NULL: none). */
void session_set_will(struct session *s, struct message *will, uint32_t delay_s);

/* Its `received`, made if need be; NULL: out of memory. */
struct receive_window *session_received(struct session *s);

/* Subscribes, or replaces the subscription with all that it was [MQTT-3.8.4-3], [U-3.8.4-2].
 * WILCO_ELIMIT: subscriptions_max, client_bytes_max; WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status session_subscribe(struct session *s, struct span filter,
                                                     const struct subscription_how *how,
                                                     bool *existed);
/* Ends the subscription with just this filter [MQTT-3.10.4-1]: nothing more comes from it
 * [MQTT-3.10.4-2], but what is under way goes on [MQTT-3.10.4-3]. false: there was none. */
bool session_unsubscribe(struct session *s, struct span filter);

#endif
