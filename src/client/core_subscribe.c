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
    op->status = status;
    op->reason_code = reason_code;
    if (operation_is_awaited(op)) {
        core_push_event(c, &op->event, op->done == NULL);
    } else if (op->is_dropped && c->tells_state) {
        core_push_event(c, &op->event, false);
    } else {
        operation_free(op);
    }
}

static enum wilco_status
put(struct core *c, struct operation *op, uint16_t packet_id)
{
    enum wilco_status st;

    operation_set_id(op, packet_id);
    st = output_copy(&c->output, &c->pool, span_of(op->bytes, op->len));
    if (st == WILCO_OK) {
        core_sent(c);
    }
    return st;
}

/* Gives `op` an identifier, and sends it if that can be now; it is then the window's, and `s` a
 * generation older. */
static enum wilco_status
submit(struct core *c, struct operation *op, struct subscription *s)
{
    struct send_entry *entry = NULL;
    enum wilco_status st = WILCO_ELIMIT;

    if (op->len <= c->server.packet_bytes_max) { /* [MQTT-3.2.2-15] */
        st = send_window_add(&c->sent, SEND_OTHER, op, &entry);
    }
    if (st != WILCO_OK) { /* WILCO_AGAIN: all 65 535 identifiers are in use */
        return st == WILCO_AGAIN ? WILCO_ELIMIT : st;
    }
    if (core_is_ready(c)) {
        st = put(c, op, entry->packet_id);
    }
    if (st != WILCO_OK) {
        send_window_remove(&c->sent, entry);
        return st;
    }
    s->generation = op->generation;
    s->is_asked = true;
    return WILCO_OK;
}

/* The same, but an operation that cannot be submitted is freed. */
static enum wilco_status
submit_or_free(struct core *c, struct operation *op, struct subscription *s)
{
    enum wilco_status st = submit(c, op, s);

    if (st != WILCO_OK) {
        operation_free(op);
    }
    return st;
}

/* What is told when it ends: a callback, or somebody who waits, or nobody. */
struct ending {
    wilco_subscribed_fn *done;
    void *context;
};

static const struct ending nobody = {.done = NULL};

/* `users` has User Properties, or is NULL. */
static enum wilco_status
send_subscribe(struct core *c, struct subscription *s, const struct wire_subscription *wanted,
               const struct wire_properties *users, const struct ending *end)
{
    struct wire_subscribe packet = {.subscriptions = wanted, .count = 1};
    struct operation *op = NULL;
    enum wilco_status st;

    if (users != NULL) {
        packet.properties = *users;
    }

    if (c->server.has_identifiers) {
        packet.properties.subscription_identifier = s->id;
        wire_properties_set(&packet.properties, WIRE_SUBSCRIPTION_IDENTIFIER);
    }
    st = operation_subscribe(&op, c->alloc, s, &packet);
    if (st != WILCO_OK) {
        return st;
    }
    op->done = end->done;
    op->context = end->context;
    return submit_or_free(c, op, s);
}

static enum wilco_status
send_unsubscribe(struct core *c, struct subscription *s, const struct ending *end)
{
    struct operation *op = NULL;
    enum wilco_status st = operation_unsubscribe(&op, c->alloc, s);

    if (st != WILCO_OK) {
        return st;
    }
    op->done = end->done;
    op->context = end->context;
    return submit_or_free(c, op, s);
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
        st = send_unsubscribe(c, idle, &nobody);
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
    st = send_subscribe(c, *out, &wanted, NULL, &nobody);
    if (st != WILCO_OK) {
        subscriptions_remove(&c->subscriptions, *out);
    }
    return st;
}

