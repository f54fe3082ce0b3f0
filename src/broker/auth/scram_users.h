#ifndef WILCO_BROKER_AUTH_SCRAM_USERS_H
#define WILCO_BROKER_AUTH_SCRAM_USERS_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "broker/auth/scram_secret.h"

/* The users of a file of secrets for SCRAM-SHA-256. Immutable once it is read: threads may share
 * it. Each line is `USER:SECRET` (scram_secret.h); lines that are empty or begin with # say
 * nothing, and a carriage return at the end of a line is no part of it. */
struct scram_users;

#define SCRAM_USERS_WHY_BYTES 160U

/* Takes a whole text over, or nothing of it. WILCO_EMALFORMED: one line is wrong, and `why` begins
 * with its number; no secret is in it. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status scram_users_read(struct scram_users **out,
                                                    const struct wilco_alloc *alloc,
                                                    struct span text,
                                                    char why[SCRAM_USERS_WHY_BYTES]);
void scram_users_free(struct scram_users *u); /* NULL is allowed; the secrets are overwritten */

size_t scram_users_count(const struct scram_users *u);

/* false: there is no such user, and `*out` is what could be one's. That is the same each time, also
 * after a restart, as long as the first line that names a user stays; and it is modelled on one of
 * the real ones, so that nobody can tell whom there is. Nobody can log in with it. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status scram_users_find(const struct scram_users *u, struct span name,
                                                    struct scram_secret *out, bool *is_known);

#endif
