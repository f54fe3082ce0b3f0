#ifndef WILCO_WIRE_ANY_H
#define WILCO_WIRE_ANY_H

#include "wire/ack.h"
#include "wire/connack.h"
#include "wire/connect.h"
#include "wire/disconnect.h"
#include "wire/publish.h"
#include "wire/suback.h"
#include "wire/subscribe.h"
#include "wire/unsubscribe.h"

/* Any packet: for those who do not care which (tests, tools, fuzzing). */
struct wire_any {
    enum wire_type type;
    union {
        struct wire_connect connect;
        struct wire_connack connack;
        struct wire_publish publish;
        struct wire_ack ack; /* PUBACK, PUBREC, PUBREL, PUBCOMP */
        struct wire_subscribe subscribe;
        struct wire_suback suback; /* SUBACK, UNSUBACK */
        struct wire_unsubscribe unsubscribe;
        struct wire_disconnect disconnect; /* DISCONNECT, AUTH */
    } as;
};

/* `bytes` is one whole packet, fixed header included. */
enum wilco_status wire_any_decode(struct wire_any *out, struct span bytes,
                                  enum wire_version version);
void wire_any_encode(struct wire_writer *w, const struct wire_any *p, enum wire_version version);

#endif
