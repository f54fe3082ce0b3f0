#ifndef WILCO_BROKER_CORE_AUTHENTICATOR_H
#define WILCO_BROKER_CORE_AUTHENTICATOR_H

#include "base/mailbox.h"
#include "base/span.h"
#include "broker/core/entrance.h"
#include "broker/core/host.h"

#include <stdbool.h>
#include <stdint.h>

struct shard;

/* Who a client is that says so in CONNECT, with User Name and Password or by how it came in, and
 * whether it may. The broker is given an authenticator; without one everybody may connect, and
 * nobody is anybody: a User Name that nothing has checked is no identity. Clients that name an
 * Authentication Method are the method's affair (auth_method.h) and do not come here.
 *
 * The core asks once for each CONNECT in which there is nothing else wrong, and before it looks at
 * the will or at the session. The answer may come at once, or later and from another thread,
 * because checking a password takes long and shards never wait. */
struct login_claim {
    const struct entrance *entrance;
    const struct conn_origin *origin;
    struct span client_id; /* empty: the broker will assign one */
    bool has_user_name;
    bool has_password;
    struct span user_name;
    struct span password;
    uint64_t now_ms; /* of the broker's monotonic clock */
};

struct login_verdict {
    /* WIRE_REASON_SUCCESS, or one that CONNACK may carry. What older clients are told is made of it
     * (wire/connack.h). */
    uint8_t reason_code;
    /* Static text without secrets, for the Reason String and the log; NULL: none. */
    const char *why;
    uint32_t delay_ms; /* a refusal is told after so long */
    struct span user;  /* who it is; empty: anonymous */
    uint64_t valid_ms; /* and for how long; then its connection ends (0x87). 0: without end */
    /* Another authenticator may know this user no more (still_knows()). */
    bool is_revocable;
};

/* Names a client that waits for its verdict, and may be gone when that comes. */
struct login_ticket {
    struct shard *shard; /* lives as long as the broker */
    uint64_t number;     /* of the shard; never 0 */
};

/* A verdict that comes later. Made, before the answer can be late for want of memory, by who will
 * give it. */
struct login_answer {
    struct mailbox_node node;
    struct login_ticket ticket;
    struct login_verdict verdict; /* its user lives until release() */
    /* It has been read, in any thread. */
    void (*release)(struct login_answer *a);
};

/* From any thread, once, and while there is the broker. The answer is the shard's from now on. */
void login_answer_send(struct login_answer *a);

enum login_state {
    LOGIN_DECIDED, /* `*out` is the verdict; its user lives until the next call in this thread */
    LOGIN_PENDING, /* a login_answer with `ticket` will be sent, and `claim` has been copied */
};

struct authenticator {
    void *context;
    /* In the threads of all shards: whether a user whose verdict was revocable is still one who
     * comes in by this entrance. Asked once when this authenticator takes the place of another;
     * whoever is not is disconnected (0x87). NULL: all of them are. */
    bool (*still_knows)(void *context, const struct entrance *entrance, struct span user);
    /* In the threads of all shards, at once; must not wait. `*out` is all zero before: anonymous,
     * and let in. */
    enum login_state (*check)(void *context, const struct login_claim *claim,
                              struct login_ticket ticket, struct login_verdict *out);
};

#endif
