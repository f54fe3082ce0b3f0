#define _POSIX_C_SOURCE 200809L

/* A responder with a journal is killed (SIGKILL) at random moments and started again, while a
 * requester goes on asking. However it falls: no request is executed twice, and every one is
 * answered, with 200 only if it was executed.
 *
 *     crash ROUNDS SEED                    runs it
 *     crash respond URL JOURNAL LOG        is the responder
 *
 * What was executed is in LOG, a line each, which the responder writes before it answers. */

#include "base/random.h"
#include "scenario.h"

#include <assert.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define REQUESTS_MAX  1000000U
#define IN_FLIGHT     8U
#define NAME_BYTES    16U /* of a correlation */
#define LINE_BYTES    (NAME_BYTES + 1U)
#define TIMEOUT_MS    300000U
#define LINES_MAX     20U /* executed in one life */
#define PAUSE_US_MAX  20000U
#define POLL_US       200U
#define PATIENCE_POLL 100000U /* times that: 20 s and more without anything executed */

/* ---- The responder ---- */

static void
execute(void *context, struct wilco_call *call)
{
    const int *log = context;
    struct wilco_bytes id = wilco_message_correlation_data(wilco_call_message(call));
    char line[LINE_BYTES];

    assert(id.len == NAME_BYTES);
    memcpy(line, id.data, NAME_BYTES);
    line[NAME_BYTES] = '\n';
    if (write(*log, line, sizeof(line)) != (ssize_t)sizeof(line)) {
        _exit(4);
    }
    (void)wilco_reply_bytes(call, id);
}

static int
be_responder(const char *url, const char *journal, const char *path)
{
    const struct wilco_options options = {
        .url = url, .client_id = "worker", .keep_session = true, .session_expiry_s = 3600};
    const struct wilco_responder responder = {.filter = "work", .group = "g", .journal = journal};
    struct wilco *client = NULL;
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

    if (log < 0 || wilco_open(&client, &options) != WILCO_OK) {
        return 2;
    }
    if (wilco_respond(client, &responder, execute, &log, NULL) != WILCO_OK) {
        return 3;
    }
    for (;;) {
        (void)pause();
    }
}

/* ---- The requester ---- */

struct outcome {
    unsigned answers;
    enum wilco_status status;
    int code; /* `__stat` */
};

static struct asking {
    struct wilco *client;
    struct outcome *outcomes;
    atomic_uint asked;
    atomic_bool is_over; /* no more are asked */
    struct gate ended;
} asking;

static void ask(void);

static void
on_response(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct outcome *o = context;

    o->answers++;
    o->status = status;
    o->code = response == NULL ? 0 : wilco_message_status(response);
    if (!atomic_load(&asking.is_over)) {
        ask();
    }
    gate_raise(&asking.ended);
}

static void
ask(void)
{
    char name[NAME_BYTES + 1];
    const struct wilco_request request = {
        .topic = "work",
        .correlation_data = {name, NAME_BYTES},
        .timeout_ms = TIMEOUT_MS,
    };
    uint32_t number = atomic_fetch_add(&asking.asked, 1);

    assert(number < REQUESTS_MAX);
    (void)snprintf(name, sizeof(name), "%016u", (unsigned)number);
    assert(wilco_request_start(asking.client, &request, on_response, &asking.outcomes[number],
                               NULL) == WILCO_OK);
}

/* ---- The broker ---- */

/* In a process of its own, which has no other children: a child has its parent's sockets for a
 * moment, and what epoll knows of those outlives their end in the parent. */
struct broker {
    pid_t pid;
    int till; /* closing it ends the broker */
    char url[sizeof(((struct scenario *)NULL)->url)];
};

static void
be_broker(int urls, int till)
{
    struct scenario s;
    char byte;

    scenario_open(&s, 2);
    assert(write(urls, s.url, sizeof(s.url)) == (ssize_t)sizeof(s.url));
    while (read(till, &byte, 1) > 0) {
    }
    scenario_close(&s);
    _exit(0);
}

static void
start_broker(struct broker *b)
{
    int urls[2];
    int till[2];

    assert(pipe(urls) == 0 && pipe(till) == 0);
    b->pid = fork();
    assert(b->pid >= 0);
    if (b->pid == 0) {
        (void)close(till[1]);
        be_broker(urls[1], till[0]);
    }
    (void)close(urls[1]);
    (void)close(till[0]);
    assert(read(urls[0], b->url, sizeof(b->url)) == (ssize_t)sizeof(b->url));
    (void)close(urls[0]);
    b->till = till[1];
    assert(fcntl(b->till, F_SETFD, FD_CLOEXEC) == 0);
}

