#include "broker/core/request_failure.h"

#include <stddef.h>

static const struct {
    unsigned status;
    size_t counter; /* its place in struct stats */
    const char *words;
} rows[] = {
#define REQUEST_FAILURE_ROW(name, status, counter, words)                                          \
    {status, offsetof(struct stats, counter) / sizeof(uint64_t), words},
    REQUEST_FAILURES(REQUEST_FAILURE_ROW)
#undef REQUEST_FAILURE_ROW
};

unsigned
request_failure_status(enum request_failure why)
{
    return rows[why].status;
}

const char *
request_failure_words(enum request_failure why)
{
    return rows[why].words;
}

void
request_failure_count(struct stats *s, enum request_failure why)
{
    stats_increment(s, rows[why].counter);
}

const char *
request_stage_name(enum request_stage stage)
{
    static const char *const names[] = {"rejected", "queued", "delivered", "acked"};

    return names[stage];
}
