#define _GNU_SOURCE /* SOCK_NONBLOCK, IP_BIND_ADDRESS_NO_PORT */

#include "load/crowd_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

#define SPARE_DESCRIPTORS 64U

static bool
bind_source(int fd, unsigned sources, uint32_t index)
{
    const int on = 1;
    struct sockaddr_in from = {.sin_family = AF_INET};

    from.sin_addr.s_addr = htonl((uint32_t)INADDR_LOOPBACK + 1 + index % sources);
    return setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) == 0 &&
           bind(fd, (const struct sockaddr *)&from, sizeof(from)) == 0;
}

enum wilco_status
crowd_socket(const struct address *server, unsigned sources, uint32_t index, int *fd)
{
    const int on = 1;
    int family = server->storage.ss_family;
    int s = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (s < 0) {
        return WILCO_EIO;
    }
    if (family != AF_UNIX) {
        (void)setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    if ((sources > 0 && family == AF_INET && !bind_source(s, sources, index)) ||
        (connect(s, (const struct sockaddr *)&server->storage, server->len) != 0 &&
         errno != EINPROGRESS)) {
        int error = errno;

        (void)close(s);
        errno = error;
        return WILCO_EIO;
    }
    *fd = s;
    return WILCO_OK;
}

bool
crowd_raise_descriptors(uint32_t count)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)count + SPARE_DESCRIPTORS;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return false;
    }
    if (limit.rlim_cur >= wanted) {
        return true;
    }
    limit.rlim_cur = wanted;
    limit.rlim_max = limit.rlim_max < wanted ? wanted : limit.rlim_max; /* the superuser may */
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}
