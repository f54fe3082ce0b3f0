#define _POSIX_C_SOURCE 200809L

#include "cli/job.h"

#include "cli/call_environment.h"
#include "cli/memory.h"
#include "cli/say.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_MS       1000U
#define READ_BYTES_MIN 4096U

bool
job_start(struct job *j, char *command, struct wilco_call *call, uint64_t deadline_ms,
          struct answers *answers)
{
    char **environment = call_environment_new(call);
    int error;

    *j = (struct job){.call = call, .deadline_ms = deadline_ms, .kill_ms = UINT64_MAX};
    error = process_start(&j->process, command, environment);
    call_environment_free(environment);
    if (error != 0) {
        say("cannot run the command: %s", say_errno(error).text);
        answer_error(answers, call, 503, "the responder cannot run its command");
        wilco_call_unref(call);
        return false;
    }
    return true;
}

void
job_poll_for(const struct job *j, struct pollfd out[2])
{
    out[0] = (struct pollfd){.fd = j->process.in, .events = POLLOUT};
    out[1] = (struct pollfd){.fd = j->process.out, .events = POLLIN};
}

/* A command need not read its input: a broken pipe is no error. */
static void
write_some(struct job *j)
{
    struct wilco_bytes payload = wilco_message_payload(wilco_call_message(j->call));
    ssize_t written = 0;

    if (j->written < payload.len) {
        written =
            write(j->process.in, (const char *)payload.data + j->written, payload.len - j->written);
    }
    if (written < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    j->written += written > 0 ? (size_t)written : 0;
    if (written < 0 || j->written == payload.len) {
        process_close_in(&j->process);
    }
}

static void
read_some(struct job *j)
{
    ssize_t len;

    if (j->output_capacity - j->output_len < READ_BYTES_MIN) {
        j->output_capacity = j->output_capacity * 2 + READ_BYTES_MIN;
        j->output = memory_grow(j->output, j->output_capacity, 1);
    }
    len = read(j->process.out, j->output + j->output_len, j->output_capacity - j->output_len);
    if (len > 0) {
        j->output_len += (size_t)len;
    } else if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
        process_close_out(&j->process);
    }
    if (j->output_len > JOB_OUTPUT_BYTES_MAX) {
        j->is_too_large = true;
        j->output_len = 0;
        process_signal(&j->process, SIGKILL);
        process_close_out(&j->process);
    }
}

uint64_t
job_deadline_ms(const struct job *j)
{
    return j->kill_ms != UINT64_MAX ? j->kill_ms : j->deadline_ms;
}

static void
check_deadline(struct job *j, uint64_t now_ms)
{
    if (now_ms < job_deadline_ms(j)) {
        return;
    }
    if (j->kill_ms == UINT64_MAX) {
        say_debug("a command is ended: nobody waits for its answer any more");
        process_signal(&j->process, SIGTERM);
        j->kill_ms = now_ms + GRACE_MS;
    } else {
        process_signal(&j->process, SIGKILL);
        process_close_out(&j->process); /* whoever left the group may still hold the other end */
        j->kill_ms = now_ms + GRACE_MS;
    }
}

void
job_advance(struct job *j, const struct pollfd polled[2], uint64_t now_ms)
{
    if (polled[0].fd >= 0 && polled[0].revents != 0) {
        write_some(j);
    }
    if (polled[1].fd >= 0 && polled[1].revents != 0) {
        read_some(j);
    }
    if (j->kill_ms == UINT64_MAX && wilco_call_is_cancelled(j->call)) {
        j->deadline_ms = now_ms;
    }
    check_deadline(j, now_ms);
}

static void
answer(struct job *j, struct answers *answers)
{
    int wait_status = j->process.wait_status;
    char *text = NULL;

    if (j->is_too_large) {
        answer_error(answers, j->call, 500, "the command's answer is too large");
    } else if (j->kill_ms != UINT64_MAX) {
        answer_error(answers, j->call, 504, "the command did not end in time");
    } else if (WIFSIGNALED(wait_status)) {
        text = memory_text("the command was ended by signal %d", WTERMSIG(wait_status));
        answer_error(answers, j->call, 500, text);
    } else if (WEXITSTATUS(wait_status) != 0) {
        text = memory_text("the command ended with code %d", WEXITSTATUS(wait_status));
        answer_error(answers, j->call, 500, text);
    } else {
        answer_bytes(answers, j->call, (struct wilco_bytes){j->output, j->output_len});
    }
    free(text);
}

static void
finish(struct job *j)
{
    process_close_in(&j->process);
    process_close_out(&j->process);
    free(j->output);
    j->output = NULL;
    wilco_call_unref(j->call);
    j->call = NULL;
}

bool
job_is_over(struct job *j, struct answers *answers)
{
    if (j->process.out < 0) { /* until then the group may have to be ended, so its id is kept */
        process_reap(&j->process, false);
    }
    if (!j->process.has_exited) {
        return false;
    }
    answer(j, answers);
    finish(j);
    return true;
}

void
job_abort(struct job *j, struct answers *answers)
{
    process_signal(&j->process, SIGKILL);
    process_reap(&j->process, true);
    answer_error(answers, j->call, 503, "the responder ends");
    finish(j);
}
