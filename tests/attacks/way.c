#define _POSIX_C_SOURCE 200809L

#include "way.h"

#include "net/socket.h"
#include "net/tls.h"
#include "net/websocket.h"
#include "support/certificates.h"
#include "wire/packet.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define IN_BYTES (1U << 18)

const struct way way_tcp = {.name = "tcp", .url = "mqtt://127.0.0.1:0"};

static struct stream *
onto_websocket(struct stream *below)
{
    const struct upgrade_target target = {.host = "127.0.0.1", .path = "/mqtt", .port = 80};

    return websocket_connect(below, &target, random_system(), alloc_system());
}

const struct way way_websocket = {
    .name = "websocket",
    .url = "ws://127.0.0.1:0",
    .wrap = onto_websocket,
};

static struct certificates certificates;
static struct tls_client *tls;

static struct stream *
onto_tls(struct stream *below)
{
    return tls_client_stream(tls, "127.0.0.1", below, alloc_system());
}

static struct stream *
onto_both(struct stream *below)
{
    return onto_websocket(onto_tls(below));
}

const struct way way_tls = {
    .name = "tls",
    .url = "mqtts://127.0.0.1:0",
    .is_tls = true,
    .wrap = onto_tls,
};

const struct way way_secure_websocket = {
    .name = "secure websocket",
    .url = "wss://127.0.0.1:0",
    .is_tls = true,
    .wrap = onto_both,
};

void
way_prepare(const struct way *way, struct transport_options *out)
{
    char ca[CERTIFICATES_PATH_BYTES];
    char reason[TLS_REASON_BYTES];
    const struct tls_client_options options = {.cafile = ca};

    *out = (struct transport_options){.is_tls = way->is_tls};
    if (!way->is_tls) {
        return;
    }
    certificates_init(&certificates);
    certificates_make_standard(&certificates);
    out->tls.certfile_count = 1;
    out->tls.keyfile_count = 1;
    (void)certificates_path(&certificates, "server.pem", out->tls.certfile[0]);
    (void)certificates_path(&certificates, "server.key", out->tls.keyfile[0]);
    (void)certificates_path(&certificates, "ca.pem", ca);
    assert_int_equal(tls_client_new(&tls, &options, way == &way_tls ? "mqtt" : "http/1.1",
                                    alloc_system(), reason),
                     WILCO_OK);
}

void
way_clean_up(const struct way *way)
{
    if (way->is_tls) {
        tls_client_free(tls);
        tls = NULL;
        certificates_fini(&certificates);
    }
}

static void
wait_for(int fd, unsigned interest)
{
    struct pollfd p = {
        .fd = fd,
        .events = (short)(((interest & STREAM_READABLE) != 0 ? POLLIN : 0) |
                          ((interest & STREAM_WRITABLE) != 0 ? POLLOUT : 0)),
    };

    assert_int_equal(poll(&p, 1, WAY_PATIENCE_MS), 1);
}

void
way_open(struct way_line *l, const struct way *way, const struct address *a)
{
    int fd = -1;

    *l = (struct way_line){.in = malloc(IN_BYTES)};
    assert_non_null(l->in);
    assert_true(socket_connect(a, &fd) != WILCO_EIO);
    wait_for(fd, STREAM_WRITABLE);
    assert_int_equal(socket_connected(fd), WILCO_OK);
    l->stream = stream_of_socket(fd, alloc_system());
    assert_non_null(l->stream);
    if (way->wrap != NULL) {
        l->stream = way->wrap(l->stream);
        assert_non_null(l->stream);
    }
}

void
way_close(struct way_line *l)
{
    stream_close(l->stream);
    free(l->in);
    *l = (struct way_line){.stream = NULL};
}

bool
way_send(struct way_line *l, struct span bytes)
{
    while (bytes.len > 0) {
        size_t len = 0;
        enum wilco_status st = stream_write(l->stream, &bytes, 1, &len);

        if (st == WILCO_AGAIN) {
            wait_for(stream_fd(l->stream), l->stream->ops->interest(l->stream, true));
        } else if (st != WILCO_OK) {
            return false;
        }
        bytes = span_skip(bytes, st == WILCO_OK ? len : 0);
    }
    return true;
}

/* 0: the next packet has not arrived as a whole. */
static size_t
packet_bytes(const struct way_line *l)
{
    struct wire_header h;
    enum wilco_status st = wire_header_decode(&h, span_of(l->in, l->in_len));

    if (st == WILCO_AGAIN) {
        return 0;
    }
    assert_int_equal(st, WILCO_OK);
    return l->in_len < h.header_bytes + h.remaining ? 0 : h.header_bytes + h.remaining;
}

/* False: the broker has ended the connection. */
static bool
receive(struct way_line *l)
{
    for (;;) {
        size_t len = 0;
        enum wilco_status st =
            stream_read(l->stream, l->in + l->in_len, IN_BYTES - l->in_len, &len);

        if (st != WILCO_AGAIN) {
            l->in_len += st == WILCO_OK ? len : 0;
            return st == WILCO_OK;
        }
        wait_for(stream_fd(l->stream), l->stream->ops->interest(l->stream, false));
    }
}

struct span
way_next(struct way_line *l)
{
    l->in_len -= l->used;
    memmove(l->in, l->in + l->used, l->in_len);
    for (l->used = packet_bytes(l); l->used == 0; l->used = packet_bytes(l)) {
        if (!receive(l)) {
            assert_int_equal(l->in_len, 0); /* not in the middle of a packet */
            return SPAN_EMPTY;
        }
    }
    return span_of(l->in, l->used);
}
