#define _POSIX_C_SOURCE 200809L

#include "mqtt_peer.h"

#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#define IN_BYTES (4U << 20)

void
mqtt_peer_adopt(struct mqtt_peer *p, int fd)
{
    assert_true(fd >= 0);
    *p = (struct mqtt_peer){.fd = fd, .in = malloc(IN_BYTES)};
    assert_non_null(p->in);
}

void
mqtt_peer_open(struct mqtt_peer *p, const struct address *a)
{
    const struct timeval patience = {.tv_sec = MQTT_PEER_PATIENCE_S};

    mqtt_peer_adopt(p, socket(a->storage.ss_family, SOCK_STREAM, 0));
    assert_int_equal(setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(setsockopt(p->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(connect(p->fd, (const struct sockaddr *)&a->storage, a->len), 0);
}

void
mqtt_peer_close(struct mqtt_peer *p)
{
    (void)close(p->fd);
    free(p->in);
    p->in = NULL;
}

void
mqtt_peer_send_bytes(struct mqtt_peer *p, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(p->fd, bytes.data, bytes.len, MSG_NOSIGNAL);

        assert_true(n > 0);
        bytes = span_skip(bytes, (size_t)n);
    }
}

struct span
mqtt_bytes(const struct wire_any *packet)
{
    struct wire_writer w = wire_writer_measure();
    uint8_t *data = NULL;
    size_t len = 0;

    wire_any_encode(&w, packet, WIRE_V5);
    (void)!wire_writer_finish(&w, &len);
    data = malloc(len);
    assert_non_null(data);
    w = wire_writer_init(data, len);
    wire_any_encode(&w, packet, WIRE_V5);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    return span_of(data, len);
}

void
mqtt_peer_send(struct mqtt_peer *p, const struct wire_any *packet)
{
    struct span bytes = mqtt_bytes(packet);

    mqtt_peer_send_bytes(p, bytes);
    bytes_free(bytes);
}

/* 0: the next packet has not arrived as a whole. */
static size_t
packet_bytes(const struct mqtt_peer *p)
{
    struct wire_header h;
    enum wilco_status st = wire_header_decode(&h, span_of(p->in, p->in_len));

    if (st == WILCO_AGAIN) {
        return 0;
    }
    assert_int_equal(st, WILCO_OK);
    return p->in_len < h.header_bytes + h.remaining ? 0 : h.header_bytes + h.remaining;
}

/* False: the server has closed. */
static bool
receive(struct mqtt_peer *p)
{
    ssize_t n = recv(p->fd, p->in + p->in_len, IN_BYTES - p->in_len, 0);

    assert_true(n >= 0); /* a reset, or our patience has ended */
    p->in_len += (size_t)n;
    return n > 0;
}

bool
mqtt_peer_next(struct mqtt_peer *p, struct wire_any *out)
{
    p->in_len -= p->used;
    memmove(p->in, p->in + p->used, p->in_len);
    for (p->used = packet_bytes(p); p->used == 0; p->used = packet_bytes(p)) {
        if (!receive(p)) {
            assert_int_equal(p->in_len, 0); /* not in the middle of a packet */
            return false;
        }
    }
    assert_int_equal(wire_any_decode(out, span_of(p->in, p->used), WIRE_V5), WILCO_OK);
    return true;
}

void
mqtt_peer_expect(struct mqtt_peer *p, enum wire_type type, struct wire_any *out)
{
    assert_true(mqtt_peer_next(p, out));
    assert_int_equal(out->type, type);
}

void
mqtt_peer_expect_close(struct mqtt_peer *p)
{
    struct wire_any packet;

    assert_false(mqtt_peer_next(p, &packet));
}

void
mqtt_peer_expect_disconnect(struct mqtt_peer *p, uint8_t reason_code)
{
    struct wire_any packet;

    mqtt_peer_expect(p, WIRE_DISCONNECT, &packet);
    assert_int_equal(packet.as.disconnect.reason_code, reason_code);
    mqtt_peer_expect_close(p);
}

struct wire_any
mqtt_connect(const char *client_id)
{
    return (struct wire_any){.type = WIRE_CONNECT,
                             .as.connect = {.version = WIRE_V5,
                                            .clean_start = true,
                                            .client_id = span_of_text(client_id)}};
}

struct wire_any
mqtt_publish(const char *topic, struct span payload)
{
    return (struct wire_any){.type = WIRE_PUBLISH,
                             .as.publish = {.topic = span_of_text(topic), .payload = payload}};
}

void
mqtt_peer_connect(struct mqtt_peer *p, const struct address *a, const char *client_id)
{
    struct wire_any packet = mqtt_connect(client_id);

    mqtt_peer_open(p, a);
    mqtt_peer_send(p, &packet);
    mqtt_peer_expect(p, WIRE_CONNACK, &packet);
    assert_int_equal(packet.as.connack.reason_code, WIRE_REASON_SUCCESS);
}

void
mqtt_peer_subscribe(struct mqtt_peer *p, const char *filter)
{
    const struct wire_subscription subscription = {.filter = span_of_text(filter)};
    struct wire_any packet = {
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = ++p->packet_id, .count = 1, .subscriptions = &subscription}};

    mqtt_peer_send(p, &packet);
    mqtt_peer_expect(p, WIRE_SUBACK, &packet);
    assert_int_equal(packet.as.suback.packet_id, p->packet_id);
    assert_int_equal(packet.as.suback.reason_codes.data[0], WIRE_REASON_SUCCESS);
}

void
mqtt_peer_publish(struct mqtt_peer *p, const char *topic, const char *payload)
{
    struct wire_any packet = mqtt_publish(topic, span_of_text(payload));

    mqtt_peer_send(p, &packet);
}

void
mqtt_peer_expect_message(struct mqtt_peer *p, const char *topic, const char *payload)
{
    struct wire_any packet;

    mqtt_peer_expect(p, WIRE_PUBLISH, &packet);
    assert_true(span_equal(packet.as.publish.topic, span_of_text(topic)));
    assert_true(span_equal(packet.as.publish.payload, span_of_text(payload)));
}

void
mqtt_peer_ping(struct mqtt_peer *p)
{
    struct wire_any packet = {.type = WIRE_PINGREQ};

    mqtt_peer_send(p, &packet);
    while (packet.type != WIRE_PINGRESP) {
        assert_true(mqtt_peer_next(p, &packet));
    }
}
