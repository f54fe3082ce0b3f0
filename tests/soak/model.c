#include "model.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    NUMBER_CHARS = 8, /* at the start of each payload */
};

#define WILLS(n) "w/" #n
const char *const topic_names[TOPICS] = {
    "t/0",    "t/1",     "t/2",     "t/3",     "t/deep/4", "t/deep/5", "r/0",
    "r/1",    "r/2",     "r/3",     "g/0",     "g/1",      WILLS(0),   WILLS(1),
    WILLS(2), WILLS(3),  WILLS(4),  WILLS(5),  WILLS(6),   WILLS(7),   WILLS(8),
    WILLS(9), WILLS(10), WILLS(11), WILLS(12), WILLS(13),  WILLS(14),  WILLS(15),
};

const char *const filter_names[FILTERS] = {
    "t/0", "t/1", "t/+", "t/#", "t/deep/+", "r/+", "+/0", "w/+", "#", "$share/soak/g/+",
};

/* Which topics each filter matches, a bit each, worked out by hand. */
static const uint32_t filter_topics[FILTERS] = {
    0x1, 0x2, 0xF, 0x3F, 0x30, 0x3C0, 0x1441, 0xFFFF000, 0xFFFFFFF, 0xC00,
};

static bool
covers(const struct want *w, const struct message *msg)
{
    return ((filter_topics[w->filter] >> msg->topic) & 1U) != 0;
}

void
model_init(struct model *m, struct soak *s, uint64_t seed)
{
    memset(m, 0, sizeof(*m));
    m->soak = s;
    m->seed = seed;
}

unsigned
model_message(struct model *m, unsigned publisher, unsigned topic, uint8_t qos)
{
    unsigned number = m->message_count;
    struct message *msg = &m->messages[number];

    SOAK_CHECK(number < MESSAGES);
    m->message_count++;
    *msg = (struct message){.publisher = (uint8_t)publisher,
                            .topic = (uint8_t)topic,
                            .qos = qos,
                            .sent_at = NEVER,
                            .done_at = NEVER};
    msg->payload_bytes =
        (uint16_t)(NUMBER_CHARS +
                   soak_pick(m->soak, soak_pick(m->soak, 8) == 0 ? PAYLOAD_MAX - 8 : 100));
    return number;
}

struct span
model_payload(const struct model *m, unsigned number, uint8_t *room)
{
    size_t len = m->messages[number].payload_bytes;
    char text[NUMBER_CHARS + 1];

    (void)snprintf(text, sizeof(text), "%08u", number);
    memset(room, (int)((number + m->seed) & 0xFFU), len);
    memcpy(room, text, NUMBER_CHARS);
    return span_of(room, len);
}

void
model_sent(struct model *m, unsigned number)
{
    struct message *msg = &m->messages[number];

    m->soak->now++;
    msg->sends++;
    if (msg->sent_at == NEVER) {
        msg->sent_at = m->soak->now;
    }
}

void
model_done(struct model *m, unsigned number)
{
    m->messages[number].done_at = ++m->soak->now;
}

void
model_will_is_due(struct model *m, unsigned number)
{
    SOAK_CHECK(m->messages[number].is_forbidden);
    m->messages[number].is_forbidden = false;
    model_sent(m, number);
    m->messages[number].done_at = NEVER - 1;
}

/* Subscriptions. */

void
model_subscribing(struct model *m, unsigned who, unsigned filter, uint8_t qos)
{
    struct ledger *l = &m->ledgers[who];

    m->soak->now++;
    for (unsigned i = 0; i < l->want_count; i++) {
        struct want *w = &l->wants[i];

        if (w->filter == filter && w->sure_to == NEVER) {
            w->sure_to = m->soak->now;
        }
    }
    SOAK_CHECK(l->want_count < WANTS);
    l->wants[l->want_count++] = (struct want){.filter = filter,
                                              .qos = qos,
                                              .sure_from = NEVER,
                                              .sure_to = NEVER,
                                              .maybe_from = m->soak->now,
                                              .maybe_to = NEVER};
}

