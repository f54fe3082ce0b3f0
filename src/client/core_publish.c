#include "client/core_private.h"

enum wilco_status
core_admit(const struct core *c, const struct draft *d, uint8_t *reason_code)
{
    if (c->state != CORE_OPEN) {
        return WILCO_ECLOSED;
    }
    if (d->packet.qos > c->server.maximum_qos) { /* [MQTT-3.2.2-11] */
        return core_refuse(reason_code, WIRE_REASON_QOS_NOT_SUPPORTED);
    }
    if (d->packet.retain && !c->server.has_retain) { /* [MQTT-3.2.2-14] */
        return core_refuse(reason_code, WIRE_REASON_RETAIN_NOT_SUPPORTED);
    }
    return WILCO_OK;
}

enum wilco_status
core_encode(struct core *c, const struct draft *d, struct outgoing **out)
{
    bool is_idle = c->account.bytes + c->output.bytes == 0;
    enum wilco_status st = outgoing_new(out, &c->account, d, c->server.packet_bytes_max);

    if (st == WILCO_OK && !is_idle && c->account.bytes + c->output.bytes > c->queue_bytes_max) {
        outgoing_unref(*out);
        st = WILCO_AGAIN;
    }
    return st;
}

/* Puts the packet into the output, as a copy or by reference. */
static enum wilco_status
put(struct core *c, struct outgoing *o)
{
    struct span bytes = span_of(o->bytes, o->len);
    enum wilco_status st;

    if (o->len < OUTPUT_REFERENCE_BYTES) {
        st = output_copy(&c->output, &c->pool, bytes);
    } else {
        outgoing_ref(o);
        st = output_reference(&c->output, &c->pool, bytes, outgoing_unref, o);
        if (st != WILCO_OK) {
            outgoing_unref(o);
        }
    }
    if (st == WILCO_OK) {
        core_sent(c);
        core_note_sent(o);
        c->requester.counters.requests += o->is_request;
    }
    return st;
}

/* WILCO_AGAIN: there is no quota, or no identifier, for it now. */
static enum wilco_status
send_counted(struct core *c, struct outgoing *o)
{
    enum send_stage stage = o->qos == 1 ? SEND_AWAITS_PUBACK : SEND_AWAITS_PUBREC;
    struct send_entry *entry = NULL;
    enum wilco_status st = send_window_add(&c->sent, stage, o, &entry);

    if (st != WILCO_OK) {
        return st; /* [MQTT-4.9.0-2] */
    }
    outgoing_set_id(o, entry->packet_id);
    st = put(c, o);
    if (st != WILCO_OK) {
        send_window_remove(&c->sent, entry);
    }
    return st;
}

static enum wilco_status
send_uncounted(struct core *c, struct outgoing *o)
{
    enum wilco_status st = put(c, o);

    if (st == WILCO_OK) {
        core_settle(c, o, WILCO_OK, 0);
    }
    return st;
}

enum wilco_status
core_dispatch(struct core *c, struct outgoing *o)
{
    enum wilco_status st = WILCO_AGAIN;

    if (o->qos == 0) {
        return send_uncounted(c, o);
    }
    if (list_is_empty(&c->queue)) {
        st = send_counted(c, o);
    }
    if (st == WILCO_AGAIN) {
        list_push_back(&c->queue, &o->event.link);
        st = WILCO_OK;
    }
    return st;
}

enum wilco_status
core_pump(struct core *c)
{
    enum wilco_status st = WILCO_OK;

    while (st == WILCO_OK && !list_is_empty(&c->queue)) {
        struct outgoing *o = CONTAINER_OF(c->queue.next, struct outgoing, event.link);

        st = send_counted(c, o);
        if (st == WILCO_OK) {
            list_remove(&o->event.link);
        }
    }
    return st == WILCO_AGAIN ? WILCO_OK : st;
}

void
core_settle(struct core *c, struct outgoing *o, enum wilco_status status, uint8_t reason_code)
{
    if (o->request != NULL) {
        list_remove(&o->try_link);
        o->request = NULL;
    }
    if (o->repeat != NULL) {
        core_log_sent(c, o->repeat, status);
        o->repeat = NULL;
    }
    o->status = status;
    o->reason_code = reason_code;
    if (outgoing_is_awaited(o)) {
        core_push_event(c, &o->event, o->done == NULL);
    } else {
        outgoing_unref(o);
    }
}

enum wilco_status
core_publish(struct core *c, const struct wilco_publish *p, wilco_published_fn *done, void *context,
             uint8_t *reason_code)
{
    struct draft d;
    struct outgoing *o = NULL;
    enum wilco_status st = draft_publish(&d, p);

    if (st == WILCO_OK) {
        st = core_admit(c, &d, reason_code);
    }
    if (st == WILCO_OK) {
        st = core_encode(c, &d, &o);
    }
    if (st != WILCO_OK) {
        return st;
    }
    o->done = done;
    o->context = context;
    st = core_dispatch(c, o);
    if (st != WILCO_OK) {
        outgoing_unref(o);
    }
    return st;
}

void
core_abandon_publications(struct core *c)
{
    struct list *node = NULL;
    struct send_entry *entry = NULL;

    while ((entry = send_window_first(&c->sent)) != NULL) {
        void *item = entry->item;
        bool is_operation = entry->stage == SEND_OTHER;

        send_window_remove(&c->sent, entry);
        if (is_operation) {
            core_settle_operation(c, item, WILCO_ECLOSED, 0);
        } else {
            core_settle(c, item, WILCO_ECLOSED, 0);
        }
    }
    while ((node = list_pop_front(&c->queue)) != NULL) {
        core_settle(c, CONTAINER_OF(node, struct outgoing, event.link), WILCO_ECLOSED, 0);
    }
}
