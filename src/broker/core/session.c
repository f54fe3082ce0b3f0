/* Sessions and the clocks that end them. While a client is connected no clock runs. When it leaves,
 * the timer is set to the earlier of the will's delay and the session's expiry; when it fires, what
 * is due is done and the timer is set to what remains. */
#include "broker/core/session.h"

#include "broker/core/account.h"
#include "broker/core/conn.h"
#include "broker/core/deliver.h"
#include "broker/core/inbox.h"
#include "broker/core/message.h"
#include "broker/core/request.h"
#include "broker/core/request_op.h"
#include "broker/core/services.h"
#include "broker/core/share.h"
#include "broker/core/sys.h"
#include "wire/topic.h"

#include <assert.h>

#define EXPIRES_NEVER_S UINT32_MAX
#define NEVER_MS        UINT64_MAX

static bool
take_place(struct broker *b)
{
    if (atomic_fetch_add_explicit(&b->session_count, 1, memory_order_relaxed) >=
        b->settings.sessions_max) {
        (void)atomic_fetch_sub_explicit(&b->session_count, 1, memory_order_relaxed);
        return false;
    }
    return true;
}

static void
give_place_back(struct broker *b)
{
    (void)atomic_fetch_sub_explicit(&b->session_count, 1, memory_order_relaxed);
}

static struct session *
session_make(struct shard *shard, struct span client_id, struct span user)
{
    const struct wilco_alloc *a = shard->broker->alloc;
    struct session *s = mem_zalloc(a, sizeof(*s) + client_id.len + user.len);

    if (s == NULL) {
        return NULL;
    }
    s->shard = shard;
    s->presence = SESSION_OFFLINE;
    s->waiting = delivery_queue_none();
    send_window_init(&s->sent, a);
    list_init(&s->requests);
    s->client_id_bytes = (uint16_t)client_id.len;
    s->user_bytes = (uint16_t)user.len;
    memcpy(s->names, client_id.data, client_id.len);
    if (user.len > 0) {
        memcpy(s->names + client_id.len, user.data, user.len);
    }
    return s;
}

enum wilco_status
session_new(struct session **out, struct shard *shard, struct span client_id, struct span user)
{
    struct session *s = NULL;
    enum wilco_status status = WILCO_ENOMEM;

    if (!take_place(shard->broker)) {
        return WILCO_ELIMIT;
    }
    s = session_make(shard, client_id, user);
    if (s != NULL) {
        status = session_table_add(&shard->sessions, s);
    }
    if (status != WILCO_OK) {
        mem_free(shard->broker->alloc, s);
        give_place_back(shard->broker);
        return status;
    }
    *out = s;
    return WILCO_OK;
}

enum wilco_status
session_allow_absence(struct session *s)
{
    if (s->absence == NULL) {
        s->absence = mem_zalloc(s->shard->broker->alloc, sizeof(*s->absence));
        if (s->absence == NULL) {
            return WILCO_ENOMEM;
        }
        *s->absence = (struct session_absence){
            .session = s,
            .timer = {.kind = SHARD_TIMER_SESSION},
            .will_at_ms = NEVER_MS,
            .expires_at_ms = NEVER_MS,
        };
    }
    return WILCO_OK;
}

static void
drop_absence(struct session *s)
{
    if (s->absence != NULL) {
        wheel_stop(&s->shard->wheel, &s->absence->timer);
        mem_free(s->shard->broker->alloc, s->absence);
    }
}

struct receive_window *
session_received(struct session *s)
{
    const struct broker *b = s->shard->broker;

    if (s->received == NULL) {
        s->received = mem_alloc(b->alloc, sizeof(*s->received));
        if (s->received != NULL) {
            receive_window_init(s->received, b->alloc, (uint16_t)b->settings.receive_maximum);
        }
    }
    return s->received;
}

static void
drop_received(struct session *s)
{
    if (s->received != NULL) {
        receive_window_fini(s->received);
        mem_free(s->shard->broker->alloc, s->received);
    }
}