/* The last one of the filter is the one that counts; those before it are over. */
void
model_subscribed(struct model *m, unsigned who, unsigned filter)
{
    struct ledger *l = &m->ledgers[who];
    bool is_last = true;

    m->soak->now++;
    for (unsigned i = l->want_count; i-- > 0;) {
        struct want *w = &l->wants[i];

        if (w->filter != filter) {
            continue;
        }
        if (is_last) {
            w->sure_from = m->soak->now;
        } else if (w->maybe_to == NEVER) {
            w->maybe_to = m->soak->now;
        }
        is_last = false;
    }
}

void
model_unsubscribing(struct model *m, unsigned who, unsigned filter)
{
    struct ledger *l = &m->ledgers[who];

    m->soak->now++;
    for (unsigned i = 0; i < l->want_count; i++) {
        if (l->wants[i].filter == filter && l->wants[i].sure_to == NEVER) {
            l->wants[i].sure_to = m->soak->now;
        }
    }
}

void
model_unsubscribed(struct model *m, unsigned who, unsigned filter)
{
    struct ledger *l = &m->ledgers[who];

    m->soak->now++;
    for (unsigned i = 0; i < l->want_count; i++) {
        if (l->wants[i].filter == filter && l->wants[i].maybe_to == NEVER) {
            l->wants[i].maybe_to = m->soak->now;
        }
    }
}

void
model_abandon(struct model *m, unsigned who)
{
    struct ledger *l = &m->ledgers[who];

    for (unsigned i = 0; i < l->want_count; i++) {
        l->wants[i].sure_from = NEVER;
        l->wants[i].sure_to = 0;
    }
}

void
model_forget(struct model *m, unsigned who)
{
    m->ledgers[who].want_count = 0;
}

/* Arrivals. */

static unsigned
number_of(const struct model *m, const struct wire_publish *p)
{
    char text[NUMBER_CHARS + 1] = "";
    uint8_t room[PAYLOAD_MAX];
    unsigned number = 0;

    SOAK_CHECK(p->payload.len >= NUMBER_CHARS);
    memcpy(text, p->payload.data, NUMBER_CHARS);
    number = (unsigned)strtoul(text, NULL, 10);
    SOAK_CHECK(number < m->message_count);
    SOAK_CHECK(span_equal(p->payload, model_payload(m, number, room)));
    SOAK_CHECK(span_equal(p->topic, span_of_text(topic_names[m->messages[number].topic])));
    SOAK_CHECK(m->messages[number].sends > 0 && !m->messages[number].is_forbidden);
    return number;
}

/* The highest QoS at which the message may come; -1: it may not. What comes because somebody has
 * subscribed may be older than the subscription, and so may what another member of a group was lost
 * with. */
static int
best_qos(const struct ledger *l, const struct message *msg, bool retained)
{
    int best = -1;

    for (unsigned i = 0; i < l->want_count; i++) {
        const struct want *w = &l->wants[i];
        int qos = w->qos < msg->qos ? w->qos : msg->qos;
        bool late = retained || w->filter == SHARED_FILTER;

        if (qos > best && covers(w, msg) && (late || w->maybe_from < msg->done_at) &&
            (retained || w->maybe_to > msg->sent_at)) {
            best = qos;
        }
    }
    return best;
}

/* What a publisher sent again may have found the subscriber only the second time. Of those who
 * share a subscription nobody is promised an order [MQTT-4.6.0-6]. */
static void
check_order(struct ledger *l, const struct message *msg, unsigned number, uint8_t qos)
{
    unsigned *last = &l->last[msg->publisher][msg->topic][qos];

    if (msg->qos == 1 && (msg->sends > 1 || qos == 0)) {
        return;
    }
    if (msg->topic < FIRST_WILL && l->got[number] == 1) {
        SOAK_CHECK(number + 1 > *last);
        *last = number + 1;
    }
}

