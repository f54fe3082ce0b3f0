#ifndef WILCO_CLI_OUTPUT_H
#define WILCO_CLI_OUTPUT_H

#include "cli/view.h"

#include <stdbool.h>
#include <stdio.h>

/* Messages on standard output, for programs; and on standard error, for people. */
struct output {
    bool json;       /* one object a line */
    bool topic;      /* the topic and a space in front of the payload */
    bool no_newline; /* nothing behind the payload */
};

/* False when it cannot be written, which has been said (except a broken pipe, which is quiet). */
bool output_message(const struct output *o, const struct view *v);

/* Makes sure that everything written so far has arrived. False as above. */
bool output_finish(void);

/* The object of `json`, without a line break; to be given back with free(). Text that is not UTF-8
 * stands in base64 under its name with "_base64" behind it. */
char *output_json(const struct view *v);

/* What became of a request that was not answered, as one JSON object on standard output: the error
 * in words, and how far the request came and whether it was executed, where that is known. False
 * as above. */
bool output_failure(const char *topic, const struct wilco_error *why);
/* That object, like output_json(). */
char *output_failure_json(const char *topic, const struct wilco_error *why);

/* What can be shown of a text on one line of a terminal; nothing of what is no text. */
void output_first_line(FILE *out, struct wilco_bytes bytes);

/* A headline, the properties, one a line, and an empty line. `title` says what it is: "request". */
void output_show(FILE *out, const char *title, const struct view *v);

#endif
