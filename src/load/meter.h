#ifndef WILCO_LOAD_METER_H
#define WILCO_LOAD_METER_H

#include <stdint.h>

/* What processes use of the machine; 0 where it cannot be said (pid 0: no process). */
uint64_t meter_cpu_ns(int pid);    /* CPU of all its threads, the kernel's part too */
uint64_t meter_own_cpu_ns(void);   /* of this thread */
uint64_t meter_rss_bytes(int pid); /* resident memory */

#endif