/* What the server said in CONNACK that it does not do. */
static enum wilco_status
check_server(const struct core *c, struct span filter, bool is_shared, uint8_t *reason_code)
{
    if (c->state == CORE_CLOSED) {
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

/* For requests; its journal is then its own. */
static enum wilco_status
make_responder(struct core *c, const struct core_subscriber *to, struct responder **out)
{
    enum wilco_status st = WILCO_OK;

    if (to->on_request == NULL) {
        return WILCO_OK;
    }
    st = responder_new(out, c->alloc, to->options, to->on_request, to->context);
    if (st != WILCO_OK || to->journal == NULL) {
        return st;
    }
    core_journal_attach(c, *out, to->journal);
    return core_recall(c, *out, to->records);
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
            const struct responder *r, const struct ending *end)
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
    st = send_subscribe(c, s, &wire, &properties, end);
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
    st = make_responder(c, to, &subscriber.responder);
    if (st == WILCO_OK) {
        const struct ending end = {to->done, awaited};

        st = send_wanted(c, s, wanted, subscriber.responder, &end);
    }
    if (st == WILCO_OK) { /* from now on: messages may come before the SUBACK */
        set_subscriber(s, &subscriber);
        core_offer_parked(c);
    } else if (s->generation == 0) {
        subscriptions_remove(&c->subscriptions, s);
    }
    responder_unref(subscriber.responder);
    return st;
}

enum wilco_status
core_unsubscribe_start(struct core *c, const char *filter, wilco_subscribed_fn *done, void *context)
{
    struct span wanted = span_of_text(filter);
    struct subscription *s = subscriptions_find(&c->subscriptions, wanted);

    if (c->state == CORE_CLOSED) {
        return WILCO_ECLOSED;
    }
    if (s == NULL) {
        s = subscriptions_find_shared(&c->subscriptions, wanted);
    }
    if (s == NULL || s->inbox != INBOX_NONE) {
        return WILCO_ENOTFOUND;
    }
    return send_unsubscribe(c, s, &(struct ending){done, context});
}

enum wilco_status
core_unsubscribe(struct core *c, const char *filter, void *awaited)
{
    return core_unsubscribe_start(c, filter, NULL, awaited);
}

/* Asks again for what had been granted. What cannot be asked for is dropped, and told like what the
 * server refuses. */
static void
renew(struct core *c, struct subscription *s)
{
    struct operation *op = s->renewal;
    enum wilco_status st;

    s->renewal = NULL;
    op->generation = s->generation + 1;
    st = submit(c, op, s);
    if (st != WILCO_OK && s->inbox == INBOX_ASKED) {
        core_inbox_refused(c, s, WIRE_REASON_QUOTA_EXCEEDED);
        operation_free(op);
    } else if (st != WILCO_OK) {
        subscriptions_remove(&c->subscriptions, s);
        op->is_dropped = true;
        core_settle_operation(c, op, st, WIRE_REASON_QUOTA_EXCEEDED);
    }
}

/* A SUBSCRIBE was refused: whom the subscription was for before gets it back, if there was anybody.
 */
static void
take_back(struct core *c, struct subscription *s, struct operation *op)
{
    if (s->generation != op->generation) {
        return;
    }
    if (s->is_granted) {
        set_subscriber(s, &op->before);
    } else if (s->renewal != NULL) { /* the server has forgotten it meanwhile */
        set_subscriber(s, &op->before);
        renew(c, s);
    } else {
        op->is_dropped = op->is_renewal;
        subscriptions_remove(&c->subscriptions, s);
    }
}

/* A session that is lost is to be made anew, so what was asked for is kept. */
static enum wilco_status
keep_renewal(struct core *c, struct subscription *s, const struct operation *op)
{
    struct operation *renewal = c->again.is_on ? operation_renewal(op) : NULL;

    if (c->again.is_on && renewal == NULL) {
        return WILCO_ENOMEM;
    }
    operation_free(s->renewal);
    s->renewal = renewal;
    return WILCO_OK;
}

static enum wilco_status
on_subscribed(struct core *c, struct operation *op, struct subscription *s, uint8_t reason_code)
{
    enum wilco_status st = WILCO_OK;

    if (s == NULL) {
        return WILCO_OK;
    }
    if (wire_reason_is_error(reason_code)) {
        if (s->inbox == INBOX_ASKED) {
            core_inbox_refused(c, s, reason_code);
        } else {
            take_back(c, s, op);
        }
        return WILCO_OK;
    }
    st = keep_renewal(c, s, op);
    if (st == WILCO_OK && s->inbox == INBOX_ASKED) {
        return core_inbox_granted(c, s);
    }
    s->is_granted = true;
    return st;
}

/* Requests that came before this may still be among the events: a responder that leaves keeps its
 * subscription until they are served. */
static void
on_unsubscribed(struct core *c, const struct operation *op, struct subscription *s,
                uint8_t reason_code)
{
    struct responder *r = s == NULL ? NULL : s->to.responder;
    bool is_refused = wire_reason_is_error(reason_code);

    if (s == NULL || s->generation != op->generation) {
        return;
    }
    if (r != NULL && r->is_leaving) {
        r->is_leaving = !is_refused;
        r->has_left = !is_refused;
    } else if (!is_refused) {
        subscriptions_remove(&c->subscriptions, s);
        return;
    }
    if (!is_refused) { /* it has left, and does not come back */
        operation_free(s->renewal);
        s->renewal = NULL;
    } else if (!s->is_granted && s->renewal != NULL) { /* it has forgotten it, and yet refuses */
        renew(c, s);
    }
}

/* `op`, which is in no window any more, has ended with this reason code. */
static enum wilco_status
conclude(struct core *c, struct operation *op, uint8_t reason_code)
{
    struct subscription *s = subscriptions_find_id(&c->subscriptions, op->subscription_id);
    enum wilco_status st = WILCO_OK;

    if (s != NULL && s->generation == op->generation) {
        s->is_asked = false;
    }
    if (op->answer == WIRE_SUBACK) {
        st = on_subscribed(c, op, s, reason_code);
    } else {
        on_unsubscribed(c, op, s, reason_code);
    }
    core_settle_operation(c, op, wire_reason_is_error(reason_code) ? WILCO_EREFUSED : WILCO_OK,
                          reason_code);
    return st;
}

enum wilco_status
core_on_suback(struct core *c, enum wire_type type, struct span body)
{
    struct wire_suback p;
    struct send_entry *entry = NULL;
    struct operation *op = NULL;
    enum wilco_status st = wire_suback_decode(&p, type, body, WIRE_V5);

    if (st != WILCO_OK) {
        return st;
    }
    entry = send_window_find(&c->sent, p.packet_id);
    op = entry != NULL && entry->stage == SEND_OTHER ? entry->item : NULL;
    if (op == NULL || op->answer != type || p.reason_codes.len != 1) { /* [MQTT-3.8.4-6] */
        return core_fault(c, WILCO_EPROTOCOL, 0, "the server acknowledged what was not asked");
    }
    send_window_remove(&c->sent, entry);
    st = conclude(c, op, p.reason_codes.data[0]);
    return st == WILCO_OK ? core_pump(c) : st;
}

/* ---- On a new connection ---- */

/* A response topic that nobody waits at is not needed any more. */
static void
forget(struct core *c, struct subscription *s)
{
    s->is_granted = false;
    if (s->inbox == INBOX_GRANTED && s->request_count == 0) {
        subscriptions_remove(&c->subscriptions, s);
    } else if (s->inbox == INBOX_GRANTED) {
        s->inbox = INBOX_ASKED;
    }
}

static void
renew_if_due(struct core *c, struct subscription *s)
{
    if (s->renewal != NULL && !s->is_asked) {
        renew(c, s);
    }
}

static void
each_subscription(struct core *c, void (*act)(struct core *c, struct subscription *s))
{
    struct list *all = &c->subscriptions.in_order;
    struct list *next = NULL;

    for (struct list *node = all->next; node != all; node = next) {
        next = node->next;
        act(c, CONTAINER_OF(node, struct subscription, link));
    }
}

/* Requests that were not sent wait until their response topics are granted again. */
static void
hold_requests(struct core *c)
{
    struct list *next = NULL;

    for (struct list *node = c->queue.next; node != &c->queue; node = next) {
        const struct outgoing *o = CONTAINER_OF(node, struct outgoing, event.link);

        next = node->next;
        if (o->request != NULL && o->request->inbox->inbox == INBOX_ASKED) {
            list_remove(node);
            list_push_back(&o->request->inbox->waiting, node);
        }
    }
}

void
core_renew_subscriptions(struct core *c)
{
    each_subscription(c, forget);
    hold_requests(c);
    each_subscription(c, renew_if_due);
}

/* The server may do less than the one we had when `op` was made; 0: it does that. */
static uint8_t
refusal(const struct core *c, const struct operation *op)
{
    struct span filter = operation_filter(op);
    struct span group, inner;
    uint8_t reason_code = 0;

    if (op->len > c->server.packet_bytes_max) { /* [MQTT-3.2.2-15] */
        return WIRE_REASON_PACKET_TOO_LARGE;
    }
    if (op->has_identifier && !c->server.has_identifiers) {
        return WIRE_REASON_SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED;
    }
    if (op->answer == WIRE_SUBACK) {
        (void)check_server(c, filter, topic_share_split(filter, &group, &inner), &reason_code);
    }
    return reason_code;
}

enum wilco_status
core_send_operations(struct core *c)
{
    struct send_entry *e = send_window_first(&c->sent);
    enum wilco_status st = WILCO_OK;

    while (st == WILCO_OK && e != NULL) {
        const struct send_entry *next = send_window_next(&c->sent, e);
        uint16_t next_id = next == NULL ? 0 : next->packet_id; /* the window may grow meanwhile */
        bool is_due = e->stage == SEND_OTHER && e->detail == SENT_EARLIER;
        struct operation *op = is_due ? e->item : NULL;
        uint8_t reason_code = is_due ? refusal(c, op) : 0;

        e->detail = e->stage == SEND_OTHER ? SENT_NOW : e->detail;
        if (reason_code != 0) {
            send_window_remove(&c->sent, e);
            st = conclude(c, op, reason_code);
        } else if (is_due) {
            st = put(c, op, e->packet_id);
        }
        e = send_window_find(&c->sent, next_id);
    }
    return st;
}
