#include "broker/core/access.h"

#include "broker/core/broker.h"

bool
access_may(const struct broker *b, struct span client_id, enum access_action action,
           struct span topic)
{
    const struct access_policy *policy = b->access;

    return policy == NULL || policy->may(policy->context, client_id, action, topic);
}
