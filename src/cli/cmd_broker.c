#include "cli/commands.h"

#include "broker/server/broker_main.h"
#include "cli/config_page.h"
#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/options.h"
#include "cli/output.h"

#include <string.h>

struct broker_command {
    struct option_list listen, settings;
    struct option_number shards;
    const char *config;
    const char *store;
    struct option_log_level {
        enum log_level value;
        bool is_set;
    } log_level;
    const char *user;
    bool allow_anonymous;
    bool no_sandbox;
    bool check;
    bool help_settings;
    bool print_config;
};

static const char *
take_log_level(void *field, struct option_input *in)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    static const enum log_level levels[] = {LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
    const char *word = option_take(in);

    for (size_t i = 0; word != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(word, names[i]) == 0) {
            *(struct option_log_level *)field =
                (struct option_log_level){.value = levels[i], .is_set = true};
            return NULL;
        }
    }
    return "error, warning, info or debug";
}

#define FIELD(name) offsetof(struct broker_command, name)
static const struct option broker_rows[] = {
    {"config", 'c', "FILE",
     "read settings from FILE, in mosquitto.conf's syntax; the\n"
     "other options prevail over it; read again on SIGHUP",
     option_text, FIELD(config)},
    {"check", 't', NULL, "say what is wrong with file and options, and do not listen", option_flag,
     FIELD(check)},
    {"test-config", 0, NULL, "the same", option_flag, FIELD(check)},
    {"print-config", 0, NULL, "print a file with every setting, its meaning and default",
     option_flag, FIELD(print_config)},
    {"listen", 0, "URL",
     "mqtt://ADDRESS[:PORT] or unix:/PATH; port 0 is any that\n"
     "is free; repeatable (default mqtt://127.0.0.1:1883)",
     option_texts, FIELD(listen)},
    {"shards", 0, "NUMBER", "so many threads (default: one for each core)", option_count,
     FIELD(shards)},
    {"store", 0, "memory", "where sessions and messages are kept", option_text, FIELD(store)},
    {"allow-anonymous", 0, NULL,
     "listen where other machines can connect, though nobody\n"
     "is asked who he is",
     option_flag, FIELD(allow_anonymous)},
    {"user", 0, "NAME",
     "whom the broker becomes, once it listens, if root starts\n"
     "it (default: wilco, or nobody if there is no wilco)",
     option_text, FIELD(user)},
    {"no-sandbox", 0, NULL, "may do what its user may; for debuggers", option_flag,
     FIELD(no_sandbox)},
    {"set", 0, "NAME=VALUE", "change a setting; repeatable", option_texts, FIELD(settings)},
    {"help-settings", 0, NULL, "list the settings with their defaults", option_flag,
     FIELD(help_settings)},
    {"log-level", 0, "error|warning|info|debug",
     "what is logged, each with those before it (default info)", take_log_level, FIELD(log_level)},
    {.name = NULL},
};

static const struct option_group broker_groups[] = {
    {"Options", broker_rows, 0},
};

static const enum exit_code broker_exit_codes[] = {
    EXIT_CODE_OK,
    EXIT_CODE_USAGE,
    EXIT_CODE_CONNECTION,
};
static const char *const broker_exit_texts[] = {
    "it was stopped by a signal, or --check found nothing wrong",
    "the command line, the file or a setting is wrong",
    "it cannot listen, or not go on",
};

static const struct manual broker_manual = {
    .name = "wilco broker",
    .synopsis = "wilco broker [OPTION]...",
    .about =
        "Serves MQTT 5.0 and 3.1.1 clients in the foreground until SIGTERM or SIGINT. When it\n"
        "listens it logs one line with event=ready and its addresses to standard error.",
    .examples = "  wilco broker\n"
                "  wilco broker --listen mqtt://0.0.0.0 --allow-anonymous\n"
                "  wilco broker --listen mqtt://127.0.0.1 --listen unix:/run/wilco.sock\n"
                "  wilco broker --listen mqtt://127.0.0.1:0 --shards 4 --log-level debug\n"
                "  wilco broker --print-config > wilco.conf\n"
                "  wilco broker --config wilco.conf --check && wilco broker --config wilco.conf\n",
    .exit_codes = broker_exit_codes,
    .exit_code_count = sizeof(broker_exit_codes) / sizeof(broker_exit_codes[0]),
    .exit_texts = broker_exit_texts,
    .section = 8,
    .file = &config_page,
};

static int
run(const struct broker_command *c)
{
    const struct broker_main_options options = {
        .config = c->config,
        .listen = c->listen.words,
        .listen_count = c->listen.count,
        .shards = c->shards.value,
        .store = c->store,
        .settings = c->settings.words,
        .setting_count = c->settings.count,
        .log_level = c->log_level.value,
        .has_log_level = c->log_level.is_set,
        .allow_anonymous = c->allow_anonymous,
        .user = c->user,
        .no_sandbox = c->no_sandbox,
    };

    if (c->help_settings || c->print_config) {
        (c->help_settings ? broker_main_print_settings : broker_main_print_config)();
        return output_finish() ? EXIT_CODE_OK : EXIT_CODE_USAGE;
    }
    return c->check ? broker_main_check(&options) : broker_main(&options);
}

static int
run_command(int argc, char **argv)
{
    struct broker_command c = {.check = false};
    size_t word_count = 0;
    int exit_code = EXIT_CODE_OK;

    if (options_parse(&command_broker, &c, argc, argv, &word_count, &exit_code)) {
        exit_code = run(&c);
    }
    option_list_fini(&c.listen);
    option_list_fini(&c.settings);
    return exit_code;
}

const struct command command_broker = {
    .name = "broker",
    .summary = "run an MQTT server",
    .manual = &broker_manual,
    .groups = broker_groups,
    .group_count = sizeof(broker_groups) / sizeof(broker_groups[0]),
    .run = run_command,
};
