#include "broker/core/access_names.h"

struct access_names {
    struct reclaim_node reclaim; /* first */
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
    n->client_id_bytes = (uint16_t)who->client_id.len;
    n->user_bytes = (uint16_t)who->user.len;
    memcpy(n->names, who->client_id.data, who->client_id.len);
    if (who->user.len > 0) {
        memcpy(n->names + who->client_id.len, who->user.data, who->user.len);
    }
    return n;
}

void
access_names_free_later(struct access_names *n, struct reclaim *r)
{
    if (n != NULL) {
        reclaim_later(r, &n->reclaim);
    }
}

struct access_subject
access_names_subject(const struct access_names *n)
{
    return (struct access_subject){.client_id = span_of(n->names, n->client_id_bytes),
                                   .user = span_of(n->names + n->client_id_bytes, n->user_bytes)};
}