void
model_got(struct model *m, unsigned who, const struct wire_publish *p)
{
    struct ledger *l = &m->ledgers[who];
    unsigned number = number_of(m, p);
    const struct message *msg = &m->messages[number];

    SOAK_CHECK(p->qos <= best_qos(l, msg, p->retain));
    if (p->retain) { /* stored, and sent because somebody has subscribed */
        SOAK_CHECK(msg->is_retained);
        return;
    }
    l->got[number]++;
    l->got_without_dup[number] = (uint16_t)(l->got_without_dup[number] + !p->dup);
    l->got_surely[number] = l->got_surely[number] || p->qos > 0;
    SOAK_CHECK(msg->qos != 2 || l->got_without_dup[number] <= 1);
    SOAK_CHECK(p->qos != 2 || l->got[number] == 1);
    if (who < CLIENTS) { /* in a group a QoS 1 message may wander, and come back */
        SOAK_CHECK(l->got_without_dup[number] <= msg->sends);
        check_order(l, msg, number, p->qos);
    }
}

static bool
is_due(const struct ledger *l, const struct message *msg)
{
    for (unsigned i = 0; i < l->want_count; i++) {
        const struct want *w = &l->wants[i];

        if (w->qos > 0 && covers(w, msg) && w->sure_from <= msg->sent_at &&
            w->sure_to >= msg->done_at) {
            return true;
        }
    }
    return false;
}

/* One of the group gets it, and one only. */
static bool
group_is_fulfilled(const struct model *m, unsigned number)
{
    const struct message *msg = &m->messages[number];
    unsigned got = 0;
    bool due = false;
    bool had = false;

    for (unsigned who = CLIENTS; who < PEOPLE; who++) {
        due = due || is_due(&m->ledgers[who], msg);
        had = had || m->ledgers[who].got_surely[number];
        got += m->ledgers[who].got[number];
    }
    SOAK_CHECK(msg->qos != 2 || got <= 1);
    return !due || had;
}

static bool
message_is_fulfilled(const struct model *m, unsigned number)
{
    const struct message *msg = &m->messages[number];

    if (msg->qos == 0 || msg->done_at == NEVER || msg->is_forbidden) {
        return true;
    }
    for (unsigned who = 0; who < CLIENTS; who++) {
        const struct ledger *l = &m->ledgers[who];

        if (!l->got_surely[number] && is_due(l, msg)) {
            return false;
        }
    }
    return group_is_fulfilled(m, number);
}

bool
model_is_fulfilled(const struct model *m, bool insist)
{
    for (unsigned i = 0; i < m->message_count; i++) {
        if (!message_is_fulfilled(m, i)) {
            if (insist) {
                (void)fprintf(stderr, "soak: message %u, QoS %u to %s, sent at %llu\n", i,
                              m->messages[i].qos, topic_names[m->messages[i].topic],
                              (unsigned long long)m->messages[i].sent_at);
            }
            SOAK_CHECK(!insist);
            return false;
        }
    }
    return true;
}

void
model_check_retained(const struct model *m, const struct wire_publish *p)
{
    unsigned number = number_of(m, p);

    SOAK_CHECK(p->retain && m->messages[number].is_retained);
    for (unsigned i = number + 1; i < m->message_count; i++) {
        SOAK_CHECK(m->messages[i].topic != m->messages[number].topic ||
                   m->messages[i].done_at == NEVER);
    }
}

unsigned
model_retained_count(const struct model *m)
{
    bool has[TOPICS] = {false};
    unsigned count = 0;

    for (unsigned i = 0; i < m->message_count; i++) {
        const struct message *msg = &m->messages[i];

        if (msg->is_retained && msg->done_at != NEVER) {
            count += !has[msg->topic];
            has[msg->topic] = true;
        }
    }
    return count;
}
