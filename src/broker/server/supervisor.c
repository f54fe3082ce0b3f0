#define _GNU_SOURCE /* SOCK_CLOEXEC */

#include "broker/server/supervisor.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char *
variable(const char *name)
{
    return getenv(name); /* NOLINT(concurrency-mt-unsafe): nobody sets any */
}

/* A path, or a name of the abstract namespace behind an @. 0: neither. */
static socklen_t
address_of(struct sockaddr_un *out, const char *name)
{
    size_t len = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(out->sun_path)) {
        return 0;
    }
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(out->sun_path, name, len);
    if (name[0] == '@') {
        out->sun_path[0] = '\0';
    }
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static int
connect_to(const char *name)
{
    struct sockaddr_un address;
    socklen_t len = address_of(&address, name);
    int fd = len == 0 ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, len) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

/* A sign of life is wanted every WATCHDOG_USEC by WATCHDOG_PID, if that is us or nobody. */
static uint64_t
watchdog_interval(void)
{
    const char *usec = variable("WATCHDOG_USEC");
    const char *pid = variable("WATCHDOG_PID");
    uint64_t ms = usec == NULL ? 0 : strtoull(usec, NULL, 10) / 1000;

    if (pid != NULL && strtoll(pid, NULL, 10) != (long long)getpid()) {
        return 0;
    }
    return ms;
}

void
supervisor_init(struct supervisor *s)
{
    const char *name = variable("NOTIFY_SOCKET");

    *s = (struct supervisor){.fd = name == NULL ? -1 : connect_to(name)};
    if (s->fd >= 0) {
        s->watchdog_ms = watchdog_interval();
    }
}

void
supervisor_fini(struct supervisor *s)
{
    if (s->fd >= 0) {
        (void)close(s->fd);
        s->fd = -1;
    }
}

void
supervisor_tell(const struct supervisor *s, const char *state)
{
    if (s->fd >= 0) {
        (void)send(s->fd, state, strlen(state), MSG_NOSIGNAL);
    }
}

void
supervisor_tell_reloading(const struct supervisor *s)
{
    struct timespec now = {.tv_sec = 0};
    char text[80];

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
                   (uint64_t)now.tv_sec * 1000000U + (uint64_t)now.tv_nsec / 1000U);
    supervisor_tell(s, text);
}
