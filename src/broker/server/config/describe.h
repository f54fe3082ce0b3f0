#ifndef WILCO_BROKER_SERVER_CONFIG_DESCRIBE_H
#define WILCO_BROKER_SERVER_CONFIG_DESCRIBE_H

#include <stdio.h>

/* How whoever describes configuration files writes: as such a file (print.h), or as a man page. */
struct config_writer {
    void (*syntax)(FILE *out, const char *text); /* a paragraph about files as a whole */
    void (*title)(FILE *out, const char *text);
    /* `standard` is the default as it would be written, NULL: there is none to write. */
    void (*directive)(FILE *out, const char *name, const char *standard, const char *what);
    void (*paragraph)(FILE *out, const char *text);
    void (*line)(FILE *out, const char *text); /* of a list below a paragraph */
};

/* Every directive with what it means and its default, made from the tables. */
void config_describe(FILE *out, const struct config_writer *w);

#endif
