#ifndef WILCO_BROKER_SERVER_INTAKE_H
#define WILCO_BROKER_SERVER_INTAKE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct driver;
struct peer;

/* Reads from many peers before anything of it is looked at. The kernel's code and data and ours
 * displace each other in the processor's caches, so a number of reads on end and then a number of
 * packets are quicker than both in turns: with one small packet from each of a thousand peers by
 * 4 % (bench/NOTES.md). All fields belong to intake.c; all zero: nothing has been read. */
#define INTAKE_READS 64U
#define INTAKE_BYTES 65536U

struct intake_read {
    struct peer *peer;
    enum wilco_status status;
    size_t asked; /* bytes, and then how many came */
    size_t len;
};

struct intake {
    struct intake_read reads[INTAKE_READS];
    size_t count;
    size_t used; /* of the buffer */
    uint8_t buffer[INTAKE_BYTES];
};

/* Reads once from a peer that has input. */
void intake_add(struct driver *d, struct peer *p);
/* Hands all of it over: peers may be gone afterwards. */
void intake_run(struct driver *d);

#endif
