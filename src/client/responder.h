#ifndef WILCO_CLIENT_RESPONDER_H
#define WILCO_CLIENT_RESPONDER_H

#include "base/buffer.h"
#include "client/repeats.h"
#include "wilco/wilco.h"
#include "wire/property.h"

/* Where the records of a journal go; the core only carries it. */
struct core_journal {
    void *file; /* NULL: there is none */
    void (*close)(void *file);
};

/* What a responder with a journal has to write down, and what waits for that. */
struct log {
    struct core_journal journal;
    struct list link;               /* with the others of the client */
    struct buffer records, writing; /* the next ones, and those that are being written */
    struct buffer whole;            /* all that counts, if the journal is to be replaced */
    bool is_whole;
    bool must_sync;                       /* something waits for `records` */
    struct list calls, writing_calls;     /* struct wilco_call: to be handed out when written */
    struct list answers, writing_answers; /* struct outgoing: to be sent when written */
    size_t file_bytes;                    /* of the journal */
};

/* What the application wants of one responder, and how much it has to do. It is counted, under the
 * client's lock: by its subscription, its calls, and what is remembered of them. */
struct responder {
    size_t refs;
    const struct wilco_alloc *alloc;
    wilco_request_fn *on_request;
    void *context;
    uint32_t concurrency_max, queue_max, execution_timeout_ms; /* 0: no limit, nothing, none */
    uint32_t request_bytes_max;                                /* in pieces */
    bool ack_late;
    bool repeat_off;
    bool has_left;       /* the server has acknowledged that */
    bool is_leaving;     /* its subscription is to stay when it is unsubscribed */
    bool is_stopping;    /* none of those that wait is to start any more */
    struct list waiting; /* struct wilco_call, in the order of arrival */
    size_t waiting_count;
    size_t active_count; /* calls that were started and not let go of */
    struct repeat_budget budget;
    struct log log;
    const char *service, *version, *description; /* in `texts`, or NULL */
    char texts[];
};

/* Memory for answers when the application does not say. */
#define RESPONDER_REPEAT_BYTES (1U << 20)

/* The largest payload in pieces, likewise. */
#define RESPONDER_REQUEST_BYTES (16U << 20)

/* `options` NULL: all defaults. WILCO_EINVAL (a text is wrong), WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status responder_new(struct responder **out,
                                                 const struct wilco_alloc *a,
                                                 const struct wilco_responder *options,
                                                 wilco_request_fn *on_request, void *context);
struct responder *responder_ref(struct responder *r); /* NULL is allowed */
void responder_unref(struct responder *r);            /* the last one frees; NULL is allowed */

/* Whether one more call may be started. */
static inline bool
responder_has_room(const struct responder *r)
{
    return r->concurrency_max == 0 || r->active_count < r->concurrency_max;
}

static inline bool
responder_has_journal(const struct responder *r)
{
    return r->log.journal.file != NULL;
}

/* The User Properties of its SUBSCRIBE: as many of them as this returns. */
#define RESPONDER_USERS_MAX 3
size_t responder_users(const struct responder *r, struct wire_user_property users[]);

#endif
