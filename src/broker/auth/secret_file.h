#ifndef WILCO_BROKER_AUTH_SECRET_FILE_H
#define WILCO_BROKER_AUTH_SECRET_FILE_H

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/compiler.h"
#include "base/status.h"

#include <stdbool.h>

/* Reads whole files that have to do with authentication, and no more of them than that. */

#define SECRET_FILE_BYTES_MAX (64U << 20)
#define SECRET_FILE_WHY_BYTES 512U
#define SECRET_FILE_PATH_MAX  380U /* so much of a path is said */

/* Into an empty buffer, which secret_file_wipe() empties. A file that `is_secret` is refused when
 * others than its owner and its group may read it, or others than its owner may write to it.
 * WILCO_EIO, WILCO_ENOMEM, WILCO_ELIMIT (more than `bytes_max`): `why` says in one line, that
 * begins with the path, what is wrong and what to do. */
WILCO_MUST_CHECK enum wilco_status
secret_file_read(struct buffer *out, const struct wilco_alloc *alloc, const char *path,
                 bool is_secret, size_t bytes_max, char why[SECRET_FILE_WHY_BYTES]);
/* What `why` says behind the path and ": ". */
const char *secret_file_what(const char why[SECRET_FILE_WHY_BYTES], const char *path);
/* Overwrites and frees what was read. */
void secret_file_wipe(struct buffer *text);

#endif
