#ifndef WILCO_CLIENT_REPEATS_H
#define WILCO_CLIENT_REPEATS_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/list.h"
#include "base/map.h"
#include "base/span.h"
#include "base/status.h"
#include "base/wheel.h"

/* Which requests are being executed or have been, by Response Topic and Correlation Data, byte for
 * byte, and what was answered: so that a request that comes again is known. It sends nothing, and
 * knows no time. */
struct outgoing;
struct responder;
struct sending;
struct wilco_call;

/* What one responder may keep. */
struct repeat_budget {
    struct list answered; /* struct repeat, the oldest first */
    size_t bytes, bytes_max;
    bool is_strict; /* nothing is forgotten before its time */
};

struct repeat {
    struct map_node by_key;
    struct list link;            /* in its budget, once it is answered */
    struct timer timer;          /* when to forget it, once it is answered */
    struct responder *responder; /* counted */
    struct repeat_budget *budget;
    struct wilco_call *call;  /* who executes it; NULL: it is answered */
    uint64_t deadline_ms;     /* the requester's; UINT64_MAX: none */
    struct span answer;       /* the PUBLISH; data == NULL: it was not kept. Ours */
    struct sending *pieces;   /* the answer, while it goes in pieces */
    struct outgoing *sending; /* the answer on its way, where a journal is kept of that */
    bool is_answered;         /* while a journal is read */
    bool is_sent;             /* it has arrived */
    uint8_t qos;              /* of the request */
    uint16_t topic_len, correlation_len;
    uint8_t key[]; /* Response Topic, Correlation Data */
};

/* How many that are forgotten, or were declined, can still be told from new ones. */
#define REPEATS_PAST_MAX 1024U

struct repeats {
    struct map by_key;
    const struct wilco_alloc *alloc;
    uint64_t seed;
    uint64_t past[REPEATS_PAST_MAX]; /* keys, hashed */
    size_t past_count;               /* ever */
};

void repeats_init(struct repeats *t, const struct wilco_alloc *a, uint64_t seed);
void repeats_fini(struct repeats *t); /* none is left */

struct repeat *repeats_find(const struct repeats *t, struct span topic, struct span correlation);
/* Whether there was such a one that was executed, and retired not too long ago. */
bool repeats_had(const struct repeats *t, struct span topic, struct span correlation);
/* One was not executed, and is not when it is delivered again with the same packet identifier. */
void repeats_decline(struct repeats *t, struct span topic, struct span correlation,
                     uint16_t packet_id);
bool repeats_declined(const struct repeats *t, struct span topic, struct span correlation,
                      uint16_t packet_id);
/* What such a request takes of its budget, without an answer. */
static inline size_t
repeat_bytes(struct span topic, struct span correlation)
{
    return sizeof(struct repeat) + topic.len + correlation.len;
}

/* Files one that is not filed. WILCO_ELIMIT: it does not fit into the budget. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status repeats_add(struct repeats *t, struct repeat_budget *budget,
                                               struct span topic, struct span correlation,
                                               struct repeat **out);
/* It is answered: keeps a copy of `answer` (data == NULL: nothing) if there is room and memory, and
 * files it behind those answered before. Whether the answer is kept; that it was executed is, in
 * any case. */
bool repeats_answer(struct repeats *t, struct repeat *r, struct span answer);
void repeats_forget_answer(struct repeats *t, struct repeat *r);
/* It has been executed, and is about to be forgotten. */
void repeats_retire(struct repeats *t, const struct repeat *r);
/* Forgets it; its timer is not running. */
void repeats_remove(struct repeats *t, struct repeat *r);
struct repeat *repeats_any(struct repeats *t); /* NULL: none is left */

/* Whether so many bytes more may be kept. */
static inline bool
repeat_budget_fits(const struct repeat_budget *budget, size_t more)
{
    return more <= budget->bytes_max && budget->bytes <= budget->bytes_max - more;
}

/* The one answered longest ago; NULL: none. */
struct repeat *repeat_budget_oldest(const struct repeat_budget *budget);

static inline struct span
repeat_topic(const struct repeat *r)
{
    return span_of(r->key, r->topic_len);
}

static inline struct span
repeat_correlation(const struct repeat *r)
{
    return span_of(r->key + r->topic_len, r->correlation_len);
}

#endif
