#ifndef WILCO_BROKER_SERVER_LISTENER_H
#define WILCO_BROKER_SERVER_LISTENER_H

#include "broker/core/entrance.h"
#include "broker/server/transport.h"
#include "net/address.h"

#include <stddef.h>

/* A socket that clients connect to. */
struct listener {
    int fd; /* -1: closed */
    struct address bound;
    struct entrance entrance; /* of those who come in here */
    struct transport transport;
    size_t number; /* of the URL that it was opened for, see listener_set_open() */
};

/* Listening sockets of one broker; a host name with several addresses needs several. */
#define LISTENERS_MAX 32U

#define LISTENER_REASON_BYTES 640U

struct listener_set {
    struct listener items[LISTENERS_MAX];
    size_t count;
};

/* What to listen on. It owns nothing. */
struct listener_wish {
    const char *url;
    size_t number; /* among the URLs of the configuration */
    const struct entrance *entrance;
    const struct transport_options *options;
    const struct wilco_alloc *alloc;
};

/* Looks up what the URL names and makes its transport, without listening. WILCO_EINVAL: the URL or
 * the options make no sense, or it is open to the network while nobody would be authenticated
 * (`allow_anonymous` says that this is meant). WILCO_ENOMEM. Then `reason` says in one line what to
 * do. */
WILCO_MUST_CHECK enum wilco_status listener_check(const struct listener_wish *wish,
                                                  bool allow_anonymous,
                                                  char reason[LISTENER_REASON_BYTES]);

/* Listens on every address that the URL names. An address that this machine does not have is left
 * out as long as another one works. WILCO_EINVAL, WILCO_ENOMEM: as above, or there is something
 * wrong with its transport. WILCO_EIO: the system does not let us. WILCO_ELIMIT: more than
 * LISTENERS_MAX. Then `reason` says in one line what to do; what was opened stays in the set. */
WILCO_MUST_CHECK enum wilco_status listener_set_open(struct listener_set *set,
                                                     const struct listener_wish *wish,
                                                     bool allow_anonymous,
                                                     char reason[LISTENER_REASON_BYTES]);
/* Closes all of them, and removes the files of Unix sockets. Their addresses and entrances stay
 * known, and their transports, for connections that came in by them. */
void listener_set_close(struct listener_set *set);

/* Releases the transports, when there are neither threads nor connections left. */
void listener_set_fini(struct listener_set *set);

/* "mqtt://127.0.0.1:1883", "ws://127.0.0.1:8083/mqtt" or "unix:/path". */
#define LISTENER_URL_BYTES (ADDRESS_TEXT_BYTES + UPGRADE_PATH_BYTES + 8)
void listener_url(const struct listener *l, char out[LISTENER_URL_BYTES]);

#endif
