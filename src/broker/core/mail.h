#ifndef WILCO_BROKER_CORE_MAIL_H
#define WILCO_BROKER_CORE_MAIL_H

#include "base/mailbox.h"
#include "broker/core/message.h"
#include "broker/core/shard.h"

/* One copy of a message to one session. */
struct target {
    uint64_t session_id;
    uint32_t word_at; /* in the array that goes with it: its group's number, if it is shared; the
                         number of its service, if it is a request; its Subscription Identifiers */
    uint16_t identifier_count;
    uint8_t qos;
    bool retain : 1;
    bool is_shared : 1;
    bool is_request : 1; /* opens a request with the session (request.h) */
    bool was_sent : 1;   /* an earlier holder has had the request */
    bool is_inbox : 1;   /* it was published to the session's inbox (inbox.h) */
    bool is_word : 1;    /* not for the session, but what that has to say (request_op.h); or nothing
                            more, as it has ended: without a message */
};

static inline uint32_t
target_words(const struct target *t)
{
    return (uint32_t)t->identifier_count + t->is_shared + t->is_request;
}

/* A message and those sessions of another shard that get it: what crosses shards. One block of
 * memory, owned by the inbox it is in. */
struct mail {
    struct mailbox_node node;
    const struct wilco_alloc *alloc;
    struct message *message; /* a reference; or NULL */
    uint32_t target_count;
    uint32_t word_count;
    uint32_t next;           /* the target to go on with */
    struct target targets[]; /* then the words */
};

/* Room for so many; the caller fills them in. NULL: out of memory. */
struct mail *mail_new(const struct wilco_alloc *a, struct message *m, uint32_t targets,
                      uint32_t words);
void mail_free(struct mail *mail);
uint32_t *mail_words(struct mail *mail);

/* Delivers it to the sessions of `s` that are still there, and instead of a member that has left a
 * group to another one. False: out of memory for one of them, and it is to be called again. */
WILCO_MUST_CHECK bool mail_deliver(struct shard *s, struct mail *mail);
/* One target, in the shard that owns the session, or on its way there. false: out of memory. */
bool target_send(struct shard *s, struct message *m, const struct target *t, const uint32_t *words);
/* One target, in the shard that owns the session. WILCO_ENOMEM: as deliver(). */
WILCO_MUST_CHECK enum wilco_status target_deliver(struct shard *s, struct message *m,
                                                  const struct target *t, const uint32_t *words);

#endif