static void
stop_broker(const struct broker *b)
{
    int status = 0;

    (void)close(b->till);
    assert(waitpid(b->pid, &status, 0) == b->pid);
    assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- Life and death ---- */

static void
pause_us(uint64_t us)
{
    const struct timespec t = {.tv_sec = (time_t)(us / 1000000),
                               .tv_nsec = (long)(us % 1000000) * 1000};

    (void)nanosleep(&t, NULL);
}

static pid_t
start_responder(const char *self, const char *url, const char *journal, const char *log)
{
    pid_t pid = fork();

    assert(pid >= 0);
    if (pid == 0) {
        (void)execl(self, self, "respond", url, journal, log, (char *)NULL);
        _exit(5);
    }
    return pid;
}

static void
kill_responder(pid_t pid)
{
    int status = 0;

    assert(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
    if (!WIFSIGNALED(status)) {
        fail_msg("the responder ended by itself, with %d", WEXITSTATUS(status));
    }
}

static size_t
lines_of(const char *log)
{
    struct stat s;

    return stat(log, &s) == 0 ? (size_t)s.st_size / LINE_BYTES : 0;
}

/* Lets it live for so many requests, or, one in four times, for a moment only. */
static void
let_live(const char *log, const struct random_source *random)
{
    size_t lines = lines_of(log);
    uint64_t dice = 0;
    uint64_t us = 0;
    unsigned polls = 0;

    assert(random_u64(random, &dice) == WILCO_OK && random_u64(random, &us) == WILCO_OK);
    if (dice % 4 != 0) {
        lines += 1 + dice / 4 % LINES_MAX;
        while (lines_of(log) < lines) {
            pause_us(POLL_US);
            if (++polls > PATIENCE_POLL) {
                fail_msg("nothing is executed any more");
            }
        }
        us %= PAUSE_US_MAX / 10;
    }
    pause_us(us % PAUSE_US_MAX);
}

/* ---- What came of it ---- */

static uint8_t *
read_log(const char *path)
{
    uint8_t *executed = calloc(REQUESTS_MAX, 1);
    FILE *f = fopen(path, "r");
    char line[LINE_BYTES + 1];

    assert(executed != NULL && f != NULL);
    while (fgets(line, sizeof(line), f) != NULL) {
        unsigned long number = strtoul(line, NULL, 10);

        assert(number < atomic_load(&asking.asked));
        executed[number]++;
    }
    (void)fclose(f);
    return executed;
}

static unsigned
check(const char *log)
{
    uint8_t *executed = read_log(log);
    unsigned interrupted = 0;
    unsigned wrong = 0;

    for (uint32_t i = 0; i < asking.asked; i++) {
        const struct outcome *o = &asking.outcomes[i];
        bool is_done = o->status == WILCO_OK && o->code == 200 && executed[i] == 1;
        bool is_interrupted = o->status == WILCO_EREMOTE && o->code == 500 && executed[i] <= 1;

        interrupted += is_interrupted;
        if (o->answers != 1 || !(is_done || is_interrupted)) {
            wrong++;
            print_error("request %u: executed %u times, %u answers, status %d, __stat %d\n",
                        (unsigned)i, (unsigned)executed[i], o->answers, (int)o->status, o->code);
        }
    }
    print_message("%u requests, %u of them interrupted, %u wrong\n", (unsigned)asking.asked,
                  interrupted, wrong);
    free(executed);
    return wrong;
}

/* The session of the responder must be there before anything can wait in it. */
static void
ask_the_first(void)
{
    const struct wilco_request hello = {.topic = "work",
                                        .correlation_data = WILCO_TEXT("0000000000000000")};

    for (unsigned polls = 0; atomic_load(&asking.asked) == 0; polls++) {
        struct wilco_message *response = NULL;

        if (wilco_request(asking.client, &hello, &response) == WILCO_OK) {
            asking.outcomes[0] = (struct outcome){1, WILCO_OK, 200};
            atomic_store(&asking.asked, 1);
        }
        wilco_message_unref(response);
        assert(polls < PATIENCE_POLL);
        pause_us(POLL_US);
    }
}

static void
ask_and_kill(const char *self, const struct broker *b, const char *folder, unsigned rounds,
             uint64_t seed)
{
    char journal[64], log[64];
    struct random_seeded random;
    pid_t pid;

    (void)snprintf(journal, sizeof(journal), "%s/journal", folder);
    (void)snprintf(log, sizeof(log), "%s/log", folder);
    random_seeded_init(&random, seed);
    pid = start_responder(self, b->url, journal, log);
    ask_the_first();
    for (unsigned i = 0; i < IN_FLIGHT; i++) {
        ask();
    }
    for (unsigned round = 0; round < rounds; round++) {
        let_live(log, &random.source);
        kill_responder(pid);
        pid = start_responder(self, b->url, journal, log);
    }
    atomic_store(&asking.is_over, true);
    while (gate_count(&asking.ended) + 1 < atomic_load(&asking.asked)) {
        pause_us(POLL_US);
    }
    kill_responder(pid);
}

static unsigned
run(const char *self, unsigned rounds, uint64_t seed)
{
    char folder[] = "/tmp/wilco_crash_XXXXXX";
    char journal[64], log[64];
    struct broker broker;
    unsigned wrong = 0;

    assert(mkdtemp(folder) != NULL);
    (void)snprintf(journal, sizeof(journal), "%s/journal", folder);
    (void)snprintf(log, sizeof(log), "%s/log", folder);
    start_broker(&broker);
    asking.outcomes = calloc(REQUESTS_MAX, sizeof(*asking.outcomes));
    assert(asking.outcomes != NULL);
    gate_init(&asking.ended);
    assert(wilco_open(&asking.client, &(struct wilco_options){.url = broker.url}) == WILCO_OK);
    ask_and_kill(self, &broker, folder, rounds, seed);
    wrong = check(log);
    wilco_close(asking.client);
    stop_broker(&broker);
    gate_fini(&asking.ended);
    free(asking.outcomes);
    (void)unlink(journal);
    (void)unlink(log);
    (void)rmdir(folder);
    return wrong;
}

int
main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "respond") == 0) {
        return be_responder(argv[2], argv[3], argv[4]);
    }
    if (argc != 3) {
        (void)fprintf(stderr, "crash ROUNDS SEED\n");
        return 2;
    }
    return run(argv[0], (unsigned)strtoul(argv[1], NULL, 10), strtoull(argv[2], NULL, 10)) == 0 ? 0
                                                                                                : 1;
}
