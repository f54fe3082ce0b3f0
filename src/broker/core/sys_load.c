#include "broker/core/sys_load.h"

#include <assert.h>
#include <math.h>

#define MINUTE_MS 60000.0

void
sys_load_sample(struct sys_load *l, uint64_t total, uint64_t busy_ms, uint64_t elapsed_ms)
{
    static const double span_ms[SYS_LOAD_SPANS] = {
        1.0 * MINUTE_MS,
        5.0 * MINUTE_MS,
        15.0 * MINUTE_MS,
    };
    uint64_t more = total > l->total ? total - l->total : 0;
    double rate = 0.0;

    assert(busy_ms > 0 && busy_ms <= elapsed_ms);
    rate = (double)more * MINUTE_MS / (double)busy_ms;
    for (int i = 0; i < SYS_LOAD_SPANS; i++) {
        double *value = &l->per_minute[i];

        *value = rate + exp(-(double)busy_ms / span_ms[i]) * (*value - rate);
        *value *= exp(-(double)(elapsed_ms - busy_ms) / span_ms[i]);
    }
    l->total = total;
}
