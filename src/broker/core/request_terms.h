#ifndef WILCO_BROKER_CORE_REQUEST_TERMS_H
#define WILCO_BROKER_CORE_REQUEST_TERMS_H

#include "base/compiler.h"
#include "base/status.h"
#include "wire/property.h"

/* `rr-op`: the PUBLISH is no request, but a word about one (request_op.h). */
enum request_op {
    REQUEST_OP_NONE,
    REQUEST_OP_CANCEL, /* it is not wanted any more */
    REQUEST_OP_CREDIT, /* more responses may come: `rr-more` */
    REQUEST_OP_DATA,   /* its next piece */
};

/* What a PUBLISH with a Response Topic asks of the broker, beyond what MQTT knows: User Properties
 * of the profiles P1 (Azure mRPC) and P2 (`rr-`). They are forwarded as they are; unknown ones mean
 * nothing. Spans are borrowed from the packet. */
struct request_terms {
    uint64_t ttl_ms; /* `rr-ttl`: milliseconds it is worth answering; UINT64_MAX: not said */
    uint32_t more;   /* `rr-more`: responses that may come before the last one */
    enum request_op op;
    bool is_idempotent;    /* `rr-idem`=1: it may be executed twice */
    bool fails_if_offline; /* `rr-if-offline`=fail or refuse, not wait: when it comes ... */
    bool fails_if_left;    /* ... and fail: at any later time, too */
    bool ends_with_asker;  /* `rr-on-loss`=cancel: it ends with the requester's session */
    bool is_head;          /* `rr-size`: its payload comes later, in pieces */
    bool is_fan;           /* `rr-fan`=1: each of its holders is one of its own */
    struct span partition; /* `$partition`; empty: none */
    struct span source_id; /* `__srcId`, who asks, by his own word; data NULL: not said */
    struct span trace;     /* `rr-trace`, where to tell of its way; data NULL: nowhere */
    bool has_two_sources;  /* there is another `__srcId` that says otherwise */
};

/* The longest deadline, 365 days, and the most responses, that can be asked for. */
#define REQUEST_TTL_MS_MAX UINT64_C(31536000000)
#define REQUEST_MORE_MAX   UINT32_C(1000000000)
/* The largest payload in pieces. */
#define REQUEST_SIZE_MAX UINT32_C(4294967294)

/* Whether a message without a Response Topic is meant to be a word about a request. */
bool request_terms_name_op(const struct wire_properties *p);

/* WILCO_EPROTOCOL: a value that makes no sense; `*why` (static storage) says which. */
WILCO_MUST_CHECK enum wilco_status
request_terms_read(struct request_terms *out, const struct wire_properties *p, const char **why);

/* What a PUBLISH says of itself as a response. */
struct response_terms {
    bool has_more;     /* others are to follow: `rr-more`=1, or `rr-prog`, a report of progress */
    uint32_t status;   /* `__stat`; 0: it says none */
    bool is_by_broker; /* `rr-src`=broker: what only the broker itself may say */
};
#define RESPONSE_ERROR 400U /* a status from here on is one */
void response_terms_read(struct response_terms *out, const struct wire_properties *p);

#endif
