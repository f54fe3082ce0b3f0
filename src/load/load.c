#include "load/load.h"

#include "base/random.h"
#include "load/run.h"

#include <stdio.h>

#define NAME_CHARS        6U
#define PAYLOAD_BYTES_MAX (UINT32_C(16) << 20)
#define WINDOW_MAX        65535U
#define PARTIES_MAX       1000000U
#define SUBSCRIPTIONS_MAX 100000000U

static const struct mode *const modes[] = {&mode_request,   &mode_publish, &mode_idle,
                                           &mode_subscribe, &mode_churn,   &mode_connect,
                                           &mode_retained};

const char *
load_mode_name(size_t i)
{
    return i < sizeof(modes) / sizeof(modes[0]) ? modes[i]->name : NULL;
}

bool
load_is_right(const struct load_result *r)
{
    return r->wrong == 0 && r->missing == 0 && r->late == 0 && r->repeated == 0;
}

static const struct mode *
mode_named(const char *name)
{
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (name != NULL && strcmp(modes[i]->name, name) == 0) {
            return modes[i];
        }
    }
    return NULL;
}

static void
set_default(unsigned *value, unsigned otherwise)
{
    *value = *value == 0 ? otherwise : *value;
}

static struct load_options
with_defaults(const struct load_options *given)
{
    struct load_options o = *given;
    bool publishes = o.mode != NULL && strcmp(o.mode, "publish") == 0;
    bool connects = o.mode != NULL && strcmp(o.mode, "connect") == 0;

    o.dialect = o.dialect == NULL ? "mqtt" : o.dialect;
    o.url = o.url == NULL ? "mqtt://127.0.0.1:1883" : o.url;
    o.wildcard = o.wildcard == NULL ? "exact" : o.wildcard;
    o.seconds = o.seconds > 0 ? o.seconds : 2;
    o.timeout = o.timeout > 0 ? o.timeout : 5;
    o.moment = o.moment > 0 ? o.moment : 0.1;
    set_default(&o.requesters, 1);
    set_default(&o.responders, o.topic == NULL ? 1 : 0);
    set_default(&o.publishers, 1);
    set_default(&o.subscribers, 1);
    set_default(&o.connections, connects ? 10000 : 1);
    set_default(&o.messages, 1);
    if (o.mode != NULL && strcmp(o.mode, "subscribe") == 0) {
        set_default(&o.subscriptions, 1);
    }
    set_default(&o.window, publishes ? 64 : connects ? 16 : 1);
    return o;
}

static bool
has_too_many(const struct load_options *o)
{
    const unsigned counts[] = {o->requesters,  o->responders, o->publishers, o->subscribers,
                               o->connections, o->sources,    o->messages};
    bool has = (uint64_t)o->connections * o->subscriptions > SUBSCRIPTIONS_MAX;

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        has = has || counts[i] > PARTIES_MAX;
    }
    return has;
}

/* What does not fit; NULL: everything does. */
static const char *
misfit(const struct load_options *o, const struct mode *mode, const struct dialect *dialect)
{
    bool is_mqtt = dialect != NULL && dialect->is_mqtt;

    if (mode == NULL) {
        return "no such mode";
    }
    if (dialect == NULL) {
        return "no such dialect";
    }
    if ((mode->is_mqtt_only || o->inbox || o->qos > 0) && !is_mqtt) {
        return "this is for MQTT only";
    }
    if (o->topic != NULL && (mode != &mode_request || o->responders > 0 || !is_mqtt)) {
        return "a topic is for MQTT requests without responders of our own";
    }
    if (o->topic != NULL && (!place_is_topic(o->topic) || o->group)) {
        return "this topic cannot be asked";
    }
    if (o->group && dialect == &dialect_frames) {
        return "frames know no groups";
    }
    if (o->qos > 1) {
        return "QoS is 0 or 1";
    }
    if ((mode == &mode_publish || mode == &mode_retained) && o->payload_bytes < LOAD_WORD_BYTES) {
        return "a plain message needs 8 bytes of payload for its number";
    }
    if (o->payload_bytes > PAYLOAD_BYTES_MAX || o->window > WINDOW_MAX || has_too_many(o)) {
        return "too many, or too large";
    }
    return NULL;
}

