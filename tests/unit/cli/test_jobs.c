#define _POSIX_C_SOURCE 200809L

#include "cli/jobs.h"

#include "cli/wake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

/* The part of libwilco that answering needs, so that no server is needed. */
struct wilco_message {
    struct wilco_bytes topic, payload, correlation;
};

struct wilco_call {
    struct wilco_message message;
    uint32_t remaining_ms;
    int refs;
    bool is_cancelled;
    int order; /* the first answer has 1; 0: none yet */
    int status;
    char payload[256];
};

static int answer_count;

const struct wilco_message *
wilco_call_message(const struct wilco_call *call)
{
    return &call->message;
}

struct wilco_call *
wilco_call_ref(struct wilco_call *call)
{
    call->refs++;
    return call;
}

void
wilco_call_unref(struct wilco_call *call)
{
    assert_true(call->refs > 0);
    assert_true(call->order > 0); /* answered before it is let go of */
    call->refs--;
}

void
wilco_call_watch(struct wilco_call *call, wilco_call_fn *changed, void *context)
{
    (void)call, (void)changed, (void)context;
}

bool
wilco_call_is_cancelled(const struct wilco_call *call)
{
    return call->is_cancelled;
}

uint32_t
wilco_call_remaining_ms(const struct wilco_call *call)
{
    return call->remaining_ms;
}

enum wilco_status
wilco_reply(struct wilco_call *call, const struct wilco_reply *reply)
{
    assert_int_equal(call->order, 0);
    assert_true(reply->payload.len < sizeof(call->payload));
    call->order = ++answer_count;
    call->status = reply->status;
    if (reply->status_text != NULL) {
        (void)snprintf(call->payload, sizeof(call->payload), "%s", reply->status_text);
    } else if (reply->payload.len > 0) {
        memcpy(call->payload, reply->payload.data, reply->payload.len);
    }
    return WILCO_OK;
}

enum wilco_status
wilco_reply_error(struct wilco_call *call, int status, const char *text)
{
    return wilco_reply(call, &(struct wilco_reply){.status = status, .status_text = text});
}

struct wilco_bytes
wilco_message_topic(const struct wilco_message *m)
{
    return m->topic;
}

struct wilco_bytes
wilco_message_payload(const struct wilco_message *m)
{
    return m->payload;
}

struct wilco_bytes
wilco_message_correlation_data(const struct wilco_message *m)
{
    return m->correlation;
}

struct wilco_bytes
wilco_message_response_topic(const struct wilco_message *m)
{
    (void)m;
    return WILCO_TEXT("answers");
}

struct wilco_bytes
wilco_message_content_type(const struct wilco_message *m)
{
    (void)m;
    return (struct wilco_bytes){NULL, 0};
}

/* Those that only showing needs, which these tests do not. */
bool
wilco_message_user_property_at(const struct wilco_message *m, size_t index,
                               struct wilco_bytes *name, struct wilco_bytes *value)
{
    (void)m, (void)index, (void)name, (void)value;
    return false;
}

uint8_t
wilco_message_qos(const struct wilco_message *m)
{
    (void)m;
    return 0;
}

bool
wilco_message_retain(const struct wilco_message *m)
{
    (void)m;
    return false;
}

bool
wilco_message_is_utf8(const struct wilco_message *m)
{
    (void)m;
    return false;
}

bool
wilco_message_expiry_s(const struct wilco_message *m, uint32_t *seconds)
{
    (void)m, (void)seconds;
    return false;
}

bool
wilco_message_is_part(const struct wilco_message *m)
{
    (void)m;
    return false;
}

bool
wilco_message_progress(const struct wilco_message *m, double *done)
{
    (void)m;
    (void)done;
    return false;
}

int
wilco_message_status(const struct wilco_message *m)
{
    (void)m;
    return 200;
}

const char *
wilco_status_text(enum wilco_status status)
{
    (void)status;
    return "";
}

static struct answers answers;

static struct wilco_call
new_call(const char *payload)
{
    return (struct wilco_call){
        .message = {.topic = WILCO_TEXT("requests"), .payload = {payload, strlen(payload)}},
        .remaining_ms = UINT32_MAX,
    };
}

