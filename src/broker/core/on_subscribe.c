/* SUBSCRIBE: each filter in turn [MQTT-3.8.4-5], then one SUBACK [MQTT-3.8.4-1], then the retained
 * messages, though they might come before it [U-3.8.4-1]; again for a subscription that is replaced
 * [MQTT-3.8.4-4]. */
#include "broker/core/handlers.h"

#include "broker/core/deliver.h"
#include "broker/core/explain.h"
#include "broker/core/inbox.h"
#include "broker/core/limits.h"
#include "broker/core/reply.h"
#include "broker/core/retained.h"
#include "broker/core/service_question.h"
#include "broker/core/services.h"
#include "wire/subscribe.h"
#include "wire/topic.h"

#include <stdio.h>

enum retain_handling {
    RETAIN_SEND = 0,
    RETAIN_SEND_IF_NEW = 1,
    RETAIN_DO_NOT_SEND = 2,
};

/* What the filters of one SUBSCRIBE have in common. */
struct subscribing {
    struct conn *conn;
    uint32_t identifier;
    bool is_observer; /* User Property rr-observe=1 */
    bool is_nonsense; /* likewise, but neither 0 nor 1 */
    struct enrolment enrolment;
    uint8_t objection; /* to all of them */
    const char *words; /* why the filter at hand is refused, where there is more to say */
};

static struct subscribing
subscribing_of(struct conn *c, const struct wire_properties *v)
{
    struct subscribing g = {.conn = c, .identifier = v->subscription_identifier};
    struct span value = SPAN_EMPTY;

    if (c->shard->broker->settings.request_tracking != 0 &&
        wire_properties_user(v, SPAN_LITERAL("rr-observe"), &value)) {
        g.is_observer = span_equal(value, SPAN_LITERAL("1"));
        g.is_nonsense = !g.is_observer && !span_equal(value, SPAN_LITERAL("0"));
    }
    return g;
}

static struct subscription_how
how_of(const struct wire_subscription *w, const struct subscribing *g)
{
    return (struct subscription_how){
        .identifier = g->identifier,
        .qos = w->qos,
        .no_local = w->no_local,
        .retain_as_published = w->retain_as_published,
        .is_observer = g->is_observer,
    };
}

static bool
wants_retained(const struct wire_subscription *w, bool existed)
{
    struct span group = SPAN_EMPTY;
    struct span inner = SPAN_EMPTY;

    if (topic_share_split(w->filter, &group, &inner)) { /* [U-3.3.1-4] */
        return false;
    }
    return w->retain_handling ==
               RETAIN_SEND || /* [MQTT-3.3.1-9], [MQTT-3.3.1-10], [MQTT-3.3.1-11] */
           (w->retain_handling == RETAIN_SEND_IF_NEW && !existed);
}

/* WIRE_REASON_SUCCESS, or why this client may not have this subscription. Inboxes are their
 * owners' alone, and are not shared; below $SRV there is nothing to hear but events; who watches
 * does not do so in the place of others. */
static uint8_t
denial(struct subscribing *g, struct span filter)
{
    const struct conn *c = g->conn;
    struct span group = SPAN_EMPTY;
    struct span inner = filter;

    (void)topic_share_split(filter, &group, &inner);
    if (g->is_nonsense || (g->is_observer && (group.len > 0 || inbox_holds(inner)))) {
        return WIRE_REASON_IMPLEMENTATION_SPECIFIC_ERROR;
    }
    if (inbox_holds(inner)) { /* no policy is asked about one's own */
        return group.len == 0 && inbox_owns(c->session, inner) ? WIRE_REASON_SUCCESS
                                                               : WIRE_REASON_NOT_AUTHORIZED;
    }
    if (service_topic_holds(inner) && !service_topic_is_event(inner)) {
        g->words = "below $SRV clients subscribe to $SRV/EVENT/... alone; all else is for asking";
        return WIRE_REASON_NOT_AUTHORIZED;
    }
    if (!session_may(c->session, ACCESS_SUBSCRIBE, inner)) {
        permission_denied(c->session, ACCESS_SUBSCRIBE, inner);
        return WIRE_REASON_NOT_AUTHORIZED;
    }
    return WIRE_REASON_SUCCESS;
}

static enum wilco_status
subscribe(struct session *s, struct span filter, const struct subscription_how *how, bool *existed)
{
    return inbox_holds(filter) ? inbox_subscribe(s, filter, how, existed)
                               : session_subscribe(s, filter, how, existed);
}

