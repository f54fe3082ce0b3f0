#define _POSIX_C_SOURCE 200809L

#include "cli/process.h"

#include "cli/wake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char name_and_value[] = "GREETING=hello";
static char *environment[] = {name_and_value, NULL};

/* What the command writes until it closes its output; waits for its end. */
static int
run(const char *command, const char *input, char *output, size_t size)
{
    struct process p;
    char words[256];
    size_t len = 0;
    ssize_t got = 1;

    assert_true(strlen(command) < sizeof(words));
    memcpy(words, command, strlen(command) + 1);
    assert_int_equal(process_start(&p, words, environment), 0);
    if (*input != '\0') {
        assert_int_equal(write(p.in, input, strlen(input)), strlen(input));
    }
    process_close_in(&p);
    while (got > 0) {
        struct pollfd readable = {.fd = p.out, .events = POLLIN};

        assert_int_equal(poll(&readable, 1, 60000), 1);
        got = read(p.out, output + len, size - 1 - len);
        len += got > 0 ? (size_t)got : 0;
    }
    output[len] = '\0';
    process_close_out(&p);
    process_reap(&p, true);
    assert_true(p.has_exited);
    assert_int_equal(waitpid(p.pid, NULL, WNOHANG), -1); /* no zombie is left */
    assert_int_equal(errno, ECHILD);
    return p.wait_status;
}

static void
input_environment_and_output(void **state)
{
    char output[256];

    (void)state;
    assert_int_equal(run("echo \"$GREETING\"; cat", "world", output, sizeof(output)), 0);
    assert_string_equal(output, "hello\nworld");
}

static void
how_it_ended(void **state)
{
    char output[256];
    int status;

    (void)state;
    status = run("exit 7", "", output, sizeof(output));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    status = run("kill -9 $$", "", output, sizeof(output));
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* A later command must not hold the pipe of an earlier one open: its input would never end. */
static void
commands_do_not_inherit_pipes_of_others(void **state)
{
    char reader[] = "cat", holder[] = "sleep 1000", byte;
    struct process first, second;
    struct pollfd readable;

    (void)state;
    assert_int_equal(process_start(&first, reader, environment), 0);
    assert_int_equal(process_start(&second, holder, environment), 0);
    process_close_in(&first);
    readable = (struct pollfd){.fd = first.out, .events = POLLIN};
    assert_int_equal(poll(&readable, 1, 60000), 1);
    assert_int_equal(read(first.out, &byte, 1), 0);
    process_signal(&second, SIGKILL);
    process_close_in(&second);
    process_close_out(&first);
    process_close_out(&second);
    process_reap(&first, true);
    process_reap(&second, true);
    assert_int_equal(first.wait_status, 0);
}

/* The tool ignores SIGPIPE; its commands must not. */
static void
a_broken_pipe_ends_a_command(void **state)
{
    char output[256];

    (void)state;
    assert_int_equal(
        run("{ yes; echo survived >&3; } 3>&1 | head -n 1", "", output, sizeof(output)), 0);
    assert_string_equal(output, "y\n");
}

static void
a_signal_reaches_all_of_the_group(void **state)
{
    char command[] = "sleep 1000 & sleep 1000 & echo; wait", byte;
    struct process p;
    struct pollfd readable;

    (void)state;
    assert_int_equal(process_start(&p, command, environment), 0);
    readable = (struct pollfd){.fd = p.out, .events = POLLIN};
    assert_int_equal(poll(&readable, 1, 60000), 1);
    assert_int_equal(read(p.out, &byte, 1), 1);
    process_signal(&p, SIGKILL);
    /* The end of the output: nobody holds it open any more. */
    assert_int_equal(poll(&readable, 1, 60000), 1);
    assert_int_equal(read(p.out, &byte, 1), 0);
    process_close_in(&p);
    process_close_out(&p);
    process_reap(&p, true);
    assert_true(WIFSIGNALED(p.wait_status));
}

static void
the_end_of_a_command_wakes(void **state)
{
    char command[] = "exec >&-; exit 0";
    struct process p;

    (void)state;
    wake_on_children();
    assert_int_equal(process_start(&p, command, environment), 0);
    while (!p.has_exited) {
        wake_wait(60000);
        process_reap(&p, false);
    }
    process_close_in(&p);
    process_close_out(&p);
    assert_int_equal(p.wait_status, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(input_environment_and_output),
        cmocka_unit_test(how_it_ended),
        cmocka_unit_test(commands_do_not_inherit_pipes_of_others),
        cmocka_unit_test(a_broken_pipe_ends_a_command),
        cmocka_unit_test(a_signal_reaches_all_of_the_group),
        cmocka_unit_test(the_end_of_a_command_wakes),
    };

    wake_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
