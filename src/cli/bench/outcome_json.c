#include "cli/bench/outcome.h"

#include "cli/say.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void
put(json_t *object, const char *name, json_t *value)
{
    if (value == NULL || json_object_set_new(object, name, value) != 0) {
        say("out of memory");
        exit(1);
    }
}

static void
put_count(json_t *object, const char *name, uint64_t count)
{
    put(object, name, json_integer((json_int_t)count));
}

static void
put_load(json_t *out, const struct load_options *o)
{
    if (strcmp(o->mode, "request") == 0) {
        put_count(out, "requesters", o->requesters);
        put_count(out, "responders", o->responders);
        put(out, "topic", o->topic == NULL ? json_null() : json_string(o->topic));
        put(out, "group", json_boolean(o->group));
        put(out, "inbox", json_boolean(o->inbox));
    } else if (strcmp(o->mode, "publish") == 0) {
        put_count(out, "publishers", o->publishers);
        put_count(out, "subscribers", o->subscribers);
        put(out, "fan_out", json_boolean(o->fan));
    } else {
        put_count(out, "connections", o->connections);
        put_count(out, "in_flight", o->window);
        return;
    }
    put_count(out, "in_flight", o->window);
    put_count(out, "payload", o->payload_bytes);
    put_count(out, "qos", o->qos);
    put(out, "rate", o->rate > 0 ? json_real(o->rate) : json_null());
}

static json_t *
json_of_latency(const struct load_latency *l)
{
    if (l->count == 0) {
        return json_null();
    }
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "p50", l->p50_us, "p90", l->p90_us,
                     "p99", l->p99_us, "p99.9", l->p999_us, "p99.99", l->p9999_us, "max", l->max_us,
                     "mean", l->mean_us);
}

static json_t *
json_of_errors(const struct load_result *r)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "wrong", (json_int_t)r->wrong, "missing",
                     (json_int_t)r->missing, "late", (json_int_t)r->late, "repeated",
                     (json_int_t)r->repeated);
}

static json_t *
json_of_server(const struct load_result *r)
{
    if (!r->has_server) {
        return json_null();
    }
    return json_pack("{s:f, s:f, s:I}", "load", r->server_load, "cpu_us_each", r->server_cpu_us,
                     "rss_bytes", (json_int_t)r->server_rss_bytes);
}

static json_t *
json_of_series(const struct series *s)
{
    json_t *all = json_array();

    for (size_t i = 0; i < s->count; i++) {
        const struct load_moment *m = &s->points[i];

        (void)json_array_append_new(all, json_pack("{s:f, s:f, s:I, s:f, s:f, s:f}", "at", m->at,
                                                   "seconds", m->seconds, "count",
                                                   (json_int_t)m->count, "p50", m->p50_us, "p99",
                                                   m->p99_us, "max", m->max_us));
    }
    return all;
}

void
outcome_write_json(FILE *out, const struct outcome *o)
{
    const struct load_result *r = o->result;
    json_t *all = json_object();

    put(all, "mode", json_string(o->options->mode));
    put(all, "server", json_string(o->server));
    put_load(all, o->options);
    put(all, "seconds", json_real(r->seconds));
    put_count(all, "count", r->count);
    put(all, "per_second", json_real(outcome_per_second(o)));
    put(all, "errors", json_of_errors(r));
    put(all, "latency_us", json_of_latency(&r->latency));
    put(all, "generator_load", json_real(r->generator_load));
    put(all, "server_process", json_of_server(r));
    put(all, "series", json_of_series(o->series));
    (void)json_dumpf(all, out, JSON_COMPACT | JSON_REAL_PRECISION(9));
    (void)fputc('\n', out);
    json_decref(all);
}
