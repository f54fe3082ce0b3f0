#ifndef WILCO_TEST_FAULTS_H
#define WILCO_TEST_FAULTS_H

#include "broker/core/settings.h"
#include "wire/any.h"

/* tests/attacks/faults.tsv: packets with one fault each, and what the broker must answer. The same
 * rows go through whatever carries bytes to a broker. */
struct fault_row {
    const char *id;
    const char *settings; /* "name=value", or "-" */
    const char *bytes;    /* support/bytes.h */
    const char *answers;  /* "SUBACK 00 8F;DISCONNECT 82", "close", "-" */
    enum wire_version version;
    bool is_first; /* these are the first bytes of a connection; otherwise CONNECT has been said */
};

struct fault_table {
    char *text;
    struct fault_row *rows;
    size_t count;
};

/* Reads it from the folder of the sources, in which tests run. Fails the test if a line is not one.
 */
void fault_table_load(struct fault_table *t);
void fault_table_free(struct fault_table *t);

enum fault_next {
    FAULT_PACKET,
    FAULT_END,     /* the broker has ended the connection */
    FAULT_SILENCE, /* and nothing is to come */
};

/* A broker, and one connection to it at a time. */
struct fault_line {
    const char *name;
    void (*start)(void *context, const struct settings *settings);
    void (*stop)(void *context);
    void (*open)(void *context, enum wire_version version);
    void (*send)(void *context, struct span bytes);
    /* The next packet lives until the next call. */
    enum fault_next (*next)(void *context, struct wire_any *out);
    void (*close)(void *context);
    void *context;
};

/* Every row over this line: says each that is answered otherwise, then fails if there was one. */
void faults_run(const struct fault_table *t, const struct fault_line *line);

#endif
