/* Requests and responses through a broker, as fast as it goes (closed loop), checked one by one.
 *
 * usage: bench_exchange PORT REQUESTERS WINDOW RESPONDERS PAYLOAD_BYTES QOS SECONDS
 *            [BROKER_PID [inbox]]
 *
 * Requester i asks on `bench/<i modulo RESPONDERS>` and keeps WINDOW requests in flight. Responses
 * come to `answers/<i>`, or with `inbox` to the inbox that the broker gives him, without a
 * subscription; each must carry the correlation data of a request that is open. Prints one line of
 * key=value pairs: round trips per second, latency percentiles, the generator's own share of a
 * core, and the broker's microseconds of CPU per round trip when its pid is given. One thread, one
 * write per connection and turn. */
#include "base/clock.h"
#include "bench_client.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES  262144U
#define SAMPLES_MAX 4000000U

struct party {
    struct client client;
    bool asks;
    unsigned index;
    uint64_t *sent_ns; /* by slot of the window; 0: free */
    char response_topic[INBOX_BYTES];
};

struct bench {
    uint16_t port;
    unsigned requesters;
    unsigned window;
    unsigned responders;
    size_t payload_bytes;
    uint8_t qos;
    uint64_t seconds;
    bool has_inboxes;
    int epoll;
    struct party *parties;
    uint8_t *payload;
    uint32_t *samples_ns;
    size_t samples;
    uint64_t round_trips;
    uint64_t wrong;
    bool is_measuring;
    bool is_over;
};

static void
ask(struct bench *b, struct party *c, uint32_t slot)
{
    char topic[32];
    uint8_t correlation[4] = {(uint8_t)(slot >> 24), (uint8_t)(slot >> 16), (uint8_t)(slot >> 8),
                              (uint8_t)slot};
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_publish *p = &packet.as.publish;

    (void)snprintf(topic, sizeof(topic), "bench/%u", c->index % b->responders);
    p->qos = b->qos;
    p->packet_id = b->qos == 0 ? 0 : client_packet_id(&c->client);
    p->topic = span_of_text(topic);
    p->payload = span_of(b->payload, b->payload_bytes);
    p->properties.response_topic = span_of_text(c->response_topic);
    p->properties.correlation_data = span_of(correlation, sizeof(correlation));
    wire_properties_set(&p->properties, WIRE_RESPONSE_TOPIC);
    wire_properties_set(&p->properties, WIRE_CORRELATION_DATA);
    c->sent_ns[slot] = clock_monotonic_ns();
    client_put(&c->client, &packet);
}

static void
answer(struct bench *b, struct party *c, const struct wire_publish *request)
{
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_publish *p = &packet.as.publish;

    p->qos = b->qos;
    p->packet_id = b->qos == 0 ? 0 : client_packet_id(&c->client);
    p->topic = request->properties.response_topic;
    p->payload = request->payload;
    p->properties.correlation_data = request->properties.correlation_data;
    wire_properties_set(&p->properties, WIRE_CORRELATION_DATA);
    client_put(&c->client, &packet);
}

static void
take_answer(struct bench *b, struct party *c, const struct wire_publish *p)
{
    const uint8_t *at = p->properties.correlation_data.data;
    uint32_t slot = UINT32_MAX;

    if (p->properties.correlation_data.len == 4) {
        slot = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    }
    if (slot >= b->window || c->sent_ns[slot] == 0 || p->payload.len != b->payload_bytes) {
        b->wrong++;
        return;
    }
    if (b->is_measuring) {
        uint64_t took = clock_monotonic_ns() - c->sent_ns[slot];

        b->round_trips++;
        if (b->samples < SAMPLES_MAX) {
            b->samples_ns[b->samples++] = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
        }
    }
    c->sent_ns[slot] = 0;
    if (!b->is_over) {
        ask(b, c, slot);
    }
}

static void
take_packet(struct bench *b, struct party *c, const struct frame *f)
{
    struct wire_publish p;

    if (f->type != WIRE_PUBLISH) {
        return; /* acknowledgements of what we sent */
    }
    if (wire_publish_decode(&p, f->flags, f->body, WIRE_V5) != WILCO_OK) {
        die("a PUBLISH that does not decode");
    }
    if (p.qos == 1) {
        const struct wire_any ack = {.type = WIRE_PUBACK, .as.ack = {.packet_id = p.packet_id}};

        client_put(&c->client, &ack);
    }
    if (c->asks) {
        take_answer(b, c, &p);
    } else {
        answer(b, c, &p);
    }
}

static uint8_t read_buffer[READ_BYTES];

static void
take_input(struct bench *b, struct party *c)
{
    ssize_t n = recv(c->client.fd, read_buffer, sizeof(read_buffer), 0);
    struct span in = span_of(read_buffer, n < 0 ? 0 : (size_t)n);
    struct frame f;

    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        die("the broker closed a connection");
    }
    while (framer_next(&c->client.framer, &in, &f) == WILCO_OK) {
        take_packet(b, c, &f);
    }
    client_flush(&c->client);
}

