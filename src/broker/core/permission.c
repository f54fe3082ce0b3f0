#include "broker/core/permission.h"

#include "base/hash.h"
#include "broker/core/inbox.h"
#include "broker/core/session.h"

struct answer {
    uint16_t topic_bytes; /* 0: there is none here */
    uint8_t action;
    bool may;
    uint8_t topic[PERMISSIONS_TOPIC_BYTES_MAX];
};

struct permissions {
    uint32_t access_changes; /* of the broker, when these were given */
    struct answer answers[PERMISSIONS_KEPT];
};

/* NULL: no memory. */
static struct permissions *
permissions_of(struct session *s)
{
    const struct broker *b = s->shard->broker;

    if (s->permissions == NULL) {
        s->permissions = mem_zalloc(b->alloc, sizeof(*s->permissions));
    } else if (s->permissions->access_changes != b->access_changes) {
        memset(s->permissions, 0, sizeof(*s->permissions));
    }
    if (s->permissions != NULL) {
        s->permissions->access_changes = b->access_changes;
    }
    return s->permissions;
}

static bool
is_to(const struct answer *a, enum access_action action, struct span topic)
{
    return a->action == action && span_equal(span_of(a->topic, a->topic_bytes), topic);
}

bool
permission_ask(struct session *s, enum access_action action, struct span topic)
{
    const struct broker *b = s->shard->broker;
    const struct access_subject who = session_subject(s);
    struct permissions *kept = topic.len > PERMISSIONS_TOPIC_BYTES_MAX ? NULL : permissions_of(s);
    struct answer *a = NULL;

    if (kept == NULL) {
        return access_may(b->access, &who, action, topic);
    }
    a = &kept->answers[(hash_bytes(topic, b->hash_seed) + action) % PERMISSIONS_KEPT];
    if (!is_to(a, action, topic)) {
        a->topic_bytes = (uint16_t)topic.len;
        a->action = (uint8_t)action;
        memcpy(a->topic, topic.data, topic.len);
        a->may = access_may(b->access, &who, action, topic);
    }
    return a->may;
}

void
permissions_free(struct session *s)
{
    mem_free(s->shard->broker->alloc, s->permissions);
    s->permissions = NULL;
}

bool
permission_to_get(struct session *s, const struct message *m)
{
    struct span topic = message_topic(m);

    return inbox_holds(topic) || session_may(s, ACCESS_RECEIVE, topic);
}

bool
permission_lasts(const struct broker *b, const struct message *m)
{
    const struct access_subject author = message_author(m);

    return m->publisher == SESSION_ID_NONE ||
           access_may(b->access, &author, ACCESS_PUBLISH, message_topic(m));
}

uint64_t
permission_reach(struct session *s, struct span topic)
{
    return inbox_holds(topic) || !session_may(s, ACCESS_PUBLISH, topic) ? s->id : SESSION_ID_NONE;
}

void
permission_denied(struct session *s, enum access_action action, struct span topic)
{
    static const char *const words[] = {"publish", "subscribe", "receive"};
    struct shard *shard = s->shard;

    shard->stats.access_denied++;
    if (log_gate_passes(shard)) {
        log_event(shard->broker->log, LOG_INFO, "access_denied",
                  "client=%s user=%s action=%s topic=%s", LOG_TEXT(session_client_id(s)),
                  LOG_TEXT(session_user(s)), words[action], LOG_TEXT(topic));
    }
}
