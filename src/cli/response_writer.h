#ifndef WILCO_CLI_RESPONSE_WRITER_H
#define WILCO_CLI_RESPONSE_WRITER_H

#include "cli/output.h"
#include "wilco/wilco.h"

#include <stdatomic.h>

/* Writes what comes of requests: answers to standard output, and what is wrong to standard error.
 * For the library's thread, or whoever has seen the request end. */
struct response_writer {
    struct output output;
    bool show;             /* answers with their properties on standard error, too */
    bool fails_quietly;    /* what became of a request is said by somebody else */
    bool has_error;        /* one of several answers was an error */
    bool has_progress;     /* a line on the terminal is to be cleared */
    atomic_bool is_broken; /* nothing can be written any more, which has been said */
};

/* An answer before the last one. A report of progress is a line on the terminal (and an object with
 * --json), and no answer. */
void response_writer_part(struct response_writer *w, const struct wilco_message *part);

/* How the request to `topic` has ended; `response` may be NULL. The exit code for it. */
int response_writer_end(struct response_writer *w, const char *topic, enum wilco_status status,
                        const struct wilco_message *response, const struct wilco_error *why);

#endif
