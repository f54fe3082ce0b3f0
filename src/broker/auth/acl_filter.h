#ifndef WILCO_BROKER_AUTH_ACL_FILTER_H
#define WILCO_BROKER_AUTH_ACL_FILTER_H

#include "base/buffer.h"
#include "base/status.h"
#include "broker/core/access.h"

/* What lines of an ACL file need to know of Topic Filters beyond matching (wire/topic.h). All
 * filters are valid. */

/* The filters have a topic in common. */
bool acl_filters_overlap(struct span a, struct span b);
/* Every topic that both `a` and `b` match, `cover` matches too. */
bool acl_filter_covers(struct span cover, struct span a, struct span b);

/* A pattern is a filter in which "%c" stands for the Client Identifier and "%u" for the user name.
 */
struct acl_names_used {
    bool client_id;
    bool user;
};
struct acl_names_used acl_pattern_uses(struct span pattern);
/* As topic_matches(), with the names put in as they are: they have neither "+" nor "#". */
bool acl_pattern_matches(struct span pattern, const struct access_subject *who, struct span topic);
/* The filter that it is for this client, into `out`, which is empty. WILCO_ENOMEM, WILCO_ELIMIT. */
WILCO_MUST_CHECK enum wilco_status acl_pattern_expand(struct buffer *out, struct span pattern,
                                                      const struct access_subject *who);

#endif
