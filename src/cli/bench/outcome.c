#include "cli/bench/outcome.h"

#include "cli/bench/figure.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define GENERATOR_IS_BUSY 0.9 /* of a core: from here on it may be what is measured */

static bool
is_mode(const struct load_options *o, const char *mode)
{
    return strcmp(o->mode, mode) == 0;
}

const char *
outcome_noun(const struct load_options *o)
{
    return is_mode(o, "request") ? "answers" : is_mode(o, "publish") ? "messages" : "connections";
}

struct words {
    char *at;
    size_t room;
};

static void __attribute__((format(printf, 2, 3))) add(struct words *w, const char *format, ...)
{
    va_list arguments;
    int len;

    va_start(arguments, format);
    len = vsnprintf(w->at, w->room, format, arguments);
    va_end(arguments);
    if (len > 0 && (size_t)len < w->room) {
        w->at += len;
        w->room -= (size_t)len;
    }
}

static void
add_parties(struct words *w, unsigned count, const char *noun)
{
    add(w, "%u %s%s", count, noun, count == 1 ? "" : "s");
}

static void
add_request(struct words *w, const struct load_options *o)
{
    add_parties(w, o->requesters, "requester");
    add(w, " with %u in flight%s, ", o->window, o->requesters == 1 ? "" : " each");
    if (o->topic != NULL) {
        add(w, "asking %s", o->topic);
    } else {
        add_parties(w, o->responders, "responder");
        add(w, "%s", o->group ? " in a group" : "");
    }
    add(w, "%s", o->inbox ? ", answers to inboxes" : "");
}

static void
add_publish(struct words *w, const struct load_options *o)
{
    add_parties(w, o->publishers, "publisher");
    add(w, " with %u in flight%s, ", o->window, o->publishers == 1 ? "" : " each");
    add_parties(w, o->subscribers, "subscriber");
    add(w, "%s", o->fan ? " to every message" : "");
}

struct outcome_load
outcome_load(const struct load_options *o)
{
    struct outcome_load load = {.text = ""};
    struct words w = {load.text, sizeof(load.text)};

    if (is_mode(o, "connect")) {
        add_parties(&w, o->connections, "connection");
        add(&w, ", %u at a time", o->window);
        return load;
    }
    (is_mode(o, "request") ? add_request : add_publish)(&w, o);
    add(&w, ", %zu bytes, QoS %u", o->payload_bytes, (unsigned)o->qos);
    if (o->rate > 0) {
        add(&w, ", %.0f per second", o->rate);
    }
    return load;
}

double
outcome_per_second(const struct outcome *o)
{
    return o->result->seconds > 0 ? (double)o->result->count / o->result->seconds : 0;
}

uint64_t
outcome_errors(const struct outcome *o)
{
    const struct load_result *r = o->result;

    return r->wrong + r->missing + r->late + r->repeated;
}

/* In an open loop; with fan-out a message is as many. */
static double
wanted_per_second(const struct load_options *o)
{
    return o->rate * (is_mode(o, "publish") && o->fan ? o->subscribers : 1);
}

static void
write_latency(FILE *out, const struct load_latency *l)
{
    const struct {
        const char *name;
        double us;
    } rows[] = {
        {"p50", l->p50_us},    {"p90", l->p90_us},      {"p99", l->p99_us},
        {"p99.9", l->p999_us}, {"p99.99", l->p9999_us}, {"max", l->max_us},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)fprintf(out, "%-10s%-7s%12s\n", i == 0 ? "latency" : "", rows[i].name,
                      figure_us(rows[i].us).text);
    }
}

static void
write_errors(FILE *out, const struct outcome *o)
{
    const struct load_result *r = o->result;

    (void)fprintf(out, "%-17s%9s", "errors", figure_count(outcome_errors(o)).text);
    if (outcome_errors(o) > 0) {
        (void)fprintf(
            out, "   %" PRIu64 " wrong, %" PRIu64 " missing, %" PRIu64 " late, %" PRIu64 " twice",
            r->wrong, r->missing, r->late, r->repeated);
    }
    (void)fputc('\n', out);
}

static void
write_costs(FILE *out, const struct load_result *r)
{
    (void)fprintf(out, "%-17s%9.0f %% of a core%s\n", "generator", r->generator_load * 100,
                  r->generator_load < GENERATOR_IS_BUSY ? "" : ": it may be the limit");
    if (r->has_server) {
        (void)fprintf(out, "%-17s%9.0f %% of a core, %s each, %.1f MB of memory\n", "server",
                      r->server_load * 100, figure_us(r->server_cpu_us).text,
                      (double)r->server_rss_bytes / 1e6);
    }
}

void
outcome_write(FILE *out, const struct outcome *o)
{
    (void)fprintf(out, "%s at %s: %s\n\n", o->options->mode, o->server,
                  outcome_load(o->options).text);
    (void)fprintf(out, "%-14s%12s   in %s\n", outcome_noun(o->options),
                  figure_count(o->result->count).text, figure_seconds(o->result->seconds).text);
    (void)fprintf(out, "%-14s%12s", "per second",
                  figure_count((uint64_t)outcome_per_second(o)).text);
    if (o->options->rate > 0) {
        (void)fprintf(out, "   of %s", figure_count((uint64_t)wanted_per_second(o->options)).text);
    }
    (void)fputc('\n', out);
    if (o->result->latency.count > 0) {
        write_latency(out, &o->result->latency);
    }
    write_errors(out, o);
    write_costs(out, o->result);
}
