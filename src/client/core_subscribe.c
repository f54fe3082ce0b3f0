#include "client/core_private.h"
#include "client/draft.h"
#include "wire/topic.h"
#include "wire/utf8.h"

/* The answer to a SUBSCRIBE or UNSUBSCRIBE finds its subscription by identifier and generation, for
 * in the meantime another one may have been sent for the same filter, or the subscription may be
 * gone. */

void
core_settle_operation(struct core *c, struct operation *op, enum wilco_status status,
                      uint8_t reason_code)
{
    responder_unref(op->before.responder);
    op->before.responder = NULL;
    if (op->context == NULL) {
        mem_free(c->alloc, op);
        return;
    }
    op->status = status;
    op->reason_code = reason_code;
    core_push_event(c, &op->event, true);
}

static struct operation *
operation_new(struct core *c, enum wire_type answer, const struct subscription *s, void *context)
{
    struct operation *op = mem_alloc(c->alloc, sizeof(*op));

    if (op != NULL) {
        *op = (struct operation){
            .event.kind = EVENT_OPERATION,
            .context = context,
            .answer = answer,
            .subscription_id = s->id,
            .generation = s->generation + 1,
            .before = s->to,
        };
        (void)responder_ref(s->to.responder);
    }
    return op;
}

/* Gives `packet` an identifier and sends it; `op` is then the window's, and `s` a generation older.
 */
static enum wilco_status
send_operation(struct core *c, struct wire_any *packet, struct operation *op,
               struct subscription *s)
{
    struct send_entry *entry = NULL;
    enum wilco_status st = send_window_add(&c->sent, SEND_OTHER, op, &entry);

    if (st != WILCO_OK) { /* all 65 535 identifiers are in use */
        return st == WILCO_AGAIN ? WILCO_ELIMIT : st;
    }
    if (op->answer == WIRE_SUBACK) {
        packet->as.subscribe.packet_id = entry->packet_id;
    } else {
        packet->as.unsubscribe.packet_id = entry->packet_id;
    }
    st = core_send(c, packet);
    if (st != WILCO_OK) {
        send_window_remove(&c->sent, entry);
        return st;
    }
    s->generation = op->generation;
    return WILCO_OK;
}

/* An operation that was not sent. */
static void
operation_free(struct core *c, struct operation *op)
{
    responder_unref(op->before.responder);
    mem_free(c->alloc, op);
}

/* `users` are User Properties, or NULL. */
static enum wilco_status
send_subscribe(struct core *c, struct subscription *s, const struct wire_subscription *wanted,
               const struct wire_properties *users, void *context)
{
    struct wire_any packet = {.type = WIRE_SUBSCRIBE};
    struct wire_properties *p = &packet.as.subscribe.properties;
    struct operation *op = operation_new(c, WIRE_SUBACK, s, context);
    enum wilco_status st = WILCO_ENOMEM;

    if (op == NULL) {
        return st;
    }
    packet.as.subscribe.subscriptions = wanted;
    packet.as.subscribe.count = 1;
    if (users != NULL) {
        *p = *users;
    }
    if (c->server.has_identifiers) {
        p->subscription_identifier = s->id;
        wire_properties_set(p, WIRE_SUBSCRIPTION_IDENTIFIER);
    }
    st = send_operation(c, &packet, op, s);
    if (st != WILCO_OK) {
        operation_free(c, op);
    }
    return st;
}

static enum wilco_status
send_unsubscribe(struct core *c, struct subscription *s, void *context)
{
    struct wire_any packet = {.type = WIRE_UNSUBSCRIBE};
    struct span filter = span_of(s->filter, s->len);
    struct operation *op = operation_new(c, WIRE_UNSUBACK, s, context);
    enum wilco_status st = WILCO_ENOMEM;

    if (op == NULL) {
        return st;
    }
    packet.as.unsubscribe.filters = &filter;
    packet.as.unsubscribe.count = 1;
    st = send_operation(c, &packet, op, s);
    if (st != WILCO_OK) {
        operation_free(c, op);
    }
    return st;
}

/* A response topic nobody uses makes room for another one. */
static enum wilco_status
evict_inbox(struct core *c)
{
    struct subscription *idle = subscriptions_idle_inbox(&c->subscriptions);
    enum wilco_status st = WILCO_OK;

    if (idle == NULL) {
        return WILCO_ELIMIT;
    }
    if (idle->inbox != INBOX_ASSIGNED) {
        st = send_unsubscribe(c, idle, NULL);
    }
    if (st == WILCO_OK) {
        subscriptions_remove(&c->subscriptions, idle);
    }
    return st;
}