static bool
unsubscribe(struct session *s, struct span filter)
{
    return inbox_holds(filter) ? inbox_unsubscribe(s, filter) : session_unsubscribe(s, filter);
}

static uint8_t
join(struct subscribing *g, const struct wire_subscription *w, bool *existed)
{
    struct session *s = g->conn->session;
    const struct subscription_how how = how_of(w, g);

    if (subscribe(s, w->filter, &how, existed) != WILCO_OK) {
        return WIRE_REASON_QUOTA_EXCEEDED;
    }
    if (services_join(s, &g->enrolment, w->filter) != WILCO_OK) {
        services_leave(s, w->filter);
        (void)unsubscribe(s, w->filter);
        g->words = "this client, or all together, have as many services as the broker keeps";
        return WIRE_REASON_QUOTA_EXCEEDED;
    }
    return WIRE_REASON_SUCCESS;
}

/* The reason code for one filter [MQTT-3.8.4-7]; `*send_retained` says whether its retained
 * messages are due. */
static uint8_t
subscribe_one(struct subscribing *g, const struct wire_subscription *w, bool *send_retained)
{
    struct conn *c = g->conn;
    const struct settings *limits = &c->shard->broker->settings;
    uint8_t reason_code = g->objection;
    bool existed = false;

    *send_retained = false;
    if (reason_code != WIRE_REASON_SUCCESS) {
        return reason_code;
    }
    if (!topic_filter_is_valid(w->filter) || !limits_allow_topic(limits, w->filter)) {
        return WIRE_REASON_TOPIC_FILTER_INVALID;
    }
    reason_code = limits_on_filter(limits, w->filter);
    if (reason_code == WIRE_REASON_SUCCESS) {
        reason_code = denial(g, w->filter);
    }
    if (reason_code == WIRE_REASON_SUCCESS) {
        reason_code = join(g, w, &existed);
    }
    if (reason_code != WIRE_REASON_SUCCESS) {
        return reason_code;
    }
    *send_retained = wants_retained(w, existed);
    return w->qos;
}

/* Says what is wrong with the first filter that was refused; `why` is "" until one was. */
static void
explain_first(size_t index, uint8_t reason_code, const char *words, char why[EXPLAIN_BYTES_MAX])
{
    if (why[0] != '\0' || !wire_reason_is_error(reason_code)) {
        return;
    }
    words = words == NULL ? explain(WIRE_SUBACK, reason_code) : words;
    if (words != NULL) {
        (void)snprintf(why, EXPLAIN_BYTES_MAX, "filter %zu: %s", index + 1, words);
    }
}

/* With the identifier of the SUBSCRIBE [MQTT-3.8.4-2] and a code for each filter in their order
 * [MQTT-3.9.3-1]. A client that cannot be told is disconnected, rather than left waiting: its
 * Maximum Packet Size is below what it asked for. */
static void
send_suback(struct conn *c, uint16_t packet_id, uint8_t *codes, size_t count, const char *why)
{
    struct wire_any packet = {
        .type = WIRE_SUBACK,
        .as.suback = {.packet_id = packet_id, .reason_codes = span_of(codes, count)},
    };

    for (size_t i = 0; i < count && c->version != WIRE_V5; i++) {
        if (wire_reason_is_error(codes[i])) {
            codes[i] = WIRE_REASON_UNSPECIFIED_ERROR; /* the one failure of MQTT 3.1.1 */
        }
    }
    if (!reply_with_reason(c, &packet, &packet.as.suback.properties, why[0] == '\0' ? NULL : why)) {
        conn_end_because(c, WIRE_REASON_PACKET_TOO_LARGE,
                         "the SUBACK is larger than the client's Maximum Packet Size");
    }
}

static void
send_retained_for(struct conn *c, const struct wire_subscription *w, uint32_t identifier)
{
    struct shard *s = c->shard;
    struct retained_matches found;

    if (!deliver_has_room(c->session)) { /* it does not read, and asks for more */
        s->stats.dropped_queue_full++;
        return;
    }
    if (retained_match(s->broker->retained, w->filter, s->now_ms, &found, s->broker->alloc) !=
        WILCO_OK) {
        s->stats.dropped_no_memory++;
        return;
    }
    for (size_t i = 0; i < found.count; i++) {
        const struct message *m = found.items[i];
        const struct delivery_terms terms = {
            .qos = m->qos < w->qos ? m->qos : w->qos,
            .retain = true, /* [U-3.3.1-3]: for a new subscription, whatever it asks for */
            .identifier_count = identifier != 0,
            .identifiers = &identifier,
        };

        if (!permission_lasts(s->broker, m)) {
            s->stats.retained_denied++;
        } else if (!(w->no_local && m->publisher == c->session->id)) {
            deliver_retained(c->session, found.items[i], &terms);
        }
    }
    retained_matches_fini(&found);
}

