#define _GNU_SOURCE /* CLONE_THREAD */

#include "broker/server/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* The filter is a list of what is allowed. A call that a later C library makes in the place of one
 * of these fails with EPERM, and the C library nearly always has another way; what only an intruder
 * would call kills the process, before it is tried a second time in another way. */

/* Whatever their arguments are. */
static const int allowed[] = {
    /* connections */
    SCMP_SYS(accept4),
    SCMP_SYS(bind), /* getaddrinfo() */
    SCMP_SYS(close),
    SCMP_SYS(connect), /* getaddrinfo() */
    SCMP_SYS(getpeername),
    SCMP_SYS(getsockname),
    SCMP_SYS(getsockopt),
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(setsockopt),
    SCMP_SYS(shutdown),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    /* waiting */
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(eventfd2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(timerfd_settime),
    /* time and sleep */
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(nanosleep),
    SCMP_SYS(time),
    /* threads and locks */
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(futex),
    SCMP_SYS(futex_waitv),
    SCMP_SYS(get_robust_list),
    SCMP_SYS(getcpu),
    SCMP_SYS(gettid),
    SCMP_SYS(membarrier),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_setaffinity),
    SCMP_SYS(sched_yield),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(set_tid_address),
    /* memory */
    SCMP_SYS(brk),
    SCMP_SYS(get_mempolicy),
    SCMP_SYS(madvise),
    SCMP_SYS(mbind),
    SCMP_SYS(mincore),
    SCMP_SYS(mlock),
    SCMP_SYS(mremap),
    SCMP_SYS(munlock),
    SCMP_SYS(munmap),
    /* signals */
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigsuspend),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack),
    /* files: reading again what is configured; which, Landlock says */
    SCMP_SYS(access),
    SCMP_SYS(dup),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(fcntl),
    SCMP_SYS(fstat),
    SCMP_SYS(fstatfs),
    SCMP_SYS(getcwd),
    SCMP_SYS(getdents64),
    SCMP_SYS(lseek),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(pread64),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(stat),
    SCMP_SYS(statfs),
    SCMP_SYS(statx),
    SCMP_SYS(unlink), /* Unix sockets, at the end */
    SCMP_SYS(unlinkat),
    /* who and where we are */
    SCMP_SYS(getegid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(getuid),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
};
#define ALLOWED_COUNT (sizeof(allowed) / sizeof(allowed[0]))

/* No broker and no library of its calls these. */
static const int deadly[] = {
    SCMP_SYS(bpf),
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(mount),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(ptrace),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(userfaultfd),
};
#define DEADLY_COUNT (sizeof(deadly) / sizeof(deadly[0]))

#define WRITING     (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND)
#define SOCKET_TYPE (~(scmp_datum_t)(SOCK_CLOEXEC | SOCK_NONBLOCK) & 0xFFFFFFFFU)

/* 0, or a negative errno. What is added is kept in `*result`, of which the first failure stays. */
static void
allow(scmp_filter_ctx filter, int *result, int call, unsigned count,
      const struct scmp_arg_cmp *conditions)
{
    if (*result == 0) {
        *result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, count, conditions);
    }
}

static void
allow_if(scmp_filter_ctx filter, int *result, int call, struct scmp_arg_cmp condition)
{
    allow(filter, result, call, 1, &condition);
}

static void
add_sockets(scmp_filter_ctx filter, int *result)
{
    static const int families[] = {AF_UNIX, AF_INET, AF_INET6};
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
    const struct scmp_arg_cmp interfaces[] = {
        SCMP_CMP(0, SCMP_CMP_EQ, AF_NETLINK, 0), /* getaddrinfo() asks which addresses there are */
        SCMP_CMP(2, SCMP_CMP_EQ, NETLINK_ROUTE, 0),
    };

    for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
        for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
            const struct scmp_arg_cmp conditions[] = {
                SCMP_CMP(0, SCMP_CMP_EQ, (scmp_datum_t)families[f], 0),
                SCMP_CMP(1, SCMP_CMP_MASKED_EQ, SOCKET_TYPE, (scmp_datum_t)types[t]),
            };

            allow(filter, result, SCMP_SYS(socket), 2, conditions);
        }
    }
    allow(filter, result, SCMP_SYS(socket), 2, interfaces);
}

/* Memory is writable or executable, and does not become executable when it has been written. */
static void
add_memory(scmp_filter_ctx filter, int *result)
{
    allow_if(filter, result, SCMP_SYS(mmap), SCMP_CMP(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    allow_if(filter, result, SCMP_SYS(mmap),
             SCMP_CMP(2, SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC));
    allow_if(filter, result, SCMP_SYS(mprotect), SCMP_CMP(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/* Threads are made, processes are not. What clone3() is asked for lies in memory, where a filter
 * cannot look: without it the C library uses clone(). */
static void
add_threads(scmp_filter_ctx filter, int *result)
{
    allow_if(filter, result, SCMP_SYS(clone),
             SCMP_CMP(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    if (*result == 0) {
        *result = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL);
    }
    allow_if(filter, result, SCMP_SYS(tgkill), /* abort() */
             SCMP_CMP(0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
}

static void
add_others(scmp_filter_ctx filter, int *result)
{
    allow_if(filter, result, SCMP_SYS(open), SCMP_CMP(1, SCMP_CMP_MASKED_EQ, WRITING, O_RDONLY));
    allow_if(filter, result, SCMP_SYS(openat), SCMP_CMP(2, SCMP_CMP_MASKED_EQ, WRITING, O_RDONLY));
    allow_if(filter, result, SCMP_SYS(prctl), SCMP_CMP(0, SCMP_CMP_EQ, PR_SET_NAME, 0));
    allow_if(filter, result, SCMP_SYS(prctl), SCMP_CMP(0, SCMP_CMP_EQ, PR_GET_NAME, 0));
    allow_if(filter, result, SCMP_SYS(prlimit64), SCMP_CMP(2, SCMP_CMP_EQ, 0, 0)); /* asks only */
    allow(filter, result, SCMP_SYS(getrlimit), 0, NULL);
    allow_if(filter, result, SCMP_SYS(setpriority), SCMP_CMP(0, SCMP_CMP_EQ, PRIO_PROCESS, 0));
    allow_if(filter, result, SCMP_SYS(ioctl), SCMP_CMP(1, SCMP_CMP_EQ, FIONBIO, 0));
    allow_if(filter, result, SCMP_SYS(ioctl), SCMP_CMP(1, SCMP_CMP_EQ, FIONREAD, 0));
    allow_if(filter, result, SCMP_SYS(ioctl), SCMP_CMP(1, SCMP_CMP_EQ, TCGETS, 0)); /* isatty() */
}

static int
add_rules(scmp_filter_ctx filter)
{
    int result = 0;

    for (size_t i = 0; i < ALLOWED_COUNT; i++) {
        allow(filter, &result, allowed[i], 0, NULL);
    }
    for (size_t i = 0; i < DEADLY_COUNT && result == 0; i++) {
        result = seccomp_rule_add_array(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0, NULL);
    }
    add_sockets(filter, &result);
    add_memory(filter, &result);
    add_threads(filter, &result);
    add_others(filter, &result);
    return result;
}

enum wilco_status
sandbox_limit_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int result = filter == NULL ? -ENOMEM : 0;

    if (result == 0) {
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    }
    if (result == 0) {
        (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree; may be unknown */
        result = add_rules(filter);
    }
    if (result == 0) {
        result = seccomp_load(filter);
    }
    seccomp_release(filter);
    errno = -result;
    return result == 0 ? WILCO_OK : WILCO_EIO;
}
