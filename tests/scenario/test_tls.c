/* A storm of TLS handshakes, while clients that are connected by TLS exchange requests: nobody is
 * dropped, and every request is answered. TLS_STORM says how many handshakes, TLS_CLIENTS how many
 * clients. */
#define _POSIX_C_SOURCE 200809L

#include "base/clock.h"
#include "net/socket.h"
#include "net/tls.h"
#include "scenario.h"
#include "support/certificates.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

enum {
    STORM_STANDARD = 200,
    CLIENTS_STANDARD = 20,
    CLIENTS_MAX = 2000,
    WORKERS = 4,
    BATCH = 32, /* handshakes at a time, of each storming thread */
    STORMERS = 2,
};

struct storm {
    struct scenario s;
    struct certificates certificates;
    char ca[CERTIFICATES_PATH_BYTES];
    unsigned wanted;
    unsigned client_count;
    struct wilco *responder;
    struct wilco *clients[CLIENTS_MAX];
    atomic_uint lost;    /* connections of clients */
    atomic_uint begun;   /* handshakes */
    atomic_uint done;    /* likewise */
    atomic_uint refused; /* likewise */
    atomic_bool is_over;
    atomic_uint answered;
    atomic_uint failed;
    atomic_uint slowest_us;
};

static struct storm storm; /* too large for a stack */

static unsigned
from_environment(const char *name, unsigned standard)
{
    const char *text = getenv(name);

    return text == NULL ? standard : (unsigned)strtoul(text, NULL, 10);
}

static void
start_server(struct storm *x)
{
    static const char *const listen[] = {"mqtts://127.0.0.1:0"};
    struct transport_options transport = {.tls = {.certfile_count = 1, .keyfile_count = 1}};
    struct server_config config = {
        .listen = listen,
        .listen_count = 1,
        .transports = &transport,
        .shard_count = 2,
        .settings = settings_default(),
        .alloc = alloc_system(),
    };
    char reason[SERVER_REASON_BYTES] = "";
    char address[ADDRESS_TEXT_BYTES];

    (void)certificates_path(&x->certificates, "server.pem", transport.tls.certfile[0]);
    (void)certificates_path(&x->certificates, "server.key", transport.tls.keyfile[0]);
    (void)certificates_path(&x->certificates, "ca.pem", x->ca);
    if (server_start(&x->s.server, &config, reason) != WILCO_OK) {
        fail_msg("%s", reason);
    }
    address_text(server_address(x->s.server, 0), address);
    (void)snprintf(x->s.url, sizeof(x->s.url), "mqtts://%s", address);
}

static void
note_state(void *context, const struct wilco_state *state)
{
    struct storm *x = context;

    if (state->kind != WILCO_CONNECTED) {
        (void)atomic_fetch_add(&x->lost, 1);
    }
}

static struct wilco *
open_client(struct storm *x)
{
    struct wilco *client = NULL;
    struct wilco_error error = {.text = ""};
    const struct wilco_options options = {.url = x->s.url,
                                          .tls = {.ca_file = x->ca},
                                          .state_changed = note_state,
                                          .context = x,
                                          .error = &error};

    if (wilco_open(&client, &options) != WILCO_OK) {
        fail_msg("%s", error.text);
    }
    return client;
}

static void
answer(void *context, struct wilco_call *call)
{
    (void)context;
    (void)wilco_reply_bytes(call, WILCO_TEXT("pong"));
}

/* ---- Those who are connected ---- */

struct worker {
    struct storm *x;
    unsigned number;
};

static void
ask(struct storm *x, struct wilco *client)
{
    const struct wilco_request request = {.topic = "ping", .timeout_ms = 60000};
    struct wilco_message *response = NULL;
    uint64_t start_ns = clock_monotonic_ns();
    enum wilco_status st = wilco_request(client, &request, &response);
    unsigned took_us = (unsigned)((clock_monotonic_ns() - start_ns) / 1000);
    unsigned slowest_us = atomic_load(&x->slowest_us);

    wilco_message_unref(response);
    (void)atomic_fetch_add(st == WILCO_OK ? &x->answered : &x->failed, 1);
    while (took_us > slowest_us &&
           !atomic_compare_exchange_weak(&x->slowest_us, &slowest_us, took_us)) {
        continue;
    }
}

