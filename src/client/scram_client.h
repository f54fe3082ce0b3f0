#ifndef WILCO_CLIENT_SCRAM_CLIENT_H
#define WILCO_CLIENT_SCRAM_CLIENT_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/random.h"
#include "base/span.h"
#include "base/status.h"
#include "wilco/client.h"

/* The client's end of SCRAM-SHA-256 (RFC 5802, RFC 7677), on one connection after the other: says
 * the first message, proves that it knows the password, and does not believe a server that does not
 * prove the same. The password does not leave it. What was derived from the password is kept while
 * the server's salt and iterations stay the same, so that connecting again costs little. */
struct scram_client;

/* Copies both. WILCO_EINVAL: no user name, or one that SCRAM cannot say (SCRAM_NAME_BYTES_MAX).
 * WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status scram_client_new(struct scram_client **out,
                                                    const struct wilco_alloc *alloc,
                                                    const struct random_source *random,
                                                    struct span user, struct span password);
void scram_client_free(struct scram_client *s); /* NULL is allowed; overwrites the password */

/* Begins anew: what CONNECT is to say, which lives as long as `s` and is as long each time.
 * WILCO_EIO: no randomness. */
WILCO_MUST_CHECK enum wilco_status scram_client_begin(struct scram_client *s, struct span *first);

/* Answers the server (wilco_authenticate_fn, with `s` as its context): false gives up, and
 * scram_client_why() says why. It may take a second (SCRAM_ITERATIONS_MAX). */
bool scram_client_answer(void *context, const struct wilco_challenge *challenge,
                         struct wilco_bytes *answer);
const char *scram_client_why(const struct scram_client *s); /* static text */

#endif
