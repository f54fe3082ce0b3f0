#include "broker/core/broker.h"

#include "base/hash.h"
#include "broker/core/service_registry.h"
#include "broker/core/shard.h"
#include "broker/core/sys.h"

#include <assert.h>

static void
free_shards(struct broker *b)
{
    for (unsigned i = 0; i < b->shard_count; i++) {
        shard_fini(b->shards[i]);
        mem_free(b->alloc, b->shards[i]);
    }
    b->shard_count = 0;
}

static enum wilco_status
add_shard(struct broker *b, uint64_t now_ms)
{
    struct shard *s = mem_alloc(b->alloc, sizeof(*s));
    enum wilco_status status = WILCO_ENOMEM;

    if (s != NULL) {
        status = shard_init(s, b, b->shard_count, now_ms);
    }
    if (status != WILCO_OK) {
        mem_free(b->alloc, s);
        return status;
    }
    b->shards[b->shard_count++] = s;
    return WILCO_OK;
}

static enum wilco_status
make_shared(struct broker *b, uint64_t now_ms)
{
    const struct retained_limits limits = {
        .count_max = (size_t)b->settings.retained_messages_max,
        .bytes_max = (size_t)b->settings.retained_bytes_max,
    };
    enum wilco_status status = random_u64(b->random, &b->hash_seed);

    if (status != WILCO_OK) {
        return status;
    }
    b->index = topic_index_new(b->alloc, b->hash_seed);
    b->retained = retained_new(b->alloc, b->hash_seed, limits);
    b->services =
        service_table_new(b->alloc, b->hash_seed, (uint32_t)b->settings.request_filters_max);
    b->registry = service_registry_new(b->alloc);
    if (b->services != NULL) {
        b->sys = sys_new(b->alloc, b->settings.sys_interval_s, now_ms,
                         service_table_capacity(b->services));
    }
    return b->index == NULL || b->retained == NULL || b->registry == NULL || b->sys == NULL
               ? WILCO_ENOMEM
               : WILCO_OK;
}

enum wilco_status
broker_init(struct broker *b, const struct broker_config *config, uint64_t now_ms)
{
    enum wilco_status status = WILCO_OK;

    assert(config->shard_count >= 1 && config->shard_count <= SHARDS_MAX);
    *b = (struct broker){
        .settings = config->settings,
        .alloc = config->alloc,
        .random = config->random,
        .log = config->log,
        .auth_methods = config->auth_methods,
        .auth_method_count = config->auth_method_count,
        .authenticator = config->authenticator,
        .access = config->access,
        .host = config->host,
        .unix_offset_ms = config->unix_ms - now_ms,
    };
    status = make_shared(b, now_ms);
    while (status == WILCO_OK && b->shard_count < config->shard_count) {
        status = add_shard(b, now_ms);
    }
    if (status != WILCO_OK) {
        broker_fini(b);
    }
    return status;
}

void
broker_fini(struct broker *b)
{
    free_shards(b);
    topic_index_free(b->index);
    retained_free(b->retained);
    sys_free(b->sys);
    service_table_free(b->services);
    service_registry_free(b->registry);
    b->index = NULL;
    b->retained = NULL;
    b->sys = NULL;
    b->services = NULL;
    b->registry = NULL;
}

void
broker_set_access(struct broker *b, const struct access_policy *policy)
{
    b->access = policy;
    b->access_changes++;
}

void
broker_set_authenticator(struct broker *b, const struct authenticator *authenticator)
{
    b->authenticator = authenticator;
    for (unsigned i = 0; i < b->shard_count; i++) {
        b->shards[i]->has_login_review = true;
    }
}

struct shard *
broker_shard_of(const struct broker *b, struct span client_id)
{
    /* The high half: the low bits choose buckets inside the shard. */
    return b->shards[(hash_bytes(client_id, b->hash_seed) >> 32) % b->shard_count];
}
