/* Requests and responses through a broker, as fast as it goes (closed loop), checked one by one.
 *
 * usage: bench_exchange PORT REQUESTERS WINDOW RESPONDERS PAYLOAD_BYTES QOS SECONDS [BROKER_PID
 * [inbox]]
 *
 * Requester i asks on `bench/<i modulo RESPONDERS>` and keeps WINDOW requests in flight; responses
 * come to `answers/<i>`, or, with `inbox`, to the inbox that the broker gives him (Response
 * Information), without a subscription. Each response must carry the correlation data of a request
 * that is open. Prints one line of key=value pairs: round trips per second, latency percentiles,
 * the generator's own share of a core, and the broker's microseconds of CPU per round trip when its
 * pid is given. One thread, one write per connection and turn. */
#include "base/buffer.h"
#include "base/clock.h"
#include "link/framer.h"
#include "net/socket.h"
#include "wire/any.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES       262144U
#define SAMPLES_MAX      4000000U
#define PACKET_BYTES_MAX 1048576U

struct client {
    int fd;
    bool asks;
    unsigned index;
    uint16_t next_id;
    struct framer framer;
    struct buffer out;
    uint64_t *sent_ns; /* by slot of the window; 0: free */
    char response_topic[128];
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
    struct client *clients;
    uint8_t *payload;
    uint32_t *samples_ns;
    size_t samples;
    uint64_t round_trips;
    uint64_t wrong;
    bool is_measuring;
    bool is_over;
};

static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "bench_exchange: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void
put(struct client *c, const struct wire_any *packet)
{
    struct wire_writer w = wire_writer_measure();

    wire_any_encode(&w, packet, WIRE_V5);
    if (buffer_reserve(&c->out, w.len) != WILCO_OK) {
        die("output");
    }
    w = wire_writer_init(c->out.data + c->out.len, w.len);
    wire_any_encode(&w, packet, WIRE_V5);
    c->out.len += w.len;
}

static void
flush(struct client *c)
{
    while (c->out.len > 0) {
        ssize_t n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN) {
            struct pollfd p = {.fd = c->fd, .events = POLLOUT};

            (void)poll(&p, 1, 1000);
            continue;
        }
        if (n < 0) {
            die("send");
        }
        buffer_consume(&c->out, (size_t)n);
    }
}

static uint16_t
packet_id(struct client *c)
{
    c->next_id = c->next_id == UINT16_MAX ? 1 : (uint16_t)(c->next_id + 1);
    return c->next_id;
}

static void
ask(struct bench *b, struct client *c, uint32_t slot)
{
    char topic[32];
    uint8_t correlation[4] = {(uint8_t)(slot >> 24), (uint8_t)(slot >> 16), (uint8_t)(slot >> 8),
                              (uint8_t)slot};
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_publish *p = &packet.as.publish;

    (void)snprintf(topic, sizeof(topic), "bench/%u", c->index % b->responders);
    p->qos = b->qos;
    p->packet_id = b->qos == 0 ? 0 : packet_id(c);
    p->topic = span_of_text(topic);
    p->payload = span_of(b->payload, b->payload_bytes);
    p->properties.response_topic = span_of_text(c->response_topic);
    p->properties.correlation_data = span_of(correlation, sizeof(correlation));
    wire_properties_set(&p->properties, WIRE_RESPONSE_TOPIC);
    wire_properties_set(&p->properties, WIRE_CORRELATION_DATA);
    c->sent_ns[slot] = clock_monotonic_ns();
    put(c, &packet);
}

static void
answer(struct bench *b, struct client *c, const struct wire_publish *request)
{
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_publish *p = &packet.as.publish;

    p->qos = b->qos;
    p->packet_id = b->qos == 0 ? 0 : packet_id(c);
    p->topic = request->properties.response_topic;
    p->payload = request->payload;
    p->properties.correlation_data = request->properties.correlation_data;
    wire_properties_set(&p->properties, WIRE_CORRELATION_DATA);
    put(c, &packet);
}

static void
take_answer(struct bench *b, struct client *c, const struct wire_publish *p)
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
take_packet(struct bench *b, struct client *c, const struct frame *f)
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

        put(c, &ack);
    }
    if (c->asks) {
        take_answer(b, c, &p);
    } else {
        answer(b, c, &p);
    }
}

static uint8_t read_buffer[READ_BYTES];

static void
take_input(struct bench *b, struct client *c)
{
    ssize_t n = recv(c->fd, read_buffer, sizeof(read_buffer), 0);
    struct span in = span_of(read_buffer, n < 0 ? 0 : (size_t)n);
    struct frame f;

    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        die("the broker closed a connection");
    }
    while (framer_next(&c->framer, &in, &f) == WILCO_OK) {
        take_packet(b, c, &f);
    }
    flush(c);
}

/* The frame lives until the next read. */
static struct frame
wait_for(struct client *c, enum wire_type type)
{
    struct frame f = {.type = type};

    for (;;) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        ssize_t n = poll(&p, 1, 10000) == 1 ? recv(c->fd, read_buffer, sizeof(read_buffer), 0) : 0;
        struct span in = span_of(read_buffer, n < 0 ? 0 : (size_t)n);

        if (n <= 0) {
            die("no answer to CONNECT or SUBSCRIBE");
        }
        if (framer_next(&c->framer, &in, &f) == WILCO_OK && f.type == type) {
            return f;
        }
    }
}