/* Each of its clients in turn, once at least, and until the storm is over. */
static void *
work(void *context)
{
    const struct worker *w = context;
    struct storm *x = w->x;

    do {
        for (unsigned i = w->number; i < x->client_count; i += WORKERS) {
            ask(x, x->clients[i]);
        }
    } while (!atomic_load(&x->is_over));
    return NULL;
}

/* ---- The storm ---- */

static struct stream *
connect_one(struct tls_client *tls, const struct address *to, unsigned number)
{
    int fd = -1;
    enum wilco_status st = socket_connect(to, &fd);
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    struct stream *s = NULL;

    if (st == WILCO_AGAIN && poll(&p, 1, -1) == 1) {
        st = socket_connected(fd);
    }
    if (st != WILCO_OK) {
        return NULL;
    }
    s = stream_of_socket(fd, alloc_system());
    /* Another name each time, so that no session goes on. */
    return s == NULL ? NULL
                     : tls_client_stream(tls, number % 2 == 0 ? "localhost" : "127.0.0.1", s,
                                         alloc_system());
}

static enum wilco_status
shake_hands(struct stream *s)
{
    enum wilco_status st = WILCO_AGAIN;

    while ((st = stream_shake_hands(s)) == WILCO_AGAIN) {
        bool is_writing = (stream_interest(s, false) & STREAM_WRITABLE) != 0;
        struct pollfd p = {.fd = stream_fd(s), .events = is_writing ? POLLOUT : POLLIN};

        (void)poll(&p, 1, -1);
    }
    return st;
}

/* All of a batch have said something before any of them is answered to. */
static void
run_batch(struct storm *x, struct tls_client *tls, unsigned count)
{
    struct stream *streams[BATCH];

    for (unsigned i = 0; i < count; i++) {
        streams[i] = connect_one(tls, server_address(x->s.server, 0), i);
        if (streams[i] != NULL) {
            (void)stream_shake_hands(streams[i]);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        bool is_ok = streams[i] != NULL && shake_hands(streams[i]) == WILCO_OK;

        (void)atomic_fetch_add(is_ok ? &x->done : &x->refused, 1);
        stream_close(streams[i]);
    }
}

static void *
make_storm(void *context)
{
    struct storm *x = context;
    const struct tls_client_options options = {.cafile = x->ca};
    struct tls_client *tls = NULL;
    char reason[TLS_REASON_BYTES];

    if (tls_client_new(&tls, &options, "mqtt", alloc_system(), reason) != WILCO_OK) {
        return NULL;
    }
    while (atomic_fetch_add(&x->begun, BATCH) < x->wanted) {
        run_batch(x, tls, BATCH);
    }
    tls_client_free(tls);
    return NULL;
}

static void
run_threads(struct storm *x)
{
    pthread_t workers[WORKERS];
    pthread_t stormers[STORMERS];
    struct worker each[WORKERS];

    for (unsigned i = 0; i < WORKERS; i++) {
        each[i] = (struct worker){.x = x, .number = i};
        assert_int_equal(pthread_create(&workers[i], NULL, work, &each[i]), 0);
    }
    for (unsigned i = 0; i < STORMERS; i++) {
        assert_int_equal(pthread_create(&stormers[i], NULL, make_storm, x), 0);
    }
    for (unsigned i = 0; i < STORMERS; i++) {
        assert_int_equal(pthread_join(stormers[i], NULL), 0);
    }
    atomic_store(&x->is_over, true);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_join(workers[i], NULL), 0);
    }
}