static void
drop_sent(struct session *s)
{
    struct send_entry *entry = send_window_first(&s->sent);

    while (entry != NULL) {
        delivery_free(s->shard, entry->item);
        entry = send_window_next(&s->sent, entry);
    }
    s->shard->stats.inflight -= s->sent.count;
    send_window_fini(&s->sent);
}

/* The part of a Topic Filter that the index knows, and the group it is shared in, if it is. */
static struct span
inner_filter(struct span filter, struct span *group)
{
    struct span inner = filter;

    *group = SPAN_EMPTY;
    (void)topic_share_split(filter, group, &inner);
    return inner;
}

/* The gauge that counts a subscription. */
static uint64_t *
gauge_of(struct session *s, uintptr_t place)
{
    struct stats *stats = &s->shard->stats;

    return (place & TOPIC_PLACE_SHARED) != 0 ? &stats->shared_subscriptions : &stats->subscriptions;
}

static void
note_joined(struct session *s, uintptr_t place)
{
    *gauge_of(s, place) += 1;
    if ((place & TOPIC_PLACE_DOLLAR) != 0) {
        sys_watch(s->shard);
    }
}

static void
note_left(struct session *s, uintptr_t place)
{
    *gauge_of(s, place) -= 1;
    if ((place & TOPIC_PLACE_DOLLAR) != 0) {
        sys_unwatch(s->shard);
    }
}

static void
drop_subscriptions(struct session *s)
{
    size_t cursor = 0;
    uintptr_t place = 0;

    while ((place = word_set_each(&s->subscriptions, &cursor)) != 0) {
        note_left(s, place);
        topic_index_leave(s->shard->broker->index, place, s->id);
    }
    word_set_fini(&s->subscriptions, s->shard->broker->alloc);
}

void
session_free(struct session *s)
{
    struct shard *shard = s->shard;
    const struct wilco_alloc *a = shard->broker->alloc;

    assert(s->conn == NULL);
    drop_absence(s);
    services_end(s);
    drop_subscriptions(s);
    inbox_free(s);
    request_drop_all(s);
    drop_sent(s);
    delivery_queue_free(s->waiting, shard);
    drop_received(s);
    message_unref(s->will);
    permissions_free(s);
    session_table_remove(&shard->sessions, s);
    give_place_back(shard->broker);
    mem_free(a, s);
}

/* It was permitted at CONNECT, but that may be long ago. */
static bool
may_publish_will(struct session *s)
{
    const struct message *will = s->will;

    if (!session_may(s, ACCESS_PUBLISH, message_topic(will))) {
        permission_denied(s, ACCESS_PUBLISH, message_topic(will));
        return false;
    }
    if (!message_is_request(will) || inbox_holds(message_response_topic(will)) ||
        session_may(s, ACCESS_RECEIVE, message_response_topic(will))) {
        return true;
    }
    permission_denied(s, ACCESS_RECEIVE, message_response_topic(will));
    return false;
}

static void
publish_will(struct session *s) /* [U-3.1.2-2] */
{
    if (s->will == NULL) {
        return;
    }
    if (may_publish_will(s)) {
        shard_defer(s->shard, s->will, SESSION_ID_NONE);
    } else {
        message_unref(s->will);
    }
    s->will = NULL;
}

void
session_end(struct session *s)
{
    struct shard *shard = s->shard;
    uint64_t id = s->id;
    bool has_asked_on = s->has_asked_on && !shard->is_stopping;

    publish_will(s);
    share_member_ends(s);
    request_holder_ends(s);
    session_free(s);
    if (has_asked_on) { /* now that everybody can see that it is gone */
        request_op_asker_ended(shard, id);
    }
}

/* Another shard may count in the slot what belonged to the session before: better too few than too
 * many for ever. */
uint32_t
session_asks_in_flight(const struct session *s)
{
    const struct session_slot *slot = session_table_slot(&s->shard->sessions, s->id);
    uint32_t elsewhere = atomic_load_explicit(&slot->asks_ended, memory_order_relaxed);
    int32_t left = (int32_t)(s->asks_started - s->asks_ended - elsewhere);

    return left > 0 ? (uint32_t)left : 0;
}

void
session_set_will(struct session *s, struct message *will, uint32_t delay_s)
{
    message_unref(s->will);
    s->will = will;
    s->will_delay_s = delay_s;
}

