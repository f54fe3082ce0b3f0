#ifndef WILCO_LOAD_LOAD_H
#define WILCO_LOAD_LOAD_H

#include "base/compiler.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Puts a load on a server and measures what becomes of it. A run uses the thread that calls it,
 * one connection for each party, and loopback or network alike; it prints nothing. It checks what
 * comes back, and says what it cost itself: at a `generator_load` near 1 it is the limit. */

/* What was measured in a piece of the measured time. Without a count the latencies are 0. */
struct load_moment {
    double at; /* seconds since measuring began, at its end */
    double seconds;
    uint64_t count;
    double p50_us;
    double p99_us;
    double max_us;
};

/* Zero means the default. Which mode uses what is said with the modes. */
struct load_options {
    const char *mode;     /* one of load_mode_name() */
    const char *dialect;  /* "mqtt" (MQTT 5.0), "frames" (a bare relay), "nats" */
    const char *url;      /* mqtt://127.0.0.1:1883, whatever the dialect */
    const char *username; /* NULL: that of the URL, if it has one; likewise */
    const char *password;
    const char *name; /* what client identifiers and topics begin with; NULL: chosen by chance */
    int pid;          /* the server's process, to see what it uses; 0: not looked at */
    double seconds;   /* measured (2) */
    double warmup;    /* seconds before (0.3) */
    double timeout;   /* seconds after which what has not come is missing (5) */
    double rate;      /* per second in all: open loop, latency from when it was due; 0: closed */
    size_t payload_bytes;
    uint8_t qos;
    unsigned requesters;    /* request (1) */
    unsigned responders;    /* request (1): requester i asks responder i modulo these */
    unsigned publishers;    /* publish (1): publisher i has subscriber i modulo these */
    unsigned subscribers;   /* publish (1) */
    unsigned window;        /* in flight for each party; request 1, publish 64, connect 16 */
    unsigned connections;   /* idle, subscribe, churn, connect (1) */
    unsigned subscriptions; /* idle (0), subscribe (1): of each connection */
    unsigned sources;  /* idle, subscribe: how many addresses to connect from, 127.0.0.2 and on */
    unsigned messages; /* retained (1) */
    const char *topic; /* request: ask whoever serves it, with no responders of our own; what they
                          answer is not looked at */
    const char *wildcard;  /* subscribe: "exact", "plus" or "hash" */
    void (*started)(void); /* called when measuring begins; NULL is allowed */
    /* Called after every `moment` seconds (0.1) while measuring; NULL is allowed. */
    void (*watch)(void *context, const struct load_moment *m);
    void *context;
    double moment;
    bool inbox; /* request: responses go to the inboxes that the server gives */
    bool group; /* request: responders share one subscription */
    bool fan;   /* publish: every message goes to every subscriber */
};

#define LOAD_PERCENTILES 48U
struct load_percentile {
    double percent;
    double us;
};

struct load_latency {
    uint64_t count; /* 0: there is none */
    double p50_us;
    double p90_us;
    double p99_us;
    double p999_us;
    double p9999_us;
    double max_us;
    double mean_us;
    struct load_percentile percentiles[LOAD_PERCENTILES]; /* for plots, rising */
    size_t percentile_count;
};

struct load_result {
    double seconds;
    uint64_t count;            /* round trips, messages delivered, connections, ... */
    uint64_t wrong;            /* what came and does not fit anything that was sent */
    uint64_t missing;          /* what never came */
    uint64_t late;             /* what came after it was given up */
    uint64_t repeated;         /* what came twice */
    double generator_load;     /* share of a core */
    bool has_server;           /* the process was looked at: */
    double server_cpu_us;      /* for each that was counted */
    double server_load;        /* share of a core */
    uint64_t server_rss_bytes; /* at the end of the measured time */
    uint64_t rss_before_bytes; /* idle, subscribe: before there was anything */
    uint64_t rss_after_bytes;
    uint64_t subscriptions;          /* idle, subscribe: how many there were in all */
    double subscriptions_per_second; /* subscribe */
    double match_us;                 /* subscribe: for each message, one at a time */
    struct load_latency latency;
    uint8_t reason_code; /* after a failure: with which the server refused a connection; or 0 */
};

/* Whether all that was sent came back, once and in time. */
bool load_is_right(const struct load_result *r);

/* The names of the modes, from 0 on; NULL: there are no more. */
const char *load_mode_name(size_t i);

#define LOAD_REASON_BYTES 200U
/* WILCO_EINVAL: options that do not fit; WILCO_ECONNECT, WILCO_ECLOSED, WILCO_EREFUSED,
 * WILCO_ETIMEDOUT, WILCO_ENOMEM, WILCO_EIO; `reason` has the words. */
WILCO_MUST_CHECK enum wilco_status load_run(struct load_result *out,
                                            const struct load_options *options,
                                            char reason[LOAD_REASON_BYTES]);

#endif
