#include "load/run.h"

#include "base/clock.h"
#include "load/meter.h"

#include <sys/prctl.h>

static uint64_t
ns_of(double seconds)
{
    return (uint64_t)(seconds * 1e9);
}

static void
turn(struct run *r, run_step_fn *step)
{
    uint64_t wait_ns = step == NULL ? RUN_TICK_NS : step(r->crowd.context);

    crowd_turn(&r->crowd, wait_ns < RUN_TICK_NS ? wait_ns : RUN_TICK_NS);
    if (r->moments != NULL && r->is_measuring) {
        moments_look(r->moments, r->crowd.now_ns);
    }
}

void
run_for(struct run *r, double seconds, run_step_fn *step)
{
    uint64_t end_ns = clock_monotonic_ns() + ns_of(seconds);

    r->crowd.now_ns = clock_monotonic_ns();
    while (r->crowd.now_ns < end_ns && r->crowd.status == WILCO_OK) {
        turn(r, step);
    }
}

void
run_start(struct run *r)
{
    if (r->options->started != NULL) {
        r->options->started();
    }
    r->start_own_ns = meter_own_cpu_ns();
    r->start_server_ns = meter_cpu_ns(r->options->pid);
    r->start_ns = clock_monotonic_ns();
    r->is_measuring = true;
    if (r->moments != NULL) {
        moments_start(r->moments, r->options, r->start_ns);
    }
}

void
run_stop(struct run *r)
{
    struct load_result *out = r->result;
    double server_s = (double)(meter_cpu_ns(r->options->pid) - r->start_server_ns) / 1e9;
    double own_s = (double)(meter_own_cpu_ns() - r->start_own_ns) / 1e9;

    if (r->moments != NULL) {
        moments_end(r->moments, clock_monotonic_ns());
    }
    r->is_measuring = false;
    out->seconds = (double)(clock_monotonic_ns() - r->start_ns) / 1e9;
    out->generator_load = own_s / out->seconds;
    out->server_load = server_s / out->seconds;
    out->server_cpu_us = out->count == 0 ? 0 : server_s * 1e6 / (double)out->count;
    out->server_rss_bytes = meter_rss_bytes(r->options->pid);
    out->has_server = r->start_server_ns > 0;
}

/* By default Linux wakes sleepers up to 50 us late, which an open loop would take for latency. */
void
run_measure(struct run *r, run_step_fn *step)
{
    int slack_ns = prctl(PR_GET_TIMERSLACK);

    (void)prctl(PR_SET_TIMERSLACK, 1UL);
    run_for(r, r->options->warmup, step);
    run_start(r);
    run_for(r, r->options->seconds, step);
    run_stop(r);
    r->is_over = true;
    (void)prctl(PR_SET_TIMERSLACK, (unsigned long)(slack_ns < 0 ? 0 : slack_ns));
}

void
run_drain(struct run *r, run_step_fn *step, const uint64_t *open)
{
    uint64_t last = *open;
    uint64_t last_ns = clock_monotonic_ns();

    while (*open > 0 && r->crowd.status == WILCO_OK &&
           r->crowd.now_ns < last_ns + ns_of(r->options->timeout)) {
        turn(r, step);
        if (*open != last) {
            last = *open;
            last_ns = r->crowd.now_ns;
        }
    }
}

void *
run_items(struct run *r, size_t count, size_t size)
{
    void *items = mem_zalloc(alloc_system(), (count + 1) * size);

    if (items == NULL) {
        crowd_fail(&r->crowd, WILCO_ENOMEM, "out of memory");
    }
    return items;
}

void
free_items(void *items)
{
    mem_free(alloc_system(), items);
}
