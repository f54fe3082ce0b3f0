#define _GNU_SOURCE /* sched_getaffinity */

#include "broker/server/server.h"

#include "base/clock.h"
#include "broker/auth/authority.h"
#include "broker/core/rcu.h"
#include "broker/server/driver.h"
#include "broker/server/peer.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

struct server {
    struct crew crew;
    const struct reloadable *const *reloadables; /* what crew has of files; NULL: nothing */
    bool has_broker;
    unsigned started; /* drivers with a thread */
};

static unsigned
cores(void)
{
    cpu_set_t set;
    int count = 1;

    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        count = CPU_COUNT(&set);
    }
    return count > (int)SHARDS_MAX ? SHARDS_MAX : (unsigned)count;
}

static enum wilco_status
refuse(char reason[SERVER_REASON_BYTES], enum wilco_status st, const char *what)
{
    char why[128];

    if (st != WILCO_EIO || strerror_r(errno, why, sizeof(why)) != 0) {
        (void)snprintf(why, sizeof(why), "%s", status_text(st));
    }
    (void)snprintf(reason, SERVER_REASON_BYTES, "cannot %s: %s", what, why);
    return st;
}

static struct listener_wish
wish_of(const struct server_config *config, size_t number)
{
    static const struct transport_options standard = {.is_websocket = false};

    return (struct listener_wish){
        .url = config->listen[number],
        .number = number,
        .entrance = config->entrances == NULL ? &entrance_standard : &config->entrances[number],
        .options = config->transports == NULL ? &standard : &config->transports[number],
        .alloc = config->alloc,
    };
}

/* Whether strangers may knock: somebody looks who they are, or it is meant so. */
static bool
may_be_open(const struct server_config *config, const struct entrance *e)
{
    return config->has_passwords || e->password_file[0] != '\0' || e->user_is_certified ||
           e->allow_anonymous == ENTRANCE_YES ||
           (config->allow_anonymous && e->allow_anonymous == ENTRANCE_AS_SET);
}

enum wilco_status
server_check(const struct server_config *config, char reason[SERVER_REASON_BYTES])
{
    _Static_assert(SERVER_REASON_BYTES >= LISTENER_REASON_BYTES, "a listener's reason fits");

    if (config->shard_count > SHARDS_MAX) {
        (void)snprintf(reason, SERVER_REASON_BYTES, "%u shards are too many: use %u at most",
                       config->shard_count, SHARDS_MAX);
        return WILCO_EINVAL;
    }
    for (size_t i = 0; i < config->listen_count; i++) {
        struct listener_wish wish = wish_of(config, i);
        enum wilco_status st = listener_check(&wish, may_be_open(config, wish.entrance), reason);

        if (st != WILCO_OK) {
            return st;
        }
    }
    return WILCO_OK;
}

static void
wake_shard(void *context, unsigned shard)
{
    const struct crew *crew = context;

    loop_wake(crew->drivers[shard]->loop);
}

static enum wilco_status
make_broker(struct server *s, const struct server_config *config, char reason[SERVER_REASON_BYTES])
{
    struct broker_config c = {
        .settings = config->settings,
        .alloc = config->alloc,
        .random = random_system(),
        .log = config->log,
        .shard_count = config->shard_count == 0 ? cores() : config->shard_count,
        .unix_ms = clock_unix_ms(),
        .authenticator = config->authenticator,
        .auth_methods = config->auth_methods,
        .auth_method_count = config->auth_method_count,
        .access = config->access,
        .host = {.context = &s->crew, .describe = peer_describe, .wake = wake_shard},
    };
    enum wilco_status st = WILCO_OK;

    st = broker_init(&s->crew.broker, &c, clock_monotonic_ms());
    if (st != WILCO_OK) {
        return refuse(reason, st, "make the broker");
    }
    s->has_broker = true;
    guests_init(&s->crew.guests, config->alloc, s->crew.broker.hash_seed);
    return WILCO_OK;
}

static enum wilco_status
listen_everywhere(struct server *s, const struct server_config *config,
                  char reason[SERVER_REASON_BYTES])
{
    for (size_t i = 0; i < config->listen_count; i++) {
        struct listener_wish wish = wish_of(config, i);
        enum wilco_status st = listener_set_open(&s->crew.listeners, &wish,
                                                 may_be_open(config, wish.entrance), reason);

        if (st != WILCO_OK) {
            return st;
        }
    }
    return WILCO_OK;
}

static enum wilco_status
start_drivers(struct server *s, char reason[SERVER_REASON_BYTES])
{
    struct crew *crew = &s->crew;

    for (unsigned i = 0; i < crew->broker.shard_count; i++) {
        crew->drivers[i] = driver_new(crew, i);
        if (crew->drivers[i] == NULL) {
            return refuse(reason, WILCO_EIO, "make an event loop");
        }
        crew->driver_count++;
    }
    atomic_store(&crew->listening, crew->driver_count);
    for (unsigned i = 0; i < crew->driver_count; i++) {
        if (driver_start(crew->drivers[i]) != WILCO_OK) {
            return refuse(reason, WILCO_EIO, "start a thread");
        }
        s->started++;
    }
    return WILCO_OK;
}

