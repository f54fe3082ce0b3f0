#define _POSIX_C_SOURCE 200809L

#include "base/random.h"
#include "net/proxied.h"
#include "net/stream.h"
#include "net/tls.h"
#include "net/websocket.h"
#include "sockets.h"
#include "support/certificates.h"
#include "support/failing_alloc.h"
#include "support/narrow.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

/* The contract of a stream. Every transport is a row, and every test runs for every row. */

#define MEMORY_BYTES 1000U

struct pair {
    struct stream *a;
    struct stream *b;
};

/* Until both ends say that they have done with it. */
static void
shake_hands(struct pair *p)
{
    enum wilco_status a = WILCO_AGAIN;
    enum wilco_status b = WILCO_AGAIN;

    while (a == WILCO_AGAIN || b == WILCO_AGAIN) {
        a = stream_shake_hands(p->a);
        b = stream_shake_hands(p->b);
    }
    assert_int_equal(a, WILCO_OK);
    assert_int_equal(b, WILCO_OK);
}

static void
stack_websocket(struct stream **client, struct stream **server)
{
    static const struct upgrade_terms terms = {.path = "/mqtt"};
    static const struct upgrade_target target = {.host = "localhost", .path = "/mqtt"};

    *client = websocket_connect(*client, &target, random_system(), alloc_system());
    *server = websocket_serve(*server, &terms, alloc_system());
    assert_non_null(*client);
    assert_non_null(*server);
}

static void
stack_client(struct pair *p)
{
    stack_websocket(&p->a, &p->b);
    shake_hands(p);
}

static void
stack_server(struct pair *p)
{
    stack_websocket(&p->b, &p->a);
    shake_hands(p);
}

/* ---- Both ends of TLS ---- */

static struct tls_server *tls_server;
static struct tls_client *tls_client;
static struct tls_client *tls12_client;

static int
make_contexts(void **state)
{
    struct certificates c;
    struct tls_server_options s = {.certfile_count = 1, .keyfile_count = 1};
    char ca[CERTIFICATES_PATH_BYTES];
    struct tls_client_options o = {.cafile = ca};
    char reason[TLS_REASON_BYTES];

    (void)state;
    certificates_init(&c);
    certificates_make_standard(&c);
    (void)certificates_path(&c, "server.pem", s.certfile[0]);
    (void)certificates_path(&c, "server.key", s.keyfile[0]);
    (void)certificates_path(&c, "ca.pem", ca);
    assert_int_equal(tls_server_new(&tls_server, &s, "mqtt", alloc_system(), reason), WILCO_OK);
    assert_int_equal(tls_client_new(&tls_client, &o, "mqtt", alloc_system(), reason), WILCO_OK);
    o.versions = TLS_12_ONLY;
    assert_int_equal(tls_client_new(&tls12_client, &o, "mqtt", alloc_system(), reason), WILCO_OK);
    certificates_fini(&c);
    return 0;
}

static int
free_contexts(void **state)
{
    (void)state;
    tls_server_unref(tls_server);
    tls_client_free(tls_client);
    tls_client_free(tls12_client);
    return 0;
}

static void
stack_tls_with(struct pair *p, struct tls_client *client, const char *version)
{
    p->a = tls_client_stream(client, "localhost", p->a, alloc_system());
    p->b = tls_server_stream(tls_server, p->b, alloc_system());
    assert_non_null(p->a);
    assert_non_null(p->b);
    shake_hands(p);
    assert_string_equal(tls_stream_version(p->a), version);
}

static void
stack_tls(struct pair *p)
{
    stack_tls_with(p, tls_client, "TLSv1.3");
}

static void
stack_tls12(struct pair *p)
{
    stack_tls_with(p, tls12_client, "TLSv1.2");
}

static void
stack_narrow_tls(struct pair *p)
{
    p->a = narrow_new(p->a);
    p->b = narrow_new(p->b);
    stack_tls(p);
}

static void
stack_both(struct pair *p)
{
    stack_tls(p);
    stack_client(p);
}

