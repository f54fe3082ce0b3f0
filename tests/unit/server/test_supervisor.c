#define _GNU_SOURCE /* setenv() */

#include "broker/server/supervisor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* Where the supervisor listens: a name of the abstract namespace that this process alone has. */
static int
listen_at(char name[64], char first)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    size_t len = 0;

    (void)snprintf(name, 64, first == '@' ? "@wilco-supervisor-%ld" : "/tmp/wilco-supervisor-%ld",
                   (long)getpid());
    len = strlen(name);
    memcpy(address.sun_path, name, len);
    if (first == '@') {
        address.sun_path[0] = '\0';
    }
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
                     0);
    return fd;
}

static void
set(const char *name, const char *value)
{
    if (value == NULL) {
        assert_int_equal(unsetenv(name), 0);
    } else {
        assert_int_equal(setenv(name, value, 1), 0);
    }
}

static void
is_told(void **state)
{
    static const char kinds[] = {'@', '/'};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct supervisor s;
        char name[64], text[128];
        int fd = listen_at(name, kinds[i]);
        unsigned long long usec = 0;

        set("NOTIFY_SOCKET", name);
        supervisor_init(&s);
        assert_true(s.fd >= 0);
        supervisor_tell(&s, "READY=1");
        assert_int_equal(recv(fd, text, sizeof(text), 0), 7);
        assert_memory_equal(text, "READY=1", 7);
        supervisor_tell_reloading(&s);
        text[recv(fd, text, sizeof(text) - 1, 0)] = '\0';
        assert_int_equal(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%llu", &usec), 1);
        assert_true(usec > 0);
        supervisor_fini(&s);
        (void)close(fd);
        if (kinds[i] == '/') {
            assert_int_equal(unlink(name), 0);
        }
    }
}

static void
nobody_is_told(void **state)
{
    static const char *const names[] = {
        NULL, "", "/", "relative", "@nobody is there", "/no/such/socket"};
    char long_name[200];

    (void)state;
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[0] = '/';
    long_name[sizeof(long_name) - 1] = '\0';
    for (size_t i = 0; i <= sizeof(names) / sizeof(names[0]); i++) {
        struct supervisor s;

        set("NOTIFY_SOCKET", i < sizeof(names) / sizeof(names[0]) ? names[i] : long_name);
        supervisor_init(&s);
        assert_int_equal(s.fd, -1);
        supervisor_tell(&s, "READY=1");
        supervisor_tell_reloading(&s);
        supervisor_fini(&s);
    }
}

static const struct {
    const char *usec;
    bool is_for_us; /* WATCHDOG_PID */
    bool is_for_other;
    uint64_t want_ms;
} rows[] = {
    {NULL, false, false, 0},
    {"30000000", false, false, 30000},
    {"30000000", true, false, 30000},
    {"30000000", false, true, 0},
    {"", false, false, 0},
    {"nonsense", false, false, 0},
};

static void
says_how_often(void **state)
{
    char name[64], pid[32];
    int fd = listen_at(name, '@');

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct supervisor s;

        (void)snprintf(pid, sizeof(pid), "%ld", (long)getpid() + rows[i].is_for_other);
        set("NOTIFY_SOCKET", name);
        set("WATCHDOG_USEC", rows[i].usec);
        set("WATCHDOG_PID", rows[i].is_for_us || rows[i].is_for_other ? pid : NULL);
        supervisor_init(&s);
        assert_int_equal(s.watchdog_ms, rows[i].want_ms);
        supervisor_fini(&s);
    }
    (void)close(fd);
    set("NOTIFY_SOCKET", NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_told),
        cmocka_unit_test(nobody_is_told),
        cmocka_unit_test(says_how_often),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
