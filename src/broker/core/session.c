/* Sessions and the clocks that end them. While a client is connected no clock runs. When it leaves,
 * the timer is set to the earlier of the will's delay and the session's expiry; when it fires, what
 * is due is done and the timer is set to what remains. */
#include "broker/core/session.h"

#include "base/hash.h"
#include "broker/core/conn.h"
#include "broker/core/deliver.h"
#include "broker/core/inbox.h"
#include "broker/core/request.h"
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
session_make(struct shard *shard, struct span client_id)
{
    const struct wilco_alloc *a = shard->broker->alloc;
    struct session *s = mem_zalloc(a, sizeof(*s) + client_id.len);

    if (s == NULL) {
        return NULL;
    }
    s->shard = shard;
    s->presence = SESSION_OFFLINE;
    s->will_at_ms = NEVER_MS;
    s->expires_at_ms = NEVER_MS;
    s->timer.kind = SHARD_TIMER_SESSION;
    send_window_init(&s->sent, a);
    receive_window_init(&s->received, a, (uint16_t)shard->broker->settings.receive_maximum);
    map_init(&s->filters, a);
    list_init(&s->requests);
    s->client_id_bytes = (uint16_t)client_id.len;
    memcpy(s->client_id, client_id.data, client_id.len);
    return s;
}

enum wilco_status
session_new(struct session **out, struct shard *shard, struct span client_id)
{
    struct session *s = NULL;
    enum wilco_status status = WILCO_ENOMEM;

    if (!take_place(shard->broker)) {
        return WILCO_ELIMIT;
    }
    s = session_make(shard, client_id);
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
subscriptions_of(struct shard *s, struct span group)
{
    return group.len > 0 ? &s->stats.shared_subscriptions : &s->stats.subscriptions;
}

static void
leave_index(struct session *s, const struct session_filter *f)
{
    struct span group = SPAN_EMPTY;
    struct span inner = inner_filter(span_of(f->text, f->bytes), &group);

    (void)topic_index_unsubscribe(s->shard->broker->index, inner, group, s->id);
    *subscriptions_of(s->shard, group) -= 1;
    sys_unwatch(s->shard, inner);
}

static void
drop_filters(struct session *s)
{
    struct map_node *node = map_any(&s->filters);

    while (node != NULL) {
        struct session_filter *f = CONTAINER_OF(node, struct session_filter, by_text);

        leave_index(s, f);
        map_remove(&s->filters, node);
        mem_free(s->shard->broker->alloc, f);
        node = map_any(&s->filters);
    }
    map_fini(&s->filters);
}

void
session_free(struct session *s)
{
    struct shard *shard = s->shard;
    const struct wilco_alloc *a = shard->broker->alloc;

    assert(s->conn == NULL);
    wheel_stop(&shard->wheel, &s->timer);
    drop_filters(s);
    inbox_free(s);
    request_drop_all(s);
    drop_sent(s);
    delivery_queue_clear(&s->waiting, shard);
    receive_window_fini(&s->received);
    message_unref(s->will);
    session_table_remove(&shard->sessions, s);
    give_place_back(shard->broker);
    mem_free(a, s);
}

static void
publish_will(struct session *s) /* [U-3.1.2-2] */
{
    if (s->will != NULL) {
        shard_defer(s->shard, s->will, SESSION_ID_NONE);
        s->will = NULL;
    }
    s->will_at_ms = NEVER_MS;
}

void
session_end(struct session *s)
{
    publish_will(s);
    share_member_ends(s);
    request_holder_ends(s);
    session_free(s);
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
    wheel_stop(&s->shard->wheel, &s->timer);
    s->will_at_ms = NEVER_MS;
    s->expires_at_ms = NEVER_MS;
    s->conn = c;
    c->session = s;
    sys_client_joined(s->shard->broker->sys);
}

static void
start_timer(struct session *s)
{
    uint64_t deadline_ms = s->will_at_ms < s->expires_at_ms ? s->will_at_ms : s->expires_at_ms;

    if (deadline_ms != NEVER_MS) {
        wheel_start(&s->shard->wheel, &s->timer, deadline_ms);
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
    s->will_at_ms = s->will == NULL ? NEVER_MS : after_s(s, s->will_delay_s);
    s->expires_at_ms = after_s(s, s->expiry_s);
    start_timer(s);
    return s;
}

void
session_timer_fired(struct session *s)
{
    if (s->expires_at_ms <= s->shard->now_ms) {
        s->shard->stats.sessions_expired++;
        session_end(s);
        return;
    }
    if (s->will_at_ms <= s->shard->now_ms) {
        publish_will(s);
    }
    start_timer(s);
}

static struct session_filter *
filter_new(const struct wilco_alloc *a, struct span text)
{
    struct session_filter *f = mem_alloc(a, sizeof(*f) + text.len);

    if (f != NULL) {
        f->bytes = (uint16_t)text.len;
        memcpy(f->text, text.data, text.len);
    }
    return f;
}

static struct session_filter *
find_filter(const struct session *s, struct span filter, uint64_t hash)
{
    for (struct map_node *n = map_first(&s->filters, hash); n != NULL; n = map_next(n)) {
        struct session_filter *f = CONTAINER_OF(n, struct session_filter, by_text);

        if (span_equal(filter, span_of(f->text, f->bytes))) {
            return f;
        }
    }
    return NULL;
}

/* Files a filter that the session does not have yet. */
static enum wilco_status
add_filter(struct session *s, struct span filter, uint64_t hash, struct session_filter **out)
{
    const struct broker *b = s->shard->broker;
    enum wilco_status status = WILCO_ENOMEM;

    if (s->filters.count + inbox_filter_count(s) >= b->settings.subscriptions_max) {
        return WILCO_ELIMIT;
    }
    *out = filter_new(b->alloc, filter);
    if (*out != NULL) {
        status = map_add(&s->filters, &(*out)->by_text, hash);
    }
    if (status != WILCO_OK) {
        mem_free(b->alloc, *out);
    }
    return status;
}

static void
remove_filter(struct session *s, struct session_filter *f)
{
    map_remove(&s->filters, &f->by_text);
    mem_free(s->shard->broker->alloc, f);
}

enum wilco_status
session_subscribe(struct session *s, struct span filter, const struct subscription_how *how,
                  bool *existed)
{
    struct broker *b = s->shard->broker;
    uint64_t hash = hash_bytes(filter, b->hash_seed);
    struct session_filter *f = find_filter(s, filter, hash);
    bool is_new = f == NULL;
    struct span group = SPAN_EMPTY;
    struct span inner = inner_filter(filter, &group);
    enum wilco_status status = is_new ? add_filter(s, filter, hash, &f) : WILCO_OK;

    if (status != WILCO_OK) {
        return status;
    }
    status = topic_index_subscribe(b->index, inner, group, s->id, how, existed);
    if (status != WILCO_OK && is_new) {
        remove_filter(s, f);
    } else if (is_new) {
        *subscriptions_of(s->shard, group) += 1;
        sys_watch(s->shard, inner);
    }
    return status;
}

bool
session_unsubscribe(struct session *s, struct span filter)
{
    struct session_filter *f =
        find_filter(s, filter, hash_bytes(filter, s->shard->broker->hash_seed));

    if (f == NULL) {
        return false;
    }
    leave_index(s, f);
    remove_filter(s, f);
    return true;
}
