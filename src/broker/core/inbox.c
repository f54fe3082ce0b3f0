#include "broker/core/inbox.h"

#include "base/buffer.h"
#include "broker/core/account.h"
#include "broker/core/deliver.h"
#include "broker/core/inbox_filters.h"
#include "broker/core/mail.h"
#include "broker/core/request.h"
#include "broker/core/response.h"
#include "wire/topic.h"

struct inbox {
    struct inbox_filters *filters; /* NULL before the first; most clients need none */
    bool is_assigned;
    uint16_t bytes;
    uint8_t topic[];
};

static bool
starts_with_level(struct span topic, struct span levels)
{
    return topic.len >= levels.len && memcmp(topic.data, levels.data, levels.len) == 0 &&
           (topic.len == levels.len || topic.data[levels.len] == '/');
}

/* A name as one level, whatever it is made of. */
static enum wilco_status
append_name(struct buffer *out, struct span name)
{
    enum wilco_status status = buffer_append(out, name);

    for (size_t i = out->len - (status == WILCO_OK ? name.len : 0); i < out->len; i++) {
        if (strchr("/+#", out->data[i]) != NULL) {
            out->data[i] = '_';
        }
    }
    return status;
}

static enum wilco_status
append_prefix(struct buffer *out, struct span prefix, struct span client_id, struct span user_name)
{
    enum wilco_status status = WILCO_OK;

    for (size_t i = 0; i < prefix.len && status == WILCO_OK; i++) {
        if (prefix.data[i] != '%' || i + 1 == prefix.len) {
            status = buffer_append(out, span_of(prefix.data + i, 1));
            continue;
        }
        i++;
        status = append_name(out, prefix.data[i] == 'c' ? client_id : user_name);
    }
    return status;
}

static enum wilco_status
make(struct session *s, struct span topic)
{
    struct inbox *inbox = mem_zalloc(s->shard->broker->alloc, sizeof(*inbox) + topic.len);

    if (inbox == NULL) {
        return WILCO_ENOMEM;
    }
    inbox->bytes = (uint16_t)topic.len;
    memcpy(inbox->topic, topic.data, topic.len);
    s->inbox = inbox;
    return WILCO_OK;
}

enum wilco_status
inbox_give(struct session *s, struct span prefix, struct span user_name)
{
    const struct broker *b = s->shard->broker;
    char token[INBOX_TOKEN_CHARS + 1];
    struct buffer topic;
    enum wilco_status status = WILCO_OK;

    if (s->inbox != NULL) {
        return WILCO_OK;
    }
    buffer_init(&topic, b->alloc, INBOX_BYTES_MAX - 1 - INBOX_TOKEN_CHARS);
    status = append_prefix(&topic, prefix, session_client_id(s), user_name);
    if (status == WILCO_ELIMIT) { /* names too long for it */
        topic.len = 0;
        status = buffer_append(&topic, SPAN_LITERAL(INBOX_ROOT));
    }
    topic.bytes_max = INBOX_BYTES_MAX;
    if (status == WILCO_OK) {
        status = random_token(b->random, token, INBOX_TOKEN_CHARS);
    }
    if (status == WILCO_OK) {
        status = buffer_append(&topic, SPAN_LITERAL("/"));
    }
    if (status == WILCO_OK) {
        status = buffer_append(&topic, span_of_text(token));
    }
    if (status == WILCO_OK) {
        status = make(s, buffer_span(&topic));
    }
    buffer_fini(&topic);
    return status;
}

void
inbox_assign(struct session *s)
{
    if (s->inbox != NULL) {
        s->inbox->is_assigned = true;
    }
}

void
inbox_free(struct session *s)
{
    if (s->inbox != NULL) {
        s->shard->stats.subscriptions -= inbox_filter_count(s);
        inbox_filters_free(s->inbox->filters);
        mem_free(s->shard->broker->alloc, s->inbox);
        s->inbox = NULL;
    }
}

struct span
inbox_topic(const struct session *s)
{
    return s->inbox == NULL ? SPAN_EMPTY : span_of(s->inbox->topic, s->inbox->bytes);
}

bool
inbox_owns(const struct session *s, struct span topic)
{
    return s->inbox != NULL && starts_with_level(topic, inbox_topic(s));
}

/* Its subscriptions, made if need be; NULL: out of memory. */
static struct inbox_filters *
filters_of(struct session *s)
{
    const struct broker *b = s->shard->broker;

    if (s->inbox->filters == NULL) {
        s->inbox->filters = inbox_filters_new(b->alloc, b->hash_seed);
    }
    return s->inbox->filters;
}

enum wilco_status
inbox_subscribe(struct session *s, struct span filter, const struct subscription_how *how,
                bool *existed)
{
    struct inbox_filters *filters = filters_of(s);
    struct subscription_how *old = filters == NULL ? NULL : inbox_filters_find(filters, filter);
    enum wilco_status status = WILCO_ENOMEM;

    *existed = old != NULL;
    if (old != NULL) { /* [MQTT-3.8.4-3] */
        *old = *how;
        return WILCO_OK;
    }
    if (inbox_filter_count(s) + s->subscriptions.count >=
            s->shard->broker->settings.subscriptions_max ||
        !account_has_room(s, account_subscription_bytes(filter))) {
        return WILCO_ELIMIT;
    }
    if (filters != NULL) {
        status = inbox_filters_add(filters, filter, how);
    }
    if (status == WILCO_OK) {
        s->held_bytes += account_subscription_bytes(filter);
        s->shard->stats.subscriptions++;
    }
    return status;
}

