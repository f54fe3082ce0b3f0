#include "broker/core/route_cache.h"

#include "broker/core/session_id.h"

void
route_keep(struct route *r, struct span topic, uint64_t hash, uint64_t changes,
           const struct topic_match *match, uint32_t service)
{
    if (topic.len > ROUTE_TOPIC_BYTES_MAX) {
        return;
    }
    r->hash = hash;
    r->changes = changes;
    r->session_id = match == NULL ? SESSION_ID_NONE : match->session_id;
    if (match != NULL) {
        r->how = match->how;
    }
    r->service = service;
    r->topic_bytes = (uint16_t)topic.len;
    memcpy(r->topic, topic.data, topic.len);
}