static void
stack_proxied(struct pair *p)
{
    struct span line = SPAN_LITERAL("PROXY UNKNOWN\r\n");
    size_t len = 0;

    assert_int_equal(stream_write(p->b, &line, 1, &len), WILCO_OK);
    assert_int_equal(len, line.len);
    p->a = stream_of_proxied(p->a, PROXY_V1, alloc_system());
    assert_non_null(p->a);
    shake_hands(p);
}

static const struct transport {
    const char *label;
    const char *url; /* NULL: memory; "unix": a socket in a new folder */
    const char *name;
    void (*stack)(struct pair *p); /* what is put onto it; NULL: nothing */
} transports[] = {
    {"tcp over IPv4", "mqtt://127.0.0.1:0", "tcp", NULL},
    {"tcp over IPv6", "mqtt://[::1]:0", "tcp", NULL},
    {"unix", "unix", "unix", NULL},
    {"memory", NULL, "memory", NULL},
    {"WebSocket, as client", "mqtt://127.0.0.1:0", "websocket", stack_client},
    {"WebSocket, as server", "mqtt://127.0.0.1:0", "websocket", stack_server},
    {"WebSocket over unix", "unix", "websocket", stack_server},
    {"TLS 1.3 over tcp", "mqtt://127.0.0.1:0", "tls", stack_tls},
    {"TLS 1.3 over unix", "unix", "tls", stack_tls},
    {"TLS 1.3 over memory", NULL, "tls", stack_tls},
    {"TLS 1.3 over single bytes", NULL, "tls", stack_narrow_tls},
    {"TLS 1.2 over tcp", "mqtt://127.0.0.1:0", "tls", stack_tls12},
    {"TLS 1.2 over memory", NULL, "tls", stack_tls12},
    {"WebSocket over TLS", "mqtt://127.0.0.1:0", "websocket", stack_both},
    {"behind a proxy", "mqtt://127.0.0.1:0", "proxied", stack_proxied},
};

static bool
open_sockets(const char *url, struct pair *p)
{
    struct address bound;
    int listener = listen_at(url, &bound);
    int ends[2] = {-1, -1};

    if (listener < 0) {
        return false;
    }
    connect_pair(listener, &bound, &ends[0], &ends[1]);
    assert_int_equal(close(listener), 0);
    p->a = stream_of_socket(ends[0], alloc_system());
    p->b = stream_of_accepted(ends[1], &bound, alloc_system());
    return true;
}

/* false: this machine lacks the transport. */
static bool
pair_open(const struct transport *t, struct pair *p)
{
    struct stream *ends[2];
    struct folder folder;
    bool is_open = false;

    if (t->url == NULL) {
        assert_int_equal(stream_memory_pair(ends, alloc_system(), MEMORY_BYTES), WILCO_OK);
        *p = (struct pair){.a = ends[0], .b = ends[1]};
        return true;
    }
    if (strcmp(t->url, "unix") != 0) {
        return open_sockets(t->url, p);
    }
    folder_init(&folder);
    is_open = open_sockets(folder.socket_url, p);
    folder_fini(&folder);
    return is_open;
}

static void
pair_close(struct pair *p)
{
    stream_close(p->a);
    stream_close(p->b);
}

/* Runs a test for every transport there is. */
static void
for_each_transport(void (*test)(struct pair *p, const struct transport *t))
{
    for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
        struct pair p = {.a = NULL};

        if (pair_open(&transports[i], &p)) {
            if (transports[i].stack != NULL) {
                transports[i].stack(&p);
            }
            test(&p, &transports[i]);
            pair_close(&p);
        } else {
            print_message("%s is not there: left out\n", transports[i].label);
        }
    }
}

static short
poll_events(unsigned interest)
{
    short events = 0;

    if ((interest & STREAM_READABLE) != 0) {
        events |= POLLIN;
    }
    if ((interest & STREAM_WRITABLE) != 0) {
        events |= POLLOUT;
    }
    return events;
}

static enum wilco_status
write_text(struct stream *s, const char *text, size_t *len)
{
    struct span span = span_of_text(text);

    return stream_write(s, &span, 1, len);
}

