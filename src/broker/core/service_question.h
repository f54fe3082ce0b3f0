#ifndef WILCO_BROKER_CORE_SERVICE_QUESTION_H
#define WILCO_BROKER_CORE_SERVICE_QUESTION_H

#include "base/span.h"

#include <stdbool.h>

/* Topics below $SRV are the broker's: to some of them clients send questions about services
 * ($SRV/PING, $SRV/INFO, $SRV/STATS, each also with /<name>, and /<name>/<id>), to others the
 * broker publishes events (service_event.h). */

/* Whether a Topic Name, or Topic Filter (without "$share/<group>/"), is there. */
bool service_topic_holds(struct span topic);
/* Whether a client may subscribe to such a filter: only to events. */
bool service_topic_is_event(struct span filter);

enum service_question_kind {
    SERVICE_NO_QUESTION,
    SERVICE_PING,  /* who is there? */
    SERVICE_INFO,  /* what are they? */
    SERVICE_STATS, /* how do they fare? */
};

struct service_question {
    enum service_question_kind kind;
    struct span name; /* of the services that are meant; empty: all */
    struct span id;   /* of the instance; empty: all */
};

/* false: no question is asked there. Spans are borrowed from the topic. */
bool service_question_read(struct service_question *out, struct span topic);

#endif
