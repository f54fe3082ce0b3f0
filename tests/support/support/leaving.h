#ifndef WILCO_SUPPORT_LEAVING_H
#define WILCO_SUPPORT_LEAVING_H

#include "broker/core/topic_index.h"

/* Ends the subscription, by its place, as a session does. false: there was none. */
bool leave_index(struct topic_index *t, struct span filter, struct span group, uint64_t session_id);

#endif