/* Reads once, waiting until there is something to say. */
static enum wilco_status
read_waiting(struct stream *s, void *out, size_t capacity, size_t *len)
{
    enum wilco_status st = stream_read(s, out, capacity, len);

    while (st == WILCO_AGAIN) {
        assert_true(stream_fd(s) >= 0); /* memory has nothing to wait for */
        wait_for(stream_fd(s), poll_events(s->ops->interest(s, false)));
        st = stream_read(s, out, capacity, len);
    }
    return st;
}

static void
assert_arrives(struct stream *s, const char *text)
{
    char got[100];
    size_t done = 0;

    while (done < strlen(text)) {
        size_t len = 0;

        assert_int_equal(read_waiting(s, got + done, strlen(text) - done, &len), WILCO_OK);
        assert_true(len > 0);
        done += len;
    }
    assert_memory_equal(got, text, done);
}

/* Byte number n of what is sent. */
static uint8_t
nth_byte(size_t n)
{
    return (uint8_t)(n * 7 + n / 253 + n / 65521);
}

struct flow {
    struct stream *from;
    struct stream *to;
    struct random_seeded random;
    size_t sent;
    size_t received;
    size_t total;
    size_t idle; /* rounds in memory without anything to show; TLS has moved part of a record */
};

static size_t
random_below(struct flow *f, size_t bound)
{
    uint64_t r = 0;

    assert_int_equal(random_u64(&f->random.source, &r), WILCO_OK);
    return r % bound;
}

/* Writes up to 100 spans of random sizes, empty ones among them; false: there was no room. */
static bool
flow_write(struct flow *f)
{
    static uint8_t bytes[100 * 3000];
    struct span spans[100];
    size_t count = 1 + random_below(f, 100);
    size_t at = 0;
    size_t len = 0;
    enum wilco_status st = WILCO_OK;

    for (size_t i = 0; i < count; i++) {
        size_t left = f->total - f->sent - at;
        size_t n = random_below(f, 4) == 0 ? 0 : random_below(f, 3000);

        n = n < left ? n : left;
        for (size_t j = 0; j < n; j++) {
            bytes[at + j] = nth_byte(f->sent + at + j);
        }
        spans[i] = span_of(bytes + at, n);
        at += n;
    }
    if (at == 0) {
        return true;
    }
    st = stream_write(f->from, spans, count, &len);
    assert_true(st == WILCO_OK || st == WILCO_AGAIN);
    assert_true(st == WILCO_AGAIN || len <= at);
    f->sent += st == WILCO_OK ? len : 0;
    return st == WILCO_OK;
}

static bool
flow_read(struct flow *f)
{
    static uint8_t bytes[50000];
    size_t wrong = 0;
    size_t len = 0;
    enum wilco_status st = stream_read(f->to, bytes, 1 + random_below(f, sizeof(bytes)), &len);

    if (st == WILCO_AGAIN) {
        return false;
    }
    assert_int_equal(st, WILCO_OK);
    assert_true(len > 0);
    for (size_t i = 0; i < len; i++) {
        wrong += bytes[i] != nth_byte(f->received + i);
    }
    assert_int_equal(wrong, 0);
    f->received += len;
    return true;
}

static void
flow_poll(const struct flow *f)
{
    unsigned writing = f->from->ops->interest(f->from, true);
    unsigned reading = f->to->ops->interest(f->to, false);
    struct pollfd fds[2] = {
        {.fd = stream_fd(f->from), .events = poll_events(f->sent < f->total ? writing : 0)},
        {.fd = stream_fd(f->to), .events = poll_events(reading)},
    };

    assert_true(fds[0].fd >= 0 && fds[1].fd >= 0);
    assert_true(poll(fds, 2, -1) > 0);
}

/* Waits until either end can go on. */
static void
flow_wait(struct flow *f)
{
    if (stream_fd(f->from) < 0) {
        assert_true(f->idle++ < 10000000);
    } else {
        flow_poll(f);
    }
}

static void
flow_run(struct flow *f)
{
    while (f->received < f->total) {
        bool wrote = f->sent < f->total && flow_write(f);
        bool has_read = random_below(f, 3) > 0 && flow_read(f);

        if (!wrote && !has_read && !flow_read(f)) {
            flow_wait(f);
        }
    }
    assert_int_equal(f->sent, f->total);
}

