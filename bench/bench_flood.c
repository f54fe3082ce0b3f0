/* Plain publishing at QoS 0, as much as the broker takes: what requests and responses have to live
 * beside.
 *
 * usage: bench_flood PORT PUBLISHERS SUBSCRIBERS PAYLOAD_BYTES SECONDS [BROKER_PID]
 *
 * Publisher i writes messages to `flood/<i>` whenever its socket takes more; each subscriber gets
 * all of them and only counts bytes, so that this program costs as little as it can. Says
 * "flooding" on standard error when it begins. Prints one line of key=value pairs: messages sent
 * and received per second, and the broker's microseconds of CPU per message received when its pid
 * is given. One thread. */
#include "base/clock.h"
#include "bench_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define BLOCK_BYTES 65536U
#define READ_BYTES  262144U

struct party {
    struct client client;
    bool publishes;
    size_t at;    /* written of `out`, which is written again and again */
    size_t bytes; /* written or read */
};

struct flood {
    uint16_t port;
    unsigned publishers;
    unsigned subscribers;
    size_t payload_bytes;
    uint64_t seconds;
    int epoll;
    size_t packet_bytes;
    struct party *parties;
};

static void
watch(const struct flood *f, struct party *p)
{
    struct epoll_event event = {.events = p->publishes ? EPOLLOUT : EPOLLIN, .data.ptr = p};

    if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, p->client.fd, &event) != 0) {
        die("epoll");
    }
}

static void
open_publisher(struct flood *f, struct party *p, unsigned index)
{
    char name[32];
    uint8_t *payload = calloc(1, f->payload_bytes + 1);
    struct wire_any packet = {.type = WIRE_PUBLISH};

    if (payload == NULL) {
        die("memory");
    }
    (void)snprintf(name, sizeof(name), "flood/%05u", index);
    client_open(&p->client, f->port, name, NULL);
    p->publishes = true;
    packet.as.publish.topic = span_of_text(name);
    packet.as.publish.payload = span_of(payload, f->payload_bytes);
    do {
        client_put(&p->client, &packet);
        f->packet_bytes = f->packet_bytes == 0 ? p->client.out.len : f->packet_bytes;
    } while (p->client.out.len < BLOCK_BYTES);
    free(payload);
    watch(f, p);
}

static void
open_subscriber(struct flood *f, struct party *p, unsigned index)
{
    char name[32];

    (void)snprintf(name, sizeof(name), "drain/%05u", index);
    client_open(&p->client, f->port, name, NULL);
    client_subscribe(&p->client, "flood/#", 0);
    watch(f, p);
}

static void
move_bytes(struct party *p)
{
    static uint8_t read_buffer[READ_BYTES];
    struct buffer *out = &p->client.out;
    ssize_t n = p->publishes ? send(p->client.fd, out->data + p->at, out->len - p->at, MSG_NOSIGNAL)
                             : recv(p->client.fd, read_buffer, sizeof(read_buffer), 0);

    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        die("the broker closed a connection");
    }
    if (n > 0) {
        p->bytes += (size_t)n;
        p->at = p->publishes ? (p->at + (size_t)n) % out->len : 0;
    }
}

static void
run_until(struct flood *f, uint64_t end_ns)
{
    struct epoll_event events[64];

    while (clock_monotonic_ns() < end_ns) {
        int n = epoll_wait(f->epoll, events, 64, 100);

        for (int i = 0; i < n; i++) {
            move_bytes(events[i].data.ptr);
        }
    }
}

static double
messages(const struct flood *f, bool publishes)
{
    double bytes = 0;

    for (unsigned i = 0; i < f->publishers + f->subscribers; i++) {
        bytes += f->parties[i].publishes == publishes ? (double)f->parties[i].bytes : 0;
    }
    return bytes / (double)f->packet_bytes;
}

static void
measure(struct flood *f, const char *pid)
{
    uint64_t start_ns = clock_monotonic_ns();
    double cpu = cpu_of(pid);
    double seconds = 0;
    double received = 0;

    run_until(f, start_ns + f->seconds * 1000000000U);
    seconds = (double)(clock_monotonic_ns() - start_ns) / 1e9;
    cpu = cpu_of(pid) - cpu;
    received = messages(f, false);
    printf("publishers=%u subscribers=%u payload=%zu sent_per_s=%.0f received_per_s=%.0f "
           "broker_load=%.2f broker_cpu_us=%.3f\n",
           f->publishers, f->subscribers, f->payload_bytes, messages(f, true) / seconds,
           received / seconds, cpu / seconds, received > 0 ? cpu * 1e6 / received : 0);
}

int
main(int argc, char **argv)
{
    struct flood f = {.epoll = epoll_create1(EPOLL_CLOEXEC)};

    if (argc < 6) {
        fputs("usage: bench_flood PORT PUBLISHERS SUBSCRIBERS PAYLOAD_BYTES SECONDS [BROKER_PID]\n",
              stderr);
        return 1;
    }
    f.port = (uint16_t)strtoul(argv[1], NULL, 10);
    f.publishers = (unsigned)strtoul(argv[2], NULL, 10);
    f.subscribers = (unsigned)strtoul(argv[3], NULL, 10);
    f.payload_bytes = strtoul(argv[4], NULL, 10);
    f.seconds = strtoull(argv[5], NULL, 10);
    f.parties = calloc(f.publishers + f.subscribers + 1, sizeof(*f.parties));
    if (f.parties == NULL || f.publishers == 0) {
        die("memory, or no publishers");
    }
    for (unsigned i = 0; i < f.subscribers; i++) {
        open_subscriber(&f, &f.parties[i], i);
    }
    for (unsigned i = 0; i < f.publishers; i++) {
        open_publisher(&f, &f.parties[f.subscribers + i], i);
    }
    fputs("flooding\n", stderr);
    measure(&f, argc > 6 ? argv[6] : NULL);
    return 0;
}
