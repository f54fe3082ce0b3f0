/* Puts a load on a server and measures it: `bench_load --help`. Everything that it does is in
 * src/load/; here are its options, and its result as one JSON object on standard output. */
#include "load/load.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: bench_load MODE --port N [--dialect mqtt|frames|nats] [--pid BROKER_PID]\n"
    "           [--seconds 2] [--warmup 0.3] [--timeout 5] [--payload 64] [--qos 0|1] [--name "
    "TEXT]\n"
    "  request   [--requesters 1] [--window 1] [--responders 1] [--inbox] [--group] [--rate N]\n"
    "  publish   [--publishers 1] [--subscribers 1] [--fan] [--window 64] [--rate N]\n"
    "  idle      --connections N [--subscriptions 0] [--sources M]\n"
    "  subscribe --connections N --subscriptions K [--wildcard exact|plus|hash] [--sources M]\n"
    "  churn     --connections N\n"
    "  connect   --connections N [--window 16]\n"
    "  retained  --messages N\n"
    "Prints one JSON object; bench/README.md says how to read it. Exit codes: 0 everything came\n"
    "back right, 1 it did not, 2 wrong options, 3 no connection, or a lost one.\n";

enum {
    EXIT_WRONG = 1,
    EXIT_USAGE = 2,
    EXIT_CONNECTION = 3,
};

/* One row an option: where its value goes, by its type. */
enum kind {
    KIND_FLAG,
    KIND_COUNT,
    KIND_REAL,
    KIND_TEXT,
    KIND_SIZE,
    KIND_PORT,
    KIND_QOS,
    KIND_PID,
    KIND_HELP,
};

static struct load_options options = {.payload_bytes = 64, .warmup = 0.3};
static char url[64];
static unsigned long port;
static bool announces;

