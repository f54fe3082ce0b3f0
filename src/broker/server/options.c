#include "broker/server/options.h"

#include "broker/server/config/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
get_variable(void *context, const char *name)
{
    (void)context;
    return getenv(name); /* NOLINT(concurrency-mt-unsafe): nobody sets any */
}

/* These take the place of those in the file, and of what it says about them. */
static void
take_listen(struct config *out, const struct broker_main_options *options,
            struct problems *problems)
{
    if (options->listen_count > LISTENERS_MAX) {
        problems_add(problems, "--listen: a broker listens on %u addresses at most", LISTENERS_MAX);
        return;
    }
    for (size_t i = 0; i < options->listen_count; i++) {
        if (strlen(options->listen[i]) >= CONFIG_URL_BYTES) {
            problems_add(problems, "--listen: the URL is longer than %u bytes",
                         CONFIG_URL_BYTES - 1);
            return;
        }
        (void)snprintf(out->listen[i], CONFIG_URL_BYTES, "%s", options->listen[i]);
        out->entrances[i] = entrance_standard;
        out->transports[i] = (struct transport_options){.is_websocket = false};
    }
    if (options->listen_count > 0) {
        out->listen_count = options->listen_count;
    }
}

static void
take_settings(struct config *out, const struct broker_main_options *options,
              struct problems *problems)
{
    for (size_t i = 0; i < options->setting_count; i++) {
        char reason[SETTINGS_REASON_BYTES];

        if (settings_apply(&out->settings, options->settings[i], reason) != WILCO_OK) {
            problems_add(problems, "%s", reason);
        }
    }
}

static void
take_process(struct config *out, const struct broker_main_options *options,
             struct problems *problems)
{
    if (options->user != NULL && strlen(options->user) >= CONFIG_USER_BYTES) {
        problems_add(problems, "--user: the name is longer than %u bytes", CONFIG_USER_BYTES - 1);
    } else if (options->user != NULL) {
        (void)snprintf(out->user, CONFIG_USER_BYTES, "%s", options->user);
    }
    out->has_sandbox = out->has_sandbox && !options->no_sandbox;
}

void
options_gather(struct config *out, const struct broker_main_options *options,
               struct problems *problems)
{
    const struct config_environment environment = {.get = get_variable};

    config_init(out);
    if (options->config != NULL) {
        config_load(out, options->config, &environment, alloc_system(), problems);
    }
    if (options->store != NULL && strcmp(options->store, "memory") != 0) {
        problems_add(problems, "no store called \"%.60s\": the only one is \"memory\"",
                     options->store);
    }
    take_listen(out, options, problems);
    take_settings(out, options, problems);
    out->shards = options->shards > 0 ? options->shards : out->shards;
    out->log_level = options->has_log_level ? options->log_level : out->log_level;
    if (options->allow_anonymous) {
        out->allow_anonymous = ENTRANCE_YES;
    }
    take_process(out, options, problems);
}
