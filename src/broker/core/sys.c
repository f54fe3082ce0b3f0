/* Sampling begins when it is time with whichever shard is first: it asks all others to show their
 * counters, and kicks them, as if there were mail for them. A shard that sleeps is looked after by
 * who kicks it; nobody is woken. The last one to answer goes on: the counters of all shards are
 * added up, the figures and loads are made of the sums, and each row of the table whose text is not
 * what it was is published.
 *
 * Whoever makes `missing` something else than 0 owns what is not atomic, until the last one to
 * answer has done with it and sets it to 0. */
#include "broker/core/sys.h"

#include "broker/core/message.h"
#include "broker/core/publish.h"
#include "broker/core/sys_requests.h"
#include "broker/core/sys_table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES 48U

struct sys {
    _Atomic uint64_t due_ms; /* the next sample; UINT64_MAX: never. All look at it every turn */
    char gap[WILCO_CACHE_LINE_BYTES];
    atomic_uint missing; /* shards that have still to answer, and one for the sample; 0: there is no
                            sample under way */
    _Atomic uint64_t clients;
    _Atomic uint64_t clients_maximum;
    const struct wilco_alloc *alloc;
    uint64_t interval_ms;
    uint64_t started_ms;
    uint64_t sampled_ms; /* when the shards were asked last, */
    uint64_t elapsed_ms; /* and how long after the time before */
    struct sys_load loads[SYS_LOAD_COUNT];
    struct sys_requests requests;
    char published[][TEXT_BYTES]; /* row by row; "": not yet */
};

struct sys *
sys_new(const struct wilco_alloc *a, uint64_t interval_s, uint64_t now_ms, uint32_t services)
{
    struct sys *sys = mem_zalloc(a, sizeof(*sys) + sys_topic_count() * TEXT_BYTES);

    if (sys == NULL || !sys_requests_init(&sys->requests, a, services)) {
        mem_free(a, sys);
        return NULL;
    }
    atomic_init(&sys->missing, 0);
    atomic_init(&sys->due_ms, interval_s == 0 ? UINT64_MAX : now_ms);
    atomic_init(&sys->clients, 0);
    atomic_init(&sys->clients_maximum, 0);
    sys->alloc = a;
    sys->interval_ms = interval_s * 1000;
    sys->started_ms = now_ms;
    sys->sampled_ms = now_ms;
    return sys;
}

void
sys_free(struct sys *sys)
{
    if (sys != NULL) {
        sys_requests_fini(&sys->requests);
        mem_free(sys->alloc, sys);
    }
}

