#ifndef WILCO_BASE_CLOCK_H
#define WILCO_BASE_CLOCK_H

#include <stdint.h>

/* The real clocks, for the edges only: cores are given the time. */
uint64_t clock_monotonic_ns(void); /* never goes back, counts while suspended if the system can */
static inline uint64_t
clock_monotonic_ms(void)
{
    return clock_monotonic_ns() / 1000000U;
}
uint64_t clock_unix_ms(void); /* wall clock, milliseconds since 1970 UTC */

#endif