/* Where responses, or requests, come to. */
static void
listen_at(const struct bench *b, struct party *p)
{
    char filter[32];

    if (p->asks && b->has_inboxes) {
        return;
    }
    (void)snprintf(filter, sizeof(filter), p->asks ? "answers/%u" : "bench/%u", p->index);
    (void)snprintf(p->response_topic, sizeof(p->response_topic), "%s", filter);
    client_subscribe(&p->client, filter, b->qos);
}

static void
open_party(struct bench *b, struct party *p, unsigned index, bool asks)
{
    char name[32];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};

    (void)snprintf(name, sizeof(name), "%s%u", asks ? "asks" : "answers", index);
    *p = (struct party){.asks = asks, .index = index};
    p->sent_ns = calloc(b->window, sizeof(*p->sent_ns));
    if (p->sent_ns == NULL) {
        die("memory");
    }
    client_open(&p->client, b->port, name, asks && b->has_inboxes ? p->response_topic : NULL);
    listen_at(b, p);
    if (epoll_ctl(b->epoll, EPOLL_CTL_ADD, p->client.fd, &event) != 0) {
        die("epoll");
    }
}

static void
run_until(struct bench *b, uint64_t end_ns)
{
    struct epoll_event events[256];

    while (clock_monotonic_ns() < end_ns) {
        int n = epoll_wait(b->epoll, events, 256, 100);

        for (int i = 0; i < n; i++) {
            take_input(b, events[i].data.ptr);
        }
    }
}

static double
own_cpu(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int
by_size(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

static double
percentile_us(const struct bench *b, double share)
{
    size_t at = (size_t)(share * (double)b->samples);

    return b->samples == 0 ? 0 : (double)b->samples_ns[at < b->samples ? at : b->samples - 1] / 1e3;
}

static void
report(struct bench *b, double seconds, double broker_cpu, double generator_cpu)
{
    double each = b->round_trips == 0 ? 0 : broker_cpu * 1e6 / (double)b->round_trips;

    qsort(b->samples_ns, b->samples, sizeof(*b->samples_ns), by_size);
    printf("requesters=%u window=%u responders=%u payload=%zu qos=%u round_trips_per_s=%.0f "
           "p50_us=%.1f "
           "p99_us=%.1f p999_us=%.1f broker_cpu_us=%.2f generator_load=%.2f wrong=%" PRIu64 "\n",
           b->requesters, b->window, b->responders, b->payload_bytes, (unsigned)b->qos,
           (double)b->round_trips / seconds, percentile_us(b, 0.5), percentile_us(b, 0.99),
           percentile_us(b, 0.999), each, generator_cpu / seconds, b->wrong);
}

static void
measure(struct bench *b, const char *pid)
{
    uint64_t start_ns = clock_monotonic_ns();
    double broker_cpu = 0;
    double generator_cpu = 0;

    run_until(b, start_ns + 500000000U); /* warm up */
    b->is_measuring = true;
    start_ns = clock_monotonic_ns();
    broker_cpu = cpu_of(pid);
    generator_cpu = own_cpu();
    run_until(b, start_ns + b->seconds * 1000000000U);
    b->is_measuring = false;
    b->is_over = true;
    report(b, (double)(clock_monotonic_ns() - start_ns) / 1e9, cpu_of(pid) - broker_cpu,
           own_cpu() - generator_cpu);
}

static void
start(struct bench *b)
{
    for (unsigned i = 0; i < b->responders; i++) {
        open_party(b, &b->parties[i], i, false);
    }
    for (unsigned i = 0; i < b->requesters; i++) {
        open_party(b, &b->parties[b->responders + i], i, true);
    }
    for (unsigned i = 0; i < b->requesters; i++) {
        for (uint32_t slot = 0; slot < b->window; slot++) {
            ask(b, &b->parties[b->responders + i], slot);
        }
        client_flush(&b->parties[b->responders + i].client);
    }
}

int
main(int argc, char **argv)
{
    struct bench b = {.epoll = epoll_create1(EPOLL_CLOEXEC)};

    if (argc < 8) {
        fputs("usage: bench_exchange PORT REQUESTERS WINDOW RESPONDERS PAYLOAD_BYTES QOS SECONDS "
              "[BROKER_PID [inbox]]\n",
              stderr);
        return 1;
    }
    b.port = (uint16_t)strtoul(argv[1], NULL, 10);
    b.requesters = (unsigned)strtoul(argv[2], NULL, 10);
    b.window = (unsigned)strtoul(argv[3], NULL, 10);
    b.responders = (unsigned)strtoul(argv[4], NULL, 10);
    b.payload_bytes = strtoul(argv[5], NULL, 10);
    b.qos = (uint8_t)strtoul(argv[6], NULL, 10);
    b.seconds = strtoull(argv[7], NULL, 10);
    b.has_inboxes = argc > 9 && strcmp(argv[9], "inbox") == 0;
    b.parties = calloc(b.requesters + b.responders, sizeof(*b.parties));
    b.payload = calloc(1, b.payload_bytes + 1);
    b.samples_ns = calloc(SAMPLES_MAX, sizeof(*b.samples_ns));
    if (b.parties == NULL || b.payload == NULL || b.samples_ns == NULL || b.responders == 0) {
        die("memory, or no responders");
    }
    start(&b);
    measure(&b, argc > 8 ? argv[8] : NULL);
    return b.wrong == 0 ? 0 : 1; /* the system takes the rest back */
}
