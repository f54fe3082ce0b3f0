#include "broker/server/certificates.h"

#include "base/alloc.h"
#include "broker/server/driver.h"

struct certificates {
    struct tls_server *made[LISTENERS_MAX];     /* by the number of the URL; NULL: it has no TLS */
    struct tls_server *replaced[LISTENERS_MAX]; /* by listener, once they are in place */
};

static void
discard(void *object)
{
    struct certificates *c = object;

    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        tls_server_unref(c->made[i]);
        tls_server_unref(c->replaced[i]);
    }
    mem_free(alloc_system(), c);
}

/* False: it cannot be made. */
static bool
make(struct certificates *c, const struct config *config, size_t number, struct problems *problems)
{
    struct transport t;
    struct url url;
    char reason[TRANSPORT_REASON_BYTES];

    if (url_parse(&url, config->listen[number], NULL) != WILCO_OK) {
        return true; /* others have said so */
    }
    if (transport_init(&t, &url, &config->transports[number], alloc_system(), reason) != WILCO_OK) {
        problems_add(problems, "cannot listen on \"%.200s\": %s", config->listen[number], reason);
        return false;
    }
    c->made[number] = t.tls == NULL ? NULL : tls_server_ref(t.tls);
    transport_fini(&t);
    return true;
}

static bool
prepare(void **out, const struct config *config, struct problems *problems)
{
    struct certificates *c = mem_zalloc(alloc_system(), sizeof(*c));
    bool is_whole = c != NULL;

    *out = NULL;
    if (c == NULL) {
        problems_add(problems, "certificates: out of memory");
        return false;
    }
    for (size_t i = 0; i < config->listen_count; i++) {
        is_whole &= make(c, config, i, problems);
    }
    if (!is_whole) {
        discard(c);
        return false;
    }
    *out = c;
    return true;
}

/* No object: the listeners are about to end, and with them what they have. */
static void *
commit(struct crew *crew, void *object)
{
    struct certificates *c = object;

    for (size_t i = 0; c != NULL && i < crew->listeners.count; i++) {
        struct listener *l = &crew->listeners.items[i];
        struct tls_server *made = c->made[l->number];

        if (made != NULL && l->transport.tls != NULL) {
            c->replaced[i] = l->transport.tls;
            l->transport.tls = tls_server_ref(made);
        }
    }
    return c;
}

const struct reloadable certificates_reloadable = {
    .name = "certificates",
    .prepare = prepare,
    .commit = commit,
    .discard = discard,
};
