#ifndef WILCO_BROKER_AUTH_ACL_H
#define WILCO_BROKER_AUTH_ACL_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/status.h"
#include "broker/core/access.h"

/* Who may publish and receive what, as a file says (acl_parser.h has its lines). All is forbidden
 * that no line permits, so an empty file forbids all. For a client the lines of its user are asked
 * first, and then the patterns; of each, a line that denies prevails over those that permit,
 * wherever they stand.
 *
 * No pattern is for a client whose Client Identifier or user name has "+" or "#" in it. A name with
 * "/" in it stands for no part of a pattern that permits, and neither does one that begins with "$"
 * at the beginning of a topic.
 *
 * A client may subscribe to a filter if there may be a topic that matches it and of which it may
 * receive messages. Immutable, and for any thread. */
struct acl;

#define ACL_TEXT_BYTES_MAX 16777216U
#define ACL_PROBLEM_BYTES  400U

/* Copies the text. WILCO_EINVAL: `problem` says what is wrong in which line, such as "line 3: ...";
 * WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status acl_new(struct acl **out, const struct wilco_alloc *a,
                                           uint64_t hash_seed, struct span text,
                                           char problem[ACL_PROBLEM_BYTES]);
void acl_free(struct acl *acl);                                /* NULL is allowed */
const struct access_policy *acl_policy(const struct acl *acl); /* lives as long */

/* What it says, and why. */
struct acl_verdict {
    bool may;
    uint32_t line;     /* that has decided; 0: none has */
    const char *words; /* why, where no line has decided; else NULL */
};
struct acl_verdict acl_judge(const struct acl *acl, const struct access_subject *who,
                             enum access_action action, struct span topic);
/* The text of a line, counted from 1; empty: there is none. */
struct span acl_line_text(const struct acl *acl, uint32_t line);

/* How much it is. */
struct acl_size {
    size_t users; /* that have lines */
    size_t rules;
};
struct acl_size acl_size(const struct acl *acl);

#endif
