/* The client's packets are decoded by the broker's own codec: whether that reads them rightly is
 * for the tests of the codec. Here it says which answers are due, and whether any are. */
#include "support/referee.h"

#include "wire/topic.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Saying so ---- */

static void foul(const struct referee_line *l, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

static void
foul(const struct referee_line *l, const char *format, ...)
{
    va_list arguments;

    (void)fprintf(stderr, "foul on the line of \"%.*s\", MQTT version %d: ",
                  l->client_id.len > REFEREE_TEXT_BYTES ? 0 : (int)l->client_id.len,
                  (const char *)l->client_id.bytes, (int)l->version);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    abort();
}

static void
expect(const struct referee_line *l, bool is_true, const char *what)
{
    if (!is_true) {
        foul(l, "%s", what);
    }
}

/* ---- What is remembered ---- */

static void
keep(struct referee_text *t, struct span text)
{
    t->len = text.len;
    if (text.len > 0 && text.len <= REFEREE_TEXT_BYTES) {
        memcpy(t->bytes, text.data, text.len);
    }
}

static bool
is_kept(const struct referee_text *t)
{
    return t->len <= REFEREE_TEXT_BYTES;
}

static struct span
kept(const struct referee_text *t)
{
    return span_of(t->bytes, t->len);
}

void
referee_init(struct referee *r)
{
    memset(r, 0, sizeof(*r));
}

static struct referee_session *
find_session(const struct referee_line *l)
{
    struct referee *r = l->referee;
    const struct referee_text *client_id = &l->client_id;
    struct referee_session *unused = NULL;

    if (!is_kept(client_id)) {
        r->has_forgotten = true;
        return NULL;
    }
    for (size_t i = 0; i < REFEREE_SESSIONS; i++) {
        struct referee_session *s = &r->sessions[i];

        if (s->is_used && s->shard == l->shard &&
            span_equal(kept(&s->client_id), kept(client_id))) {
            return s;
        }
        unused = unused == NULL && !s->is_used ? s : unused;
    }
    if (unused == NULL) {
        r->has_forgotten = true;
        return NULL;
    }
    *unused = (struct referee_session){.is_used = true, .client_id = *client_id, .shard = l->shard};
    return unused;
}

/* The session as this connection knows it; NULL: another one has taken its place. */
static struct referee_session *
session_of(const struct referee_line *l)
{
    struct referee_session *s = l->session;

    return s == NULL || s->life != l->life || s->is_lost || l->is_blind ? NULL : s;
}

void
referee_open(struct referee_line *l, struct referee *r, struct rig_client *c)
{
    referee_close(l);
    memset(l, 0, offsetof(struct referee_line, owed));
    l->flying_count = 0;
    l->referee = r;
    l->client = c;
    l->shard = c->conn.shard;
    c->line = l;
    l->version = WIRE_V5;
    l->wants_reasons = true;
    l->receive_maximum = UINT16_MAX;
    l->packet_bytes_max = UINT32_MAX;
    l->partial = NULL;
    l->partial_len = 0;
    l->partial_capacity = 0;
    for (size_t i = 0; i < REFEREE_ALIASES; i++) {
        l->aliases[i].len = 0;
    }
}

void
referee_close(struct referee_line *l)
{
    free(l->partial);
    l->partial = NULL;
    if (l->client != NULL && l->client->line == l) {
        l->client->line = NULL;
    }
}

/* From now on nothing is known of this connection, nor of what its session subscribes to. */
static void
lose_track(struct referee_line *l)
{
    struct referee_session *s = find_session(l);

    l->is_blind = true;
    if (s != NULL) {
        s->is_lost = true;
    }
}

/* ---- What the client sends ---- */

static void
owe(struct referee_line *l, struct referee_owed owed)
{
    if (l->owed_count == REFEREE_OWED) {
        lose_track(l);
        return;
    }
    l->owed[l->owed_count++] = owed;
}

static void
owe_ack(struct referee_line *l, enum wire_type type, uint16_t packet_id)
{
    owe(l, (struct referee_owed){.type = type, .packet_id = packet_id});
}

/* Who acknowledges what has not come yet may have guessed what will. */
static void
land(struct referee_line *l, uint16_t packet_id)
{
    for (size_t i = 0; i < l->flying_count; i++) {
        if (l->flying[i] == packet_id) {
            l->flying[i] = l->flying[--l->flying_count];
            return;
        }
    }
    l->has_guessed = true;
}

static void
begin_to_exist(struct referee_line *l)
{
    struct referee_session *s = l->client_id.len == 0 ? NULL : find_session(l);

    if (s != NULL) {
        l->may_be_present = s->may_exist;
        s->may_exist = true;
        l->connect = ++s->connects;
    }
}

static void
sent_connect(struct referee_line *l, const struct wire_connect *p, enum wilco_status status)
{
    const struct wire_properties *v = &p->properties;

    l->stage = REFEREE_AWAITS_CONNACK;
    l->version = p->version == WIRE_V31 || p->version == WIRE_V311 ? p->version : WIRE_V5;
    l->is_connect_broken = status != WILCO_OK;
    if (l->is_connect_broken) {
        return;
    }
    l->is_clean = p->clean_start;
    l->wants_assigned_id = p->client_id.len == 0;
    keep(&l->client_id, p->client_id);
    begin_to_exist(l);
    l->wants_inbox = v->request_response_information != 0;
    l->wants_reasons = !wire_properties_has(v, WIRE_REQUEST_PROBLEM_INFORMATION) ||
                       v->request_problem_information != 0;
    l->alias_maximum = v->topic_alias_maximum;
    if (wire_properties_has(v, WIRE_RECEIVE_MAXIMUM)) {
        l->receive_maximum = v->receive_maximum;
    }
    if (wire_properties_has(v, WIRE_MAXIMUM_PACKET_SIZE)) {
        l->packet_bytes_max = v->maximum_packet_size;
    }
}

static void
keep_filter(struct referee_session *s, struct span filter)
{
    struct span group;
    struct span inner = filter;

    (void)topic_share_split(filter, &group, &inner);
    if (s->filter_count == REFEREE_FILTERS || inner.len > REFEREE_TEXT_BYTES) {
        s->is_lost = true;
        return;
    }
    s->filters[s->filter_count].is_dead = false;
    keep(&s->filters[s->filter_count++].text, inner);
}

static void
keep_identifier(struct referee_session *s, const struct wire_properties *v)
{
    if (wire_properties_has(v, WIRE_SUBSCRIPTION_IDENTIFIER)) {
        if (s->identifier_count == REFEREE_IDENTIFIERS) {
            s->is_lost = true;
            return;
        }
        s->identifiers[s->identifier_count++] = v->subscription_identifier;
    }
}

/* A session that has had many subscriptions forgets those it had twice. */
static void
make_room(struct referee_session *s)
{
    size_t left = 0;

    for (size_t i = 0; i < s->filter_count; i++) {
        bool is_new = !s->filters[i].is_dead;

        for (size_t k = 0; k < left && is_new; k++) {
            is_new = !span_equal(kept(&s->filters[k].text), kept(&s->filters[i].text));
        }
        if (is_new) {
            s->filters[left++] = s->filters[i];
        }
    }
    s->filter_count = left;
    left = 0;
    for (size_t i = 0; i < s->identifier_count; i++) {
        bool is_new = true;

        for (size_t k = 0; k < left && is_new; k++) {
            is_new = s->identifiers[k] != s->identifiers[i];
        }
        if (is_new) {
            s->identifiers[left++] = s->identifiers[i];
        }
    }
    s->identifier_count = left;
}

static bool
is_owed(const struct referee_line *l, enum wire_type type)
{
    for (size_t i = 0; i < l->owed_count; i++) {
        if (l->owed[i].type == type) {
            return true;
        }
    }
    return false;
}

/* The CONNACK may never be seen. */
static void
subscribed_early(struct referee_line *l)
{
    struct referee_session *s = find_session(l);

    l->is_early = true;
    if (s != NULL) {
        s->is_lost = true;
    }
}

static void
sent_subscribe(struct referee_line *l, const struct wire_subscribe *p)
{
    struct referee_session *s = session_of(l);
    struct referee_owed owed = {.type = WIRE_SUBACK,
                                .packet_id = p->packet_id,
                                .count = (uint16_t)p->count,
                                .first_filter = UINT16_MAX};
    struct wire_subscription w;
    struct span payload = p->payload;

    if (s != NULL && s->filter_count > REFEREE_FILTERS / 2 && !is_owed(l, WIRE_SUBACK)) {
        make_room(s);
    }
    if (s != NULL) {
        owed.first_filter = (uint16_t)s->filter_count;
        keep_identifier(s, &p->properties);
    }
    if (l->stage == REFEREE_AWAITS_CONNACK) {
        subscribed_early(l);
    }
    for (unsigned i = 0; wire_subscribe_next(&payload, &w); i++) {
        owed.qos |= i < 16 ? (uint32_t)w.qos << 2 * i : 0;
        if (s != NULL) {
            keep_filter(s, w.filter);
        }
    }
    owe(l, owed);
}

static void
sent_publish(struct referee_line *l, const struct wire_publish *p)
{
    if (p->qos > 0) {
        owe_ack(l, p->qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, p->packet_id);
    }
}

static void
sent_ack(struct referee_line *l, enum wire_type type, const struct wire_ack *p)
{
    if (type == WIRE_PUBREL) {
        owe_ack(l, WIRE_PUBCOMP, p->packet_id);
    } else if (type == WIRE_PUBREC && p->reason_code < 0x80) {
        owe_ack(l, WIRE_PUBREL, p->packet_id);
    } else {
        land(l, p->packet_id);
    }
}

/* A packet that decodes, after CONNECT. */
static void
sent_packet(struct referee_line *l, const struct wire_any *p)
{
    switch (p->type) {
    case WIRE_PUBLISH: sent_publish(l, &p->as.publish); break;
    case WIRE_PUBACK:
    case WIRE_PUBREC:
    case WIRE_PUBREL:
    case WIRE_PUBCOMP: sent_ack(l, p->type, &p->as.ack); break;
    case WIRE_SUBSCRIBE: sent_subscribe(l, &p->as.subscribe); break;
    case WIRE_UNSUBSCRIBE:
        owe(l, (struct referee_owed){.type = WIRE_UNSUBACK,
                                     .packet_id = p->as.unsubscribe.packet_id,
                                     .count = (uint16_t)p->as.unsubscribe.count});
        break;
    case WIRE_PINGREQ: owe_ack(l, WIRE_PINGRESP, 0); break;
    case WIRE_DISCONNECT: l->has_left = true; break;
    default: l->is_condemned = true; break; /* not for servers; AUTH without a method */
    }
}

static void
sent_whole(struct referee_line *l, struct span bytes)
{
    struct wire_any p = {.type = WIRE_CONNECT};
    enum wilco_status status = WILCO_OK;

    if (l->stage != REFEREE_AWAITS_CONNECT && bytes.data[0] >> 4 == WIRE_CONNECT) {
        l->is_condemned = true;
        return;
    }
    status = wire_any_decode(&p, bytes, l->version);
    l->packets++;
    l->is_condemned = status != WILCO_OK;
    if (p.type == WIRE_CONNECT && bytes.data[0] >> 4 == WIRE_CONNECT) {
        sent_connect(l, &p.as.connect, status);
    } else if (l->stage == REFEREE_AWAITS_CONNECT) {
        l->is_condemned = true;
    } else if (status == WILCO_OK) {
        sent_packet(l, &p);
    }
}

static void
append(struct referee_line *l, struct span bytes)
{
    if (l->partial_len + bytes.len > l->partial_capacity) {
        l->partial_capacity = (l->partial_len + bytes.len) * 2;
        l->partial = realloc(l->partial, l->partial_capacity);
        expect(l, l->partial != NULL, "no memory for the referee");
    }
    if (bytes.len > 0) {
        memcpy(l->partial + l->partial_len, bytes.data, bytes.len);
    }
    l->partial_len += bytes.len;
}

/* Where MQTT 3.1 lets DUP stand, the header is not for us to read. */
static bool
cannot_follow(const struct referee_line *l)
{
    return l->version == WIRE_V31 && l->stage >= REFEREE_AWAITS_CONNACK;
}

void
referee_sent(struct referee_line *l, struct span bytes)
{
    const struct settings *limits = &l->client->rig->broker.settings;
    size_t at = 0;

    if (bytes.len == 0) {
        return;
    }
    append(l, bytes);
    while (!l->is_condemned && !l->is_blind && !l->has_left) {
        struct span left = span_of(l->partial + at, l->partial_len - at);
        uint64_t max = l->stage == REFEREE_AWAITS_CONNECT ? limits->connect_bytes_max
                                                          : limits->packet_bytes_max;
        struct wire_header h;
        enum wilco_status status = wire_header_decode(&h, left);

        if (status == WILCO_AGAIN) {
            break;
        }
        if (status != WILCO_OK || h.header_bytes + h.remaining > max) {
            if (cannot_follow(l)) {
                lose_track(l);
            } else {
                l->is_condemned = true;
            }
            break;
        }
        if (left.len < h.header_bytes + h.remaining) {
            break;
        }
        sent_whole(l, span_first(left, h.header_bytes + h.remaining));
        at += h.header_bytes + h.remaining;
    }
    l->partial_len -= at;
    memmove(l->partial, l->partial + at, l->partial_len);
}

/* ---- What the broker sends ---- */

/* Takes it off the list; NULL: it is not owed. */
static const struct referee_owed *
pay(struct referee_line *l, enum wire_type type, uint16_t packet_id)
{
    static struct referee_owed paid;

    for (size_t i = 0; i < l->owed_count; i++) {
        if (l->owed[i].type == type && l->owed[i].packet_id == packet_id) {
            paid = l->owed[i];
            l->owed_count--;
            memmove(&l->owed[i], &l->owed[i + 1], (l->owed_count - i) * sizeof(l->owed[0]));
            return &paid;
        }
    }
    /* What was under way when the last connection ended goes on [MQTT-4.4.0-1]. */
    if (!l->is_blind && !(type == WIRE_PUBREL && l->is_resumed)) {
        foul(l, "%s for %u, which nobody waits for", wire_type_name(type), packet_id);
    }
    return NULL;
}

static void
begin_session(struct referee_line *l, bool is_present)
{
    struct referee_session *s = find_session(l);

    l->session = s;
    l->is_resumed = is_present || l->version == WIRE_V31;
    if (s == NULL) {
        return;
    }
    if (l->connect != s->connects) { /* it is late: another connection has the session now */
        lose_track(l);
        return;
    }
    expect(l, !is_present || l->may_be_present || l->referee->has_forgotten,
           "a session that never began is present");
    if (!is_present && (l->version != WIRE_V31 || l->is_clean || !l->may_be_present)) {
        s->life++;
        s->is_lost = false;
        s->filter_count = 0;
        s->identifier_count = 0;
        s->inbox.len = 0;
    }
    s->is_lost = s->is_lost || s->life == 0 || l->is_early || l->is_blind;
    l->life = s->life;
}

static void
got_connack(struct referee_line *l, const struct wire_connack *p)
{
    const struct wire_properties *v = &p->properties;

    expect(l, l->stage == REFEREE_AWAITS_CONNACK, "CONNACK out of turn"); /* [MQTT-3.2.0-2] */
    expect(l, !l->is_connect_broken || p->reason_code != 0, "a broken CONNECT is accepted");
    expect(l, l->version != WIRE_V5 || p->reason_code == 0 || p->reason_code >= 0x80,
           "a reason code that is neither");
    if (p->reason_code != 0) {
        l->stage = REFEREE_OVER;
        return;
    }
    l->stage = REFEREE_OPEN;
    expect(l, !p->session_present || !l->is_clean, "a session is present after Clean Start");
    expect(l,
           wire_properties_has(v, WIRE_ASSIGNED_CLIENT_IDENTIFIER) ==
               (l->wants_assigned_id && l->version == WIRE_V5),
           "Assigned Client Identifier where none is due, or none");
    expect(l, !wire_properties_has(v, WIRE_RESPONSE_INFORMATION) || l->wants_inbox,
           "Response Information that nobody asked for"); /* [MQTT-3.1.2-28] */
    expect(l, !wire_properties_has(v, WIRE_AUTHENTICATION_METHOD), "a method out of the blue");
    if (wire_properties_has(v, WIRE_ASSIGNED_CLIENT_IDENTIFIER)) {
        expect(l, v->assigned_client_identifier.len > 0, "an empty identifier is assigned");
        keep(&l->client_id, v->assigned_client_identifier);
        begin_to_exist(l);
    }
    l->is_blind = l->is_blind || l->client_id.len == 0;
    /* MQTT 3.1 does not say: then there is at most what was there. */
    begin_session(l, p->session_present);
    if (session_of(l) != NULL && v->response_information.len > 0) {
        keep(&l->session->inbox, v->response_information);
    }
}

static bool
has_subscribed(const struct referee_session *s, struct span topic)
{
    struct span inbox = kept(&s->inbox);

    for (size_t i = 0; i < s->filter_count; i++) {
        struct span filter = kept(&s->filters[i].text);

        if (!s->filters[i].is_dead && topic_filter_is_valid(filter) &&
            topic_matches(filter, topic)) {
            return true;
        }
    }
    return inbox.len > 0 && topic.len >= inbox.len &&
           span_equal(span_first(topic, inbox.len), inbox);
}

static bool
has_identifier(const struct referee_session *s, uint32_t identifier)
{
    for (size_t i = 0; i < s->identifier_count; i++) {
        if (s->identifiers[i] == identifier) {
            return true;
        }
    }
    return false;
}

/* The topic behind an alias; empty: it is not known here. */
static struct span
resolve_alias(struct referee_line *l, const struct wire_publish *p)
{
    uint16_t alias = p->properties.topic_alias;
    struct referee_text *t = &l->aliases[alias % REFEREE_ALIASES];

    if (!wire_properties_has(&p->properties, WIRE_TOPIC_ALIAS)) {
        return p->topic;
    }
    expect(l, alias > 0 && alias <= l->alias_maximum,
           "an alias above the client's Topic Alias Maximum"); /* [MQTT-3.1.2-26] */
    if (alias >= REFEREE_ALIASES) {
        return SPAN_EMPTY;
    }
    if (p->topic.len > 0) {
        keep(t, p->topic);
        return p->topic;
    }
    expect(l, t->len > 0, "an alias that was not said");
    return is_kept(t) ? kept(t) : SPAN_EMPTY;
}

static void
check_identifiers(const struct referee_line *l, const struct referee_session *s,
                  const struct wire_publish *p)
{
    struct wire_property_iterator it = wire_property_iterate(p->properties.block);
    struct wire_property found;

    while (wire_property_next(&it, &found)) {
        if (found.id == WIRE_SUBSCRIPTION_IDENTIFIER && !has_identifier(s, found.number)) {
            foul(l, "Subscription Identifier %u, which the client has not said", found.number);
        }
    }
}

/* QoS 1 and 2: an identifier that is free [MQTT-2.2.1-4] or comes again, and room for one more
 * [MQTT-3.3.4-9]. */
static void
take_off(struct referee_line *l, const struct wire_publish *p)
{
    for (size_t i = 0; i < l->flying_count; i++) {
        if (l->flying[i] == p->packet_id) {
            foul(l, "PUBLISH with packet identifier %u, which is in use", p->packet_id);
        }
    }
    expect(l, l->flying_count < l->receive_maximum, "more than the client's Receive Maximum");
    if (l->flying_count == REFEREE_FLYING) {
        lose_track(l);
        return;
    }
    l->flying[l->flying_count++] = p->packet_id;
}

static void
got_publish(struct referee_line *l, const struct wire_publish *p)
{
    const struct referee_session *s = session_of(l);
    struct span topic = resolve_alias(l, p);

    expect(l, topic.len == 0 || topic_name_is_valid(topic), "a topic that is none");
    if (p->qos > 0 && !l->is_blind && !l->has_guessed) {
        take_off(l, p);
    }
    if (s != NULL && topic.len > 0 && !has_subscribed(s, topic)) {
        foul(l, "PUBLISH to %.*s, which the client has not subscribed to", (int)topic.len,
             (const char *)topic.data);
    }
    if (s != NULL && l->version == WIRE_V5) {
        check_identifiers(l, s, p);
    }
}

static void
got_suback(struct referee_line *l, const struct wire_suback *p)
{
    const struct referee_owed *owed = pay(l, WIRE_SUBACK, p->packet_id);
    struct referee_session *s = session_of(l);

    if (owed == NULL) {
        return;
    }
    expect(l, p->reason_codes.len == owed->count, "not as many codes as filters");
    for (size_t i = 0; i < owed->count; i++) {
        uint8_t code = p->reason_codes.data[i];

        expect(l, code >= 0x80 || i >= 16 || code <= (owed->qos >> 2 * i & 3U),
               "more is granted than was asked for");
        if (code >= 0x80 && s != NULL && owed->first_filter + i < s->filter_count) {
            s->filters[owed->first_filter + i].is_dead = true;
        }
    }
}

static void
got_unsuback(struct referee_line *l, const struct wire_suback *p)
{
    const struct referee_owed *owed = pay(l, WIRE_UNSUBACK, p->packet_id);

    expect(l, owed == NULL || l->version != WIRE_V5 || p->reason_codes.len == owed->count,
           "not as many codes as filters");
}

static void
got_disconnect(struct referee_line *l, const struct wire_disconnect *p)
{
    expect(l, l->version == WIRE_V5, "a DISCONNECT of a server's before MQTT 5.0");
    expect(l, p->reason_code >= 0x80, "DISCONNECT that says nothing is wrong");
    expect(l, !wire_properties_has(&p->properties, WIRE_SESSION_EXPIRY_INTERVAL),
           "Session Expiry Interval from a server"); /* [MQTT-3.14.2-2] */
    l->stage = REFEREE_OVER;
}

/* [MQTT-3.1.2-29] */
static void
check_reasons(const struct referee_line *l, const struct wire_any *p)
{
    const uint64_t reasons = UINT64_C(1) << WIRE_REASON_STRING | UINT64_C(1) << WIRE_USER_PROPERTY;
    uint64_t present = 0;

    switch (p->type) {
    case WIRE_PUBACK:
    case WIRE_PUBREC:
    case WIRE_PUBREL:
    case WIRE_PUBCOMP: present = p->as.ack.properties.present; break;
    case WIRE_SUBACK:
    case WIRE_UNSUBACK: present = p->as.suback.properties.present; break;
    default: break;
    }
    expect(l, l->wants_reasons || (present & reasons) == 0, "reasons that nobody wants");
}

static void
got_packet(struct referee_line *l, const struct wire_any *p)
{
    expect(l, l->stage == REFEREE_OPEN || p->type == WIRE_CONNACK, "a packet out of turn");
    check_reasons(l, p);
    switch (p->type) {
    case WIRE_CONNACK: got_connack(l, &p->as.connack); break;
    case WIRE_PUBLISH: got_publish(l, &p->as.publish); break;
    case WIRE_PUBACK:
    case WIRE_PUBREC:
    case WIRE_PUBREL:
    case WIRE_PUBCOMP: (void)pay(l, p->type, p->as.ack.packet_id); break;
    case WIRE_SUBACK: got_suback(l, &p->as.suback); break;
    case WIRE_UNSUBACK: got_unsuback(l, &p->as.suback); break;
    case WIRE_PINGRESP: (void)pay(l, WIRE_PINGRESP, 0); break;
    case WIRE_DISCONNECT: got_disconnect(l, &p->as.disconnect); break;
    default: foul(l, "%s from a server", wire_type_name(p->type));
    }
}

bool
referee_next(struct referee_line *l, struct wire_any *out)
{
    struct rig_client *c = l->client;
    struct span left = span_skip(span_of(c->input, c->input_len), c->input_at);
    struct wire_header h = {.type = WIRE_CONNECT};
    enum wilco_status status = WILCO_OK;
    size_t bytes = 0;

    if (left.len == 0) {
        return false;
    }
    expect(l, l->stage != REFEREE_OVER, "more after the end");
    expect(l, l->stage != REFEREE_AWAITS_CONNECT, "words before CONNECT");
    expect(l, wire_header_decode(&h, left) == WILCO_OK, "a header that is none");
    bytes = h.header_bytes + h.remaining;
    expect(l, bytes <= left.len, "a packet without an end");
    expect(l, bytes <= l->packet_bytes_max, "more than the client's Maximum Packet Size");
    status = wire_any_decode(out, span_first(left, bytes), l->version);
    if (status != WILCO_OK) {
        foul(l, "a %s that does not decode: %d", wire_type_name(h.type), (int)status);
    }
    c->input_at += bytes;
    l->packets++;
    got_packet(l, out);
    return true;
}

void
referee_settled(struct referee_line *l)
{
    const struct rig_client *c = l->client;
    bool is_open = c->is_open && c->conn.state != CONN_ENDING;

    expect(l, !l->is_condemned || !is_open, "who breaks the rules is still here");
    expect(l, !l->has_left || !is_open, "who has left is still here");
    /* Who takes no packets has nothing to complain of. */
    if (is_open && !c->is_stuck && !l->is_blind && l->packet_bytes_max > 256 && l->owed_count > 0) {
        foul(l, "%s for %u is due", wire_type_name(l->owed[0].type), l->owed[0].packet_id);
    }
}
