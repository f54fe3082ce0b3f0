#define _POSIX_C_SOURCE 200809L

#include "server.h"

#include "link/framer.h"
#include "wire/any.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* One client's connection; `false` from the functions below ends it. */
struct talk {
    struct server *server;
    int fd;
};

static bool
write_all(const struct talk *t, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(t->fd, bytes, len, MSG_NOSIGNAL);

        if (n <= 0) {
            return false;
        }
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool
say(const struct talk *t, const struct wire_any *packet)
{
    struct wire_writer w = wire_writer_measure();
    uint8_t *bytes = NULL;
    size_t len = 0;
    bool is_ok = false;

    wire_any_encode(&w, packet, WIRE_V5);
    (void)wire_writer_finish(&w, &len);
    bytes = malloc(len);
    assert(bytes != NULL);
    w = wire_writer_init(bytes, len);
    wire_any_encode(&w, packet, WIRE_V5);
    is_ok = write_all(t, bytes, len);
    free(bytes);
    return is_ok;
}

static bool
acknowledge(const struct talk *t, enum wire_type type, uint16_t packet_id, uint8_t reason_code)
{
    struct wire_any packet = {.type = type};

    packet.as.ack.packet_id = packet_id;
    packet.as.ack.reason_code = reason_code;
    return say(t, &packet);
}

static bool
grant(const struct talk *t, enum wire_type type, uint16_t packet_id)
{
    struct wire_any packet = {.type = type};

    packet.as.suback.packet_id = packet_id;
    packet.as.suback.reason_codes = span_of("\0", 1);
    return say(t, &packet);
}

static bool
has_topic(const struct wire_publish *p, const char *topic)
{
    return span_equal(p->topic, span_of_text(topic));
}

static bool
send_back(const struct talk *t, const struct wire_publish *p)
{
    struct wire_any packet = {.type = WIRE_PUBLISH, .as.publish = *p};

    packet.as.publish.qos = 0;
    return say(t, &packet);
}

static bool
say_offline(const struct talk *t, const struct wire_publish *request)
{
    const struct wire_user_property users[] = {
        {SPAN_LITERAL("__stat"), SPAN_LITERAL("503")},
        {SPAN_LITERAL("__stMsg"), SPAN_LITERAL("all responders are offline")},
        {SPAN_LITERAL("rr-src"), SPAN_LITERAL("broker")},
        {SPAN_LITERAL("rr-stage"), SPAN_LITERAL("rejected")},
        {SPAN_LITERAL("rr-exec"), SPAN_LITERAL("no")},
    };
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_properties *p = &packet.as.publish.properties;

    packet.as.publish.topic = request->properties.response_topic;
    p->correlation_data = request->properties.correlation_data;
    wire_properties_set(p, WIRE_CORRELATION_DATA);
    p->users = users;
    p->user_count = sizeof(users) / sizeof(users[0]);
    return say(t, &packet);
}

static bool
on_publish(const struct talk *t, const struct wire_publish *p)
{
    bool is_ok = true;

    gate_raise(&t->server->received);
    if (has_topic(p, "hang up")) {
        return false;
    }
    if (p->qos > 0) {
        is_ok = acknowledge(t, p->qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, p->packet_id,
                            has_topic(p, "nobody") ? 0x10 : 0);
    }
    if (has_topic(p, "deaf")) {
        gate_raise(&t->server->is_deaf);
        return is_ok && gate_wait(&t->server->hears_again, 1);
    }
    if (has_topic(p, "silent") || has_topic(p, "nobody")) {
        return is_ok;
    }
    return is_ok && (has_topic(p, "offline") ? say_offline(t, p) : send_back(t, p));
}

/* "TEST" has two steps: asks "who?", and accepts "me". */
static bool
authenticate(const struct talk *t, struct wire_any *answer, struct span data)
{
    struct wire_properties *p = answer->type == WIRE_AUTH ? &answer->as.disconnect.properties
                                                          : &answer->as.connack.properties;

    p->authentication_method = SPAN_LITERAL("TEST");
    wire_properties_set(p, WIRE_AUTHENTICATION_METHOD);
    p->authentication_data = data;
    wire_properties_set(p, WIRE_AUTHENTICATION_DATA);
    return say(t, answer);
}

static bool
on_auth(const struct talk *t, const struct wire_properties *p)
{
    struct wire_any answer = {.type = WIRE_CONNACK};

    if (!span_equal(p->authentication_data, SPAN_LITERAL("me"))) {
        answer.as.connack.reason_code = 0x87;
        return say(t, &answer);
    }
    return authenticate(t, &answer, SPAN_LITERAL("proof"));
}

static bool
on_connect(const struct talk *t, const struct wire_connect *connect)
{
    struct wire_any answer = {.type = WIRE_CONNACK};
    struct wire_properties *p = &answer.as.connack.properties;

    if (wire_properties_has(&connect->properties, WIRE_AUTHENTICATION_METHOD)) {
        answer = (struct wire_any){.type = WIRE_AUTH, .as.disconnect.reason_code = 0x18};
        return authenticate(t, &answer, SPAN_LITERAL("who?"));
    }
    if (connect->client_id.len == 0) {
        p->assigned_client_identifier = SPAN_LITERAL("assigned");
        wire_properties_set(p, WIRE_ASSIGNED_CLIENT_IDENTIFIER);
    }
    if (t->server->inbox != NULL && connect->properties.request_response_information != 0) {
        p->response_information = span_of_text(t->server->inbox);
        wire_properties_set(p, WIRE_RESPONSE_INFORMATION);
    }
    return say(t, &answer);
}

static bool
on_packet(const struct talk *t, const struct wire_any *packet)
{
    struct wire_any answer = {.type = WIRE_PINGRESP};

    switch (packet->type) {
    case WIRE_CONNECT: return on_connect(t, &packet->as.connect);
    case WIRE_SUBSCRIBE: return grant(t, WIRE_SUBACK, packet->as.subscribe.packet_id);
    case WIRE_UNSUBSCRIBE: return grant(t, WIRE_UNSUBACK, packet->as.unsubscribe.packet_id);
    case WIRE_PUBLISH: return on_publish(t, &packet->as.publish);
    case WIRE_PUBREL: return acknowledge(t, WIRE_PUBCOMP, packet->as.ack.packet_id, 0);
    case WIRE_PINGREQ: return say(t, &answer);
    case WIRE_PUBACK:
    case WIRE_PUBREC:
    case WIRE_PUBCOMP: return true;
    case WIRE_DISCONNECT: return true; /* closing is the client's part */
    case WIRE_CONNACK:
    case WIRE_SUBACK:
    case WIRE_UNSUBACK:
    case WIRE_PINGRESP: break;
    case WIRE_AUTH: return on_auth(t, &packet->as.disconnect.properties);
    }
    return false;
}

/* Decodes and answers; the frame is put together again, for that is what the decoder of any packet
 * takes. */
static bool
on_frame(const struct talk *t, const struct frame *f)
{
    uint8_t *bytes = malloc(f->packet_bytes);
    struct wire_writer w = wire_writer_init(bytes, f->packet_bytes);
    struct wire_any packet;
    bool is_ok = false;

    assert(bytes != NULL);
    wire_header_encode(&w, f->type, f->flags, f->body.len);
    wire_writer_bytes(&w, f->body);
    is_ok = wire_any_decode(&packet, span_of(bytes, w.len), WIRE_V5) == WILCO_OK &&
            on_packet(t, &packet);
    free(bytes);
    return is_ok;
}

/* Until one of them is readable; false: it is `stop`. */
static bool
wait_readable(int fd, int stop)
{
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = stop, .events = POLLIN}};

    return poll(fds, 2, -1) > 0 && fds[1].revents == 0;
}

