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

/* Such a time as ISO 8601 has it, to the millisecond: "2001-02-03T04:05:06.789Z". It reads no
 * clock. */
#define CLOCK_TEXT_BYTES 32U
void clock_write_time(uint64_t unix_ms, char out[CLOCK_TEXT_BYTES]);

#endif
