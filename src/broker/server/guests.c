#include "broker/server/guests.h"

#include "base/hash.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

/* The connections from one network. */
struct guest {
    struct map_node by_network;
    uint64_t count;
    uint8_t network[16]; /* the first bits of an IPv6 address, zeroes behind them */
};

#define NETWORK_BYTES_V6 8U
#define MAPPED_BYTES     12U /* what is in front of an IPv4 address mapped into IPv6 */

void
guests_init(struct guests *g, const struct wilco_alloc *a, uint64_t seed)
{
    *g = (struct guests){.alloc = a, .seed = seed};
    (void)pthread_mutex_init(&g->lock, NULL);
    map_init(&g->by_network, a);
}

void
guests_fini(struct guests *g)
{
    assert(g->by_network.count == 0);
    map_fini(&g->by_network);
    (void)pthread_mutex_destroy(&g->lock);
}

/* False: an address that is not counted. */
static bool
network_of(const struct address *a, uint8_t out[16])
{
    static const uint8_t mapped[MAPPED_BYTES] = {[10] = 0xFF, [11] = 0xFF};

    memset(out, 0, 16);
    if (a->storage.ss_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, &a->storage, sizeof(in));
        memcpy(out, mapped, sizeof(mapped));
        memcpy(out + MAPPED_BYTES, &in.sin_addr, 4);
        return true;
    }
    if (a->storage.ss_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, &a->storage, sizeof(in6));
        memcpy(out, &in6.sin6_addr, 16);
        if (memcmp(out, mapped, sizeof(mapped)) != 0) {
            memset(out + NETWORK_BYTES_V6, 0, 16 - NETWORK_BYTES_V6);
        }
        return true;
    }
    return false;
}

static struct guest *
find(const struct guests *g, uint64_t hash, const uint8_t network[16])
{
    for (struct map_node *n = map_first(&g->by_network, hash); n != NULL; n = map_next(n)) {
        struct guest *guest = CONTAINER_OF(n, struct guest, by_network);

        if (memcmp(guest->network, network, 16) == 0) {
            return guest;
        }
    }
    return NULL;
}

static struct guest *
add(struct guests *g, uint64_t hash, const uint8_t network[16])
{
    struct guest *guest = mem_zalloc(g->alloc, sizeof(*guest));

    if (guest != NULL) {
        memcpy(guest->network, network, 16);
        if (map_add(&g->by_network, &guest->by_network, hash) != WILCO_OK) {
            mem_free(g->alloc, guest);
            guest = NULL;
        }
    }
    return guest;
}

/* With the lock held. */
static enum wilco_status
enter(struct guests *g, const uint8_t network[16], uint64_t max, struct guest **out)
{
    uint64_t hash = hash_bytes(span_of(network, 16), g->seed);
    struct guest *guest = find(g, hash, network);

    if (guest != NULL && guest->count >= max) {
        return WILCO_ELIMIT;
    }
    if (guest == NULL) {
        guest = add(g, hash, network);
    }
    if (guest == NULL) {
        return WILCO_ENOMEM;
    }
    guest->count++;
    *out = guest;
    return WILCO_OK;
}

enum wilco_status
guests_enter(struct guests *g, const struct address *a, uint64_t max, struct guest **out)
{
    uint8_t network[16];
    enum wilco_status st = WILCO_OK;

    *out = NULL;
    if (max == 0 || !network_of(a, network)) {
        return WILCO_OK;
    }
    (void)pthread_mutex_lock(&g->lock);
    st = enter(g, network, max, out);
    (void)pthread_mutex_unlock(&g->lock);
    return st;
}

void
guests_leave(struct guests *g, struct guest *guest)
{
    if (guest == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&g->lock);
    guest->count--;
    if (guest->count == 0) {
        map_remove(&g->by_network, &guest->by_network);
        mem_free(g->alloc, guest);
    }
    (void)pthread_mutex_unlock(&g->lock);
}
