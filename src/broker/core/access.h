#ifndef WILCO_BROKER_CORE_ACCESS_H
#define WILCO_BROKER_CORE_ACCESS_H

#include "base/span.h"

#include <stdbool.h>

/* Who may do what with which topics. The broker is given a policy; without one everybody may do
 * everything that the broker itself allows. */
enum access_action {
    ACCESS_PUBLISH,   /* to a Topic Name */
    ACCESS_SUBSCRIBE, /* to a Topic Filter, without "$share/<group>/": yes where there may be topics
                         of which it may receive something; each of them is asked about again */
    ACCESS_RECEIVE,   /* what is published to a Topic Name */
};

/* Who wants to. */
struct access_subject {
    struct span client_id;
    struct span user; /* empty: not authenticated */
};

struct access_policy {
    /* From any thread. */
    bool (*may)(void *context, const struct access_subject *who, enum access_action action,
                struct span topic);
    void *context;
};

static inline bool
access_may(const struct access_policy *policy, const struct access_subject *who,
           enum access_action action, struct span topic)
{
    return policy == NULL || policy->may(policy->context, who, action, topic);
}

#endif
