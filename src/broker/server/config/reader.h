#ifndef WILCO_BROKER_SERVER_CONFIG_READER_H
#define WILCO_BROKER_SERVER_CONFIG_READER_H

#include "base/alloc.h"
#include "broker/server/config/config.h"
#include "broker/server/config/expand.h"
#include "broker/server/config/problems.h"

/* Reads the text of configuration files into a struct config. Every wrong line becomes a problem
 * and changes nothing; reading goes on behind it. */

#define READER_SEEN_MAX   256U
#define READER_NAME_BYTES 64U

struct config_reader {
    struct config *config;
    struct problems *problems;
    const struct config_environment *environment;
    /* Reads the files of a folder by calling reader_read() for each; NULL: that is not allowed
     * here, because a file of such a folder is being read, or there are no files at all. */
    void (*include)(struct config_reader *r, const char *folder);
    const struct wilco_alloc *alloc; /* include() allocates from it */

    /* Where we are. */
    const char *file;
    size_t line;
    char name[READER_NAME_BYTES]; /* what the line begins with, cut to fit and printable */
    bool has_log_type;
    /* The lines so far that name a listener, right or wrong, and where to put what is said about
     * the last of them: into config, or nowhere if it is wrong. */
    size_t listeners;
    struct entrance *entrance;
    struct transport_options *transport;
    bool follows_certificate; /* it has TLS if it has one */
    struct entrance nowhere;
    struct transport_options no_transport;
    /* What this file has set already. */
    size_t seen_count;
    struct {
        char name[READER_NAME_BYTES];
        size_t listener; /* which it says something about, counted from 1; 0: all */
        size_t line;
    } seen[READER_SEEN_MAX];
};

/* `file` is what problems call it. May be called again for the next file, whose lines then prevail;
 * within one file a name may come once, or once for each listener, unless it is one of a list. */
void reader_read(struct config_reader *r, const char *file, struct span text);

/* For directives: something is wrong with the present line. */
void reader_wrong(struct config_reader *r, const char *format, ...) WILCO_PRINTF(2, 3);

#endif