void
session_attach(struct session *s, struct conn *c)
{
    if (s->absence != NULL) {
        wheel_stop(&s->shard->wheel, &s->absence->timer);
    }
    s->conn = c;
    c->session = s;
    services_set_online(s, true);
    sys_client_joined(s->shard->broker->sys);
}

static void
start_timer(struct session *s)
{
    struct session_absence *a = s->absence;
    uint64_t deadline_ms = a->will_at_ms < a->expires_at_ms ? a->will_at_ms : a->expires_at_ms;

    if (deadline_ms != NEVER_MS) {
        wheel_start(&s->shard->wheel, &a->timer, deadline_ms);
    }
}

static uint64_t
after_s(const struct session *s, uint32_t seconds)
{
    return seconds == EXPIRES_NEVER_S ? NEVER_MS : s->shard->now_ms + (uint64_t)seconds * 1000;
}

struct session *
session_detach(struct session *s, bool will_is_due)
{
    s->conn->session = NULL;
    s->conn = NULL;
    services_set_online(s, false);
    sys_client_left(s->shard->broker->sys);
    deliver_update_presence(s);
    if (!will_is_due) {
        session_set_will(s, NULL, 0); /* [MQTT-3.1.2-10], [MQTT-3.14.4-3] */
    }
    if (s->expiry_s == 0) {
        session_end(s);
        return NULL;
    }
    if (s->will != NULL && s->will_delay_s == 0) {
        publish_will(s);
    }
    s->absence->will_at_ms = s->will == NULL ? NEVER_MS : after_s(s, s->will_delay_s);
    s->absence->expires_at_ms = after_s(s, s->expiry_s);
    start_timer(s);
    return s;
}

void
session_timer_fired(struct session_absence *absence)
{
    struct session *s = absence->session;

    if (absence->expires_at_ms <= s->shard->now_ms) {
        s->shard->stats.sessions_expired++;
        session_end(s);
        return;
    }
    if (absence->will_at_ms <= s->shard->now_ms) {
        publish_will(s);
        absence->will_at_ms = NEVER_MS;
    }
    start_timer(s);
}

/* Remembers a place that is new. */
static enum wilco_status
keep_place(struct session *s, uintptr_t place, uint32_t bytes)
{
    const struct broker *b = s->shard->broker;
    enum wilco_status status = WILCO_OK;

    if (s->subscriptions.count + inbox_filter_count(s) >= b->settings.subscriptions_max ||
        !account_has_room(s, bytes)) {
        return WILCO_ELIMIT;
    }
    status = word_set_add(&s->subscriptions, b->alloc, place);
    if (status == WILCO_OK) {
        s->held_bytes += bytes;
    }
    return status;
}

enum wilco_status
session_subscribe(struct session *s, struct span filter, const struct subscription_how *how,
                  bool *existed)
{
    struct topic_index *index = s->shard->broker->index;
    struct span group = SPAN_EMPTY;
    struct span inner = inner_filter(filter, &group);
    enum wilco_status status = group.len == 0 ? WILCO_OK : session_table_sign(s);
    uintptr_t place = 0;

    if (status == WILCO_OK) {
        status = topic_index_subscribe(index, inner, group, s->id, how, existed);
    }
    if (status != WILCO_OK || *existed) {
        return status;
    }
    place = topic_index_find(index, inner, group, s->id);
    status = keep_place(s, place, account_subscription_bytes(filter));
    if (status == WILCO_OK) {
        note_joined(s, place);
    } else {
        topic_index_leave(index, place, s->id);
    }
    return status;
}

bool
session_unsubscribe(struct session *s, struct span filter)
{
    struct topic_index *index = s->shard->broker->index;
    struct span group = SPAN_EMPTY;
    struct span inner = inner_filter(filter, &group);
    uintptr_t place = topic_index_find(index, inner, group, s->id);

    if (place == 0) {
        return false;
    }
    note_left(s, place);
    s->held_bytes -= account_subscription_bytes(filter);
    word_set_remove(&s->subscriptions, s->shard->broker->alloc, place);
    topic_index_leave(index, place, s->id);
    return true;
}