static struct jobs *
new_jobs(const char *command, unsigned concurrency, unsigned queue)
{
    answers = (struct answers){0};
    answer_count = 0;
    return jobs_new(&(struct jobs_options){
        .command = command,
        .concurrency_max = concurrency,
        .queue_max = queue,
        .timeout_ms = 60000,
        .answers = &answers,
    });
}

static void
end_jobs(struct jobs *jobs)
{
    jobs_stop(jobs);
    jobs_free(jobs);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

static void
run_until(struct jobs *jobs, int count)
{
    while (answer_count < count) {
        jobs_turn(jobs);
    }
}

static const struct {
    const char *command, *payload;
    int status;
    const char *answer;
} rows[] = {
    {"cat", "hello", 0, "hello"},
    {"cat", "", 0, ""},
    {"tr a-z A-Z", "hello", 0, "HELLO"},
    {"exec <&-; echo done", "not read", 0, "done\n"},
    {"echo \"$WILCO_TOPIC $WILCO_RESPONSE_TOPIC\"", "", 0, "requests answers\n"},
    {"echo \"${WILCO_CORRELATION-none} ${WILCO_REMAINING_MS-none}\"", "", 0, "none none\n"},
    {"echo \"${MQTT_PASSWORD-none} ${WILCO_URL-none}\"", "", 0, "none none\n"},
    {"echo half an answer; exit 3", "", 500, "the command ended with code 3"},
    {"kill -9 $$", "", 500, "the command was ended by signal 9"},
    {"head -c 16777217 /dev/zero", "", 500, "the command's answer is too large"},
    {"echo only here >&2", "", 0, ""},
};

static void
one_command_one_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jobs *jobs = new_jobs(rows[i].command, 1, 1);
        struct wilco_call call = new_call(rows[i].payload);

        jobs_add(jobs, &call);
        run_until(jobs, 1);
        if (call.status != rows[i].status || strcmp(call.payload, rows[i].answer) != 0) {
            fail_msg("row %zu: %d %s", i, call.status, call.payload);
        }
        end_jobs(jobs);
    }
}