enum wilco_status
core_add_inbox(struct core *c, struct span topic, enum inbox_state inbox, struct subscription **out)
{
    struct wire_subscription wanted = {
        .filter = topic,
        .qos = c->server.maximum_qos,
        .retain_handling = 2, /* a response from before the request is none */
    };
    enum wilco_status st = WILCO_OK;

    if (c->subscriptions.inbox_count >= INBOXES_MAX) {
        st = evict_inbox(c);
    }
    if (st == WILCO_OK) {
        st = subscriptions_add(&c->subscriptions, topic, inbox, out);
    }
    if (st != WILCO_OK || inbox == INBOX_ASSIGNED) {
        return st;
    }
    st = send_subscribe(c, *out, &wanted, NULL, NULL);
    if (st != WILCO_OK) {
        subscriptions_remove(&c->subscriptions, *out);
    }
    return st;
}

/* What the server said in CONNACK that it does not do. */
static enum wilco_status
check_server(const struct core *c, struct span filter, bool is_shared, uint8_t *reason_code)
{
    if (c->state != CORE_OPEN) {
        return WILCO_ECLOSED;
    }
    if (is_shared && !c->server.has_shared) {
        return core_refuse(reason_code, WIRE_REASON_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED);
    }
    if (topic_has_wildcard(filter) && !c->server.has_wildcards) {
        return core_refuse(reason_code, WIRE_REASON_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED);
    }
    return WILCO_OK;
}

static struct draft
draft_of_users(const struct wilco_subscription *s)
{
    return (struct draft){.users = s->user_properties, .user_count = s->user_property_count};
}

static enum wilco_status
check_subscription(const struct wilco_subscription *s, bool *is_shared)
{
    const struct draft users = draft_of_users(s);
    struct span filter = span_of_text(s->filter);
    struct span group, inner;

    if (!utf8_is_valid(filter) || !topic_filter_is_valid(filter) || s->qos > 2 ||
        s->retain_handling > 2 || !draft_users_are_valid(&users)) {
        return WILCO_EINVAL;
    }
    *is_shared = topic_share_split(filter, &group, &inner);
    return *is_shared && s->no_local ? WILCO_EINVAL : WILCO_OK; /* [MQTT-3.8.3-4] */
}

/* The subscription for `filter`: the one there is, or a new one. */
static enum wilco_status
subscription_for(struct core *c, struct span filter, struct subscription **out)
{
    *out = subscriptions_find(&c->subscriptions, filter);
    if (*out == NULL) {
        return subscriptions_add(&c->subscriptions, filter, INBOX_NONE, out);
    }
    return (*out)->inbox == INBOX_NONE ? WILCO_OK : WILCO_EINVAL;
}

static void
set_subscriber(struct subscription *s, const struct subscriber *to)
{
    struct responder *before = s->to.responder;

    s->to = *to;
    (void)responder_ref(to->responder);
    responder_unref(before);
}

/* As the application wants it; `r` NULL: it is not for a responder. */
static enum wilco_status
send_wanted(struct core *c, struct subscription *s, const struct wilco_subscription *wanted,
            const struct responder *r, void *awaited)
{
    const struct wire_subscription wire = {
        .filter = span_of_text(wanted->filter),
        .qos = wanted->qos,
        .no_local = wanted->no_local,
        .retain_as_published = wanted->retain_as_published,
        .retain_handling = wanted->retain_handling,
    };
    const struct draft d = draft_of_users(wanted);
    struct wire_properties properties = {.present = 0};
    struct wire_user_property own[RESPONDER_USERS_MAX];
    struct draft_users users;
    enum wilco_status st = draft_users_init(&users, c->alloc, &d, &properties);

    if (st != WILCO_OK) {
        return st;
    }
    if (r != NULL) {
        properties.users = own;
        properties.user_count = responder_users(r, own);
    }
    st = send_subscribe(c, s, &wire, &properties, awaited);
    draft_users_fini(&users);
    return st;
}

