#ifndef WILCO_SIM_PAYLOAD_H
#define WILCO_SIM_PAYLOAD_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* What the requests and responses of a run carry, for those who check them. */
enum {
    PAYLOAD_BYTES = 5,          /* the least */
    PAYLOAD_SMALL_PACKET = 330, /* a Maximum Packet Size that leaves room for a status response */
    PAYLOAD_REQUEST = 'Q',
    PAYLOAD_RESPONSE = 'A',
};

struct payload {
    uint8_t kind;
    uint8_t number;       /* of the request */
    uint8_t sender;       /* of a response */
    bool is_last;         /* likewise */
    bool must_not_arrive; /* likewise: the broker is to refuse it */
};

/* Into `out`, which has room for `len` bytes, at least PAYLOAD_BYTES. */
struct span payload_write(uint8_t *out, const struct payload *p, size_t len);
bool payload_read(struct payload *out, struct span bytes); /* false: it is none */

#endif
