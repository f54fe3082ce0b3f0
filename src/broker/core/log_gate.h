#ifndef WILCO_BROKER_CORE_LOG_GATE_H
#define WILCO_BROKER_CORE_LOG_GATE_H

#include "base/wheel.h"

#include <stdbool.h>
#include <stddef.h>

struct shard;

/* Keeps hostile clients from filling the log: of the lines they can cause,
 * settings.log_refusals_max are written in a second, and then one line says how many were not. Part
 * of a shard. */
struct log_gate {
    struct timer timer; /* runs from the first line of a second to its end */
    size_t lines;       /* asked for in this second */
};

void log_gate_init(struct log_gate *g);
/* Whether a line may be written now. */
bool log_gate_passes(struct shard *s);
void log_gate_timer_fired(struct shard *s);

#endif
