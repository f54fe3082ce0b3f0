#define _GNU_SOURCE /* strerror_r() */

#include "broker/server/confine.h"

#include "broker/server/privileges.h"
#include "broker/server/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

_Static_assert(CONFINE_REASON_BYTES >= PRIVILEGES_REASON_BYTES, "its reasons fit");

enum wilco_status
confine_prepare(const struct config *config, char reason[CONFINE_REASON_BYTES])
{
    struct privileges_user user;
    enum wilco_status st = privileges_find(&user, config->user, geteuid(), reason);

    if (st == WILCO_OK && !config->core_dumps) {
        st = privileges_hide_memory();
        if (st != WILCO_OK) {
            (void)snprintf(reason, CONFINE_REASON_BYTES,
                           "cannot keep memory out of core dumps: say core_dumps true if they may "
                           "have passwords and keys in them");
        }
    }
    return st;
}

/* `what` is not fenced off. */
static void
note_gap(const struct confinement *c, const char *what)
{
    char scratch[128];

    log_event(c->log, LOG_WARNING, "sandbox_incomplete", "part=%s error=\"%s\"", what,
              strerror_r(errno, scratch, sizeof(scratch)));
}

static bool
add_paths(struct sandbox_paths *paths, const struct confinement *c,
          const struct listener_set *listeners, struct sockaddr_un sockets[LISTENERS_MAX])
{
    bool is_whole = c->config_path == NULL || sandbox_add_read(paths, c->config_path);
    const char *file = NULL;

    while ((file = config_next_file(c->config, file)) != NULL) {
        is_whole &= sandbox_add_read(paths, file);
    }
    for (size_t i = 0; i < listeners->count; i++) {
        if (listeners->items[i].bound.storage.ss_family == AF_UNIX) {
            memcpy(&sockets[i], &listeners->items[i].bound.storage, sizeof(sockets[i]));
            is_whole &= sandbox_add_unlinked(paths, sockets[i].sun_path);
        }
    }
    return is_whole;
}

/* The version of Landlock that is in force; 0: none. */
static int
limit_files(const struct confinement *c, const struct listener_set *listeners)
{
    struct sandbox_paths paths = {.read_count = 0};
    struct sockaddr_un sockets[LISTENERS_MAX];
    int version = 0;

    if (!add_paths(&paths, c, listeners, sockets)) {
        errno = E2BIG;
        note_gap(c, "files");
    } else if (sandbox_limit_files(&paths, &version) != WILCO_OK) {
        note_gap(c, "files");
        version = 0;
    } else if (version == 0) {
        errno = ENOSYS;
        note_gap(c, "files");
    }
    return version;
}

/* Landlock and capabilities are a thread's own, and what was made before would keep its. */
static void
check_is_alone(const struct confinement *c)
{
    DIR *tasks = opendir("/proc/self/task");
    unsigned count = 0;

    if (tasks == NULL) {
        return; /* there may be no /proc */
    }
    while (readdir(tasks) != NULL) { /* NOLINT(concurrency-mt-unsafe): own stream */
        count++;
    }
    (void)closedir(tasks);
    if (count > 3) { /* one, and two dots */
        errno = EBUSY;
        note_gap(c, "threads");
    }
}

static void
put_up_sandbox(const struct confinement *c, const struct listener_set *listeners)
{
    int version = 0;
    bool has_filter = false;

    check_is_alone(c);
    if (privileges_give_up() != WILCO_OK) {
        note_gap(c, "capabilities");
    }
    version = limit_files(c, listeners);
    has_filter = sandbox_limit_calls() == WILCO_OK;
    if (!has_filter) {
        note_gap(c, "calls");
    }
    log_event(c->log, LOG_DEBUG, "sandbox", "uid=%u landlock=%d seccomp=%d", (unsigned)geteuid(),
              version, has_filter);
}

enum wilco_status
confine_process(const struct confinement *c, const struct listener_set *listeners,
                char reason[CONFINE_REASON_BYTES])
{
    struct privileges_user user;
    enum wilco_status st = privileges_find(&user, c->config->user, geteuid(), reason);

    if (st == WILCO_OK) {
        st = privileges_become(&user, reason);
    }
    if (st != WILCO_OK) {
        return st;
    }
    (void)umask(S_IRWXG | S_IRWXO); /* behind us: Unix sockets are for whom their folder lets in */
    if (c->config->has_sandbox) {
        put_up_sandbox(c, listeners);
    }
    return WILCO_OK;
}
