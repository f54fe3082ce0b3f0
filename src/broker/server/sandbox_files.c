#define _GNU_SOURCE /* O_PATH */

#include "broker/server/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the kernel knows more than the headers that we are built with: they may be older. */
#define FS_TRUNCATE     (UINT64_C(1) << 14)
#define FS_IOCTL_DEV    (UINT64_C(1) << 15)
#define NET_BIND_TCP    (UINT64_C(1) << 0)
#define NET_CONNECT_TCP (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT  (UINT64_C(1) << 0)
#define SCOPE_SIGNAL    (UINT64_C(1) << 1)

struct ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

/* All of it is denied but for what rules allow. A row: since which version. */
static const struct {
    int version;
    struct ruleset denied;
} rows[] = {
    {1, {.handled_access_fs = (UINT64_C(1) << 13) - 1}},
    {2, {.handled_access_fs = LANDLOCK_ACCESS_FS_REFER}},
    {3, {.handled_access_fs = FS_TRUNCATE}},
    {4, {.handled_access_net = NET_BIND_TCP | NET_CONNECT_TCP}},
    {5, {.handled_access_fs = FS_IOCTL_DEV}},
    {6, {.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL}},
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

#define READING  (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define REMOVING LANDLOCK_ACCESS_FS_REMOVE_FILE

/* What the C library and OpenSSL look at; what is missing is passed over. */
static const char *const common[] = {
    "/dev/null",
    "/dev/urandom",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/openssl.cnf",
    "/etc/ld.so.cache",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/share/zoneinfo",
    "/sys/devices/system/cpu",
};
#define COMMON_COUNT (sizeof(common) / sizeof(common[0]))

bool
sandbox_add_read(struct sandbox_paths *p, const char *path)
{
    if (p->read_count == SANDBOX_PATHS_MAX) {
        return false;
    }
    p->read[p->read_count++] = path;
    return true;
}

bool
sandbox_add_unlinked(struct sandbox_paths *p, const char *path)
{
    if (p->unlinked_count == SANDBOX_PATHS_MAX) {
        return false;
    }
    p->unlinked[p->unlinked_count++] = path;
    return true;
}

static bool
is_folder(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

/* True also when there is no such path, which then stays forbidden. */
static bool
permit(int ruleset, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access,
                                              .parent_fd = open(path, O_PATH | O_CLOEXEC)};
    long result = 0;

    if (rule.parent_fd < 0) {
        return true;
    }
    if (!is_folder(rule.parent_fd)) {
        rule.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE;
    }
    if (rule.allowed_access != 0) {
        result = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0U);
    }
    (void)close(rule.parent_fd);
    return result == 0;
}

/* The folder of a path; the path itself if it is a folder. */
static bool
permit_around(int ruleset, const char *path, uint64_t access)
{
    char folder[PATH_MAX];
    char *slash = NULL;
    int fd = open(path, O_PATH | O_CLOEXEC | O_DIRECTORY);

    if (fd >= 0) {
        (void)close(fd);
        return permit(ruleset, path, access);
    }
    if (snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder)) {
        return true; /* the kernel would not open it either */
    }
    slash = strrchr(folder, '/');
    if (slash == NULL) {
        return permit(ruleset, ".", access);
    }
    slash[slash == folder ? 1 : 0] = '\0';
    return permit(ruleset, folder, access);
}

static bool
permit_file(int ruleset, const char *path, uint64_t access)
{
    char target[PATH_MAX];
    bool is_done = permit_around(ruleset, path, access);

    if (is_done && realpath(path, target) != NULL) {
        is_done = permit_around(ruleset, target, access);
    }
    return is_done;
}

static bool
permit_all(int ruleset, const struct sandbox_paths *p)
{
    bool is_done = true;

    for (size_t i = 0; i < COMMON_COUNT && is_done; i++) {
        is_done = permit(ruleset, common[i], READING);
    }
    for (size_t i = 0; i < p->read_count && is_done; i++) {
        is_done = permit_file(ruleset, p->read[i], READING);
    }
    for (size_t i = 0; i < p->unlinked_count && is_done; i++) {
        is_done = permit_around(ruleset, p->unlinked[i], REMOVING);
    }
    return is_done;
}

static struct ruleset
everything(int version)
{
    struct ruleset all = {.handled_access_fs = 0};

    for (size_t i = 0; i < ROW_COUNT && rows[i].version <= version; i++) {
        all.handled_access_fs |= rows[i].denied.handled_access_fs;
        all.handled_access_net |= rows[i].denied.handled_access_net;
        all.scoped |= rows[i].denied.scoped;
    }
    return all;
}

/* As much of it as the kernel knows: a longer one would be refused, though not if the rest is 0. */
static int
make_ruleset(int version)
{
    const struct ruleset all = everything(version);

    return (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0U);
}

enum wilco_status
sandbox_limit_files(const struct sandbox_paths *p, int *version)
{
    int ruleset = -1;
    bool is_done = false;
    long known = syscall(SYS_landlock_create_ruleset, NULL, 0U, LANDLOCK_CREATE_RULESET_VERSION);

    *version = known > 0 ? (int)known : 0;
    if (*version == 0) {
        return WILCO_OK;
    }
    ruleset = make_ruleset(*version);
    if (ruleset < 0) {
        return WILCO_EIO;
    }
    is_done = permit_all(ruleset, p) && syscall(SYS_landlock_restrict_self, ruleset, 0U) == 0;
    (void)close(ruleset);
    return is_done ? WILCO_OK : WILCO_EIO;
}
