/* PUBLISH: from a packet to a message, of which judge.c says what becomes of it. What is wrong with
 * the packet ends the connection; what is wrong with the message is said in PUBACK or PUBREC, or
 * dropped at QoS 0. */
#include "broker/core/handlers.h"

#include "broker/core/judge.h"
#include "broker/core/limits.h"
#include "broker/core/reply.h"
#include "broker/core/session.h"
#include "wire/publish.h"

static struct alias_in *
alias_table(struct conn *c)
{
    const struct broker *b = c->shard->broker;

    if (c->alias_in == NULL) {
        c->alias_in = mem_alloc(b->alloc, sizeof(*c->alias_in));
        if (c->alias_in != NULL) {
            alias_in_init(c->alias_in, b->alloc, (uint16_t)b->settings.topic_alias_maximum);
        }
    }
    return c->alias_in;
}

/* Not counting what the table itself takes, which is the broker's own choice. */
static bool
holds_too_much(const struct conn *c, const struct alias_in *table)
{
    size_t table_bytes = table->maximum * sizeof(struct alias_topic *);

    return table->bytes > c->shard->broker->settings.topic_alias_bytes_max + table_bytes;
}

/* Puts the Topic Name in place of its alias. */
static enum wilco_status
resolve_alias(struct conn *c, struct wire_publish *p)
{
    struct alias_in *table = NULL;
    enum wilco_status status = WILCO_ENOMEM;

    if (!wire_properties_has(&p->properties, WIRE_TOPIC_ALIAS)) {
        return WILCO_OK;
    }
    table = alias_table(c);
    if (table != NULL) {
        status = alias_in_apply(table, p->properties.topic_alias, &p->topic);
    }
    if (status == WILCO_EPROTOCOL) {                     /* [MQTT-3.3.2-8], [MQTT-3.3.2-9] */
        conn_refuse(c, WIRE_REASON_TOPIC_ALIAS_INVALID); /* [U-3.3.4-1] */
    } else if (status == WILCO_OK && holds_too_much(c, table)) {
        conn_refuse_because(c, WIRE_REASON_QUOTA_EXCEEDED,
                            "the topics behind the Topic Aliases of this client are too long");
        status = WILCO_ELIMIT;
    }
    return status;
}

/* Before MQTT 5.0 an acknowledgement cannot refuse. What the client may not publish is acknowledged
 * and goes no further (MQTT 3.1.1, 3.3.5); what there was no room for must not be, so the
 * connection ends and the client will send it again. */
static void
acknowledge(struct conn *c, enum wire_type type, uint16_t packet_id, const struct verdict *verdict)
{
    if (c->version != WIRE_V5 && verdict->reason_code == WIRE_REASON_QUOTA_EXCEEDED) {
        conn_end(c, verdict->reason_code);
    } else if (verdict->is_counted) {
        reply_ack_counted(c, type, packet_id, verdict->reason_code, verdict->receivers);
    } else {
        reply_ack_because(c, type, packet_id, verdict->reason_code, verdict->why);
    }
}

/* A QoS 2 packet identifier is held from PUBREC to PUBREL; a message that comes again meanwhile is
 * acknowledged again and goes no further [MQTT-4.3.3-10]. */
static enum wilco_status
publish_qos_2(struct conn *c, const struct wire_publish *p)
{
    struct receive_window *w = session_received(c->session);
    struct verdict verdict = {.reason_code = WIRE_REASON_SUCCESS};
    enum wilco_status status = w == NULL ? WILCO_ENOMEM : receive_window_add(w, p->packet_id);

    if (status == WILCO_ELIMIT) { /* [U-3.3.4-2] */
        conn_refuse(c, WIRE_REASON_RECEIVE_MAXIMUM_EXCEEDED);
        return WILCO_OK;
    }
    if (status == WILCO_ENOMEM) {
        return status;
    }
    if (status == WILCO_OK) {
        verdict = judge_message(c, p);
    }
    if (wire_reason_is_error(verdict.reason_code)) { /* [MQTT-4.3.3-9] */
        (void)receive_window_remove(w, p->packet_id);
    }
    acknowledge(c, WIRE_PUBREC, p->packet_id, &verdict); /* [MQTT-4.3.3-8], [MQTT-3.3.4-1] */
    return WILCO_OK;
}

enum wilco_status
on_publish(struct conn *c, const struct frame *f)
{
    WILCO_NOT_CLEARED struct wire_publish p;
    struct verdict verdict = {.reason_code = WIRE_REASON_SUCCESS};
    uint8_t reason_code = WIRE_REASON_SUCCESS;
    enum wilco_status status =
        wire_publish_decode(&p, f->flags, f->body, (enum wire_version)c->version);

    if (status == WILCO_OK && wire_properties_has(&p.properties, WIRE_SUBSCRIPTION_IDENTIFIER)) {
        conn_refuse_because(c, WIRE_REASON_PROTOCOL_ERROR, /* [MQTT-3.3.4-6] */
                            "a PUBLISH from a client must not carry a Subscription Identifier");
        return WILCO_OK;
    }
    if (status == WILCO_OK) {
        status = resolve_alias(c, &p);
    }
    if (status != WILCO_OK) {
        return status;
    }
    c->shard->stats.publish_received++;
    c->shard->stats.publish_bytes_received += p.payload.len;
    if (p.has_wildcard) { /* [MQTT-3.3.2-2] */
        conn_refuse(c, WIRE_REASON_TOPIC_NAME_INVALID);
        return WILCO_OK;
    }
    reason_code = limits_on_message(&c->shard->broker->settings, p.qos, p.retain);
    if (reason_code != WIRE_REASON_SUCCESS) {
        conn_refuse(c, reason_code);
        return WILCO_OK;
    }
    if (p.qos == 2) {
        return publish_qos_2(c, &p);
    }
    verdict = judge_message(c, &p);
    if (p.qos == 1) {
        acknowledge(c, WIRE_PUBACK, p.packet_id, &verdict);
    }
    return WILCO_OK;
}
