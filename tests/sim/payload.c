#include "payload.h"

struct span
payload_write(uint8_t *out, const struct payload *p, size_t len)
{
    out[0] = p->kind;
    out[1] = p->number;
    out[2] = p->sender;
    out[3] = p->is_last;
    out[4] = p->must_not_arrive;
    return span_of(out, len);
}

bool
payload_read(struct payload *out, struct span bytes)
{
    if (bytes.len < PAYLOAD_BYTES) {
        return false;
    }
    *out = (struct payload){
        .kind = bytes.data[0],
        .number = bytes.data[1],
        .sender = bytes.data[2],
        .is_last = bytes.data[3] != 0,
        .must_not_arrive = bytes.data[4] != 0,
    };
    return true;
}