static void
serve(struct server *s, int fd)
{
    struct talk t = {.server = s, .fd = fd};
    struct framer framer;
    uint8_t bytes[4096];
    bool is_ok = true;

    framer_init(&framer, alloc_system(), 1U << 24);
    while (is_ok && wait_readable(fd, s->stop[0])) {
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
        struct span in = span_of(bytes, n > 0 ? (size_t)n : 0);
        struct frame frame;

        is_ok = n > 0;
        while (is_ok && !s->is_mute && framer_next(&framer, &in, &frame) == WILCO_OK) {
            is_ok = on_frame(&t, &frame);
        }
    }
    framer_fini(&framer);
    (void)close(fd);
}

static void *
thread_main(void *argument)
{
    struct server *s = argument;
    const int on = 1;

    while (wait_readable(s->listener, s->stop[0])) {
        int fd = accept(s->listener, NULL, NULL);

        if (fd >= 0) {
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            serve(s, fd);
        }
    }
    return NULL;
}

static void
start(struct server *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    gate_init(&s->received);
    gate_init(&s->is_deaf);
    gate_init(&s->hears_again);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(s->listener >= 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(s->listener, 16), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(s->url, sizeof(s->url), "mqtt://127.0.0.1:%u",
                   (unsigned)ntohs(address.sin_port));
    assert_int_equal(pipe(s->stop), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, thread_main, s), 0);
}

void
server_start(struct server *s, bool is_mute)
{
    *s = (struct server){.is_mute = is_mute};
    start(s);
}

void
server_start_with_inbox(struct server *s, const char *inbox)
{
    *s = (struct server){.inbox = inbox};
    start(s);
}

void
server_stop(struct server *s)
{
    gate_raise(&s->hears_again);
    (void)close(s->stop[1]);
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    (void)close(s->stop[0]);
    (void)close(s->listener);
    gate_fini(&s->received);
    gate_fini(&s->is_deaf);
    gate_fini(&s->hears_again);
}
