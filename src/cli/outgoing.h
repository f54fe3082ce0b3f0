#ifndef WILCO_CLI_OUTGOING_H
#define WILCO_CLI_OUTGOING_H

#include "cli/options.h"
#include "cli/properties.h"
#include "wilco/wilco.h"

/* The message that a command line describes: topic, payload and properties. */
struct outgoing {
    const char *topic;
    const char *message, *file; /* the payload: one of these, or of the three below, or none */
    bool is_empty, from_stdin, by_line;
    struct option_number qos;
    bool retain;
    struct properties properties;

    struct wilco_bytes payload; /* filled by outgoing_complete() */
    char *payload_memory;
};

/* Rows whose target is a struct outgoing: topic and payload. */
extern const struct option outgoing_rows[];

/* Takes TOPIC, if neither an option nor the URL has one, and PAYLOAD ("-" is standard input) from
 * the words of the command line; reads the payload. 0, or the exit code when it has said what is
 * wrong. */
int outgoing_complete(struct outgoing *o, char **words, size_t word_count, const char *url_topic);

/* Both borrow from it. */
struct wilco_publish outgoing_publish(const struct outgoing *o);
struct wilco_request outgoing_request(const struct outgoing *o); /* the rest is the caller's */
void outgoing_fini(struct outgoing *o);

#endif
