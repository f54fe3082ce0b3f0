#ifndef WILCO_CLI_SAY_H
#define WILCO_CLI_SAY_H

#include <stdbool.h>

/* What an errno means, in a buffer of its own. */
struct say_errno {
    char text[96];
};
struct say_errno say_errno(int error);

#define SAY_FORMAT __attribute__((format(printf, 1, 2)))

/* What the tool has to say goes to standard error, one line at a time, and never mixes with another
 * thread's line. Standard output is for payloads. */

/* "wilco request": every line starts with it. Static storage. */
void say_set_name(const char *name);
void say_set_level(bool quiet, bool debug);
bool say_is_quiet(void);
const char *say_name(void);

void say(const char *format, ...) SAY_FORMAT;       /* what is wrong; not with --quiet */
void say_note(const char *format, ...) SAY_FORMAT;  /* nothing is wrong; not with --quiet */
void say_debug(const char *format, ...) SAY_FORMAT; /* with --debug only */

#endif
