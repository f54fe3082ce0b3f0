#ifndef WILCO_BROKER_CORE_INBOX_FILTERS_H
#define WILCO_BROKER_CORE_INBOX_FILTERS_H

#include "base/list.h"
#include "broker/core/topic_matches.h"

/* The subscriptions of one session in its own inbox, by filter. Those without wildcards are found
 * by the topic, however many there are; those with are looked at one by one. */
struct inbox_filters;

struct inbox_filters *inbox_filters_new(const struct wilco_alloc *a,
                                        uint64_t hash_seed); /* NULL: out of memory */
void inbox_filters_free(struct inbox_filters *f);            /* NULL is allowed */
size_t inbox_filters_count(const struct inbox_filters *f);   /* likewise: 0 */

/* What was asked for with just this filter, to be changed; NULL: there is no such subscription. */
struct subscription_how *inbox_filters_find(struct inbox_filters *f, struct span filter);
/* Adds one that is not there. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status inbox_filters_add(struct inbox_filters *f, struct span filter,
                                                     const struct subscription_how *how);
bool inbox_filters_remove(struct inbox_filters *f, struct span filter); /* false: not there */

/* Walks over those that match a topic; starts as {.topic = topic}. */
struct inbox_filters_walk {
    struct span topic;
    const struct list *at; /* the last one; NULL: before the first */
};
/* NULL: no more. */
const struct subscription_how *inbox_filters_next(struct inbox_filters *f,
                                                  struct inbox_filters_walk *w);

#endif
