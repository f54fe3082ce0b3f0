#define _GNU_SOURCE /* process_vm_readv(), unshare() */

#include "broker/server/privileges.h"
#include "broker/server/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Each attempt is made by a child that is in the sandbox, and returns 0 when it has succeeded, or
 * the errno with which it failed. The folder has a file, a link to a file in a second folder, and a
 * Unix socket; a third folder has a file that is nobody's business. */
static char inside[64], elsewhere[64], outside[64];
static int landlock_version;

static void
path_in(char out[128], const char *folder, const char *name)
{
    (void)snprintf(out, 128, "%s/%s", folder, name);
}

static void
write_file(const char *folder, const char *name)
{
    char path[128];
    int fd = -1;

    path_in(path, folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    (void)close(fd);
}

static int
result_of(long returned)
{
    return returned < 0 ? errno : 0;
}

static int
opened(const char *folder, const char *name, int flags)
{
    char path[128];

    path_in(path, folder, name);
    return result_of(open(path, flags | O_CLOEXEC, 0600));
}

static int
unlinked(const char *folder, const char *name)
{
    char path[128];

    path_in(path, folder, name);
    return result_of(unlink(path));
}

/* What only an intruder does. */
static int
exec(void)
{
    char *const argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"exit 0"}, NULL};
    char *const envp[] = {NULL};

    return result_of(execve("/bin/sh", argv, envp));
}

static int
exec_a_descriptor(void)
{
    char *const none[] = {NULL};

    return result_of(syscall(SYS_execveat, 0, "", none, none, 0x1000 /* AT_EMPTY_PATH */));
}

