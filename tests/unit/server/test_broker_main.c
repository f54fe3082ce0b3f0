#define _DEFAULT_SOURCE /* WCOREDUMP */

#include "broker/server/broker_main.h"
#include "mqtt_peer.h"

#include <arpa/inet.h>
#include <dirent.h>
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

    while (found == NULL) { /* it may say before what the kernel cannot do */
        child_read_line(c, line);
        found = strstr(line, before);
    }
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

/* What `line` of a status file in /proc says behind its colon, in words of `text`. */
static const char *
status_of(const char *path, const char *line, char text[256])
{
    FILE *file = fopen(path, "r");
    size_t len = strlen(line);

    assert_non_null(file);
    while (fgets(text, 256, file) != NULL) {
        if (strncmp(text, line, len) == 0 && text[len] == ':') {
            (void)fclose(file);
            text[strcspn(text, "\n")] = '\0';
            return text + len + 1 + strspn(text + len + 1, " \t");
        }
    }
    fail_msg("%s does not say %s", path, line);
    return NULL;
}

/* Of each thread. */
static unsigned
expect_of_threads(pid_t pid, const char *line, const char *value)
{
    char path[300];
    DIR *tasks = NULL;
    const struct dirent *task = NULL;
    unsigned count = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    tasks = opendir(path);
    assert_non_null(tasks);
    while ((task = readdir(tasks)) != NULL) { /* NOLINT(concurrency-mt-unsafe): own stream */
        char text[256];

        if (task->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(path, sizeof(path), "/proc/%d/task/%.20s/status", (int)pid, task->d_name);
        assert_string_equal(status_of(path, line, text), value);
        count++;
    }
    (void)closedir(tasks);
    return count;
}

/* False: this build has no sandbox. */
static bool
starts_confined(struct child *c, const char *user)
{
    const struct broker_main_options options = {.listen = any_port,
                                                .listen_count = 1,
                                                .shards = 2,
                                                .user = user,
                                                .log_level = LOG_DEBUG,
                                                .has_log_level = true};
    char line[1200];

    child_start(c, &options);
    child_read_line(c, line);
    if (strstr(line, "event=no_sandbox") != NULL) {
        return false;
    }
    while (strstr(line, "event=sandbox uid=") == NULL) {
        assert_non_null(strstr(line, "event=sandbox_incomplete part=files")); /* an old kernel */
        child_read_line(c, line);
    }
    assert_non_null(strstr(line, " seccomp=1"));
    (void)ready_address(c);
    return true;
}

static void
stop(struct child *c)
{
    char line[1200];
    int status = 0;

    assert_int_equal(kill(c->pid, SIGTERM), 0);
    while (fgets(line, sizeof(line), c->log) != NULL) {
    }
    status = child_wait(c);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void
can_do_little_when_it_runs(void **state)
{
    static const char *const users[] = {NULL, "root"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct child c;
        char path[64], text[256];
        const char *zero = "0000000000000000";

        if (starts_confined(&c, users[i])) {
            assert_true(expect_of_threads(c.pid, "Seccomp", "2") >= 3);
            assert_true(expect_of_threads(c.pid, "NoNewPrivs", "1") >= 3);
            assert_true(expect_of_threads(c.pid, "CapEff", zero) >= 3);
            assert_true(expect_of_threads(c.pid, "CapPrm", zero) >= 3);
            (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)c.pid);
            if (geteuid() == 0) {
                assert_true(expect_of_threads(c.pid, "CapBnd", zero) >= 3);
                assert_int_equal(strncmp(status_of(path, "Uid", text), "0\t", 2) == 0, i == 1);
            }
        }
        stop(&c);
    }
}

static void
leaves_no_core(void **state)
{
    struct child c;
    int status = 0;

    (void)state;
    if (!starts_confined(&c, NULL)) {
        stop(&c);
        skip();
    }
    assert_int_equal(kill(c.pid, SIGQUIT), 0);
    status = child_wait(&c);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGQUIT);
    assert_false(WCOREDUMP(status));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_with_a_signal),
        cmocka_unit_test(a_second_signal_ends_it_at_once),
        cmocka_unit_test(says_in_one_line_what_to_do),
        cmocka_unit_test(can_do_little_when_it_runs),
        cmocka_unit_test(leaves_no_core),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
