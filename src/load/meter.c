#define _GNU_SOURCE /* CLOCK_THREAD_CPUTIME_ID, clock_getcpuclockid */

#include "load/meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t
read_clock(clockid_t id)
{
    struct timespec t = {0};

    if (clock_gettime(id, &t) != 0) {
        return 0;
    }
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

uint64_t
meter_cpu_ns(int pid)
{
    clockid_t id = CLOCK_REALTIME;

    return pid > 0 && clock_getcpuclockid(pid, &id) == 0 ? read_clock(id) : 0;
}

uint64_t
meter_own_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t
meter_rss_bytes(int pid)
{
    char path[64];
    char line[256];
    uint64_t kib = 0;
    FILE *f = NULL;

    (void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
    f = pid > 0 ? fopen(path, "r") : NULL;
    if (f == NULL) {
        return 0;
    }
    while (kib == 0 && fgets(line, sizeof(line), f) != NULL) {
        kib = strncmp(line, "Rss:", 4) == 0 ? strtoull(line + 4, NULL, 10) : 0;
    }
    (void)fclose(f);
    return kib * 1024;
}