static void
subscribe(const struct bench *b, struct client *c)
{
    char filter[32];
    const struct wire_subscription w = {.filter = {.data = (uint8_t *)filter}, .qos = b->qos};
    struct wire_subscription with_length = w;
    struct wire_any packet = {.type = WIRE_SUBSCRIBE};

    (void)snprintf(filter, sizeof(filter), c->asks ? "answers/%u" : "bench/%u", c->index);
    with_length.filter = span_of_text(filter);
    packet.as.subscribe =
        (struct wire_subscribe){.packet_id = 1, .count = 1, .subscriptions = &with_length};
    put(c, &packet);
    flush(c);
    (void)wait_for(c, WIRE_SUBACK);
    c->next_id = 1;
}

/* Says CONNECT and takes CONNACK, and the inbox in it, if that is wanted. */
static void
introduce(const struct bench *b, struct client *c)
{
    static const struct wire_user_property rr = {SPAN_INIT("rr"), SPAN_INIT("1")};
    char name[32];
    struct wire_any connect = {.type = WIRE_CONNECT};
    struct wire_properties *v = &connect.as.connect.properties;
    struct wire_connack connack;
    struct frame f;

    (void)snprintf(name, sizeof(name), "%s%u", c->asks ? "asks" : "answers", c->index);
    (void)snprintf(c->response_topic, sizeof(c->response_topic), "answers/%u", c->index);
    connect.as.connect.version = WIRE_V5;
    connect.as.connect.clean_start = true;
    connect.as.connect.client_id = span_of_text(name);
    if (c->asks && b->has_inboxes) {
        v->request_response_information = 1;
        v->users = &rr;
        v->user_count = 1;
        wire_properties_set(v, WIRE_REQUEST_RESPONSE_INFORMATION);
        wire_properties_set(v, WIRE_USER_PROPERTY);
    }
    put(c, &connect);
    flush(c);
    f = wait_for(c, WIRE_CONNACK);
    if (wire_connack_decode(&connack, f.body, WIRE_V5) != WILCO_OK) {
        die("a CONNACK that does not decode");
    }
    if (wire_properties_has(&connack.properties, WIRE_RESPONSE_INFORMATION)) {
        (void)snprintf(c->response_topic, sizeof(c->response_topic), "%.*s",
                       (int)connack.properties.response_information.len,
                       (const char *)connack.properties.response_information.data);
    }
}

static void
open_client(struct bench *b, struct client *c, unsigned index, bool asks)
{
    struct url url = {.scheme = URL_MQTT, .host = "127.0.0.1", .port = b->port};
    struct address address;
    size_t count = 0;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    enum wilco_status status = WILCO_OK;

    *c = (struct client){.asks = asks, .index = index};
    framer_init(&c->framer, alloc_system(), PACKET_BYTES_MAX);
    buffer_init(&c->out, alloc_system(), SIZE_MAX);
    c->sent_ns = calloc(b->window, sizeof(*c->sent_ns));
    if (c->sent_ns == NULL || address_resolve(&address, 1, &count, &url, false, NULL) != WILCO_OK) {
        die("address");
    }
    status = socket_connect(&address, &c->fd);
    if (status == WILCO_AGAIN) {
        struct pollfd p = {.fd = c->fd, .events = POLLOUT};

        (void)poll(&p, 1, 10000);
        status = socket_connected(c->fd);
    }
    if (status != WILCO_OK) {
        die("connect");
    }
    introduce(b, c);
    if (!asks || !b->has_inboxes) {
        subscribe(b, c);
    }
    if (epoll_ctl(b->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) {
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

/* Seconds of CPU that a process has used; 0 without a pid. */
static double
cpu_of(const char *pid)
{
    char path[64];
    char line[1024];
    unsigned long user = 0;
    unsigned long system = 0;
    FILE *f = NULL;

    if (pid == NULL) {
        return 0;
    }
    (void)snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    f = fopen(path, "r");
    if (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        const char *rest = strrchr(line, ')');

        if (rest == NULL || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                                   &user, &system) != 2) {
            die(path);
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
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
        open_client(b, &b->clients[i], i, false);
    }
    for (unsigned i = 0; i < b->requesters; i++) {
        open_client(b, &b->clients[b->responders + i], i, true);
    }
    for (unsigned i = 0; i < b->requesters; i++) {
        for (uint32_t slot = 0; slot < b->window; slot++) {
            ask(b, &b->clients[b->responders + i], slot);
        }
        flush(&b->clients[b->responders + i]);
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
    b.clients = calloc(b.requesters + b.responders, sizeof(*b.clients));
    b.payload = calloc(1, b.payload_bytes + 1);
    b.samples_ns = calloc(SAMPLES_MAX, sizeof(*b.samples_ns));
    if (b.clients == NULL || b.payload == NULL || b.samples_ns == NULL || b.responders == 0) {
        die("memory, or no responders");
    }
    start(&b);
    measure(&b, argc > 8 ? argv[8] : NULL);
    return b.wrong == 0 ? 0 : 1; /* the system takes the rest back */
}