/* The next filter, with no more than the Maximum QoS that can be granted [MQTT-3.2.2-10]. */
static bool
next_filter(const struct conn *c, struct span *rest, struct wire_subscription *out)
{
    uint64_t maximum_qos = c->shard->broker->settings.maximum_qos;

    if (!wire_subscribe_next(rest, out)) {
        return false;
    }
    if (out->qos > maximum_qos) {
        out->qos = (uint8_t)maximum_qos;
    }
    return true;
}

/* In MQTT 5.0 the client knows what the broker does not have, so asking for it ends the connection
 * (3.2.2.3.11 to 3.2.2.3.13); before, it is an answer in SUBACK. */
static uint8_t
objection(const struct conn *c, const struct wire_subscribe *p)
{
    const struct settings *limits = &c->shard->broker->settings;
    struct span rest = p->payload;
    struct wire_subscription w;
    uint8_t reason_code = WIRE_REASON_SUCCESS;

    if (!limits_allow_properties(limits, &p->properties)) {
        return WIRE_REASON_QUOTA_EXCEEDED;
    }
    if (wire_properties_has(&p->properties, WIRE_SUBSCRIPTION_IDENTIFIER) &&
        limits->subscription_identifiers == 0) { /* [U-3.2.2-6] */
        return WIRE_REASON_SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED;
    }
    while (c->version == WIRE_V5 && reason_code == WIRE_REASON_SUCCESS &&
           wire_subscribe_next(&rest, &w)) {
        reason_code = limits_on_filter(limits, w.filter);
    }
    return reason_code;
}

/* `codes`: the reason codes, then whether retained messages are due. */
static void
subscribe_all(struct conn *c, const struct wire_subscribe *p, uint8_t *codes,
              char why[EXPLAIN_BYTES_MAX])
{
    struct subscribing g = subscribing_of(c, &p->properties);
    struct span rest = p->payload;
    struct wire_subscription w;
    const char *words = NULL;

    why[0] = '\0';
    g.objection = services_enrol(&g.enrolment, c->session, &p->properties, &words);
    for (size_t i = 0; next_filter(c, &rest, &w); i++) {
        bool send_retained = false;

        g.words = words;
        codes[i] = subscribe_one(&g, &w, &send_retained);
        codes[p->count + i] = send_retained;
        explain_first(i, codes[i], g.words, why);
        c->shard->stats.subscribe_refused += wire_reason_is_error(codes[i]);
        stats_count_reason(&c->shard->stats, codes[i]);
    }
    services_enrolled(&g.enrolment);
}

enum wilco_status
on_subscribe(struct conn *c, const struct frame *f)
{
    struct wire_subscribe p;
    struct wire_subscription w;
    struct buffer *scratch = &c->shard->reply; /* the reason codes, then whether retained are due */
    enum wilco_status status = wire_subscribe_decode(&p, f->body, (enum wire_version)c->version);
    struct span rest = SPAN_EMPTY;
    uint8_t reason_code = WIRE_REASON_SUCCESS;
    char why[EXPLAIN_BYTES_MAX];

    if (status == WILCO_OK) {
        status = buffer_reserve(scratch, 2 * p.count);
    }
    if (status != WILCO_OK) {
        return status;
    }
    reason_code = objection(c, &p);
    if (reason_code != WIRE_REASON_SUCCESS) {
        conn_refuse_because(c, reason_code,
                            reason_code == WIRE_REASON_QUOTA_EXCEEDED
                                ? LIMITS_TOO_MANY_PROPERTIES
                                : explain(WIRE_DISCONNECT, reason_code));
        return WILCO_OK;
    }
    subscribe_all(c, &p, scratch->data, why);
    send_suback(c, p.packet_id, scratch->data, p.count, why);
    rest = p.payload;
    for (size_t i = 0; next_filter(c, &rest, &w); i++) {
        if (scratch->data[p.count + i]) {
            send_retained_for(c, &w, p.properties.subscription_identifier);
        }
    }
    return WILCO_OK;
}
