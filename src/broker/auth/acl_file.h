#ifndef WILCO_BROKER_AUTH_ACL_FILE_H
#define WILCO_BROKER_AUTH_ACL_FILE_H

#include "broker/auth/acl.h"

/* Reads a file. WILCO_EINVAL (too large, or a line is wrong), WILCO_EIO, WILCO_ENOMEM: `problem`
 * says what is wrong, without the path. */
WILCO_MUST_CHECK enum wilco_status acl_file_read(struct acl **out, const struct wilco_alloc *a,
                                                 const char *path, char problem[ACL_PROBLEM_BYTES]);

#endif