static void
log_ready(const struct server *s)
{
    const struct listener_set *listeners = &s->crew.listeners;
    char text[LOG_LINE_MAX] = "";
    size_t len = 0;

    for (size_t i = 0; i < listeners->count && len < sizeof(text); i++) {
        char url[LISTENER_URL_BYTES];

        listener_url(&listeners->items[i], url);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "listen=%s ", url);
    }
    log_event(s->crew.broker.log, LOG_INFO, "ready", "%sshards=%u", text, s->crew.driver_count);
}

static void
add_figure(char text[LOG_LINE_MAX], size_t *len, const char *name, uint64_t value)
{
    if (*len < LOG_LINE_MAX) {
        *len += (size_t)snprintf(text + *len, LOG_LINE_MAX - *len, " %s=%" PRIu64, name, value);
    }
}

static void
log_stopped(struct server *s)
{
    struct stats sum = server_stats(s);
    char text[LOG_LINE_MAX] = "";
    size_t len = 0;

#define ADD(name, what) add_figure(text, &len, #name, sum.name);
    STATS(ADD)
#undef ADD
    log_event(s->crew.broker.log, LOG_INFO, "stopped", "%s", text + 1);
}

static void
take_prepared(struct server *s, struct reloadable_set *prepared)
{
    if (prepared != NULL) {
        s->reloadables = prepared->rows;
        reloadable_commit(prepared, &s->crew);
    }
}

/* Nothing in the place of everything. */
static void
discard_reloadables(struct server *s)
{
    struct reloadable_set set = {.rows = s->reloadables};

    reloadable_commit(&set, &s->crew);
    reloadable_discard(&set);
}

/* Everything but the threads, which have ended. */
static void
server_free(struct server *s, const struct wilco_alloc *a)
{
    if (s->crew.authority != NULL) {
        authority_stop(s->crew.authority); /* it sends answers to shards */
    }
    listener_set_close(&s->crew.listeners);
    for (unsigned i = 0; i < s->crew.driver_count; i++) {
        driver_free(s->crew.drivers[i]);
    }
    listener_set_fini(&s->crew.listeners);
    if (s->has_broker) {
        guests_fini(&s->crew.guests);
        broker_fini(&s->crew.broker);
    }
    discard_reloadables(s);
    halt_fini(&s->crew.halt);
    mem_free(a, s);
}

static void
stop_threads(struct server *s)
{
    atomic_store(&s->crew.is_stopping, true);
    for (unsigned i = 0; i < s->started; i++) {
        loop_wake(s->crew.drivers[i]->loop);
    }
    for (unsigned i = 0; i < s->started; i++) {
        driver_join(s->crew.drivers[i]);
    }
}

enum wilco_status
server_start(struct server **out, const struct server_config *config,
             char reason[SERVER_REASON_BYTES])
{
    struct server *s = mem_zalloc(config->alloc, sizeof(*s));
    enum wilco_status st = WILCO_OK;

    if (s == NULL) {
        return refuse(reason, WILCO_ENOMEM, "start");
    }
    halt_init(&s->crew.halt);
    rcu_thread_enter();
    st = server_check(config, reason);
    if (st == WILCO_OK) {
        st = make_broker(s, config, reason);
    }
    if (st == WILCO_OK) {
        st = listen_everywhere(s, config, reason);
    }
    if (st == WILCO_OK && config->confine != NULL) {
        st = config->confine(config->confine_context, &s->crew.listeners, reason);
    }
    if (st == WILCO_OK) {
        take_prepared(s, config->prepared);
        st = start_drivers(s, reason);
    }
    if (st == WILCO_OK) {
        log_ready(s);
        *out = s;
    } else {
        stop_threads(s);
        server_free(s, config->alloc);
    }
    rcu_thread_leave();
    return st;
}

void
server_stop(struct server *s)
{
    if (s == NULL) {
        return;
    }
    rcu_thread_enter();
    stop_threads(s);
    log_stopped(s);
    server_free(s, s->crew.broker.alloc);
    rcu_thread_leave();
}

struct change {
    void (*run)(void *context, struct settings *settings);
    void *context;
    struct server *server;
    struct reloadable_set *prepared;
};

static void
run_change(void *context)
{
    const struct change *c = context;

    c->run(c->context, &c->server->crew.broker.settings);
    take_prepared(c->server, c->prepared);
}

void
server_change(struct server *s, void (*change)(void *context, struct settings *settings),
              void *context, struct reloadable_set *prepared)
{
    struct change c = {.run = change, .context = context, .server = s, .prepared = prepared};

    halt_ask(&s->crew.halt);
    for (unsigned i = 0; i < s->started; i++) {
        loop_wake(s->crew.drivers[i]->loop);
    }
    halt_run(&s->crew.halt, s->started, run_change, &c);
}

const struct address *
server_address(const struct server *s, size_t index)
{
    return index < s->crew.listeners.count ? &s->crew.listeners.items[index].bound : NULL;
}

struct stats
server_stats(struct server *s)
{
    struct stats sum = {.connections = 0};

    for (unsigned i = 0; i < s->crew.driver_count; i++) {
        driver_add_stats(s->crew.drivers[i], &sum);
    }
    return sum;
}
