#ifndef WILCO_BROKER_CORE_REQUEST_ASKED_H
#define WILCO_BROKER_CORE_REQUEST_ASKED_H

#include "base/list.h"
#include "base/map.h"

#include <stddef.h>
#include <stdint.h>

struct message;
struct request;

/* The requests of one shard's holders, found by who asked: for what a requester has to say about a
 * request later (request_op.h), and for what is to end with its session.
 *
 * Next to nobody says anything later. So a new request just joins a list, and only when somebody
 * does the list is filed in a hash table, by requester, Response Topic and Correlation Data: each
 * request once. Those that end with their requester are filed by that at once. */
struct request_asked {
    struct list unfiled; /* the oldest first */
    struct map by_key;
    struct map by_asker;
    uint64_t hash_seed;
};

void request_asked_init(struct request_asked *a, const struct wilco_alloc *alloc,
                        uint64_t hash_seed);
void request_asked_fini(struct request_asked *a); /* it is empty */

/* Without memory a request that is to end with its requester lives on. */
void request_asked_add(struct request_asked *a, struct request *r);
void request_asked_remove(struct request_asked *a, struct request *r);

/* The oldest request that this message, by its publisher and topics and Correlation Data, says
 * something about; `*copies` is how many holders of that message there are here, this one included.
 * NULL: there is none, or no memory to find it. */
struct request *request_asked_find(struct request_asked *a, const struct message *op,
                                   size_t *copies);
/* The holder after this one, if it is not the last of them. */
struct request *request_asked_next(const struct request *r);

/* One of those that end with this requester's session; NULL: there is none. */
struct request *request_asked_by(const struct request_asked *a, uint64_t asker);

#endif
