#ifndef WILCO_BROKER_SERVER_SANDBOX_H
#define WILCO_BROKER_SERVER_SANDBOX_H

#include "base/compiler.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* What the process may do once it listens. Two fences, neither of which can be taken down again:
 * the kernel lets it open no files but these (Landlock), and make no system calls but those that a
 * broker makes (seccomp). Both want privileges_give_up() before. */

/* A file stands for its whole folder, because files are replaced by renaming others, and for the
 * folder that it is in when symbolic links have been followed. */
#define SANDBOX_PATHS_MAX 64U
struct sandbox_paths {
    const char *read[SANDBOX_PATHS_MAX]; /* files and folders that are read again */
    size_t read_count;
    const char *unlinked[SANDBOX_PATHS_MAX]; /* files that are removed: Unix sockets */
    size_t unlinked_count;
};

/* False, and nothing is added: there are SANDBOX_PATHS_MAX already. Paths are borrowed. */
WILCO_MUST_CHECK bool sandbox_add_read(struct sandbox_paths *p, const char *path);
WILCO_MUST_CHECK bool sandbox_add_unlinked(struct sandbox_paths *p, const char *path);

/* Landlock, for the calling thread and those that it makes: these paths, what the C library reads
 * to look up names and times, nothing else; no TCP connections to others. *version: what the kernel
 * knows of Landlock, 0 for nothing, and then nothing has been done. WILCO_EIO: errno. */
WILCO_MUST_CHECK enum wilco_status sandbox_limit_files(const struct sandbox_paths *p, int *version);

/* seccomp, for all threads. The process is killed when it calls execve(), ptrace() or their like;
 * any other call that is not on the list fails with EPERM, as do raw sockets, files opened for
 * writing, new processes and memory that is made executable. WILCO_EIO: errno (EINVAL: the kernel
 * has no seccomp), and nothing has been done. */
WILCO_MUST_CHECK enum wilco_status sandbox_limit_calls(void);

#endif
