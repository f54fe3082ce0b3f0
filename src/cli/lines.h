#ifndef WILCO_CLI_LINES_H
#define WILCO_CLI_LINES_H

#include "wilco/wilco.h"

#include <stdbool.h>
#include <stddef.h>

/* The lines of a descriptor, for a main thread that has to hear wake_up() as well while there is
 * nothing to read. A line may be as long as a payload (PAYLOAD_BYTES_MAX). */
struct lines {
    int fd;
    char *bytes; /* what was read; the line of the last lines_next() is in it */
    size_t begin, end, capacity;
    size_t searched; /* up to there no line ends */
    bool is_at_end;  /* of the input */
};

enum lines_outcome {
    LINES_READ,  /* `*line` is one, without its end, until the next call */
    LINES_WOKEN, /* by wake_up() or a signal: look at what you are waiting for */
    LINES_END,
    LINES_FAILED, /* `*error` is an errno */
};

static inline struct lines
lines_of(int fd)
{
    return (struct lines){.fd = fd};
}

/* The next line; the last one need not have an end. */
enum lines_outcome lines_next(struct lines *l, struct wilco_bytes *line, int *error);
void lines_fini(struct lines *l); /* leaves the descriptor open */

#endif
