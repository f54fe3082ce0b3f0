#include "broker/core/access_names.h"

#include "base/list.h"
#include "broker/core/rcu.h"

struct access_names {
    struct rcu_later later;
    const struct wilco_alloc *alloc;
    uint16_t client_id_bytes;
    uint16_t user_bytes;
    uint8_t names[]; /* the client identifier, the user */
};

struct access_names *
access_names_new(const struct wilco_alloc *a, const struct access_subject *who)
{
    struct access_names *n = mem_alloc(a, sizeof(*n) + who->client_id.len + who->user.len);

    if (n == NULL) {
        return NULL;
    }
    n->alloc = a;
    n->client_id_bytes = (uint16_t)who->client_id.len;
    n->user_bytes = (uint16_t)who->user.len;
    memcpy(n->names, who->client_id.data, who->client_id.len);
    if (who->user.len > 0) {
        memcpy(n->names + who->client_id.len, who->user.data, who->user.len);
    }
    return n;
}

static void
free_now(struct rcu_later *later)
{
    struct access_names *n = CONTAINER_OF(later, struct access_names, later);

    mem_free(n->alloc, n);
}

void
access_names_free_later(struct access_names *n)
{
    if (n != NULL) {
        rcu_defer(&n->later, free_now);
    }
}

struct access_subject
access_names_subject(const struct access_names *n)
{
    return (struct access_subject){.client_id = span_of(n->names, n->client_id_bytes),
                                   .user = span_of(n->names + n->client_id_bytes, n->user_bytes)};
}
