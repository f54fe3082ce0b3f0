#include "bench_client.h"

#include "net/socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PACKET_BYTES_MAX 1048576U
#define READ_BYTES       1024U

noreturn void
die(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

void
client_put(struct client *c, const struct wire_any *packet)
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

void
client_flush(struct client *c)
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

uint16_t
client_packet_id(struct client *c)
{
    c->next_id = c->next_id == UINT16_MAX ? 1 : (uint16_t)(c->next_id + 1);
    return c->next_id;
}

/* The packet lives in `read_buffer`. */
static struct frame
wait_for(struct client *c, enum wire_type type, uint8_t read_buffer[READ_BYTES])
{
    struct frame f = {.type = type};

    for (;;) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        ssize_t n = poll(&p, 1, 10000) == 1 ? recv(c->fd, read_buffer, READ_BYTES, 0) : 0;
        struct span in = span_of(read_buffer, n < 0 ? 0 : (size_t)n);

        if (n <= 0) {
            die("no answer to CONNECT or SUBSCRIBE");
        }
        if (framer_next(&c->framer, &in, &f) == WILCO_OK && f.type == type) {
            return f;
        }
    }
}

void
client_subscribe(struct client *c, const char *filter, uint8_t qos)
{
    const struct wire_subscription subscription = {.filter = span_of_text(filter), .qos = qos};
    struct wire_any packet = {.type = WIRE_SUBSCRIBE};
    uint8_t read_buffer[READ_BYTES];

    packet.as.subscribe = (struct wire_subscribe){
        .packet_id = client_packet_id(c), .count = 1, .subscriptions = &subscription};
    client_put(c, &packet);
    client_flush(c);
    (void)wait_for(c, WIRE_SUBACK, read_buffer);
}

static int
connect_to(uint16_t port)
{
    struct url url = {.scheme = URL_MQTT, .host = "127.0.0.1", .port = port};
    struct address address;
    size_t count = 0;
    int fd = -1;
    enum wilco_status status = address_resolve(&address, 1, &count, &url, false, NULL);

    if (status == WILCO_OK) {
        status = socket_connect(&address, &fd);
    }
    if (status == WILCO_AGAIN) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};

        (void)poll(&p, 1, 10000);
        status = socket_connected(fd);
    }
    if (status != WILCO_OK) {
        die("connect");
    }
    return fd;
}

static void
ask_for_inbox(struct wire_properties *v)
{
    static const struct wire_user_property rr = {SPAN_INIT("rr"), SPAN_INIT("1")};

    v->request_response_information = 1;
    v->users = &rr;
    v->user_count = 1;
    wire_properties_set(v, WIRE_REQUEST_RESPONSE_INFORMATION);
    wire_properties_set(v, WIRE_USER_PROPERTY);
}

static void
take_inbox(const struct frame *f, char inbox[INBOX_BYTES])
{
    struct wire_connack p;
    struct span given = SPAN_EMPTY;

    if (wire_connack_decode(&p, f->body, WIRE_V5) == WILCO_OK) {
        given = p.properties.response_information;
    }
    if (given.len == 0 || given.len >= INBOX_BYTES) {
        errno = 0;
        die("no Response Information");
    }
    memcpy(inbox, given.data, given.len);
    inbox[given.len] = '\0';
}

void
client_open(struct client *c, uint16_t port, const char *name, char inbox[INBOX_BYTES])
{
    struct wire_any connect = {.type = WIRE_CONNECT};
    uint8_t read_buffer[READ_BYTES];
    struct frame f;

    *c = (struct client){.fd = connect_to(port)};
    framer_init(&c->framer, alloc_system(), PACKET_BYTES_MAX);
    buffer_init(&c->out, alloc_system(), SIZE_MAX);
    connect.as.connect.version = WIRE_V5;
    connect.as.connect.clean_start = true;
    connect.as.connect.client_id = span_of_text(name);
    if (inbox != NULL) {
        ask_for_inbox(&connect.as.connect.properties);
    }
    client_put(c, &connect);
    client_flush(c);
    f = wait_for(c, WIRE_CONNACK, read_buffer);
    if (inbox != NULL) {
        take_inbox(&f, inbox);
    }
}

double
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
