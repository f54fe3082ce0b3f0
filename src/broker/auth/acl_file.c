#include "broker/auth/acl_file.h"

#include "base/random.h"
#include "broker/auth/secret_file.h"

#include <stdio.h>

static void
describe(enum wilco_status status, const char *what, char problem[ACL_PROBLEM_BYTES])
{
    if (status == WILCO_ELIMIT) {
        (void)snprintf(problem, ACL_PROBLEM_BYTES, "larger than %u bytes", ACL_TEXT_BYTES_MAX);
    } else {
        (void)snprintf(problem, ACL_PROBLEM_BYTES, "cannot be read: %s", what);
    }
}

enum wilco_status
acl_file_read(struct acl **out, const struct wilco_alloc *a, const char *path,
              char problem[ACL_PROBLEM_BYTES])
{
    char why[SECRET_FILE_WHY_BYTES];
    struct buffer text;
    uint64_t hash_seed = 0;
    enum wilco_status status = random_u64(random_system(), &hash_seed);

    if (status != WILCO_OK) {
        describe(status, status_text(status), problem);
        return status;
    }
    status = secret_file_read(&text, a, path, false, ACL_TEXT_BYTES_MAX, why);
    if (status != WILCO_OK) {
        describe(status, secret_file_what(why, path), problem);
        return status == WILCO_ELIMIT ? WILCO_EINVAL : status;
    }
    status = acl_new(out, a, hash_seed, buffer_span(&text), problem);
    buffer_fini(&text);
    return status;
}
