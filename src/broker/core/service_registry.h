#ifndef WILCO_BROKER_CORE_SERVICE_REGISTRY_H
#define WILCO_BROKER_CORE_SERVICE_REGISTRY_H

#include "base/buffer.h"
#include "base/list.h"
#include "base/random.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Who has said which services there are: an instance for each name and version that a session has
 * subscribed for, with an endpoint for each of these subscriptions. What all shards share.
 *
 * An instance belongs to its session and is changed by the shard of that session alone, through the
 * functions below; they take the registry's lock, so that any thread may read between
 * service_registry_open() and service_registry_close(). The owner reads without. */
struct service_registry;

#define SERVICE_ID_CHARS        22U
#define SERVICE_ERROR_BYTES_MAX 127U

/* A subscription that is part of a service, and how its session has answered. */
struct service_endpoint {
    struct list of_instance;
    _Atomic uint64_t answered; /* requests; these four are counted without the lock */
    _Atomic uint64_t errors;   /* of these, by the responder's own word */
    _Atomic uint64_t failed;   /* requests that ended without a response */
    _Atomic uint64_t took_us;  /* from being sent the request to responding, of those answered */
    char last_error[SERVICE_ERROR_BYTES_MAX + 1];
    uint32_t service; /* the number of its figures (service_table.h) */
    uint16_t group_bytes;
    uint16_t filter_bytes;
    uint8_t text[]; /* the group (empty: none), then the filter */
};

/* Its names; they live as long as it does. */
struct service_labels {
    struct span name;
    struct span version;
    struct span client_id;
};

struct service_instance {
    struct service_instance *next; /* of its session */
    struct list of_registry;
    struct list endpoints; /* never empty, once it is in the registry */
    size_t endpoint_count;
    struct buffer description;
    struct buffer metadata; /* a JSON object */
    uint64_t started_ms;    /* Unix time */
    bool is_online;
    char id[SERVICE_ID_CHARS + 1]; /* nobody can guess it */
    uint16_t name_bytes;
    uint16_t version_bytes;
    uint16_t client_id_bytes;
    uint8_t text[]; /* the three, in this order */
};

/* NULL: out of memory. */
struct service_registry *service_registry_new(const struct wilco_alloc *a);
void service_registry_free(struct service_registry *r); /* it is empty; NULL is allowed */

/* Not yet in the registry, and without endpoints. WILCO_ENOMEM; WILCO_EIO (no randomness). */
WILCO_MUST_CHECK enum wilco_status service_instance_new(struct service_instance **out,
                                                        const struct wilco_alloc *a,
                                                        const struct random_source *random,
                                                        const struct service_labels *labels);
void service_instance_free(struct service_instance *i, const struct wilco_alloc *a);
struct service_labels service_instance_labels(const struct service_instance *i);

/* NULL: out of memory. */
struct service_endpoint *service_endpoint_new(const struct wilco_alloc *a, struct span group,
                                              struct span filter);
struct span service_endpoint_group(const struct service_endpoint *e);
struct span service_endpoint_filter(const struct service_endpoint *e);

/* Puts it there with its first endpoint. WILCO_ELIMIT: as many as `max` are there. */
WILCO_MUST_CHECK enum wilco_status service_registry_add(struct service_registry *r,
                                                        struct service_instance *i, uint64_t max);
void service_registry_remove(struct service_registry *r, struct service_instance *i);

void service_registry_add_endpoint(struct service_registry *r, struct service_instance *i,
                                   struct service_endpoint *e);
void service_registry_remove_endpoint(struct service_registry *r, struct service_instance *i,
                                      struct service_endpoint *e);
void service_registry_set_online(struct service_registry *r, struct service_instance *i,
                                 bool is_online);
/* Exchanges the description and the metadata for these. */
void service_registry_describe(struct service_registry *r, struct service_instance *i,
                               struct buffer *description, struct buffer *metadata);
/* What went wrong last; cut where it is too long. */
void service_registry_note_error(struct service_registry *r, struct service_endpoint *e,
                                 struct span text);

/* All instances: struct service_instance by `of_registry`, the oldest first. */
const struct list *service_registry_open(struct service_registry *r);
void service_registry_close(struct service_registry *r);

#endif
