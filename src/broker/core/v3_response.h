#ifndef WILCO_BROKER_CORE_V3_RESPONSE_H
#define WILCO_BROKER_CORE_V3_RESPONSE_H

#include "broker/core/session.h"
#include "wire/publish.h"

struct entrance;

/* Responses of clients of MQTT 3.1.1 and 3.1, which see neither Response Topic nor Correlation
 * Data: what such a client publishes to the topic of a request that it was sent, with the suffix of
 * its entrance behind it ("/response"), is the response to the oldest such request. */
struct v3_response {
    struct request *request;         /* that it answers */
    struct wire_publish p;           /* as a client of MQTT 5.0 would have published it */
    struct wire_user_property users; /* its `__stat` */
};

/* false: `p` is no such response. What it borrows lives as long as `p` and the request; `out` stays
 * where it is. */
bool v3_response_read(struct v3_response *out, const struct session *s, const struct entrance *e,
                      const struct wire_publish *p);

#endif
