#include "client/status_response.h"

static bool
says(const struct wilco_message *m, const char *name, const char *value)
{
    return span_equal(span_of_bytes(wilco_message_user_property(m, name)), span_of_text(value));
}

bool
status_response_is(const struct wilco_message *m)
{
    return says(m, "rr-src", "broker") && wilco_message_status(m) >= 400;
}

enum wilco_status
status_response_outcome(const struct wilco_message *m)
{
    switch (wilco_message_status(m)) {
    case 400:
    case 403:
    case 429: return WILCO_EREFUSED;
    case 413: return WILCO_ELIMIT;
    case 499: return WILCO_ECANCELLED;
    case 503:
        return status_response_executed(m) == WILCO_EXECUTED_NO ? WILCO_ENORESPONDER : WILCO_ELOST;
    case 504: return WILCO_ETIMEDOUT;
    default: return WILCO_EREMOTE;
    }
}

enum wilco_stage
status_response_stage(const struct wilco_message *m)
{
    static const struct {
        const char *word;
        enum wilco_stage stage;
    } rows[] = {
        {"rejected", WILCO_STAGE_REJECTED},
        {"queued", WILCO_STAGE_QUEUED},
        {"delivered", WILCO_STAGE_DELIVERED},
        {"acked", WILCO_STAGE_ACKED},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (says(m, "rr-stage", rows[i].word)) {
            return rows[i].stage;
        }
    }
    return WILCO_STAGE_UNKNOWN;
}

enum wilco_executed
status_response_executed(const struct wilco_message *m)
{
    if (says(m, "rr-exec", "no")) {
        return WILCO_EXECUTED_NO;
    }
    return says(m, "rr-exec", "maybe") ? WILCO_EXECUTED_MAYBE : WILCO_EXECUTED_UNKNOWN;
}
