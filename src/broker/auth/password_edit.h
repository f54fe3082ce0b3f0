#ifndef WILCO_BROKER_AUTH_PASSWORD_EDIT_H
#define WILCO_BROKER_AUTH_PASSWORD_EDIT_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/span.h"
#include "base/status.h"
#include "broker/auth/password_hash.h"

#include <stdbool.h>

/* Changes to the text of a password file (password_file.h). `out` is empty before; every line that
 * is not meant is in it as it was. WILCO_ENOMEM; WILCO_ELIMIT: `out` cannot grow so far. */

/* What cannot be a user name: nothing, more than 65535 bytes, what is not UTF-8, a colon, a control
 * character, or # in front. */
bool password_user_is_valid(struct span user);

/* Gives the user this hash, in its line or in a new one at the end. */
WILCO_MUST_CHECK enum wilco_status password_edit_set(struct buffer *out, struct span text,
                                                     struct span user,
                                                     const struct password_hash *hash);
/* The same with what is to stand behind the colon, such as a secret for SCRAM (scram_secret.h). */
WILCO_MUST_CHECK enum wilco_status password_edit_set_text(struct buffer *out, struct span text,
                                                          struct span user, const char *written);
/* Leaves the user's line out. WILCO_ENOTFOUND: there is none. */
WILCO_MUST_CHECK enum wilco_status password_edit_remove(struct buffer *out, struct span text,
                                                        struct span user);
/* Every line whose password is plain text gets its hash; *count says how many. WILCO_EMALFORMED: a
 * line has no colon, or an empty user or password; *line is its number. WILCO_EIO: no randomness.
 */
WILCO_MUST_CHECK enum wilco_status password_edit_upgrade(struct buffer *out, struct span text,
                                                         const struct password_cost *cost,
                                                         const struct random_source *random,
                                                         size_t *count, size_t *line);

/* Puts `text` in the place of the file at `path`, or makes it: whoever reads the file sees all of
 * the old or all of the new one, also after a loss of power. A new file is for its owner only; one
 * that was there keeps owner, group and what they may do with it. WILCO_EIO: errno. */
WILCO_MUST_CHECK enum wilco_status password_edit_write(const char *path, struct span text);

#endif
