#ifndef WILCO_BROKER_AUTH_ACL_PARSER_H
#define WILCO_BROKER_AUTH_ACL_PARSER_H

#include "base/compiler.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Reads the lines of an ACL file as mosquitto does:
 *
 *   user NAME                                  the lines below are for this user, to the next one;
 *                                              those above the first are for who has no user name
 *   topic [read|write|readwrite|deny] FILTER   readwrite if nothing is said
 *   pattern [read|write|readwrite|deny] FILTER for everybody; %c and %u in it are names
 *   # ...                                      a comment
 *
 * Words are separated by blanks, a name or a filter goes to the end of the line, blanks at both
 * ends of it do not belong to it. */
enum acl_line_kind {
    ACL_LINE_NOTHING, /* empty, or a comment */
    ACL_LINE_USER,
    ACL_LINE_TOPIC,
    ACL_LINE_PATTERN,
};

struct acl_line {
    enum acl_line_kind kind;
    bool is_read;
    bool is_write;
    bool is_deny;
    struct span name; /* the user, or the filter, which is valid; borrowed */
};

/* One line, without its end. WILCO_EINVAL: it is wrong, as `*why` says. */
WILCO_MUST_CHECK enum wilco_status acl_line_read(struct acl_line *out, struct span line,
                                                 const char **why);
/* The next line of a text; false: there are no more. */
bool acl_line_next(struct span *rest, struct span *line);

#endif
