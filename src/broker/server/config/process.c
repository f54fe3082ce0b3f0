#include "broker/server/config/directive.h"

#include <stdio.h>

/* What the process may be and do. */

static void
take_user(struct config_reader *r, const struct directive *d, const char *value)
{
    if (strlen(value) >= CONFIG_USER_BYTES) {
        reader_wrong(r, "%s: the name is longer than %u bytes", d->name, CONFIG_USER_BYTES - 1);
        return;
    }
    (void)snprintf(r->config->user, CONFIG_USER_BYTES, "%s", value);
}

static void
take_switch(struct config_reader *r, const struct directive *d, const char *value, bool *out)
{
    bool is_on = strcmp(value, "true") == 0;

    if (!is_on && strcmp(value, "false") != 0) {
        reader_wrong(r, "%s: %s is neither true nor false", d->name, LOG_TEXT(span_of_text(value)));
        return;
    }
    *out = is_on;
}

static void
take_sandbox(struct config_reader *r, const struct directive *d, const char *value)
{
    take_switch(r, d, value, &r->config->has_sandbox);
}

static void
take_core_dumps(struct config_reader *r, const struct directive *d, const char *value)
{
    take_switch(r, d, value, &r->config->core_dumps);
}

const struct directive process_directives[] = {
    {.name = "user",
     .take = take_user,
     .what = "Whom a broker that root has started becomes once it listens. Without this line it is "
             "wilco or, where there is no such user, nobody; root stays root. That user must be "
             "able to read what SIGHUP reads again. Who is not root stays who he is."},
    {.name = "sandbox",
     .take = take_sandbox,
     .standard = "true",
     .what = "true: once it listens, the broker gives up all capabilities, and the kernel lets it "
             "make no system calls but those that it needs, and read no files but in the folders "
             "of those that are named here. false is for debuggers."},
    {.name = "core_dumps",
     .take = take_core_dumps,
     .standard = "false",
     .what = "true: a broker that crashes may leave a core file, which has passwords and keys in "
             "it, and debuggers may attach to it."},
    {.name = NULL},
};