static void
report(const struct storm *x, uint64_t took_ms)
{
    unsigned done = atomic_load(&x->done);

    print_message("%u handshakes in %llu ms (%.0f a second), %u clients, %u requests answered, "
                  "the slowest in %.1f ms\n",
                  done, (unsigned long long)took_ms, 1000.0 * done / (double)(took_ms + 1),
                  x->client_count, atomic_load(&x->answered),
                  (double)atomic_load(&x->slowest_us) / 1000);
}

static void
allow_many_descriptors(void)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void
nobody_is_dropped(void **state)
{
    struct storm *x = &storm;
    uint64_t start_ms = 0;

    (void)state;
    allow_many_descriptors();
    x->wanted = from_environment("TLS_STORM", STORM_STANDARD);
    x->client_count = from_environment("TLS_CLIENTS", CLIENTS_STANDARD);
    assert_in_range(x->client_count, 1, CLIENTS_MAX);
    certificates_init(&x->certificates);
    certificates_make_standard(&x->certificates);
    start_server(x);
    x->responder = open_client(x);
    scenario_respond(x->responder, "ping", NULL, answer, NULL);
    for (unsigned i = 0; i < x->client_count; i++) {
        x->clients[i] = open_client(x);
    }
    start_ms = clock_monotonic_ms();
    run_threads(x);
    report(x, clock_monotonic_ms() - start_ms);
    assert_int_equal(atomic_load(&x->refused), 0);
    assert_true(atomic_load(&x->done) >= x->wanted);
    assert_int_equal(atomic_load(&x->failed), 0);
    assert_int_equal(atomic_load(&x->lost), 0);
    for (unsigned i = 0; i < x->client_count; i++) {
        wilco_close(x->clients[i]);
    }
    wilco_close(x->responder);
    scenario_close(&x->s);
    certificates_fini(&x->certificates);
}

/* ---- A server that is not trusted ---- */

struct refusals {
    struct gate seen;
    atomic_bool is_wrong;
};

static void
note_refusal(void *context, const struct wilco_state *state)
{
    struct refusals *r = context;

    if (state->kind != WILCO_DISCONNECTED ||
        strstr(state->why->text, "issued by a CA that is not trusted here") == NULL) {
        atomic_store(&r->is_wrong, true);
    }
    gate_raise(&r->seen);
}

/* wilco_open() fails; one that need not find the server goes on trying, and says why. */
static void
a_certificate_that_is_refused(void **state)
{
    static struct storm x;
    struct refusals r = {.is_wrong = false};
    struct wilco *client = NULL;
    struct wilco_error error = {.text = ""};
    struct wilco_options options = {.reconnect_min_ms = 10,
                                    .reconnect_max_ms = 10,
                                    .state_changed = note_refusal,
                                    .context = &r,
                                    .error = &error};

    (void)state;
    gate_init(&r.seen);
    certificates_init(&x.certificates);
    certificates_make_standard(&x.certificates);
    start_server(&x);
    options.url = x.s.url;
    options.tls.ca_file = certificates_path(&x.certificates, "other-ca.pem", x.ca);
    assert_int_equal(wilco_open(&client, &options), WILCO_ECONNECT);
    assert_null(client);
    assert_non_null(strstr(error.text, "issued by a CA that is not trusted here"));
    options.open_offline = true;
    assert_int_equal(wilco_open(&client, &options), WILCO_OK);
    assert_true(gate_wait(&r.seen, 3));
    wilco_close(client);
    assert_false(atomic_load(&r.is_wrong));
    options.tls.ca_file = certificates_path(&x.certificates, "empty.pem", x.ca);
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        assert_int_equal(wilco_open(&client, &options), WILCO_EINVAL);
        assert_non_null(strstr(error.text, "has no certificate in PEM in it"));
    }
    options.url = "mqtt://127.0.0.1:1";
    assert_int_equal(wilco_open(&client, &options), WILCO_EINVAL);
    assert_non_null(strstr(error.text, "neither mqtts:// nor wss://"));
    scenario_close(&x.s);
    certificates_fini(&x.certificates);
    gate_fini(&r.seen);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_dropped),
        cmocka_unit_test(a_certificate_that_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
