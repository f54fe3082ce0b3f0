#ifndef WILCO_BROKER_CORE_BROKER_H
#define WILCO_BROKER_CORE_BROKER_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/random.h"
#include "broker/core/access.h"
#include "broker/core/auth_method.h"
#include "broker/core/authenticator.h"
#include "broker/core/retained.h"
#include "broker/core/service_table.h"
#include "broker/core/session_id.h"
#include "broker/core/settings.h"
#include "broker/core/topic_index.h"

#include <stdatomic.h>

struct service_registry;
struct shard;
struct sys;

/* What all shards share, and the shards. Made once, before any thread; immutable afterwards but for
 * what says otherwise. */
struct broker {
    struct settings settings; /* change only while every thread stands still (server/halt.h) */
    const struct wilco_alloc *alloc;
    const struct random_source *random;
    const struct logger *log;
    const struct auth_method *auth_methods;
    size_t auth_method_count;
    const struct authenticator *authenticator; /* NULL: everybody may connect, and is anonymous */
    struct broker_host host;
    /* NULL: everybody may do everything; and how often that has changed (broker_set_access()). */
    const struct access_policy *access;
    uint32_t access_changes;
    uint64_t hash_seed;
    uint64_t unix_offset_ms;   /* from shard->now_ms to the wall clock, as it was at the start */
    struct topic_index *index; /* safe from any thread */
    struct retained *retained; /* safe from any thread */
    struct sys *sys;           /* likewise */
    struct service_table *services;    /* likewise */
    struct service_registry *registry; /* likewise */
    unsigned shard_count;              /* 1 to SHARDS_MAX */
    struct shard *shards[SHARDS_MAX];
    char gap[WILCO_CACHE_LINE_BYTES];
    atomic_size_t session_count;    /* all shards' */
    atomic_size_t connection_count; /* all shards': from CONNECT until the transport is closed */
};

struct broker_config {
    struct settings settings;
    const struct wilco_alloc *alloc;
    const struct random_source *random;
    const struct logger *log;               /* NULL is allowed */
    const struct auth_method *auth_methods; /* they outlive the broker */
    size_t auth_method_count;
    const struct authenticator *authenticator; /* NULL is allowed; it outlives the broker */
    const struct access_policy *access;        /* likewise */
    struct broker_host host;
    unsigned shard_count;
    uint64_t unix_ms; /* wall clock, for the times that people read */
};

/* Makes the shared structures and the shards. WILCO_ENOMEM, WILCO_EIO (no randomness): nothing is
 * made. */
WILCO_MUST_CHECK enum wilco_status broker_init(struct broker *b, const struct broker_config *config,
                                               uint64_t now_ms);
/* Every connection is gone (conn_fini) and no thread uses a shard any more. */
void broker_fini(struct broker *b);

/* From now on this policy decides (NULL: everybody may do everything), of what is queued and
 * retained already too. It outlives the broker, or the next call. Every thread stands still
 * meanwhile. */
void broker_set_access(struct broker *b, const struct access_policy *policy);

/* From now on this authenticator is asked (NULL: none), at once about those who are connected and
 * may have been revoked. Every thread stands still meanwhile. */
void broker_set_authenticator(struct broker *b, const struct authenticator *authenticator);

/* The shard in which the client of this name lives. */
struct shard *broker_shard_of(const struct broker *b, struct span client_id);

#endif