static void
correlation_data_reaches_the_command(void **state)
{
    static const struct {
        struct wilco_bytes correlation;
        const char *answer;
    } correlations[] = {
        {{"a b", 3}, "a b 612062\n"},
        {{"\xff\0", 2}, "none ff00\n"},
        {{"", 0}, " \n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(correlations) / sizeof(correlations[0]); i++) {
        struct jobs *jobs =
            new_jobs("echo \"${WILCO_CORRELATION-none} ${WILCO_CORRELATION_HEX-none}\"", 1, 1);
        struct wilco_call call = new_call("");

        call.message.correlation = correlations[i].correlation;
        jobs_add(jobs, &call);
        run_until(jobs, 1);
        assert_string_equal(call.payload, correlations[i].answer);
        end_jobs(jobs);
    }
}

/* More than pipes hold in either direction, and read while it is written. */
static void
a_large_payload_goes_through(void **state)
{
    struct jobs *jobs = new_jobs("cat | wc -c", 1, 1);
    size_t len = 4U * 1024 * 1024;
    char *payload = calloc(1, len);
    struct wilco_call call = new_call("");

    (void)state;
    assert_non_null(payload);
    call.message.payload = (struct wilco_bytes){payload, len};
    jobs_add(jobs, &call);
    run_until(jobs, 1);
    assert_string_equal(call.payload, "4194304\n");
    free(payload);
    end_jobs(jobs);
}

static void
a_command_is_ended_when_nobody_waits_any_more(void **state)
{
    static const char *const commands[] = {
        "sleep 1000",                              /* ends at SIGTERM */
        "trap '' TERM; while :; do sleep 1; done", /* at SIGKILL */
        "exec >&-; sleep 1000",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        struct jobs *jobs = new_jobs(commands[i], 1, 1);
        struct wilco_call call = new_call("");

        call.remaining_ms = 50;
        jobs_add(jobs, &call);
        run_until(jobs, 1);
        assert_int_equal(call.status, 504);
        assert_string_equal(call.payload, "the command did not end in time");
        end_jobs(jobs);
    }
}

/* Each command waits for the one before it, so they must run at the same time, and end in order. */
static void
a_command_is_ended_when_the_request_is_taken_back(void **state)
{
    struct jobs *jobs = new_jobs("sleep 1000", 1, 1);
    struct wilco_call call = new_call("");

    (void)state;
    call.is_cancelled = true;
    jobs_add(jobs, &call);
    run_until(jobs, 1);
    assert_int_equal(call.status, 504);
    assert_int_equal(call.refs, 0);
    end_jobs(jobs);
}

static void
commands_run_beside_each_other(void **state)
{
    char directory[] = "/tmp/wilco-jobs-XXXXXX", command[256];
    static const char *const payloads[] = {"1", "2", "3"};
    struct wilco_call calls[3];
    struct jobs *jobs;

    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(command, sizeof(command),
                   "cd %s; n=$(cat); until [ $n = 3 ] || [ -e $((n + 1)) ]; do :; done; "
                   "if [ $n = 1 ]; then rm -rf %s; else : > $n; fi; echo $n",
                   directory, directory);
    jobs = new_jobs(command, 3, 3);
    for (int i = 0; i < 3; i++) {
        calls[i] = new_call(payloads[i]);
        jobs_add(jobs, &calls[i]);
    }
    run_until(jobs, 3);
    assert_string_equal(calls[0].payload, "1\n");
    assert_string_equal(calls[1].payload, "2\n");
    assert_string_equal(calls[2].payload, "3\n");
    end_jobs(jobs);
}

static void
too_many_are_turned_away_and_the_rest_is_served_in_order(void **state)
{
    struct jobs *jobs = new_jobs("cat", 1, 3);
    struct wilco_call calls[4];

    (void)state;
    for (int i = 0; i < 4; i++) {
        calls[i] = new_call("x");
        jobs_add(jobs, &calls[i]);
    }
    assert_int_equal(answer_count, 1);
    assert_int_equal(calls[3].status, 429);
    run_until(jobs, 4);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(calls[i].order, i + 2);
        assert_string_equal(calls[i].payload, "x");
    }
    end_jobs(jobs);
}

static void
who_waited_too_long_is_not_served(void **state)
{
    struct jobs *jobs = new_jobs("cat", 1, 2);
    struct wilco_call call = new_call("x");

    (void)state;
    call.remaining_ms = 0;
    jobs_add(jobs, &call);
    run_until(jobs, 1);
    assert_int_equal(call.status, 504);
    end_jobs(jobs);
}

static void
stopping_answers_everybody(void **state)
{
    struct jobs *jobs = new_jobs("sleep 1000", 1, 8);
    struct wilco_call running = new_call(""), waiting = new_call(""), late = new_call("");

    (void)state;
    jobs_add(jobs, &running);
    jobs_add(jobs, &waiting);
    jobs_turn(jobs); /* jobs_add() has woken it */
    jobs_stop(jobs);
    jobs_add(jobs, &late);
    assert_int_equal(running.status, 503);
    assert_int_equal(waiting.status, 503);
    assert_int_equal(late.status, 503);
    jobs_free(jobs);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_command_one_answer),
        cmocka_unit_test(correlation_data_reaches_the_command),
        cmocka_unit_test(a_large_payload_goes_through),
        cmocka_unit_test(a_command_is_ended_when_nobody_waits_any_more),
        cmocka_unit_test(a_command_is_ended_when_the_request_is_taken_back),
        cmocka_unit_test(commands_run_beside_each_other),
        cmocka_unit_test(too_many_are_turned_away_and_the_rest_is_served_in_order),
        cmocka_unit_test(who_waited_too_long_is_not_served),
        cmocka_unit_test(stopping_answers_everybody),
    };

    wake_init();
    return setenv("MQTT_PASSWORD", "secret", 1) | setenv("WILCO_URL", "mqtt://u:p@h", 1) |
           cmocka_run_group_tests(tests, NULL, NULL);
}
