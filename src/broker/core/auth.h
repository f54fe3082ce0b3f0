#ifndef WILCO_BROKER_CORE_AUTH_H
#define WILCO_BROKER_CORE_AUTH_H

#include "base/buffer.h"
#include "base/map.h"
#include "broker/core/auth_method.h"
#include "broker/core/broker.h"
#include "wire/connect.h"

/* The fields of login.c: a connection that waits for the authenticator. */
struct login {
    struct map_node by_ticket; /* in shard->logins, while there is a ticket */
    struct conn *conn;
    uint64_t ticket; /* 0: no verdict is waited for */
    struct buffer behind;
    uint8_t refusal; /* to be told when the timer fires; 0: none */
    const char *why;
};

/* The authentication of one connection, without its packets (on_auth.c, login.c). With a method,
 * enhanced authentication (MQTT 5.0, 4.12): the method that CONNECT named, the exchange that is
 * under way, and who the client turned out to be; as old as the connection. Without one, what a
 * verdict that did not come at once needs, and when it ends. Connections that need neither have
 * none. */
struct auth {
    const struct wilco_alloc *alloc;
    const struct auth_method *method; /* NULL: CONNECT named none */
    uint64_t ends_ms;                 /* when its credentials end; UINT64_MAX: never */
    struct login login;
    void *exchange;        /* NULL: none is under way */
    struct auth_data data; /* of the last verdict, while the exchange is under way */
    uint8_t *connect;      /* the body of CONNECT until it is accepted: a copy */
    size_t connect_bytes;
    uint8_t *user; /* NULL: not authenticated yet */
    size_t user_bytes;
};

/* NULL: the broker does not have it. */
const struct auth_method *auth_method_find(const struct broker *b, struct span name);

/* `method` may be NULL; `connect` is copied. NULL: out of memory. */
struct auth *auth_new(const struct wilco_alloc *a, const struct auth_method *m,
                      struct span connect);
void auth_free(struct auth *a); /* NULL is allowed */

/* Begins an exchange; none is under way. Anything but WILCO_OK: there is no verdict. */
WILCO_MUST_CHECK enum wilco_status auth_start(struct auth *a, const struct auth_claim *claim,
                                              struct auth_verdict *verdict);
/* Goes on with the exchange that is under way. */
void auth_step(struct auth *a, struct auth_data answer, struct auth_verdict *verdict);
/* The exchange is over, and so is what its verdicts borrowed. Harmless when none is under way. */
void auth_finish(struct auth *a);

/* The exchange has told who the client is. The first time that is remembered (WILCO_ENOMEM), and
 * from then on a connection cannot become somebody else's: WILCO_EINVAL. */
WILCO_MUST_CHECK enum wilco_status auth_adopt_user(struct auth *a, struct span user);
/* CONNECT is accepted: its copy goes. */
void auth_forget_connect(struct auth *a);

/* The properties that every AUTH and the CONNACK that ends the first exchange carry: the method,
 * and the data of the last verdict if it has any [MQTT-4.12.0-5]. */
void auth_fill(const struct auth *a, struct wire_properties *v);

#endif
