#ifndef WILCO_BROKER_AUTH_SCRAM_SERVER_H
#define WILCO_BROKER_AUTH_SCRAM_SERVER_H

#include "base/alloc.h"
#include "base/random.h"
#include "broker/auth/scram_users.h"
#include "broker/core/auth_method.h"

/* SCRAM-SHA-256 (RFC 5802, RFC 7677) as a method of enhanced authentication: CONNECT brings the
 * client-first-message, AUTH the server's first and the client's final one, CONNACK the server's
 * final one, by which it proves that it knows the user, too. There is no channel binding: "n" and
 * "y" are taken, "p" is refused. Whatever is wrong is 0x87 Not authorized, with no further word.
 *
 * No step takes more than some HMACs, and as many for a user that is not there. */

/* Who counts the failures of an address. */
struct scram_watch {
    void *context;
    /* false: it has failed so often that it gets no further try: 0x9F Connection rate exceeded. */
    bool (*may_try)(void *context, const struct conn_origin *origin, uint64_t now_ms);
    void (*note_failure)(void *context, const struct conn_origin *origin, uint64_t now_ms);
};

struct scram_server {
    const struct wilco_alloc *alloc;
    const struct random_source *random;
    /* May be replaced while no exchange takes a step; those that are under way have a copy of what
     * they need. */
    const struct scram_users *users; /* NULL: nobody */
    struct scram_watch watch;        /* likewise; all zero: nobody counts */
};

/* Borrows `s`. */
struct auth_method scram_server_method(struct scram_server *s);

#endif