enum wilco_status
core_subscribe(struct core *c, const struct wilco_subscription *wanted,
               const struct core_subscriber *to, void *awaited, uint8_t *reason_code)
{
    struct span filter = span_of_text(wanted->filter);
    struct subscriber subscriber = {.on_message = to->on_message, .context = to->context};
    struct subscription *s = NULL;
    bool is_shared = false;
    enum wilco_status st = check_subscription(wanted, &is_shared);

    if (st == WILCO_OK) {
        st = check_server(c, filter, is_shared, reason_code);
    }
    if (st == WILCO_OK) {
        st = subscription_for(c, filter, &s);
    }
    if (st != WILCO_OK) {
        return st;
    }
    if (to->on_request != NULL) {
        st = responder_new(&subscriber.responder, c->alloc, to->options, to->on_request,
                           to->context);
    }
    if (st == WILCO_OK) {
        st = send_wanted(c, s, wanted, subscriber.responder, awaited);
    }
    if (st == WILCO_OK) { /* from now on: messages may come before the SUBACK */
        set_subscriber(s, &subscriber);
    } else if (s->generation == 0) {
        subscriptions_remove(&c->subscriptions, s);
    }
    responder_unref(subscriber.responder);
    return st;
}

enum wilco_status
core_unsubscribe(struct core *c, const char *filter, void *awaited)
{
    struct span wanted = span_of_text(filter);
    struct subscription *s = subscriptions_find(&c->subscriptions, wanted);

    if (c->state != CORE_OPEN) {
        return WILCO_ECLOSED;
    }
    if (s == NULL) {
        s = subscriptions_find_shared(&c->subscriptions, wanted);
    }
    if (s == NULL || s->inbox != INBOX_NONE) {
        return WILCO_ENOTFOUND;
    }
    return send_unsubscribe(c, s, awaited);
}

/* A SUBSCRIBE was refused: whom the subscription was for before gets it back, if there was anybody.
 */
static void
take_back(struct core *c, struct subscription *s, const struct operation *op)
{
    if (s->generation != op->generation) {
        return;
    }
    if (s->is_granted) {
        set_subscriber(s, &op->before);
    } else {
        subscriptions_remove(&c->subscriptions, s);
    }
}

static enum wilco_status
on_subscribed(struct core *c, const struct operation *op, struct subscription *s,
              uint8_t reason_code)
{
    bool is_refused = wire_reason_is_error(reason_code);

    if (s == NULL) {
        return WILCO_OK;
    }
    if (s->inbox == INBOX_ASKED) {
        if (!is_refused) {
            return core_inbox_granted(c, s);
        }
        core_inbox_refused(c, s, reason_code);
    } else if (is_refused) {
        take_back(c, s, op);
    } else {
        s->is_granted = true;
    }
    return WILCO_OK;
}

/* Requests that came before this may still be among the events: a responder that leaves keeps its
 * subscription until they are served. */
static void
on_unsubscribed(struct core *c, const struct operation *op, struct subscription *s,
                uint8_t reason_code)
{
    if (s == NULL || s->generation != op->generation || wire_reason_is_error(reason_code)) {
        return;
    }
    if (s->to.responder == NULL || !s->to.responder->is_leaving) {
        subscriptions_remove(&c->subscriptions, s);
    }
}

enum wilco_status
core_on_suback(struct core *c, enum wire_type type, struct span body)
{
    struct wire_suback p;
    struct send_entry *entry = NULL;
    struct operation *op = NULL;
    struct subscription *s = NULL;
    uint8_t reason_code = 0;
    enum wilco_status st = wire_suback_decode(&p, type, body, WIRE_V5);

    if (st != WILCO_OK) {
        return st;
    }
    entry = send_window_find(&c->sent, p.packet_id);
    op = entry != NULL && entry->stage == SEND_OTHER ? entry->item : NULL;
    if (op == NULL || op->answer != type || p.reason_codes.len != 1) { /* [MQTT-3.8.4-6] */
        return core_fault(c, WILCO_EPROTOCOL, 0, "the server acknowledged what was not asked");
    }
    reason_code = p.reason_codes.data[0];
    send_window_remove(&c->sent, entry);
    s = subscriptions_find_id(&c->subscriptions, op->subscription_id);
    if (type == WIRE_SUBACK) {
        st = on_subscribed(c, op, s, reason_code);
    } else {
        on_unsubscribed(c, op, s, reason_code);
    }
    core_settle_operation(c, op, wire_reason_is_error(reason_code) ? WILCO_EREFUSED : WILCO_OK,
                          reason_code);
    return st == WILCO_OK ? core_pump(c) : st;
}
