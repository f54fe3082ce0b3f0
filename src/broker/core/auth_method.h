#ifndef WILCO_BROKER_CORE_AUTH_METHOD_H
#define WILCO_BROKER_CORE_AUTH_METHOD_H

#include "base/compiler.h"
#include "base/span.h"
#include "base/status.h"
#include "broker/core/host.h"

#include <stdbool.h>
#include <stdint.h>

/* A method of enhanced authentication (MQTT 5.0, 4.12), SCRAM-SHA-256 for example. Whoever
 * implements one fills in a struct auth_method and gives it to the broker (struct broker_config).
 * The core has the packets and the rules about them, the method what is in the Authentication Data.
 *
 * An exchange belongs to one connection: start(), any number of step(), finish(). Exchanges of
 * different connections run in several threads at once, and none of these functions may wait. All
 * spans are borrowed: those given to a method for the length of the call, those it gives until the
 * next call for the same exchange. */
struct auth_data {
    bool is_there;
    struct span bytes;
};

/* What a client says first: in CONNECT, or in the AUTH packet of a re-authentication. */
struct auth_claim {
    struct span client_id; /* empty: the broker will assign one */
    struct span user_name; /* of CONNECT; empty: none */
    struct auth_data data;
    const struct conn_origin *origin; /* where it comes from; NULL: nobody knows */
    uint64_t now_ms;                  /* of the broker's monotonic clock */
};

enum auth_outcome {
    AUTH_CONTINUES, /* the client is to answer `data` */
    AUTH_SUCCEEDED, /* it is `user`; `data` goes with the good news */
    AUTH_FAILED,    /* for `reason_code`, one that CONNACK may carry, at least 0x80 */
};

struct auth_verdict {
    enum auth_outcome outcome;
    uint8_t reason_code;
    struct auth_data data;
    struct span user; /* never empty when it is due */
};

struct auth_method {
    const char *name; /* Authentication Method, as on the wire */
    void *context;    /* for start() */

    /* WILCO_OK: `*exchange` is to be given to finish(), whatever the verdict. Otherwise nothing was
     * made, and the client is told 0x97 Quota exceeded. */
    enum wilco_status (*start)(void *context, const struct auth_claim *claim, void **exchange,
                               struct auth_verdict *verdict);
    /* The client's answer to the data of the last verdict, which was AUTH_CONTINUES. */
    void (*step)(void *exchange, struct auth_data answer, struct auth_verdict *verdict);
    void (*finish)(void *exchange);
};

#endif
