#ifndef WILCO_LOAD_RUN_H
#define WILCO_LOAD_RUN_H

#include "load/crowd.h"
#include "load/latency.h"
#include "load/load.h"
#include "load/moments.h"
#include "load/pace.h"

/* One run of a mode: what all modes share. A mode is one function that opens the crowd, lets it
 * work and counts into `result`. */
#define RUN_TICK_NS UINT64_C(100000000) /* the longest sleep */

struct run {
    const struct load_options *options; /* with all defaults filled in */
    struct load_result *result;
    struct latency *latency;
    struct moments *moments; /* NULL: nobody watches */
    struct crowd crowd;
    bool is_measuring;
    bool is_over; /* nothing new is started */
    uint64_t start_ns;
    uint64_t start_server_ns; /* CPU */
    uint64_t start_own_ns;
};

struct mode {
    const char *name;
    bool is_mqtt_only;
    enum wilco_status (*run)(struct run *r);
};

extern const struct mode mode_request;
extern const struct mode mode_publish;
extern const struct mode mode_idle;
extern const struct mode mode_subscribe;
extern const struct mode mode_churn;
extern const struct mode mode_connect;
extern const struct mode mode_retained;

/* Called before each turn: starts what is due, and says how long the turn may sleep. */
typedef uint64_t run_step_fn(void *context);

void run_for(struct run *r, double seconds, run_step_fn *step);
/* From here to run_stop() CPU and time are measured, and `is_measuring`. */
void run_start(struct run *r);
void run_stop(struct run *r);
/* Warms up, measures, and is then over. */
void run_measure(struct run *r, run_step_fn *step);
/* Goes on until `*open` is 0, or has not changed for the timeout. */
void run_drain(struct run *r, run_step_fn *step, const uint64_t *open);

/* Counts one, with its latency. */
static inline void
run_count(struct run *r, uint64_t since_ns)
{
    if (r->is_measuring) {
        uint64_t ns = r->crowd.now_ns > since_ns ? r->crowd.now_ns - since_ns : 0;

        r->result->count++;
        latency_record(r->latency, ns);
        if (r->moments != NULL) {
            latency_record(&r->moments->latency, ns);
        }
    }
}

/* `count` items and one more, zero-filled; NULL, and the run has failed. To be freed with
 * free_items(). */
void *run_items(struct run *r, size_t count, size_t size);
void free_items(void *items);

#endif
