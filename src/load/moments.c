#include "load/moments.h"

#include <string.h>

void
moments_start(struct moments *m, const struct load_options *options, uint64_t now_ns)
{
    m->options = options;
    m->interval_ns = (uint64_t)(options->moment * 1e9);
    m->start_ns = now_ns;
    m->begin_ns = now_ns;
}

static double
us(uint64_t ns)
{
    return (double)ns / 1e3;
}

static void
tell(struct moments *m, uint64_t now_ns)
{
    const struct load_moment moment = {
        .at = (double)(now_ns - m->start_ns) / 1e9,
        .seconds = (double)(now_ns - m->begin_ns) / 1e9,
        .count = m->latency.count,
        .p50_us = us(latency_percentile(&m->latency, 50)),
        .p99_us = us(latency_percentile(&m->latency, 99)),
        .max_us = us(m->latency.max_ns),
    };

    m->options->watch(m->options->context, &moment);
    memset(&m->latency, 0, sizeof(m->latency));
    m->begin_ns = now_ns;
}

void
moments_look(struct moments *m, uint64_t now_ns)
{
    if (now_ns >= m->begin_ns + m->interval_ns) {
        tell(m, now_ns);
    }
}

void
moments_end(struct moments *m, uint64_t now_ns)
{
    if (now_ns > m->begin_ns) {
        tell(m, now_ns);
    }
}