void
sys_client_joined(struct sys *sys)
{
    uint64_t now = atomic_fetch_add_explicit(&sys->clients, 1, memory_order_relaxed) + 1;
    uint64_t most = atomic_load_explicit(&sys->clients_maximum, memory_order_relaxed);

    while (now > most &&
           !atomic_compare_exchange_weak_explicit(&sys->clients_maximum, &most, now,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

void
sys_client_left(struct sys *sys)
{
    (void)atomic_fetch_sub_explicit(&sys->clients, 1, memory_order_relaxed);
}

/* Each shard as of when it answered. */
static void
add_up(struct stats *sum, const struct broker *b)
{
    *sum = (struct stats){.connections = 0};
    for (unsigned i = 0; i < b->shard_count; i++) {
        stats_add_shared(sum, &b->shards[i]->stats_shared);
    }
}

static uint64_t
total(const uint64_t by_type[STATS_PACKET_TYPES])
{
    uint64_t sum = 0;

    for (int i = 0; i < STATS_PACKET_TYPES; i++) {
        sum += by_type[i];
    }
    return sum;
}

static uint64_t
if_dropped(const char *name, uint64_t value)
{
    return strncmp(name, "dropped_", 8) == 0 ? value : 0;
}

static uint64_t
dropped(const struct stats *sum)
{
    uint64_t count = 0;

#define ADD_DROPPED(name, what) count += if_dropped(#name, sum->name);
    STATS(ADD_DROPPED)
#undef ADD_DROPPED
    return count;
}

/* Shards answer one after the other, so that what moves between them may be seen twice. */
static uint64_t
difference(uint64_t all, uint64_t part)
{
    return all > part ? all - part : 0;
}

static void
figure_out(struct sys_figures *f, const struct broker *b, const struct stats *sum)
{
    uint64_t clients = atomic_load_explicit(&b->sys->clients, memory_order_relaxed);
    uint64_t sessions = atomic_load_explicit(&b->session_count, memory_order_relaxed);
    uint64_t retained = retained_count(b->retained);

    *f = (struct sys_figures){
        .bytes_received = sum->bytes_received,
        .bytes_sent = sum->bytes_sent,
        .clients_connected = clients,
        .clients_disconnected = difference(sessions, clients),
        .clients_total = sessions,
        .clients_maximum = atomic_load_explicit(&b->sys->clients_maximum, memory_order_relaxed),
        .clients_expired = sum->sessions_expired,
        .messages_received = total(sum->received),
        .messages_sent = total(sum->sent),
        .messages_inflight = sum->inflight,
        .messages_stored = retained + sum->held,
        .store_count = retained + sum->held,
        .store_bytes = retained_bytes(b->retained) + sum->held_bytes,
        .retained_count = retained,
        .subscriptions = sum->subscriptions,
        .shared_subscriptions = sum->shared_subscriptions,
        .publish_received = sum->publish_received,
        .publish_sent = sum->publish_sent,
        .publish_dropped = dropped(sum),
        .publish_bytes_received = sum->publish_bytes_received,
        .publish_bytes_sent = sum->publish_bytes_sent,
    };
}

/* No shard has had a turn between the moment the sample was due and now, or it would have taken it:
 * whatever happened did so in the interval. */
static void
sample_loads(struct sys *sys, const struct sys_figures *f, const struct stats *sum)
{
    const uint64_t totals[SYS_LOAD_COUNT] = {
        [SYS_LOAD_connections] = sum->received[WIRE_CONNECT],
        [SYS_LOAD_sockets] = sum->sockets,
        [SYS_LOAD_messages_received] = f->messages_received,
        [SYS_LOAD_messages_sent] = f->messages_sent,
        [SYS_LOAD_publish_received] = f->publish_received,
        [SYS_LOAD_publish_sent] = f->publish_sent,
        [SYS_LOAD_publish_dropped] = f->publish_dropped,
        [SYS_LOAD_bytes_received] = f->bytes_received,
        [SYS_LOAD_bytes_sent] = f->bytes_sent,
    };
    uint64_t elapsed_ms = sys->elapsed_ms;

    for (size_t i = 0; i < SYS_LOAD_COUNT && elapsed_ms > 0; i++) {
        sys_load_sample(&sys->loads[i], totals[i],
                        elapsed_ms < sys->interval_ms ? elapsed_ms : sys->interval_ms, elapsed_ms);
    }
}

static void
write_number(char text[TEXT_BYTES], const void *base, size_t offset)
{
    uint64_t number = 0;

    memcpy(&number, (const uint8_t *)base + offset, sizeof(number));
    (void)snprintf(text, TEXT_BYTES, "%" PRIu64, number);
}

static void
write_text(char text[TEXT_BYTES], const struct sys_topic *row, const struct sys *sys,
           const struct sys_figures *f, const struct stats *sum)
{
    const struct sys_load *load = NULL;

    switch (row->source) {
    case SYS_SOURCE_NONE: text[0] = '\0'; break;
    case SYS_SOURCE_VERSION:
        (void)snprintf(text, TEXT_BYTES, "wilco version %s", WILCO_VERSION);
        break;
    case SYS_SOURCE_UPTIME:
        (void)snprintf(text, TEXT_BYTES, "%" PRIu64 " seconds",
                       (sys->sampled_ms - sys->started_ms) / 1000);
        break;
    case SYS_SOURCE_FIGURE: write_number(text, f, row->at); break;
    case SYS_SOURCE_COUNTER: write_number(text, sum, row->at); break;
    case SYS_SOURCE_LOAD:
        load = &sys->loads[row->at / SYS_LOAD_SPANS];
        (void)snprintf(text, TEXT_BYTES, "%.2f", load->per_minute[row->at % SYS_LOAD_SPANS]);
        break;
    }
}

bool
sys_publish(struct shard *s, struct span topic, struct span payload)
{
    const struct wire_publish p = {.retain = true, .topic = topic, .payload = payload};
    struct message *m = message_new(s->broker->alloc, &p, SESSION_ID_NONE, s->now_ms);
    size_t receivers = 0;
    bool is_done = m != NULL && publish_and_retain(s, m, &receivers) == WILCO_OK;

    message_unref(m);
    return is_done;
}

/* What could not be published is tried again with the next sample, if memory is short. */
static void
publish_row(struct shard *s, const char *topic, const char *text, char published[TEXT_BYTES])
{
    if (sys_publish(s, span_of_text(topic), span_of_text(text))) {
        memcpy(published, text, TEXT_BYTES);
    }
}

static void
sample(struct sys *sys, struct shard *s)
{
    struct stats sum;
    struct sys_figures f;

    add_up(&sum, s->broker);
    figure_out(&f, s->broker, &sum);
    sample_loads(sys, &f, &sum);
    for (size_t i = 0; i < sys_topic_count(); i++) {
        char text[TEXT_BYTES] = "";

        write_text(text, sys_topic_at(i), sys, &f, &sum);
        if (strcmp(text, sys->published[i]) != 0) {
            publish_row(s, sys_topic_at(i)->name.topic, text, sys->published[i]);
        }
    }
    sys_requests_sample(&sys->requests, s);
}

static uint64_t
due_ms(struct sys *sys)
{
    return atomic_load_explicit(&sys->due_ms, memory_order_relaxed);
}

static void
answer(struct sys *sys, struct shard *s)
{
    stats_share(&s->stats_shared, &s->stats);
    if (atomic_fetch_sub_explicit(&sys->missing, 1, memory_order_acq_rel) == 2) {
        sample(sys, s);
        atomic_store_explicit(&sys->missing, 0, memory_order_release);
    }
}

/* `missing` is ours. */
static void
ask(struct sys *sys, struct shard *s)
{
    const struct broker *b = s->broker;

    atomic_store_explicit(&sys->due_ms, s->now_ms + sys->interval_ms, memory_order_relaxed);
    sys->elapsed_ms = s->now_ms - sys->sampled_ms;
    sys->sampled_ms = s->now_ms;
    for (unsigned i = 0; i < b->shard_count; i++) {
        if (b->shards[i] != s) {
            atomic_store(&b->shards[i]->stats_wanted, true);
            s->kicks |= UINT64_C(1) << i;
        }
    }
    answer(sys, s);
}

void
sys_turn(struct shard *s)
{
    struct sys *sys = s->broker->sys;
    unsigned none = 0;

    if (s->now_ms < due_ms(sys) ||
        !atomic_compare_exchange_strong_explicit(&sys->missing, &none, s->broker->shard_count + 1,
                                                 memory_order_acquire, memory_order_relaxed)) {
        return;
    }
    if (s->now_ms >= due_ms(sys)) {
        ask(sys, s);
    } else { /* somebody else was faster */
        atomic_store_explicit(&sys->missing, 0, memory_order_release);
    }
}

void
sys_answer(struct shard *s)
{
    if (atomic_load_explicit(&s->stats_wanted, memory_order_acquire)) {
        atomic_store_explicit(&s->stats_wanted, false, memory_order_relaxed);
        answer(s->broker->sys, s);
    }
}

/* A sample may be under way just now, and due_ms be behind us: then the next one is near. */
static void
start_timer(struct shard *s)
{
    struct sys *sys = s->broker->sys;
    uint64_t at_ms = due_ms(sys);

    if (at_ms != UINT64_MAX) {
        wheel_start(&s->wheel, &s->sys_timer,
                    at_ms > s->now_ms ? at_ms : s->now_ms + sys->interval_ms);
    }
}

void
sys_watch(struct shard *s)
{
    if (s->sys_watchers++ == 0) {
        start_timer(s);
    }
}

void
sys_unwatch(struct shard *s)
{
    assert(s->sys_watchers > 0);
    s->sys_watchers--;
    if (s->sys_watchers == 0) {
        wheel_stop(&s->wheel, &s->sys_timer);
    }
}

void
sys_timer_fired(struct shard *s)
{
    sys_turn(s);
    start_timer(s);
}
