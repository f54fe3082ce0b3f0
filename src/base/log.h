#ifndef WILCO_BASE_LOG_H
#define WILCO_BASE_LOG_H

#include "base/compiler.h"
#include "base/span.h"

/* One event, one line: `ts=... level=... event=<event> <key=value ...>`. A logger belongs to the
 * program; cores are given one. Safe from any thread when the sink is. */
enum log_level {
    LOG_ERROR,
    LOG_WARNING,
    LOG_INFO,
    LOG_DEBUG,
};

/* Bytes of one line, without the newline. */
#define LOG_LINE_MAX 1024

struct logger {
    enum log_level level; /* events above it are dropped */
    /* Gets the line without its newline. NULL drops everything. */
    void (*sink)(void *context, enum log_level level, struct span line);
    void *context;
};

/* Writes lines to the file descriptor in `*(int *)context`, one write(2) each. */
void log_sink_fd(void *context, enum log_level level, struct span line);

/* `format` makes the key=value pairs; "" when there are none. Lines longer than LOG_LINE_MAX are
 * cut and end in "..."; line breaks become spaces. `l` may be NULL. Text from a peer goes through
 * LOG_TEXT. */
void log_event(const struct logger *l, enum log_level level, const char *event, const char *format,
               ...) WILCO_PRINTF(4, 5);

/* A quoted copy of a peer's bytes for "%s": what is not printable ASCII becomes \xNN, and what
 * does not fit becomes "...". LOG_TEXT lives until the end of the enclosing block. */
struct log_text {
    char text[132];
};
const char *log_text(struct log_text *scratch, struct span bytes);
#define LOG_TEXT(bytes) log_text(&(struct log_text){.text = ""}, bytes)

#endif
