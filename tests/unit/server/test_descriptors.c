#define _POSIX_C_SOURCE 200809L

#include "base/clock.h"
#include "fixture.h"
#include "mqtt_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A server that runs out of descriptors. It lives in a process of its own, where the limit is; the
 * pipes tell the port and the end. */

#define DESCRIPTORS 64
#define CROWD       (2 * DESCRIPTORS)
#define SHARDS      2
#define PAUSE_MS    100

struct child {
    pid_t pid;
    int out; /* what it tells us: its address, and at the end how long its threads have run, in ms
              */
    int in;  /* closed: it is to end */
};

static void
count_pauses(void *context, enum log_level level, struct span line)
{
    static const char wanted[] = "event=accept_paused";

    (void)level;
    for (size_t i = 0; i + sizeof(wanted) - 1 <= line.len; i++) {
        if (memcmp(line.data + i, wanted, sizeof(wanted) - 1) == 0) {
            atomic_fetch_add((atomic_uint *)context, 1);
        }
    }
}

static void
serve(int in, int out)
{
    const struct rlimit limit = {.rlim_cur = DESCRIPTORS, .rlim_max = DESCRIPTORS};
    atomic_uint pauses = 0;
    const struct logger log = {.level = LOG_WARNING, .sink = count_pauses, .context = &pauses};
    struct server_config config = fixture_config(SHARDS);
    struct server *s = NULL;
    unsigned count = 0;
    char byte = 0;

    config.log = &log;
    s = fixture_start_with(&config);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(write(out, fixture_address(s), sizeof(struct address)) > 0);
    assert_int_equal(read(in, &byte, 1), 0);
    server_stop(s);
    count = atomic_load(&pauses);
    assert_true(write(out, &count, sizeof(count)) > 0);
}

static void
child_start(struct child *c)
{
    int to_child[2];
    int from_child[2];

    assert_int_equal(pipe(to_child), 0);
    assert_int_equal(pipe(from_child), 0);
    c->pid = fork();
    assert_true(c->pid >= 0);
    if (c->pid == 0) {
        (void)close(to_child[1]);
        (void)close(from_child[0]);
        serve(to_child[0], from_child[1]);
        exit(0);
    }
    (void)close(to_child[0]);
    (void)close(from_child[1]);
    c->in = to_child[1];
    c->out = from_child[0];
}

/* How often it paused. */
static unsigned
child_stop(struct child *c)
{
    unsigned pauses = 0;
    int status = -1;

    (void)close(c->in);
    assert_int_equal(read(c->out, &pauses, sizeof(pauses)), sizeof(pauses));
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    (void)close(c->out);
    return pauses;
}

/* Far more clients than there are descriptors: those inside go on, the rest are refused (closed, or
 * reset if they had sent something) without the server spinning; when some go, others come in. */
static void
survives_without_descriptors(void **state)
{
    struct child c;
    struct address a;
    struct mqtt_peer inside;
    struct mqtt_peer crowd[CROWD];
    size_t refused = 0;
    uint64_t start_ms = clock_monotonic_ms();
    unsigned pauses = 0;
    char byte = 0;

    (void)state;
    child_start(&c);
    assert_int_equal(read(c.out, &a, sizeof(a)), sizeof(a));
    mqtt_peer_connect(&inside, &a, "inside");
    for (size_t i = 0; i < CROWD; i++) {
        mqtt_peer_open(&crowd[i], &a);
    }
    while (refused < CROWD - DESCRIPTORS) { /* the crowd is too large by this many at least */
        mqtt_peer_ping(&inside);
        refused = 0;
        for (size_t i = 0; i < CROWD; i++) {
            refused += recv(crowd[i].fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
        }
    }
    for (size_t i = 0; i < CROWD; i++) {
        mqtt_peer_close(&crowd[i]);
    }
    mqtt_peer_connect(&crowd[0], &a, "next");
    mqtt_peer_ping(&crowd[0]);
    mqtt_peer_ping(&inside);
    mqtt_peer_close(&crowd[0]);
    mqtt_peer_close(&inside);
    pauses = child_stop(&c);
    assert_true(pauses > 0);
    assert_true(pauses <= SHARDS * ((clock_monotonic_ms() - start_ms) / PAUSE_MS + 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(survives_without_descriptors)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