static struct flow
flow_of(struct stream *from, struct stream *to, size_t total)
{
    struct flow f = {.from = from, .to = to, .total = total};

    random_seeded_init(&f.random, total);
    f.random.source.context = NULL; /* set where the flow comes to lie */
    return f;
}

static void
check_order(struct pair *p, const struct transport *t)
{
    struct flow forth = flow_of(p->a, p->b, t->url == NULL ? 200 * MEMORY_BYTES : 3000000);
    struct flow back = flow_of(p->b, p->a, 100001);

    forth.random.source.context = &forth.random;
    back.random.source.context = &back.random;
    flow_run(&forth);
    flow_run(&back);
}

static void
bytes_arrive_in_order(void **state)
{
    (void)state;
    for_each_transport(check_order);
}

static void
check_names(struct pair *p, const struct transport *t)
{
    assert_string_equal(p->a->ops->name, t->name);
    assert_int_equal(stream_fd(p->a) >= 0, t->url != NULL);
    assert_int_equal(p->a->ops->interest(p->a, false), STREAM_READABLE);
    assert_int_equal(p->a->ops->interest(p->a, true), STREAM_WRITABLE);
}

static void
names_and_interest(void **state)
{
    (void)state;
    for_each_transport(check_names);
}

static void
check_nothing(struct pair *p, const struct transport *t)
{
    uint8_t byte = 0;
    size_t len = 0;

    (void)t;
    assert_int_equal(stream_read(p->a, &byte, 1, &len), WILCO_AGAIN);
    assert_false(p->a->ops->has_pending(p->a));
    assert_int_equal(stream_write(p->b, NULL, 0, &len), WILCO_OK);
    assert_int_equal(len, 0);
    assert_int_equal(write_text(p->b, "", &len), WILCO_OK);
    assert_int_equal(len, 0);
    assert_int_equal(stream_read(p->a, &byte, 1, &len), WILCO_AGAIN);
}

static void
nothing_there_is_no_error(void **state)
{
    (void)state;
    for_each_transport(check_nothing);
}

static size_t
fill(struct stream *s)
{
    struct flow f = flow_of(s, s, SIZE_MAX / 2);

    f.random.source.context = &f.random;
    while (flow_write(&f)) {
        assert_true(f.sent < 1U << 30);
    }
    return f.sent;
}

static void
check_full(struct pair *p, const struct transport *t)
{
    size_t sent = fill(p->a);
    struct flow rest = flow_of(p->a, p->b, sent + 1); /* who was not rid of all comes again */
    size_t len = 0;

    assert_true(sent > 0);
    if (t->url == NULL && t->stack == NULL) {
        assert_int_equal(sent, MEMORY_BYTES);
    }
    rest.random.source.context = &rest.random;
    rest.sent = sent;
    flow_run(&rest);
    if (t->url != NULL) {
        wait_for(stream_fd(p->a), POLLOUT);
    }
    assert_int_equal(write_text(p->a, "more", &len), WILCO_OK);
    assert_int_equal(len, 4);
    assert_arrives(p->b, "more");
}

static void
a_full_stream_takes_more_later(void **state)
{
    (void)state;
    for_each_transport(check_full);
}

static void
check_finish(struct pair *p, const struct transport *t)
{
    uint8_t byte = 0;
    size_t len = 0;

    (void)t;
    assert_int_equal(write_text(p->a, "last words", &len), WILCO_OK);
    p->a->ops->finish(p->a);
    assert_int_equal(write_text(p->a, "too late", &len), WILCO_ECLOSED);
    assert_arrives(p->b, "last words");
    assert_int_equal(read_waiting(p->b, &byte, 1, &len), WILCO_ECLOSED);
    assert_int_equal(stream_read(p->b, &byte, 1, &len), WILCO_ECLOSED);
    assert_int_equal(write_text(p->b, "answer", &len), WILCO_OK);
    assert_arrives(p->a, "answer");
}

static void
finish_ends_one_direction(void **state)
{
    (void)state;
    for_each_transport(check_finish);
}

