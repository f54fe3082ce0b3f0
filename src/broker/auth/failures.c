/* A hash table without chains: an address can be in one of the WAYS places of its set, and nowhere
 * else. */
#include "broker/auth/failures.h"

#include "base/hash.h"

#include <pthread.h>
#include <string.h>

#define WAYS          8U
#define SETS          (FAILURES_ADDRESSES / WAYS)
#define NETWORK_BYTES 8U /* of an IPv6 address */

struct place {
    uint8_t network[NETWORK_BYTES];
    uint8_t network_bytes; /* 0: free */
    uint32_t count;
    uint64_t since_ms;
};

struct failures {
    const struct wilco_alloc *alloc;
    uint64_t seed;
    pthread_mutex_t lock;
    struct place places[SETS][WAYS];
};

struct failures *
failures_new(const struct wilco_alloc *a, uint64_t seed)
{
    struct failures *f = mem_zalloc(a, sizeof(*f));

    if (f != NULL) {
        f->alloc = a;
        f->seed = seed;
        (void)pthread_mutex_init(&f->lock, NULL);
    }
    return f;
}

void
failures_free(struct failures *f)
{
    if (f != NULL) {
        (void)pthread_mutex_destroy(&f->lock);
        mem_free(f->alloc, f);
    }
}

static struct span
network_of(const struct conn_origin *from)
{
    return span_of(from->address,
                   from->address_bytes < NETWORK_BYTES ? from->address_bytes : NETWORK_BYTES);
}

static bool
is_over(const struct place *p, const struct failures_bounds *bounds, uint64_t now_ms)
{
    return now_ms - p->since_ms >= bounds->window_s * 1000;
}

/* NULL: it has not failed in the window. With `other`, which place to take then. */
static struct place *
find(struct failures *f, struct span network, const struct failures_bounds *bounds, uint64_t now_ms,
     struct place **other)
{
    struct place *set = f->places[hash_bytes(network, f->seed) % SETS];

    *other = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        struct place *p = &set[i];

        if (p->network_bytes != 0 && is_over(p, bounds, now_ms)) {
            p->network_bytes = 0;
        }
        if (p->network_bytes == network.len &&
            span_equal(span_of(p->network, p->network_bytes), network)) {
            return p;
        }
        if ((*other)->network_bytes != 0 &&
            (p->network_bytes == 0 || p->since_ms < (*other)->since_ms)) {
            *other = p;
        }
    }
    return NULL;
}

bool
failures_are_too_many(struct failures *f, const struct conn_origin *from,
                      const struct failures_bounds *bounds, uint64_t now_ms)
{
    struct place *other = NULL;
    const struct place *p = NULL;
    bool is_too_much = false;

    if (bounds->max == 0 || from->address_bytes == 0) {
        return false;
    }
    (void)pthread_mutex_lock(&f->lock);
    p = find(f, network_of(from), bounds, now_ms, &other);
    is_too_much = p != NULL && p->count >= bounds->max;
    (void)pthread_mutex_unlock(&f->lock);
    return is_too_much;
}

void
failures_add(struct failures *f, const struct conn_origin *from,
             const struct failures_bounds *bounds, uint64_t now_ms)
{
    struct span network = network_of(from);
    struct place *other = NULL;
    struct place *p = NULL;

    if (bounds->max == 0 || network.len == 0) {
        return;
    }
    (void)pthread_mutex_lock(&f->lock);
    p = find(f, network, bounds, now_ms, &other);
    if (p == NULL) {
        p = other;
        *p = (struct place){.network_bytes = (uint8_t)network.len, .since_ms = now_ms};
        memcpy(p->network, network.data, network.len);
    }
    p->count += p->count < UINT32_MAX;
    (void)pthread_mutex_unlock(&f->lock);
}
