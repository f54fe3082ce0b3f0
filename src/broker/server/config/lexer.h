#ifndef WILCO_BROKER_SERVER_CONFIG_LEXER_H
#define WILCO_BROKER_SERVER_CONFIG_LEXER_H

#include "base/span.h"

/* Cuts the text of a configuration file into lines of the form `name value`, as mosquitto.conf has
 * them. Blank lines and lines whose first visible character is # are passed over; a # further on
 * belongs to the value. Lines end with LF or CRLF, the last one also without. */
#define CONFIG_LINE_BYTES_MAX 4096U

struct lexer {
    struct span rest;
    size_t number; /* of the line cut last */
};

/* One line; borrows the text. */
struct config_line {
    size_t number; /* counted from 1 */
    struct span name;
    struct span value;   /* without blanks around it; empty: there is none */
    const char *problem; /* static; NULL: none. Then name and value are empty */
};

/* A byte order mark at the beginning is passed over. */
struct lexer lexer_init(struct span text);
/* False: there are no more lines. */
bool lexer_next(struct lexer *l, struct config_line *out);

#endif