static void
check_close(struct pair *p, const struct transport *t)
{
    enum wilco_status st = WILCO_OK;
    uint8_t byte = 0;
    size_t len = 0;

    (void)t;
    assert_int_equal(write_text(p->a, "good-bye", &len), WILCO_OK);
    stream_close(p->a);
    p->a = NULL;
    assert_arrives(p->b, "good-bye");
    assert_int_equal(read_waiting(p->b, &byte, 1, &len), WILCO_ECLOSED);
    while (st == WILCO_OK) { /* TCP learns of it with its first packet; nobody gets SIGPIPE */
        st = write_text(p->b, "anybody there?", &len);
    }
    assert_true(st == WILCO_ECLOSED || st == WILCO_EIO);
}

static void
a_closed_peer_is_seen(void **state)
{
    (void)state;
    for_each_transport(check_close);
}

static void
a_reset_is_an_error(void **state)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct pair p = {.a = NULL};
    uint8_t byte = 0;
    size_t len = 0;

    (void)state;
    if (!open_sockets("mqtt://127.0.0.1:0", &p)) {
        fail();
        return;
    }
    assert_int_equal(setsockopt(stream_fd(p.a), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    stream_close(p.a);
    assert_int_equal(read_waiting(p.b, &byte, 1, &len), WILCO_EIO);
    assert_int_equal(errno, ECONNRESET);
    stream_close(p.b);
}

static void
tcp_does_not_wait_for_more(void **state)
{
    struct pair p = {.a = NULL};
    int on = 0;
    socklen_t len = sizeof(on);

    (void)state;
    if (!open_sockets("mqtt://127.0.0.1:0", &p)) {
        fail();
        return;
    }
    assert_int_equal(getsockopt(stream_fd(p.a), IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    assert_int_not_equal(on, 0);
    on = 0;
    assert_int_equal(getsockopt(stream_fd(p.b), IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    assert_int_not_equal(on, 0);
    pair_close(&p);
}

static void
out_of_memory(void **state)
{
    struct failing_alloc a;
    struct stream *ends[2];
    int fds[2];

    (void)state;
    failing_alloc_init(&a, 1);
    assert_int_equal(stream_memory_pair(ends, &a.alloc, 10), WILCO_ENOMEM);
    assert_int_equal(stream_memory_pair(ends, &a.alloc, SIZE_MAX / 2), WILCO_ENOMEM);
    failing_alloc_init(&a, 1);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_null(stream_of_socket(fds[0], &a.alloc));
    assert_int_equal(close(fds[0]), 0); /* still ours */
    ends[0] = stream_of_socket(fds[1], &a.alloc);
    assert_non_null(ends[0]);
    stream_close(ends[0]);
    assert_int_equal(fcntl(fds[1], F_GETFD), -1); /* was the stream's */
    assert_int_equal(a.live, 0);
    stream_close(NULL);
}

static void
memory_says_what_it_holds(void **state)
{
    struct failing_alloc a;
    struct stream *ends[2];
    uint8_t bytes[8];
    size_t len = 0;

    (void)state;
    failing_alloc_init(&a, 0);
    assert_int_equal(stream_memory_pair(ends, &a.alloc, 4), WILCO_OK);
    assert_int_equal(write_text(ends[0], "abcdef", &len), WILCO_OK);
    assert_int_equal(len, 4);
    assert_true(ends[1]->ops->has_pending(ends[1]));
    assert_false(ends[0]->ops->has_pending(ends[0]));
    assert_int_equal(stream_read(ends[1], bytes, sizeof(bytes), &len), WILCO_OK);
    assert_int_equal(len, 4);
    assert_false(ends[1]->ops->has_pending(ends[1]));
    stream_close(ends[1]);
    assert_int_equal(a.live, 1);
    stream_close(ends[0]);
    assert_int_equal(a.live, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_arrive_in_order),
        cmocka_unit_test(names_and_interest),
        cmocka_unit_test(nothing_there_is_no_error),
        cmocka_unit_test(a_full_stream_takes_more_later),
        cmocka_unit_test(finish_ends_one_direction),
        cmocka_unit_test(a_closed_peer_is_seen),
        cmocka_unit_test(a_reset_is_an_error),
        cmocka_unit_test(tcp_does_not_wait_for_more),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(memory_says_what_it_holds),
    };

    return cmocka_run_group_tests(tests, make_contexts, free_contexts);
}
