#ifndef WILCO_CLIENT_CALL_TERMS_H
#define WILCO_CLIENT_CALL_TERMS_H

#include "client/chunks.h"

/* What a message to a responder says in its User Properties: whether it is a request or a word
 * about one, and what its requester takes. Of properties that come twice the first counts; what is
 * garbled is as if it were not there, for a broker that knows it has refused it. */
enum call_op {
    CALL_REQUEST, /* no `rr-op` */
    CALL_CANCEL,
    CALL_CREDIT,
    CALL_DATA,
    CALL_OTHER, /* of a kind we do not know */
};

struct call_terms {
    enum call_op op;
    uint64_t ttl_ms;      /* `rr-ttl`; UINT64_MAX: not said */
    bool pieces_only;     /* `rr-parts`=0: `rr-more` is for pieces of the answer alone */
    bool takes_parts;     /* `rr-more` is there ... */
    uint32_t more;        /* ... and says so many */
    struct span protocol; /* `__protVer`; data == NULL: not said */
    struct chunk_terms chunk;
};

struct call_terms call_terms_of(const struct wilco_message *m);

/* When the requester of `m` stops waiting; UINT64_MAX: never. */
uint64_t call_terms_deadline_ms(const struct call_terms *t, const struct wilco_message *m);

/* Why a request is answered with a status instead of being served. */
struct call_refusal {
    int status;
    const char *text;
    const char *property; /* `__propName`; NULL: none */
    bool is_version;      /* of the protocol: says which one we know */
};

/* What Azure mRPC 1.0 asks of a request that says it is one; false: nothing is wrong. */
bool call_terms_refuse(const struct call_terms *t, const struct wilco_message *m,
                       struct call_refusal *out);

#endif