static const struct row {
    const char *name;
    enum kind kind;
    void *to;
} rows[] = {
    {"port", KIND_PORT, &port},
    {"dialect", KIND_TEXT, &options.dialect},
    {"name", KIND_TEXT, &options.name},
    {"pid", KIND_PID, &options.pid},
    {"seconds", KIND_REAL, &options.seconds},
    {"warmup", KIND_REAL, &options.warmup},
    {"timeout", KIND_REAL, &options.timeout},
    {"rate", KIND_REAL, &options.rate},
    {"payload", KIND_SIZE, &options.payload_bytes},
    {"qos", KIND_QOS, &options.qos},
    {"requesters", KIND_COUNT, &options.requesters},
    {"responders", KIND_COUNT, &options.responders},
    {"publishers", KIND_COUNT, &options.publishers},
    {"subscribers", KIND_COUNT, &options.subscribers},
    {"window", KIND_COUNT, &options.window},
    {"connections", KIND_COUNT, &options.connections},
    {"subscriptions", KIND_COUNT, &options.subscriptions},
    {"sources", KIND_COUNT, &options.sources},
    {"messages", KIND_COUNT, &options.messages},
    {"wildcard", KIND_TEXT, &options.wildcard},
    {"inbox", KIND_FLAG, &options.inbox},
    {"group", KIND_FLAG, &options.group},
    {"fan", KIND_FLAG, &options.fan},
    {"announce", KIND_FLAG, &announces},
    {"help", KIND_HELP, NULL},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* A whole number of at most `max`; false: it is none. */
static bool
number(const char *text, unsigned long max, unsigned long *out)
{
    char *end = NULL;

    *out = strtoul(text, &end, 10);
    return end != text && *end == '\0' && text[0] != '-' && *out <= max;
}

static bool
real(const char *text, double *out)
{
    char *end = NULL;

    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out >= 0;
}

static bool
set(const struct row *row, const char *value)
{
    unsigned long n = 0;

    switch (row->kind) {
    case KIND_FLAG: *(bool *)row->to = true; return true;
    case KIND_TEXT: *(const char **)row->to = value; return true;
    case KIND_REAL: return real(value, row->to);
    case KIND_COUNT:
        if (!number(value, 100000000, &n)) {
            return false;
        }
        *(unsigned *)row->to = (unsigned)n;
        return true;
    case KIND_SIZE:
        if (!number(value, 1UL << 30, &n)) {
            return false;
        }
        *(size_t *)row->to = n;
        return true;
    case KIND_PORT: return number(value, 65535, row->to);
    case KIND_QOS:
        if (!number(value, 2, &n)) {
            return false;
        }
        *(uint8_t *)row->to = (uint8_t)n;
        return true;
    case KIND_PID:
        if (!number(value, 1UL << 30, &n)) {
            return false;
        }
        *(int *)row->to = (int)n;
        return true;
    case KIND_HELP: (void)fputs(usage, stdout); exit(0);
    }
    return false;
}

static void
say_started(void)
{
    (void)fputs("measuring\n", stderr);
}

static bool
parse(int argc, char **argv)
{
    struct option longs[ROWS + 1] = {{.name = NULL}};
    int index = 0;
    int found = 0;

    for (size_t i = 0; i < ROWS; i++) {
        bool is_bare = rows[i].kind == KIND_FLAG || rows[i].kind == KIND_HELP;

        longs[i] =
            (struct option){rows[i].name, is_bare ? no_argument : required_argument, NULL, 0};
    }
    while ((found = getopt_long(argc, argv, "", longs, &index)) == 0) {
        if (!set(&rows[index], optarg)) {
            (void)fprintf(stderr, "bench_load: --%s: %s is no value\n", rows[index].name, optarg);
            return false;
        }
    }
    if (found != -1 || optind + 1 != argc || port == 0) {
        (void)fputs(usage, stderr);
        return false;
    }
    options.mode = argv[optind];
    (void)snprintf(url, sizeof(url), "mqtt://127.0.0.1:%lu", port);
    options.url = url;
    options.started = announces ? say_started : NULL;
    return true;
}

static json_t *
value_of(const struct row *row)
{
    switch (row->kind) {
    case KIND_FLAG: return json_boolean(*(const bool *)row->to);
    case KIND_COUNT: return json_integer(*(const unsigned *)row->to);
    case KIND_REAL: return json_real(*(const double *)row->to);
    case KIND_SIZE: return json_integer((json_int_t) * (const size_t *)row->to);
    case KIND_QOS: return json_integer(*(const uint8_t *)row->to);
    case KIND_PORT: return json_integer((json_int_t)port);
    case KIND_PID: return json_integer(*(const int *)row->to);
    case KIND_TEXT: return json_string(*(const char *const *)row->to);
    case KIND_HELP: break;
    }
    return NULL;
}

static bool
is_given(const struct row *row)
{
    switch (row->kind) {
    case KIND_FLAG: return *(const bool *)row->to;
    case KIND_COUNT: return *(const unsigned *)row->to > 0;
    case KIND_REAL: return *(const double *)row->to > 0;
    case KIND_TEXT: return *(const char *const *)row->to != NULL;
    case KIND_SIZE:
    case KIND_QOS:
    case KIND_PORT:
    case KIND_PID: return true;
    case KIND_HELP: break;
    }
    return false;
}

/* Of the server there is nothing to say when its process is not known. */
static json_t *
of_server(const struct load_result *r, json_t *value)
{
    if (r->has_server) {
        return value;
    }
    json_decref(value);
    return json_null();
}

static json_t *
integer(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *
latency(const struct load_latency *l)
{
    if (l->count == 0) {
        return json_null();
    }
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "p50", l->p50_us, "p90", l->p90_us, "p99",
                     l->p99_us, "p999", l->p999_us, "max", l->max_us, "mean", l->mean_us);
}

static json_t *
percentiles(const struct load_latency *l)
{
    json_t *all = json_array();

    for (size_t i = 0; i < l->percentile_count; i++) {
        json_array_append_new(all,
                              json_pack("[f, f]", l->percentiles[i].percent, l->percentiles[i].us));
    }
    return all;
}

static double
each(uint64_t bytes_before, uint64_t bytes_after, double count)
{
    return count > 0 ? ((double)bytes_after - (double)bytes_before) / count : 0;
}

static void
add_memory(json_t *out, const struct load_result *r)
{
    double before = (double)r->rss_before_bytes;

    if (before <= 0) {
        return;
    }
    json_object_set_new(out, "rss_before_bytes", integer(r->rss_before_bytes));
    json_object_set_new(out, "rss_after_bytes", integer(r->rss_after_bytes));
    if (strcmp(options.mode, "idle") == 0) {
        json_object_set_new(
            out, "bytes_per_connection",
            json_real(each(r->rss_before_bytes, r->rss_after_bytes, options.connections)));
    } else {
        json_object_set_new(
            out, "bytes_per_subscription",
            json_real(each(r->rss_before_bytes, r->rss_after_bytes, (double)r->subscriptions)));
    }
}

static void
add_subscriptions(json_t *out, const struct load_result *r)
{
    if (r->subscriptions == 0) {
        return;
    }
    json_object_set_new(out, "subscriptions_in_all", integer(r->subscriptions));
    if (r->subscriptions_per_second > 0) {
        json_object_set_new(out, "subscriptions_per_second",
                            json_real(r->subscriptions_per_second));
        json_object_set_new(out, "match_us", json_real(r->match_us));
    }
}

static json_t *
report(const struct load_result *r)
{
    json_t *out = json_object();
    double per_second = r->seconds > 0 ? (double)r->count / r->seconds : 0;

    json_object_set_new(out, "mode", json_string(options.mode));
    json_object_set_new(out, "dialect", json_string("mqtt"));
    for (size_t i = 0; i < ROWS; i++) {
        if (is_given(&rows[i])) {
            json_object_set_new(out, rows[i].name, value_of(&rows[i]));
        }
    }
    json_object_set_new(out, "seconds", json_real(r->seconds)); /* measured, not asked for */
    json_object_set_new(out, "count", integer(r->count));
    json_object_set_new(out, "per_second", json_real(per_second));
    json_object_set_new(out, "wrong", integer(r->wrong));
    json_object_set_new(out, "missing", integer(r->missing));
    json_object_set_new(out, "late", integer(r->late));
    json_object_set_new(out, "duplicate", integer(r->repeated));
    json_object_set_new(out, "generator_load", json_real(r->generator_load));
    json_object_set_new(out, "broker_cpu_us", of_server(r, json_real(r->server_cpu_us)));
    json_object_set_new(out, "broker_load", of_server(r, json_real(r->server_load)));
    json_object_set_new(out, "broker_rss_bytes", of_server(r, integer(r->server_rss_bytes)));
    add_memory(out, r);
    add_subscriptions(out, r);
    json_object_set_new(out, "latency_us", latency(&r->latency));
    json_object_set_new(out, "percentiles", percentiles(&r->latency));
    return out;
}

int
main(int argc, char **argv)
{
    struct load_result result;
    char reason[LOAD_REASON_BYTES] = "";
    enum wilco_status status = WILCO_OK;
    json_t *out = NULL;

    if (!parse(argc, argv)) {
        return EXIT_USAGE;
    }
    status = load_run(&result, &options, reason);
    if (status != WILCO_OK) {
        (void)fprintf(stderr, "bench_load: %s\n", reason);
        return status == WILCO_EINVAL ? EXIT_USAGE : EXIT_CONNECTION;
    }
    out = report(&result);
    (void)json_dumpf(out, stdout, JSON_REAL_PRECISION(9));
    (void)fputc('\n', stdout);
    json_decref(out);
    if (!load_is_right(&result)) {
        (void)fputs("bench_load: not everything came back right\n", stderr);
        return EXIT_WRONG;
    }
    return 0;
}
