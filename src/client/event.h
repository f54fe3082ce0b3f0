#ifndef WILCO_CLIENT_EVENT_H
#define WILCO_CLIENT_EVENT_H

#include "base/list.h"

/* What has happened and has not been told yet. The node is embedded in what it is about, so that
 * ending something never needs memory. While nothing has happened to its owner, `link` may keep the
 * owner in another list. */
enum event_kind {
    EVENT_MESSAGE,   /* struct wilco_message: arrived */
    EVENT_PUBLISHED, /* struct outgoing: ended */
    EVENT_OPERATION, /* struct operation: ended */
    EVENT_REQUEST,   /* struct request: ended */
    EVENT_CALL,      /* struct wilco_call: something has changed */
};

struct event_node {
    struct list link;
    enum event_kind kind;
};

#endif
