#ifndef WILCO_TEST_CLIENT_DESK_H
#define WILCO_TEST_CLIENT_DESK_H

#include "client/call.h"
#include "peer.h"

/* A responder on "do" in a core, and what comes to it and leaves it. */

/* Opens and subscribes; the SUBACK has been sent. `inbox`: the server is one that knows requests.
 */
void desk_open(struct peer *p, const struct wilco_responder *options, bool inbox);
void desk_on_request(void *context, struct wilco_call *call); /* never run: tests pull events */
void desk_on_changed(void *context, struct wilco_call *call); /* likewise */

/* A request as it arrives. */
struct desk_request {
    const char *correlation; /* NULL: none */
    uint16_t packet_id;      /* 0: QoS 0, otherwise 1 */
    uint32_t expiry_s;       /* 0: none */
    bool dup;
    uint32_t identifier;                    /* Subscription Identifier; 0: none */
    const char *op, *more, *ttl, *protocol; /* User Properties; NULL: without */
};
void desk_deliver(struct peer *p, const struct desk_request *r);

/* The next event is this call, or that it has changed; the reference is the test's. */
struct wilco_call *desk_expect_call(struct peer *p, const char *correlation);
struct wilco_call *desk_expect_change(struct peer *p);
void desk_reply(struct peer *p, struct wilco_call *call, const char *payload,
                enum wilco_status want);

/* An answer that was published. */
struct desk_answer {
    struct wire_any packet;
    char status[8], text[80], sequence[8], more[8], progress[8];
    char property[32], value[32], supported[8], requested[40], application_error[8], version[8];
    char payload[64], correlation[32];
};
void desk_expect_answer(struct peer *p, struct desk_answer *out);
/* The same, of this status and to this request. */
void desk_expect_status(struct peer *p, const char *status, const char *correlation);
void desk_expect_puback(struct peer *p, uint16_t packet_id);

#endif
