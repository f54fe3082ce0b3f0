#include "broker/core/service_question.h"

#include "wire/topic.h"

bool
service_topic_holds(struct span topic)
{
    struct topic_levels levels = topic_levels_of(topic);
    struct span root = SPAN_EMPTY;

    return topic_level_next(&levels, &root) && span_equal(root, SPAN_LITERAL("$SRV"));
}

bool
service_topic_is_event(struct span filter)
{
    struct topic_levels levels = topic_levels_of(filter);
    struct span level = SPAN_EMPTY;

    return topic_level_next(&levels, &level) && topic_level_next(&levels, &level) &&
           span_equal(level, SPAN_LITERAL("EVENT"));
}

static enum service_question_kind
kind_of(struct span word)
{
    static const struct {
        struct span word;
        enum service_question_kind kind;
    } rows[] = {
        {SPAN_INIT("PING"), SERVICE_PING},
        {SPAN_INIT("INFO"), SERVICE_INFO},
        {SPAN_INIT("STATS"), SERVICE_STATS},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (span_equal(rows[i].word, word)) {
            return rows[i].kind;
        }
    }
    return SERVICE_NO_QUESTION;
}

/* The next level, if there is one, which is not empty then. */
static bool
read_level(struct topic_levels *levels, struct span *out)
{
    return !topic_level_next(levels, out) || out->len > 0;
}

bool
service_question_read(struct service_question *out, struct span topic)
{
    struct topic_levels levels = topic_levels_of(topic);
    struct span level = SPAN_EMPTY;

    *out = (struct service_question){.kind = SERVICE_NO_QUESTION};
    if (!service_topic_holds(topic)) {
        return false;
    }
    (void)topic_level_next(&levels, &level);
    if (!topic_level_next(&levels, &level)) {
        return false;
    }
    out->kind = kind_of(level);
    return out->kind != SERVICE_NO_QUESTION && read_level(&levels, &out->name) &&
           read_level(&levels, &out->id) && !topic_level_next(&levels, &level);
}
