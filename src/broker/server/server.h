#ifndef WILCO_BROKER_SERVER_SERVER_H
#define WILCO_BROKER_SERVER_SERVER_H

#include "base/alloc.h"
#include "base/log.h"
#include "broker/core/access.h"
#include "broker/core/auth_method.h"
#include "broker/core/authenticator.h"
#include "broker/core/entrance.h"
#include "broker/core/settings.h"
#include "broker/core/stats.h"
#include "broker/server/listener.h"
#include "broker/server/reloadable.h"
#include "broker/server/transport.h"
#include "net/address.h"

#include <stdbool.h>
#include <stddef.h>

/* A broker that serves, with threads of its own, in any program: it takes no signals and leaves
 * everything of the process as it is. Several may run side by side. */
struct server;

#define SERVER_REASON_BYTES 640U

struct server_config {
    const char *const *listen; /* URLs (net/address.h) */
    size_t listen_count;
    const struct entrance *entrances; /* one for each URL, copied; NULL: all are standard */
    const struct transport_options *transports; /* likewise */
    unsigned shard_count;                       /* 0: one for each core that this process may use */
    struct settings settings;
    const struct wilco_alloc *alloc; /* must be safe from any thread */
    const struct logger *log;        /* lives as long as the server; NULL is allowed */
    bool allow_anonymous;            /* also listen where others than this machine can connect */
    bool has_passwords;              /* the same, as who comes in by any entrance is checked */
    /* Who may come in and do what (broker/core/broker.h); all of it outlives the server, NULL is
     * allowed. An authenticator must have stopped sending answers before server_stop(). */
    const struct authenticator *authenticator;
    const struct auth_method *auth_methods;
    size_t auth_method_count;
    const struct access_policy *access;
    /* What was made of files; put in place before anybody is served, and then the server's. NULL:
     * there is none. */
    struct reloadable_set *prepared;
    /* Called when all sockets are open and no thread is made, to give up what only that has needed;
     * NULL: nothing. What it returns ends the start if it is not WILCO_OK, for the `reason` that it
     * gives. */
    enum wilco_status (*confine)(void *context, const struct listener_set *listeners,
                                 char reason[SERVER_REASON_BYTES]);
    void *confine_context;
};

/* WILCO_EINVAL: the configuration cannot be, wherever it may run. `reason` as below. */
WILCO_MUST_CHECK enum wilco_status server_check(const struct server_config *config,
                                                char reason[SERVER_REASON_BYTES]);

/* Listens and serves; logs event=ready. WILCO_EINVAL: the configuration cannot be. WILCO_EIO,
 * WILCO_ENOMEM, WILCO_ELIMIT: it cannot run here and now. Then `reason` says in one line what to
 * do. */
WILCO_MUST_CHECK enum wilco_status server_start(struct server **out,
                                                const struct server_config *config,
                                                char reason[SERVER_REASON_BYTES]);

/* Tells every client (DISCONNECT 0x8B), waits settings.drain_timeout_ms at most for them to read
 * it, logs event=stopped with the counters, and frees everything. NULL is allowed. */
void server_stop(struct server *s);

/* Lets `change` alter the settings, and whatever else the server's threads read, and puts in place
 * what was `prepared` (NULL: nothing), while all of them stand still between two turns; returns
 * when that is done. Then `prepared` has what was there before, to be discarded. Not every part
 * looks at its setting again once it has started: config/reload.h knows which do. Not while
 * server_stop() runs. */
void server_change(struct server *s, void (*change)(void *context, struct settings *settings),
                   void *context, struct reloadable_set *prepared);

/* Where it listens, with the ports that the system chose; NULL behind the last. */
const struct address *server_address(const struct server *s, size_t index);
/* The counters of all shards together. */
struct stats server_stats(struct server *s);

#endif
