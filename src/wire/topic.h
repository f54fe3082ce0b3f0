#ifndef WILCO_WIRE_TOPIC_H
#define WILCO_WIRE_TOPIC_H

#include "base/span.h"

#include <stdbool.h>

/* Topic Names and Topic Filters (MQTT 5.0, 4.7 and 4.8.2). All of it is iterative and linear. The
 * bytes are assumed to be well-formed UTF-8: the decoders see to that. */

#define TOPIC_BYTES_MAX 65535U

/* At least one character, no wildcard, at most 65 535 bytes [MQTT-4.7.0-1, 4.7.3-1, 4.7.3-3]. */
bool topic_name_is_valid(struct span name);
/* Wildcards only as whole levels, "#" only last [MQTT-4.7.1-1, 4.7.1-2]. A filter that starts with
 * "$share/" is checked as a shared subscription [MQTT-4.8.2-1, 4.8.2-2]. */
bool topic_filter_is_valid(struct span filter);
bool topic_has_wildcard(struct span filter);
/* The number of levels: one more than the number of "/". */
size_t topic_level_count(struct span topic);

/* Takes "$share/<group>/<filter>" apart. false, and nothing written, when `filter` does not start
 * with "$share/". What is missing comes out empty; topic_filter_is_valid() refuses that. */
bool topic_share_split(struct span filter, struct span *group, struct span *inner);

/* Whether a valid name matches a valid filter (the inner one, for a shared subscription). A filter
 * that starts with a wildcard never matches a name that starts with "$" [MQTT-4.7.2-1]. */
bool topic_matches(struct span filter, struct span name);

/* Walks the levels: each call cuts the next one off; false when there are no more. "a//b" has the
 * levels "a", "" and "b". */
struct topic_levels {
    struct span rest; /* what lies behind the levels already seen */
    bool done;        /* the last level has been seen */
};
static inline struct topic_levels
topic_levels_of(struct span topic)
{
    return (struct topic_levels){.rest = topic, .done = false};
}
bool topic_level_next(struct topic_levels *levels, struct span *level);

#endif
