#define _POSIX_C_SOURCE 200809L

#include "broker/server/broker_main.h"

#include "broker/server/server.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum exit_code {
    EXIT_OK = 0,
    EXIT_USAGE = 1,
    EXIT_CANNOT_RUN = 2,
};

static const char *const default_listen[] = {"mqtt://127.0.0.1:1883"};

static int
fail(enum exit_code code, const char *reason)
{
    (void)fprintf(stderr, "wilco broker: %s\n", reason);
    return (int)code;
}

/* False: `reason` says what is wrong. */
static bool
apply_options(struct server_config *config, const struct broker_main_options *options,
              char reason[SERVER_REASON_BYTES])
{
    _Static_assert(SERVER_REASON_BYTES >= SETTINGS_REASON_BYTES, "a setting's reason fits");

    if (options->store != NULL && strcmp(options->store, "memory") != 0) {
        (void)snprintf(reason, SERVER_REASON_BYTES,
                       "no store called \"%.60s\": the only one is \"memory\"", options->store);
        return false;
    }
    for (size_t i = 0; i < options->setting_count; i++) {
        if (settings_apply(&config->settings, options->settings[i], reason) != WILCO_OK) {
            return false;
        }
    }
    config->listen = options->listen_count > 0 ? options->listen : default_listen;
    config->listen_count = options->listen_count > 0 ? options->listen_count : 1;
    config->shard_count = options->shards;
    config->allow_anonymous = options->allow_anonymous;
    return true;
}

/* Every client is a descriptor: as many as we may have. */
static void
raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* The signals that end us are taken by the main thread, when it waits for them. Their default
 * action is set because a shell may have had them ignored. */
static sigset_t
block_signals(void)
{
    sigset_t ending;
    const struct sigaction end = {.sa_handler = SIG_DFL};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};

    (void)sigemptyset(&ending);
    (void)sigaddset(&ending, SIGTERM);
    (void)sigaddset(&ending, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &ending, NULL);
    (void)sigaction(SIGTERM, &end, NULL);
    (void)sigaction(SIGINT, &end, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    return ending;
}

int
broker_main(const struct broker_main_options *options)
{
    static int log_fd = STDERR_FILENO;
    const struct logger log = {
        .level = options->log_level, .sink = log_sink_fd, .context = &log_fd};
    struct server_config config = {
        .settings = settings_default(), .alloc = alloc_system(), .log = &log};
    struct server *server = NULL;
    char reason[SERVER_REASON_BYTES] = "";
    sigset_t ending = block_signals();
    int number = 0;
    enum wilco_status st = WILCO_OK;

    if (!apply_options(&config, options, reason)) {
        return fail(EXIT_USAGE, reason);
    }
    raise_descriptor_limit();
    st = server_start(&server, &config, reason);
    if (st != WILCO_OK) {
        return fail(st == WILCO_EINVAL ? EXIT_USAGE : EXIT_CANNOT_RUN, reason);
    }
    (void)sigwait(&ending, &number);
    (void)pthread_sigmask(SIG_UNBLOCK, &ending, NULL); /* a second one does what signals do */
    log_event(&log, LOG_INFO, "stopping", "signal=%s", number == SIGTERM ? "SIGTERM" : "SIGINT");
    server_stop(server);
    return EXIT_OK;
}

void
broker_main_print_settings(void)
{
    for (size_t i = 0; settings_row(i).name != NULL; i++) {
        struct setting_row row = settings_row(i);

        (void)printf("%-24s %" PRIu64 " (%" PRIu64 " to %" PRIu64 "): %s\n", row.name, row.standard,
                     row.min, row.max, row.what);
    }
}
