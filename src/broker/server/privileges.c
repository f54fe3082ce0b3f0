#define _GNU_SOURCE /* initgroups(), setresuid() */

#include "broker/server/privileges.h"

#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRY_BYTES 16384U /* of the user database */

/* Tried in this order when nothing is configured. */
static const char *const standard_users[] = {"wilco", "nobody"};
#define STANDARD_COUNT (sizeof(standard_users) / sizeof(standard_users[0]))

static bool
find(struct privileges_user *out, const char *name)
{
    struct passwd entry;
    struct passwd *found = NULL;
    char text[ENTRY_BYTES];

    if (strlen(name) >= sizeof(out->name) ||
        getpwnam_r(name, &entry, text, sizeof(text), &found) != 0 || found == NULL) {
        return false;
    }
    *out = (struct privileges_user){
        .uid = entry.pw_uid, .gid = entry.pw_gid, .is_change = entry.pw_uid != 0};
    (void)snprintf(out->name, sizeof(out->name), "%s", name);
    return true;
}

enum wilco_status
privileges_find(struct privileges_user *out, const char *wanted, uid_t euid,
                char reason[PRIVILEGES_REASON_BYTES])
{
    *out = (struct privileges_user){.is_change = false};
    if (euid != 0 || strcmp(wanted, "root") == 0) {
        return WILCO_OK;
    }
    if (wanted[0] != '\0') {
        if (find(out, wanted)) {
            return WILCO_OK;
        }
        (void)snprintf(reason, PRIVILEGES_REASON_BYTES,
                       "user %.60s: there is no such user; make it, or name another one", wanted);
        return WILCO_EINVAL;
    }
    for (size_t i = 0; i < STANDARD_COUNT; i++) {
        if (find(out, standard_users[i])) {
            return WILCO_OK;
        }
    }
    (void)snprintf(reason, PRIVILEGES_REASON_BYTES,
                   "there is neither a user wilco nor a user nobody to become: say user NAME, or "
                   "user root if root is meant");
    return WILCO_EINVAL;
}

static enum wilco_status
refuse(const struct privileges_user *user, char reason[PRIVILEGES_REASON_BYTES])
{
    char scratch[128];
    const char *why = strerror_r(errno, scratch, sizeof(scratch));

    (void)snprintf(reason, PRIVILEGES_REASON_BYTES,
                   "cannot become user %s: %s; in a container, let it have CAP_SETUID and "
                   "CAP_SETGID, or start it as that user",
                   user->name, why);
    return WILCO_EIO;
}

/* What an exec could regain; who may not drop it cannot regain it either. */
static void
empty_bounding_set(void)
{
    for (unsigned long capability = 0; prctl(PR_CAPBSET_DROP, capability, 0UL, 0UL, 0UL) == 0;) {
        capability++;
    }
}

enum wilco_status
privileges_become(const struct privileges_user *user, char reason[PRIVILEGES_REASON_BYTES])
{
    if (!user->is_change) {
        return WILCO_OK;
    }
    empty_bounding_set(); /* as long as we may */
    if (initgroups(user->name, user->gid) != 0 || setresgid(user->gid, user->gid, user->gid) != 0 ||
        setresuid(user->uid, user->uid, user->uid) != 0) {
        return refuse(user, reason);
    }
    assert(setuid(0) != 0); /* there is no way back */
    return WILCO_OK;
}

/* A supervisor may have seen to it, and to it that nobody can change it. */
static bool
has_none(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct has[_LINUX_CAPABILITY_U32S_3] = {{.effective = 0}};
    uint32_t any = 0;

    if (syscall(SYS_capget, &head, has) != 0) {
        return false;
    }
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        any |= has[i].effective | has[i].permitted | has[i].inheritable;
    }
    return any == 0;
}

enum wilco_status
privileges_give_up(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{.effective = 0}};

    empty_bounding_set();
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL);
    if ((syscall(SYS_capset, &head, none) != 0 && !has_none()) ||
        prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0) {
        return WILCO_EIO;
    }
    return WILCO_OK;
}

enum wilco_status
privileges_hide_memory(void)
{
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};

    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) != 0) {
        return WILCO_EIO;
    }
    return WILCO_OK;
}
