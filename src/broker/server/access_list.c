#include "broker/server/access_list.h"

#include "broker/auth/acl_file.h"
#include "broker/server/driver.h"

static bool
prepare(void **out, const struct config *config, struct problems *problems)
{
    char problem[ACL_PROBLEM_BYTES] = "";
    struct acl *acl = NULL;
    bool is_whole = true;

    if (config->acl_file[0] != '\0') {
        is_whole = acl_file_read(&acl, alloc_system(), config->acl_file, problem) == WILCO_OK;
    }
    if (!is_whole) {
        problems_add(problems, "acl_file: %s: %s", config->acl_file, problem);
    }
    *out = acl;
    return is_whole;
}

static void *
commit(struct crew *crew, void *object)
{
    struct acl *old = crew->acl;

    crew->acl = object;
    broker_set_access(&crew->broker, object == NULL ? NULL : acl_policy(object));
    return old;
}

static void
discard(void *object)
{
    acl_free(object);
}

const struct reloadable access_list_reloadable = {
    .name = "acl_file",
    .prepare = prepare,
    .commit = commit,
    .discard = discard,
};