static int
be_traced(void)
{
    return result_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int
read_a_process(void)
{
    char here[8];
    struct iovec to = {.iov_base = here, .iov_len = sizeof(here)};

    return result_of(process_vm_readv(getppid(), &to, 1, &to, 1, 0));
}

static int
leave_namespaces(void)
{
    return result_of(unshare(CLONE_NEWUSER));
}

static void *
exec_in_a_thread(void *unused)
{
    (void)unused;
    (void)exec();
    return NULL;
}

/* What fails. */
static int
raw_socket(void)
{
    return result_of(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
}

static int
raw_socket_6(void)
{
    return result_of(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
}

static int
packet_socket(void)
{
    return result_of(socket(AF_PACKET, SOCK_DGRAM, 0));
}

static int
packet_socket_raw(void)
{
    return result_of(socket(AF_PACKET, SOCK_RAW, 0));
}

static int
audit_socket(void)
{
    return result_of(socket(AF_NETLINK, SOCK_RAW, 9 /* NETLINK_AUDIT */));
}

static int
other_family(void)
{
    return result_of(socket(AF_BLUETOOTH, SOCK_STREAM, 0));
}

static int
listen_again(void)
{
    return result_of(listen(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 1));
}

static int
call_out(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons(9),
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return result_of(connect(fd, (const struct sockaddr *)&in, sizeof(in)));
}

static int
make_a_process(void)
{
    pid_t child = fork();

    if (child == 0) {
        _exit(0);
    }
    return result_of(child);
}

static int
signal_another(void)
{
    return result_of(kill(getppid(), 0));
}

static int
write_memory_that_runs(void)
{
    void *memory =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return memory == MAP_FAILED ? errno : 0;
}

static int
run_memory_that_was_written(void)
{
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return memory == MAP_FAILED ? ENOMEM : result_of(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
}

static int
write_inside(void)
{
    return opened(inside, "file", O_WRONLY);
}

static int
make_inside(void)
{
    return opened(inside, "new", O_RDWR | O_CREAT);
}

static int
make_a_folder(void)
{
    char path[128];

    path_in(path, inside, "folder");
    return result_of(mkdir(path, 0700));
}

static int
rename_inside(void)
{
    char from[128], to[128];

    path_in(from, inside, "file");
    path_in(to, inside, "another");
    return result_of(rename(from, to));
}

static int
change_mode(void)
{
    char path[128];

    path_in(path, inside, "file");
    return result_of(chmod(path, 0777));
}

static int
read_outside(void)
{
    return opened(outside, "file", O_RDONLY);
}

static int
read_passwords(void)
{
    return opened("/etc", "passwd", O_RDONLY);
}

static int
unlink_outside(void)
{
    return unlinked(outside, "file");
}

/* What a broker must be able to do. */
static int
read_inside(void)
{
    return opened(inside, "file", O_RDONLY);
}

static int
read_a_file_that_was_put_there(void)
{
    return opened(inside, "later", O_RDONLY);
}

static int
read_behind_a_link(void)
{
    return opened(inside, "link", O_RDONLY);
}

static int
list_the_folder(void)
{
    return opened(inside, ".", O_RDONLY | O_DIRECTORY);
}

static int
unlink_a_socket(void)
{
    return unlinked(inside, "socket");
}

static int
look_up_a_name(void)
{
    struct addrinfo *found = NULL;
    int result = getaddrinfo("localhost", "1883", NULL, &found);

    if (found != NULL) {
        freeaddrinfo(found);
    }
    return result;
}

static void *
a_thread(void *context)
{
    *(int *)context = 1;
    return NULL;
}

static int
make_a_thread(void)
{
    pthread_t thread;
    int has_run = 0;
    int result = pthread_create(&thread, NULL, a_thread, &has_run);

    if (result == 0) {
        (void)pthread_join(thread, NULL);
    }
    return result != 0 ? result : !has_run;
}

static int
take_memory(void)
{
    void *memory = malloc(64U << 20);
    int result = memory == NULL ? ENOMEM : 0;

    free(memory);
    return result;
}

static int
wait_for_time(void)
{
    const struct itimerspec soon = {.it_value = {.tv_nsec = 1000}};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    uint64_t count = 0;

    return timerfd_settime(fd, 0, &soon, NULL) == 0 ? result_of(read(fd, &count, 8)) : errno;
}

static int
take_less_of_the_processor(void)
{
    return result_of(setpriority(PRIO_PROCESS, 0, 5));
}

#define LANDLOCK_FILES   1
#define LANDLOCK_NETWORK 4

static const struct {
    const char *name;
    int (*try)(void);
    int want;    /* 0, or an errno */
    int version; /* of Landlock, which it takes */
} rows[] = {
    {"a raw socket", raw_socket, EPERM, 0},
    {"a raw socket of IPv6", raw_socket_6, EPERM, 0},
    {"a packet socket", packet_socket, EPERM, 0},
    {"a raw packet socket", packet_socket_raw, EPERM, 0},
    {"a netlink socket for audit", audit_socket, EPERM, 0},
    {"a socket of another family", other_family, EPERM, 0},
    {"listening", listen_again, EPERM, 0},
    {"connecting to others", call_out, EACCES, LANDLOCK_NETWORK},
    {"fork", make_a_process, EPERM, 0},
    {"a signal to the parent", signal_another, EPERM, 0},
    {"memory to write and run", write_memory_that_runs, EPERM, 0},
    {"running what was written", run_memory_that_was_written, EPERM, 0},
    {"writing to a file", write_inside, EPERM, 0},
    {"a new file", make_inside, EPERM, 0},
    {"a new folder", make_a_folder, EPERM, 0},
    {"renaming", rename_inside, EPERM, 0},
    {"changing a mode", change_mode, EPERM, 0},
    {"reading elsewhere", read_outside, EACCES, LANDLOCK_FILES},
    {"reading the user database", read_passwords, EACCES, LANDLOCK_FILES},
    {"removing a file elsewhere", unlink_outside, EACCES, LANDLOCK_FILES},

    {"reading a file again", read_inside, 0, 0},
    {"reading its successor", read_a_file_that_was_put_there, 0, 0},
    {"reading behind a link", read_behind_a_link, 0, 0},
    {"reading the folder", list_the_folder, 0, 0},
    {"removing the socket", unlink_a_socket, 0, 0},
    {"looking up a name", look_up_a_name, 0, 0},
    {"a thread", make_a_thread, 0, 0},
    {"memory", take_memory, 0, 0},
    {"a timer", wait_for_time, 0, 0},
    {"a lower priority", take_less_of_the_processor, 0, 0},
};

/* Two paths name the folder: the file, and the socket that is to be removed. */
static void
enter_sandbox(void)
{
    struct sandbox_paths paths = {.read_count = 0};
    char file[128], link[128], socket_path[128];
    int version = 0;

    path_in(file, inside, "file");
    path_in(link, inside, "link");
    path_in(socket_path, inside, "socket");
    if (!sandbox_add_read(&paths, file) || !sandbox_add_read(&paths, link) ||
        !sandbox_add_unlinked(&paths, socket_path) || privileges_give_up() != WILCO_OK ||
        sandbox_limit_files(&paths, &version) != WILCO_OK || sandbox_limit_calls() != WILCO_OK) {
        _exit(99);
    }
}

/* What waitpid() says of a child that does this in the sandbox, and ends with what it returns. */
static int
status_of(int (*try)(void))
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        enter_sandbox();
        _exit(try());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void
fails_or_works(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status = 0;

        if (rows[i].version > landlock_version) {
            print_message("not tried, as the kernel has no such Landlock: %s\n", rows[i].name);
            continue;
        }
        status = status_of(rows[i].try);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != rows[i].want) {
            fail_msg("%s: status %d, wanted %d", rows[i].name, status, rows[i].want);
        }
    }
}

static int
abort_itself(void)
{
    abort();
}

static int
exec_in_a_new_thread(void)
{
    pthread_t thread;

    (void)pthread_create(&thread, NULL, exec_in_a_thread, NULL);
    (void)pthread_join(thread, NULL);
    return 0;
}

static const struct {
    const char *name;
    int (*try)(void);
    int signal;
} killers[] = {
    {"execve", exec, SIGSYS},
    {"execveat", exec_a_descriptor, SIGSYS},
    {"ptrace", be_traced, SIGSYS},
    {"process_vm_readv", read_a_process, SIGSYS},
    {"unshare", leave_namespaces, SIGSYS},
    {"execve in a thread", exec_in_a_new_thread, SIGSYS},
    {"abort", abort_itself, SIGABRT},
};

static void
kills(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(killers) / sizeof(killers[0]); i++) {
        int status = status_of(killers[i].try);

        if (!WIFSIGNALED(status) || WTERMSIG(status) != killers[i].signal) {
            fail_msg("%s: status %d", killers[i].name, status);
        }
    }
}

/* The thread is there before the filter. */
static int ends[2];

static void *
wait_and_exec(void *unused)
{
    char byte = 0;

    (void)unused;
    (void)!read(ends[0], &byte, 1);
    (void)exec();
    return NULL;
}

static void
all_threads_are_in_it(void **state)
{
    int status = 0;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        pthread_t thread;

        if (pipe(ends) != 0 || pthread_create(&thread, NULL, wait_and_exec, NULL) != 0) {
            _exit(98);
        }
        enter_sandbox();
        (void)!write(ends[1], "x", 1);
        (void)pthread_join(thread, NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

/* The proof that the attempts are made well: without the sandbox they are not refused so. */
static void
would_work_outside(void **state)
{
    static int (*const tries[])(void) = {
        make_a_process, signal_another, write_memory_that_runs, run_memory_that_was_written,
        write_inside,   make_inside,    make_a_folder,          change_mode,
        read_outside,   read_passwords, listen_again,           read_inside,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        int result = tries[i]();

        if (result != 0) {
            fail_msg("attempt %zu fails anyway: %s", i, strerror(result));
        }
    }
}

static void
has_a_bound(void **state)
{
    static struct sandbox_paths paths;

    (void)state;
    for (unsigned i = 0; i < SANDBOX_PATHS_MAX; i++) {
        assert_true(sandbox_add_read(&paths, "/a"));
        assert_true(sandbox_add_unlinked(&paths, "/b"));
    }
    assert_false(sandbox_add_read(&paths, "/a"));
    assert_false(sandbox_add_unlinked(&paths, "/b"));
    assert_int_equal(paths.read_count, SANDBOX_PATHS_MAX);
}

static void
make_folder(char out[64], const char *name)
{
    const char *parent = getenv("TMPDIR"); /* NOLINT(concurrency-mt-unsafe): one thread */

    (void)snprintf(out, 64, "%.30s/wilco-%s-XXXXXX", parent == NULL ? "/tmp" : parent, name);
    assert_non_null(mkdtemp(out));
}

static int
make_folders(void **state)
{
    char target[128], link[128];

    (void)state;
    make_folder(inside, "inside");
    make_folder(elsewhere, "elsewhere");
    make_folder(outside, "outside");
    write_file(inside, "file");
    write_file(inside, "later"); /* which no rule names */
    write_file(inside, "socket");
    write_file(elsewhere, "target");
    write_file(outside, "file");
    path_in(target, elsewhere, "target");
    path_in(link, inside, "link");
    assert_int_equal(symlink(target, link), 0);
    landlock_version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
    return 0;
}

static int
remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static int
remove_folders(void **state)
{
    (void)state;
    return nftw(inside, remove_one, 8, FTW_DEPTH | FTW_PHYS) |
           nftw(elsewhere, remove_one, 8, FTW_DEPTH | FTW_PHYS) |
           nftw(outside, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fails_or_works),        cmocka_unit_test(kills),
        cmocka_unit_test(all_threads_are_in_it), cmocka_unit_test(would_work_outside),
        cmocka_unit_test(has_a_bound),
    };

    return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
