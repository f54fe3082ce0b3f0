#define _GNU_SOURCE

#include "base/clock.h"
#include "siege.h"
#include "support/bytes.h"
#include "wire/packet.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_S     10
#define QUIET_MS       250
#define NOTATION_BYTES 4096

void
siege_expect(struct siege *s, bool is_so, const char *what)
{
    if (!is_so) {
        s->broken++;
        (void)printf("%s: NOT SO: %s\n", s->attack, what);
    }
}

int
siege_connect(const struct siege *s)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&s->address, sizeof(s->address)) != 0) {
        perror("siege: connect");
        exit(1);
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return fd;
}

bool
siege_send(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);

        if (n <= 0) {
            return false;
        }
        bytes = span_skip(bytes, (size_t)n);
    }
    return true;
}

bool
siege_say(int fd, const char *format, ...)
{
    char notation[NOTATION_BYTES];
    va_list arguments;
    struct span bytes = SPAN_EMPTY;
    bool is_sent = false;

    va_start(arguments, format);
    (void)vsnprintf(notation, sizeof(notation), format, arguments);
    va_end(arguments);
    bytes = bytes_from(notation);
    is_sent = siege_send(fd, bytes);
    bytes_free(bytes);
    return is_sent;
}

int
siege_client(const struct siege *s, const char *client_id, uint32_t expiry_s)
{
    uint8_t packet[512];
    int fd = siege_connect(s);

    if (!siege_say(fd, "10 [ {'MQTT'} 05 02 00 00 [ 11 %08X ] {'%s'} ]", expiry_s, client_id) ||
        siege_take(fd, packet, sizeof(packet)) < 4 || packet[0] != 0x20 || packet[3] != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static bool
read_all(int fd, uint8_t *out, size_t len)
{
    while (len > 0) {
        ssize_t n = recv(fd, out, len, 0);

        if (n <= 0) {
            return false;
        }
        out += n;
        len -= (size_t)n;
    }
    return true;
}

size_t
siege_take(int fd, uint8_t *packet, size_t capacity)
{
    struct wire_header h;
    size_t len = 0;

    do {
        if (len == capacity || !read_all(fd, packet + len, 1)) {
            return 0;
        }
        len++;
    } while (wire_header_decode(&h, span_of(packet, len)) == WILCO_AGAIN);
    if (h.remaining > capacity - len || !read_all(fd, packet + len, h.remaining)) {
        return 0;
    }
    return len + h.remaining;
}

int
siege_take_end(int fd)
{
    static const size_t capacity = 1U << 20;
    uint8_t *packet = malloc(capacity);
    int code = 0;
    size_t len = 0;
    uint8_t byte = 0;

    while (packet != NULL && (len = siege_take(fd, packet, capacity)) > 0) {
        if (packet[0] == 0xE0) {
            code = len > 2 ? packet[2] : 0;
        } else if (packet[0] == 0x20) {
            code = packet[3];
        }
    }
    free(packet);
    errno = 0;
    return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN ? -1 : code;
}

size_t
siege_flood(int fd, struct span bytes, size_t total)
{
    size_t sent = 0;
    size_t at = 0;

    while (sent < total) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        ssize_t n = send(fd, bytes.data + at, bytes.len - at, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0) {
            sent += (size_t)n;
            at = (at + (size_t)n) % bytes.len;
        } else if (errno != EAGAIN || poll(&p, 1, QUIET_MS) != 1) {
            break;
        }
    }
    return sent;
}

uint64_t
siege_resident_bytes(pid_t pid)
{
    char path[64];
    unsigned long long all = 0;
    unsigned long long resident = 0;
    FILE *f = NULL;

    (void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    f = fopen(path, "re");
    if (f == NULL || fscanf(f, "%llu %llu", &all, &resident) != 2) {
        (void)fprintf(stderr, "siege: the broker is gone\n");
        exit(1);
    }
    (void)fclose(f);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t
siege_cpu_us(pid_t pid)
{
    char path[64];
    unsigned long long user = 0;
    unsigned long long system = 0;
    FILE *f = NULL;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    f = fopen(path, "re");
    if (f != NULL) {
        (void)!fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
                      &user, &system);
        (void)fclose(f);
    }
    return (user + system) * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}
