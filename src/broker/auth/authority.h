#ifndef WILCO_BROKER_AUTH_AUTHORITY_H
#define WILCO_BROKER_AUTH_AUTHORITY_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/random.h"
#include "base/status.h"
#include "broker/auth/scram_server.h"
#include "broker/auth/tokens.h"
#include "broker/core/authenticator.h"
#include "broker/core/settings.h"

#include <stddef.h>

/* The broker's authenticator (broker/core/authenticator.h): which listener wants what of a client,
 * and whether it is right.
 *
 * A listener has a password file: its own, or that of the whole broker, or none. Where there is
 * one, who names a user must know the password, and who names none is let in only if it is allowed
 * to be anonymous. Where there is none, everybody is anonymous, whatever name it claims, or nobody
 * gets in.
 *
 * Two things more may say who a client is, at every listener: a JSON Web Token in the place of the
 * password (tokens.h), and the Authentication Method SCRAM-SHA-256 (scram_server.h), whose users
 * are kept here. Where there are any, who names a user without a password file is wrong. A listener
 * may also take the user from the certificate of the client, and then asks for nothing else.
 *
 * Passwords are checked by the threads of a pool, with the same work for users who do not exist,
 * and what waits for that is bounded. An address that has failed too often is refused without a
 * look, also when its turn comes in the pool. */
struct authority;

#define AUTHORITY_FILES_MAX    33U /* one for each listener, and the broker's */
#define AUTHORITY_REASON_BYTES 700U

struct authority_config {
    const char *password_file;            /* the broker's; NULL or "": none */
    const char *scram_file;               /* of the Authentication Method; NULL or "": none */
    const struct tokens_config *tokens;   /* NULL: none, as when it names no files */
    const struct entrance *entrances;     /* the listeners' own files are named there */
    size_t entrance_count;                /* AUTHORITY_FILES_MAX - 1 at most */
    enum entrance_choice allow_anonymous; /* where a listener does not say */
    const struct settings *settings;      /* copied */
    const struct wilco_alloc *alloc;      /* safe from any thread */
    const struct random_source *random;   /* likewise */
};

/* Whether anybody has to be asked anything: without an authority everybody is let in. */
bool authority_is_needed(const struct authority_config *config);

/* Reads the files. WILCO_EMALFORMED, WILCO_EIO, WILCO_ENOMEM, WILCO_EINVAL,
 * WILCO_ELIMIT: `reason` says in one line which file and what to do. */
WILCO_MUST_CHECK enum wilco_status authority_new(struct authority **out,
                                                 const struct authority_config *config,
                                                 char reason[AUTHORITY_REASON_BYTES]);
/* For the broker, as long as the authority is not stopped. */
const struct authenticator *authority_authenticator(const struct authority *a);
/* The failures that another one knows of become this one's, which replaces it: the other has those
 * of this one then. Nobody asks either of them meanwhile. */
void authority_inherit(struct authority *a, struct authority *from);
/* Ends the threads: those who wait are refused (0x88), and so is everybody later. Before the broker
 * ends. */
void authority_stop(struct authority *a);
void authority_free(struct authority *a); /* stops it; NULL is allowed */

/* The users of SCRAM-SHA-256, NULL: there are none; and how their failures are counted with the
 * others. Both as long as the authority. */
const struct scram_users *authority_scram_users(const struct authority *a);
struct scram_watch authority_scram_watch(struct authority *a);

/* The first file that everybody may read, as somebody should be told; NULL: none. */
const char *authority_exposed_file(const struct authority *a);
/* Users in all files. */
size_t authority_users(const struct authority *a);

#endif
