#ifndef WILCO_BROKER_AUTH_PASSWORD_FILE_H
#define WILCO_BROKER_AUTH_PASSWORD_FILE_H

#include "base/alloc.h"
#include "broker/auth/password_hash.h"
#include "broker/auth/secret_file.h"

#include <stddef.h>

/* A file of users and their passwords, as mosquitto has it: one USER:HASH a line
 * (password_hash.h). Lines that are empty or begin with # mean nothing; a line may end in CR LF,
 * and the last one without either. Everything else that is not such a line makes the whole file
 * wrong, and so does a user who has two: half a file would lock people out, or let them in.
 *
 * Immutable once made, and then safe from any thread. */
struct password_file;

#define PASSWORD_FILE_BYTES_MAX    SECRET_FILE_BYTES_MAX
#define PASSWORD_LINE_BYTES_MAX    66000U /* a user name is 65535 bytes at most */
#define PASSWORD_LINE_REASON_BYTES 160U
#define PASSWORD_REASON_BYTES      SECRET_FILE_WHY_BYTES

/* Reads `text`. WILCO_EMALFORMED: `reason` names the line and what is wrong with it, without its
 * hash. WILCO_ENOMEM, WILCO_EIO (no randomness): `reason` says so. `seed` is for hashing names. */
WILCO_MUST_CHECK enum wilco_status password_file_parse(struct password_file **out, struct span text,
                                                       uint64_t seed, const struct wilco_alloc *a,
                                                       const struct random_source *random,
                                                       char reason[PASSWORD_LINE_REASON_BYTES]);
/* Reads the file at `path`. As above, and WILCO_EINVAL: everybody may write to it; WILCO_EIO: it
 * cannot be read; WILCO_ELIMIT: it is larger than PASSWORD_FILE_BYTES_MAX. `reason` begins with the
 * path. */
WILCO_MUST_CHECK enum wilco_status password_file_load(struct password_file **out, const char *path,
                                                      uint64_t seed, const struct wilco_alloc *a,
                                                      const struct random_source *random,
                                                      char reason[PASSWORD_REASON_BYTES]);
void password_file_free(struct password_file *f); /* NULL is allowed */

/* Whether everybody on this machine could read the file when it was loaded, as those who make such
 * files should be told. */
bool password_file_is_exposed(const struct password_file *f);
size_t password_file_users(const struct password_file *f);

/* What to check the password of this user against. There is always something, with the same work to
 * do: for a user who is not in the file (*is_known false) it is a key that no password has, of the
 * kind that most users of the file have. */
const struct password_hash *password_file_find(const struct password_file *f, struct span user,
                                               bool *is_known);

#endif
