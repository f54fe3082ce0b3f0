#include "broker/server/config/directive.h"

struct level_name {
    const char *name;
    enum log_level level;
};

static bool
find(const struct level_name *names, const char *wanted, enum log_level *out)
{
    for (; names->name != NULL; names++) {
        if (strcmp(names->name, wanted) == 0) {
            *out = names->level;
            return true;
        }
    }
    return false;
}

static void
take_log_level(struct config_reader *r, const struct directive *d, const char *value)
{
    static const struct level_name names[] = {{"error", LOG_ERROR},
                                              {"warning", LOG_WARNING},
                                              {"info", LOG_INFO},
                                              {"debug", LOG_DEBUG},
                                              {NULL, LOG_ERROR}};

    if (!find(names, value, &r->config->log_level)) {
        reader_wrong(r, "%s: %s is not error, warning, info or debug", d->name,
                     LOG_TEXT(span_of_text(value)));
    }
}

/* Mosquitto lists what it logs, we draw a line: the lowest of what is listed in one file. */
static void
take_log_type(struct config_reader *r, const struct directive *d, const char *value)
{
    static const struct level_name names[] = {{"error", LOG_ERROR}, {"warning", LOG_WARNING},
                                              {"notice", LOG_INFO}, {"information", LOG_INFO},
                                              {"debug", LOG_DEBUG}, {"all", LOG_DEBUG},
                                              {NULL, LOG_ERROR}};
    enum log_level level = LOG_ERROR;

    if (!find(names, value, &level)) {
        reader_wrong(r, "%s: %s is not error, warning, notice, information, debug or all", d->name,
                     LOG_TEXT(span_of_text(value)));
        return;
    }
    if (!r->has_log_type || level > r->config->log_level) {
        r->config->log_level = level;
    }
    r->has_log_type = true;
}

const struct directive logging_directives[] = {
    {.name = "log_level",
     .take = take_log_level,
     .standard = "info",
     .what = "What is logged to standard error: error, warning, info or debug, each with those "
             "before it."},
    {.name = "log_type",
     .take = take_log_type,
     .what = "The same in mosquitto's words, a line for each type: error, warning, notice, "
             "information, debug or all.",
     .is_repeatable = true},
    {.name = NULL},
};
