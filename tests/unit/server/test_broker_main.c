#define _POSIX_C_SOURCE 200809L

#include "broker/server/broker_main.h"
#include "mqtt_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* The broker in a process of its own; this one reads its standard error. */
struct child {
    pid_t pid;
    FILE *log;
};

static void
child_start(struct child *c, const struct broker_main_options *options)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    c->pid = fork();
    assert_true(c->pid >= 0);
    if (c->pid == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        exit(broker_main(options));
    }
    (void)close(ends[1]);
    c->log = fdopen(ends[0], "r");
    assert_non_null(c->log);
}

static void
child_read_line(struct child *c, char line[1200])
{
    assert_non_null(fgets(line, 1200, c->log));
}

/* What waitpid() says. */
static int
child_wait(struct child *c)
{
    int status = -1;

    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    (void)fclose(c->log);
    return status;
}

/* What the line with event=ready says. */
static struct address
ready_address(struct child *c)
{
    static const char before[] = "event=ready listen=mqtt://127.0.0.1:";
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    struct address a = {.len = sizeof(in)};
    char line[1200];
    const char *found = NULL;

    child_read_line(c, line);
    found = strstr(line, before);
    assert_non_null(found);
    assert_non_null(strstr(line, " shards=2\n"));
    in.sin_port = htons((uint16_t)strtoul(found + sizeof(before) - 1, NULL, 10));
    memcpy(&a.storage, &in, sizeof(in));
    return a;
}

static const char *const any_port[] = {"mqtt://127.0.0.1:0"};

static void
ends_with_a_signal(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT};
    const struct broker_main_options options = {
        .listen = any_port, .listen_count = 1, .shards = 2, .log_level = LOG_INFO};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct child c;
        struct address a;
        struct mqtt_peer p;
        char line[1200];
        int status = 0;

        child_start(&c, &options);
        a = ready_address(&c);
        mqtt_peer_connect(&p, &a, "me");
        assert_int_equal(kill(c.pid, signals[i]), 0);
        mqtt_peer_expect_disconnect(&p, WIRE_REASON_SERVER_SHUTTING_DOWN);
        mqtt_peer_close(&p);
        child_read_line(&c, line);
        assert_non_null(strstr(line, i == 0 ? "event=stopping signal=SIGTERM" : "signal=SIGINT"));
        child_read_line(&c, line);
        assert_non_null(strstr(line, "event=stopped connections=1 "));
        status = child_wait(&c);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

static void
a_second_signal_ends_it_at_once(void **state)
{
    static const char *const settings[] = {"drain_timeout_ms=600000", "ending_timeout_ms=600000"};
    const struct broker_main_options options = {
        .listen = any_port,
        .listen_count = 1,
        .shards = 2,
        .settings = settings,
        .setting_count = 2,
        .log_level = LOG_INFO,
    };
    struct child c;
    struct address a;
    struct mqtt_peer p;
    struct wire_any packet;
    int status = 0;

    (void)state;
    child_start(&c, &options);
    a = ready_address(&c);
    mqtt_peer_connect(&p, &a, "a client that stays");
    assert_int_equal(kill(c.pid, SIGTERM), 0);
    mqtt_peer_expect(&p, WIRE_DISCONNECT, &packet); /* it has begun to stop, and waits for us */
    assert_int_equal(kill(c.pid, SIGTERM), 0);
    status = child_wait(&c);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
    mqtt_peer_close(&p);
}

static const struct {
    const char *listen;
    const char *store;
    const char *setting;
    unsigned shards;
    int exit_code;
    const char *reason; /* part of it */
} rows[] = {
    {"mqtt://127.0.0.1:0", "tape", "receive_maximum=1", 1, 1, "no store called \"tape\""},
    {"mqtt://127.0.0.1:0", "memory", "recieve_maximum=1", 1, 1, "recieve_maximum"},
    {"mqtt://127.0.0.1:0", NULL, "receive_maximum=65536", 1, 1, "from 1 to 65535"},
    {"mqtt://127.0.0.1:0", NULL, "receive_maximum=1", 65, 1, "too many"},
    {"telnet://127.0.0.1", NULL, "receive_maximum=1", 1, 1, "unknown scheme"},
    {"mqtt://0.0.0.0:0", NULL, "receive_maximum=1", 1, 1, "--allow-anonymous"},
    {"unix:/no/such/folder/s", NULL, "receive_maximum=1", 1, 2, "make the folder first"},
};

static void
says_in_one_line_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct broker_main_options options = {
            .listen = &rows[i].listen,
            .listen_count = 1,
            .shards = rows[i].shards,
            .store = rows[i].store,
            .settings = &rows[i].setting,
            .setting_count = 1,
            .log_level = LOG_INFO,
        };
        struct child c;
        char line[1200];
        int status = 0;

        child_start(&c, &options);
        child_read_line(&c, line);
        assert_non_null(strstr(line, rows[i].reason));
        assert_null(fgets(line, sizeof(line), c.log));
        status = child_wait(&c);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), rows[i].exit_code);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_with_a_signal),
        cmocka_unit_test(a_second_signal_ends_it_at_once),
        cmocka_unit_test(says_in_one_line_what_to_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
