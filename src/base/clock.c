#define _POSIX_C_SOURCE 200809L

#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#ifdef CLOCK_BOOTTIME /* Linux: goes on while the machine sleeps, so keep alives are honest */
#    define STEADY_CLOCK CLOCK_BOOTTIME
#else
#    define STEADY_CLOCK CLOCK_MONOTONIC
#endif

static struct timespec
read_clock(clockid_t id)
{
    struct timespec t = {0};
    int failed = clock_gettime(id, &t);

    assert(failed == 0 && t.tv_sec >= 0);
    (void)failed;
    return t;
}

uint64_t
clock_monotonic_ns(void)
{
    struct timespec t = read_clock(STEADY_CLOCK);

    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

uint64_t
clock_unix_ms(void)
{
    struct timespec t = read_clock(CLOCK_REALTIME);

    return (uint64_t)t.tv_sec * 1000U + (uint64_t)t.tv_nsec / 1000000U;
}

void
clock_write_time(uint64_t unix_ms, char out[CLOCK_TEXT_BYTES])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm utc = {0};
    size_t len = 0;

    if (gmtime_r(&seconds, &utc) != NULL) {
        len = strftime(out, CLOCK_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
    }
    (void)snprintf(out + len, CLOCK_TEXT_BYTES - len, ".%03uZ", (unsigned)(unix_ms % 1000));
}
