#include "wire/ping.h"

enum wilco_status
wire_ping_decode(struct span body)
{
    return body.len == 0 ? WILCO_OK : WILCO_EMALFORMED; /* [U-3.12.1-1] */
}

void
wire_ping_encode(struct wire_writer *w, enum wire_type type)
{
    wire_header_encode(w, type, 0, 0);
}
