#include "broker/core/log_gate.h"

#include "broker/core/shard.h"

#define SECOND_MS 1000U

void
log_gate_init(struct log_gate *g)
{
    *g = (struct log_gate){.timer = {.kind = SHARD_TIMER_LOG_GATE}};
}

bool
log_gate_passes(struct shard *s)
{
    struct log_gate *g = &s->log_gate;

    if (s->broker->log == NULL) {
        return false;
    }
    if (!timer_is_running(&g->timer)) {
        wheel_start(&s->wheel, &g->timer, s->now_ms + SECOND_MS);
    }
    g->lines++;
    return g->lines <= s->broker->settings.log_refusals_max;
}

void
log_gate_timer_fired(struct shard *s)
{
    size_t lines = s->log_gate.lines;
    size_t lines_max = (size_t)s->broker->settings.log_refusals_max;

    s->log_gate.lines = 0;
    if (lines > lines_max) {
        log_event(s->broker->log, LOG_INFO, "refusals_not_logged", "shard=%u count=%zu", s->index,
                  lines - lines_max);
    }
}