size_t
inbox_filter_count(const struct session *s)
{
    return s->inbox == NULL ? 0 : inbox_filters_count(s->inbox->filters);
}

bool
inbox_unsubscribe(struct session *s, struct span filter)
{
    bool existed = s->inbox != NULL && s->inbox->filters != NULL &&
                   inbox_filters_remove(s->inbox->filters, filter);

    if (existed) {
        s->held_bytes -= account_subscription_bytes(filter);
        s->shard->stats.subscriptions--;
    }
    return existed;
}

/* Who responds may ask something in turn. */
static bool
send_as_request(struct shard *s, struct message *m, uint64_t session_id)
{
    const uint32_t words[1] = {SERVICE_OTHER};
    const struct target target = {
        .session_id = session_id, .qos = m->qos, .is_inbox = true, .is_request = true};

    request_starts(s, m, 1);
    if (!target_send(s, m, &target, words)) {
        request_not_opened(s, m, REQUEST_NO_MEMORY, false);
        return false;
    }
    return true;
}

enum wilco_status
inbox_send(struct shard *s, struct message *m, uint64_t session_id, size_t *receivers)
{
    const struct target target = {.session_id = session_id, .qos = m->qos, .is_inbox = true};
    const struct shard *owner = s->broker->shards[session_id_shard(session_id)];
    bool is_request = message_is_request(m);

    *receivers = 0;
    if (session_table_presence(&owner->sessions, session_id) == SESSION_GONE) {
        if (is_request) {
            request_unserved(s, m, REQUEST_NO_RESPONDER);
        }
        return WILCO_OK;
    }
    if (!(is_request ? send_as_request(s, m, session_id) : target_send(s, m, &target, NULL))) {
        s->stats.dropped_no_memory++;
        return WILCO_ENOMEM;
    }
    *receivers = 1;
    return WILCO_OK;
}

/* One more subscription that wants the message; the client gets that once, for all of them. */
static void
gather(struct delivery_terms *terms, uint32_t *identifiers, const struct message *m,
       const struct subscription_how *how)
{
    uint8_t qos = m->qos < how->qos ? m->qos : how->qos;

    terms->qos = terms->qos > qos ? terms->qos : qos; /* [MQTT-3.3.4-2] */
    terms->retain = terms->retain || (m->retain && how->retain_as_published);
    if (how->identifier != 0 && terms->identifier_count < UINT16_MAX) { /* [MQTT-3.3.4-4] */
        identifiers[terms->identifier_count++] = how->identifier;
    }
}

/* Whether anything of the session's wants the message. `identifiers` has room for all of them. */
static bool
gather_all(struct session *s, const struct message *m, struct delivery_terms *terms,
           uint32_t *identifiers)
{
    static const struct subscription_how assigned = {.qos = 2};
    struct inbox_filters_walk walk = {.topic = message_topic(m)};
    const struct subscription_how *how = s->inbox->is_assigned ? &assigned : NULL;
    struct inbox_filters *filters = s->inbox->filters;
    bool is_wanted = how != NULL;

    if (how != NULL) {
        gather(terms, identifiers, m, how);
    }
    while (filters != NULL && (how = inbox_filters_next(filters, &walk)) != NULL) {
        if (!(how->no_local && m->publisher == s->id)) { /* [MQTT-3.8.3-3] */
            is_wanted = true;
            gather(terms, identifiers, m, how);
        }
    }
    return is_wanted;
}

/* It gets nothing, for it wants nothing of it, or there is no memory. */
static void
give_up(struct session *s, const struct message *m, struct request *request,
        enum request_failure why)
{
    if (request != NULL) {
        request_fail(request, why);
    }
    if (why == REQUEST_NO_MEMORY) {
        s->shard->stats.dropped_no_memory++;
        if (m->responds_to == s->id) {
            response_lost(s, m, why);
        }
    }
}

void
inbox_deliver(struct session *s, struct message *m, struct request *request)
{
    struct buffer *scratch = &s->shard->reply;
    struct delivery_terms terms = {.request = request};
    enum request_failure why = REQUEST_NO_RESPONDER;
    bool may_get_it = inbox_owns(s, message_topic(m)); /* or it was an earlier session's */

    scratch->len = 0;
    if (may_get_it &&
        buffer_reserve(scratch, inbox_filter_count(s) * sizeof(uint32_t)) != WILCO_OK) {
        why = REQUEST_NO_MEMORY;
        may_get_it = false;
    }
    if (may_get_it && gather_all(s, m, &terms, (void *)scratch->data)) {
        terms.identifiers = (void *)scratch->data;
        s->shard->stats.dropped_no_memory += deliver(s, m, &terms) != WILCO_OK;
    } else {
        give_up(s, m, request, why);
    }
}