/* The address of the server, and who says hello to it. Borrows from `o` and `url`. */
static enum wilco_status
find_server(struct crowd *c, struct url *url, const struct load_options *o, const char **why)
{
    size_t count = 0;
    enum wilco_status status = url_parse(url, o->url, why);

    if (status != WILCO_OK) {
        return status;
    }
    c->username = o->username != NULL ? o->username : url->has_user ? url->user : NULL;
    c->password = o->password != NULL ? o->password : url->has_password ? url->password : NULL;
    return address_resolve(&c->server, 1, &count, url, false, why);
}

static double
us(uint64_t ns)
{
    return (double)ns / 1e3;
}

static void
report_latency(struct load_latency *out, const struct latency *l)
{
    static const double percents[] = {
        0,    5,    10,    15,    20,    25,    30,    35,     40,     45,    50,
        55,   60,   65,    70,    75,    80,    85,    87.5,   90,     92,    94,
        95,   96,   97,    98,    98.5,  99,    99.2,  99.4,   99.5,   99.6,  99.7,
        99.8, 99.9, 99.92, 99.95, 99.97, 99.98, 99.99, 99.995, 99.998, 99.999};
    const size_t count = sizeof(percents) / sizeof(percents[0]);

    _Static_assert(sizeof(percents) / sizeof(percents[0]) <= LOAD_PERCENTILES, "room for all");
    out->count = l->count;
    out->p50_us = us(latency_percentile(l, 50));
    out->p90_us = us(latency_percentile(l, 90));
    out->p99_us = us(latency_percentile(l, 99));
    out->p999_us = us(latency_percentile(l, 99.9));
    out->p9999_us = us(latency_percentile(l, 99.99));
    out->max_us = us(l->max_ns);
    out->mean_us = l->count == 0 ? 0 : us(l->sum_ns) / (double)l->count;
    for (size_t i = 0; i < count && l->count > 0; i++) {
        out->percentiles[i].percent = percents[i];
        out->percentiles[i].us = us(latency_percentile(l, percents[i]));
        out->percentile_count = i + 1;
    }
}

static enum wilco_status
run_mode(struct run *r, const struct mode *mode, char reason[LOAD_REASON_BYTES])
{
    bool is_watched = r->options->watch != NULL;
    enum wilco_status status = WILCO_ENOMEM;

    r->latency = mem_zalloc(alloc_system(), sizeof(*r->latency));
    r->moments = is_watched ? mem_zalloc(alloc_system(), sizeof(*r->moments)) : NULL;
    if (r->latency == NULL || (is_watched && r->moments == NULL)) {
        (void)snprintf(reason, LOAD_REASON_BYTES, "out of memory");
        goto done;
    }
    r->crowd.epoll = -1;
    status = mode->run(r);
    report_latency(&r->result->latency, r->latency);
    if (status != WILCO_OK) {
        (void)snprintf(reason, LOAD_REASON_BYTES, "%s", r->crowd.reason);
        r->result->reason_code = r->crowd.reason_code;
    }
    crowd_close(&r->crowd);
done:
    mem_free(alloc_system(), r->moments);
    mem_free(alloc_system(), r->latency);
    return status;
}

enum wilco_status
load_run(struct load_result *out, const struct load_options *options,
         char reason[LOAD_REASON_BYTES])
{
    struct load_options o = with_defaults(options);
    const struct mode *mode = mode_named(o.mode);
    struct run r = {.options = &o, .result = out, .crowd.dialect = dialect_named(o.dialect)};
    const char *why = misfit(&o, mode, r.crowd.dialect);
    char name[RANDOM_TOKEN_MAX + 1] = "";
    struct url url;
    enum wilco_status status = why == NULL ? WILCO_OK : WILCO_EINVAL;

    *out = (struct load_result){.count = 0};
    if (status == WILCO_OK) {
        status = find_server(&r.crowd, &url, &o, &why);
    }
    if (status == WILCO_OK && o.name == NULL) {
        status = random_token(random_system(), name, NAME_CHARS);
        o.name = name;
    }
    if (status != WILCO_OK) {
        (void)snprintf(reason, LOAD_REASON_BYTES, "%s", why == NULL ? "no randomness" : why);
        return status;
    }
    r.crowd.sources = o.sources;
    return run_mode(&r, mode, reason);
}
