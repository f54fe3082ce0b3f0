#ifndef WILCO_BROKER_CORE_SYS_LOAD_H
#define WILCO_BROKER_CORE_SYS_LOAD_H

#include <stdint.h>

/* How much of something there is in a minute, averaged over the last 1, 5 and 15 minutes, with
 * weights that fall off exponentially: as the load averages of Unix and of other brokers. */
#define SYS_LOAD_SPANS 3

struct sys_load {
    uint64_t total; /* at the last sample */
    double per_minute[SYS_LOAD_SPANS];
};

/* It has come to `total`, in the first `busy_ms` of the time since the last sample, which is
 * `elapsed_ms` ago; nothing has happened in the rest of that time. 0 < busy_ms <= elapsed_ms. */
void sys_load_sample(struct sys_load *l, uint64_t total, uint64_t busy_ms, uint64_t elapsed_ms);

#endif
