#include "broker/core/session_id.h"
#include "broker/server/config/directive.h"

#include <stdlib.h>

static void
take_shards(struct config_reader *r, const struct directive *d, const char *value)
{
    size_t len = strspn(value, "0123456789");
    unsigned long number = len > 0 && len < 6 && value[len] == '\0' ? strtoul(value, NULL, 10) : 0;

    if (strcmp(value, "auto") == 0) {
        r->config->shards = 0;
    } else if (number >= 1 && number <= SHARDS_MAX) {
        r->config->shards = (unsigned)number;
    } else {
        reader_wrong(r, "%s: %s is neither a number from 1 to %u nor auto", d->name,
                     LOG_TEXT(span_of_text(value)), SHARDS_MAX);
    }
}

static void
take_store(struct config_reader *r, const struct directive *d, const char *value)
{
    if (strcmp(value, "memory") != 0) {
        reader_wrong(r, "%s: there is no store called %s: the only one is memory", d->name,
                     LOG_TEXT(span_of_text(value)));
    }
}

static void
take_include_dir(struct config_reader *r, const struct directive *d, const char *value)
{
    if (r->include == NULL) {
        reader_wrong(r, "%s: only the file that is named on the command line can include others",
                     d->name);
        return;
    }
    r->include(r, value);
}

const struct directive general_directives[] = {
    {.name = "shards",
     .take = take_shards,
     .standard = "auto",
     .what = "Threads that serve clients: a number, or auto for one for each core."},
    {.name = "store",
     .take = take_store,
     .standard = "memory",
     .what = "Where sessions and retained messages are kept. In memory they end with the broker."},
    {.name = "include_dir",
     .take = take_include_dir,
     .what = "Reads all files of this folder whose names end in .conf, in the order of the bytes "
             "of their names, as if they stood here; what they set prevails over the lines above.",
     .is_repeatable = true,
     .is_path = true},
    {.name = NULL},
};
