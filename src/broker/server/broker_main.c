#define _POSIX_C_SOURCE 200809L

#include "broker/server/broker_main.h"

#include "broker/server/config/print.h"
#include "broker/server/config/reload.h"
#include "broker/server/confine.h"
#include "broker/server/options.h"
#include "broker/server/reloadable.h"
#include "broker/server/server.h"
#include "broker/server/supervisor.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum exit_code {
    EXIT_OK = 0,
    EXIT_USAGE = 1,
    EXIT_CANNOT_RUN = 2,
};

/* What runs: its threads read `config` through `server` and `log`. */
struct running {
    const struct broker_main_options *options;
    struct config config;
    struct logger log;
    struct server *server;
    struct supervisor supervisor;
};

static int
fail(enum exit_code code, const char *reason)
{
    (void)fprintf(stderr, "wilco broker: %s\n", reason);
    return (int)code;
}

static int
fail_with_problems(const struct problems *p)
{
    size_t kept = problems_kept(p);

    for (size_t i = 0; i < kept; i++) {
        (void)fail(EXIT_USAGE, p->lines[i]);
    }
    if (p->count > kept) {
        (void)fprintf(stderr, "wilco broker: and %zu more\n", p->count - kept);
    }
    return EXIT_USAGE;
}

/* Borrows `c`, and `urls` for what it points to. */
static struct server_config
server_config_of(const struct config *c, const char *urls[LISTENERS_MAX])
{
    urls[0] = CONFIG_LISTEN;
    for (size_t i = 0; i < c->listen_count; i++) {
        urls[i] = c->listen[i];
    }
    return (struct server_config){
        .listen = urls,
        .listen_count = c->listen_count > 0 ? c->listen_count : 1,
        .entrances = c->listen_count > 0 ? c->entrances : NULL,
        .transports = c->listen_count > 0 ? c->transports : NULL,
        .shard_count = c->shards,
        .settings = c->settings,
        .alloc = alloc_system(),
        .allow_anonymous = c->allow_anonymous == ENTRANCE_YES,
        .has_passwords =
            c->password_file[0] != '\0' || c->scram_file[0] != '\0' || c->tokens.file_count > 0,
    };
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

/* The signals that we act on are taken by the main thread, when it waits for them. Their default
 * action is set because a shell may have had them ignored. Without a file SIGHUP is none of them:
 * it says that the terminal is gone. */
static sigset_t
block_signals(bool has_file)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t ours;

    (void)sigemptyset(&ours);
    for (size_t i = 0; i < (has_file ? 3 : 2); i++) {
        (void)sigaddset(&ours, numbers[i]);
        (void)sigaction(numbers[i], &standard, NULL);
    }
    (void)pthread_sigmask(SIG_BLOCK, &ours, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    return ours;
}

/* While all threads stand still. */
static void
take_over(void *context, struct settings *settings)
{
    struct running *r = context;

    *settings = r->config.settings;
    r->log.level = r->config.log_level;
}

/* A problem as the value of a log's key: what is quoted in it gets other quotes. */
static void
log_problem(const struct logger *log, const char *problem)
{
    char text[PROBLEM_BYTES];

    (void)snprintf(text, sizeof(text), "%s", problem);
    for (char *at = text; *at != '\0'; at++) {
        if (*at == '"') {
            *at = '\'';
        }
    }
    log_event(log, LOG_ERROR, "reload_problem", "problem=\"%s\"", text);
}

static bool
is_refused(const struct running *r, const struct problems *problems)
{
    char denied[128] = "";
    bool is_denied = false;

    (void)strerror_r(EACCES, denied, sizeof(denied));
    for (size_t i = 0; i < problems_kept(problems); i++) {
        is_denied |= denied[0] != '\0' && strstr(problems->lines[i], denied) != NULL;
        log_problem(&r->log, problems->lines[i]);
    }
    if (problems->count > 0) {
        log_event(&r->log, LOG_ERROR, "reload_refused", "problems=%zu%s", problems->count,
                  is_denied
                      ? " hint=\"a running broker reads as the user that it became, and only in "
                        "folders that its configuration named at the start\""
                      : "");
    }
    return problems->count > 0;
}

/* Makes anew what is made of files, as it will be with `wanted`: what needs a restart stays as it
 * is. */
static void
prepare_reload(struct reloadable_set *set, const struct running *r, const struct config *wanted,
               struct problems *problems)
{
    static struct config merged;

    merged = r->config;
    (void)reload_merge(&merged, wanted, NULL);
    (void)reloadable_prepare(set, reloadable_rows, &merged, problems);
}

/* Two `struct config` are too much for some stacks, so the new one lives here. */
static void
reload(struct running *r)
{
    static struct config wanted;
    static struct problems problems;
    struct reloadable_set prepared = {.rows = NULL};
    const char *urls[LISTENERS_MAX];
    struct server_config config;
    char reason[SERVER_REASON_BYTES] = "";
    struct reload_result result;

    problems = (struct problems){.count = 0};
    options_gather(&wanted, r->options, &problems);
    config = server_config_of(&wanted, urls);
    if (problems.count == 0 && server_check(&config, reason) != WILCO_OK) {
        problems_add(&problems, "%s", reason);
    }
    if (problems.count == 0) {
        prepare_reload(&prepared, r, &wanted, &problems);
    }
    if (is_refused(r, &problems)) {
        return;
    }
    result = reload_merge(&r->config, &wanted, &r->log);
    server_change(r->server, take_over, r, &prepared);
    reloadable_discard(&prepared); /* what was in place until now */
    log_event(&r->log, LOG_INFO, "reloaded", "changed=%u restart_needed=%u", result.changed,
              result.needs_restart);
}

/* A signal, or 0: it is time for a sign of life. */
static int
next_signal(const sigset_t *signals, uint64_t watchdog_ms)
{
    const uint64_t ms = watchdog_ms / 2; /* twice as often as is asked for */
    const struct timespec interval = {.tv_sec = (time_t)(ms / 1000U),
                                      .tv_nsec = (long)(ms % 1000U) * 1000000L};
    int number = -1;

    if (watchdog_ms == 0) {
        (void)sigwait(signals, &number);
        return number;
    }
    do {
        number = sigtimedwait(signals, NULL, &interval);
    } while (number < 0 && errno == EINTR);
    return number < 0 ? 0 : number;
}

static void
change_nothing(void *context, struct settings *settings)
{
    (void)context;
    (void)settings;
}

/* Until a signal ends us; its number. A sign of life is given when every shard has come by: as long
 * as one hangs there is none. */
static int
serve(struct running *r, const sigset_t *signals)
{
    supervisor_tell(&r->supervisor, "READY=1");
    for (;;) {
        int number = next_signal(signals, r->supervisor.watchdog_ms);

        if (number == 0) {
            server_change(r->server, change_nothing, NULL, NULL);
            supervisor_tell(&r->supervisor, "WATCHDOG=1");
        } else if (number == SIGHUP) {
            supervisor_tell_reloading(&r->supervisor);
            reload(r);
            supervisor_tell(&r->supervisor, "READY=1");
        } else {
            supervisor_tell(&r->supervisor, "STOPPING=1");
            return number;
        }
    }
}

static enum wilco_status
confine(void *context, const struct listener_set *listeners, char reason[SERVER_REASON_BYTES])
{
    const struct running *r = context;
    const struct confinement c = {
        .config = &r->config, .config_path = r->options->config, .log = &r->log};

    _Static_assert(SERVER_REASON_BYTES >= CONFINE_REASON_BYTES, "its reasons fit");
    return confine_process(&c, listeners, reason);
}

/* What is there only when the rest of the configuration makes sense. */
static bool
prepare_start(struct reloadable_set *prepared, const struct config *c, struct problems *problems)
{
    char reason[CONFINE_REASON_BYTES] = "";

    if (problems->count == 0 && confine_prepare(c, reason) != WILCO_OK) {
        problems_add(problems, "%s", reason);
    }
    return problems->count == 0 && reloadable_prepare(prepared, reloadable_rows, c, problems);
}

/* EXIT_OK, or it has said why not. */
static int
start(struct running *r)
{
    struct problems problems = {.count = 0};
    struct reloadable_set prepared = {.rows = NULL};
    const char *urls[LISTENERS_MAX];
    struct server_config config;
    char reason[SERVER_REASON_BYTES] = "";
    enum wilco_status st = WILCO_OK;

    options_gather(&r->config, r->options, &problems);
    if (!prepare_start(&prepared, &r->config, &problems)) {
        return fail_with_problems(&problems);
    }
    config = server_config_of(&r->config, urls);
    config.log = &r->log;
    config.prepared = &prepared;
    config.confine = confine;
    config.confine_context = r;
    r->log.level = r->config.log_level;
    raise_descriptor_limit();
    st = server_start(&r->server, &config, reason);
    reloadable_discard(&prepared);
    if (st != WILCO_OK) {
        return fail(st == WILCO_EINVAL ? EXIT_USAGE : EXIT_CANNOT_RUN, reason);
    }
    return EXIT_OK;
}

int
broker_main(const struct broker_main_options *options)
{
    static int log_fd = STDERR_FILENO;
    static struct running r;
    sigset_t signals = block_signals(options->config != NULL);
    int number = 0;
    int exit_code = EXIT_OK;

    r.options = options;
    r.log = (struct logger){.sink = log_sink_fd, .context = &log_fd};
    supervisor_init(&r.supervisor);
    exit_code = start(&r);
    if (exit_code != EXIT_OK) {
        supervisor_fini(&r.supervisor);
        return exit_code;
    }
    number = serve(&r, &signals);
    (void)sigdelset(&signals, SIGHUP);                  /* too late to read anything again */
    (void)pthread_sigmask(SIG_UNBLOCK, &signals, NULL); /* a second one does what signals do */
    log_event(&r.log, LOG_INFO, "stopping", "signal=%s", number == SIGTERM ? "SIGTERM" : "SIGINT");
    server_stop(r.server);
    supervisor_fini(&r.supervisor);
    return EXIT_OK;
}

int
broker_main_check(const struct broker_main_options *options)
{
    static struct config c;
    struct problems problems = {.count = 0};
    const char *urls[LISTENERS_MAX];
    struct server_config config;
    struct reloadable_set prepared = {.rows = NULL};
    char reason[SERVER_REASON_BYTES] = "";

    options_gather(&c, options, &problems);
    if (!prepare_start(&prepared, &c, &problems)) {
        return fail_with_problems(&problems);
    }
    reloadable_discard(&prepared);
    config = server_config_of(&c, urls);
    return server_check(&config, reason) == WILCO_OK ? EXIT_OK : fail(EXIT_USAGE, reason);
}

void
broker_main_print_config(void)
{
    config_print(stdout);
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
