#ifndef WILCO_BROKER_SERVER_BROKER_MAIN_H
#define WILCO_BROKER_SERVER_BROKER_MAIN_H

#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>

/* The broker as a program: what `wilco broker` runs. What is given here prevails over what the file
 * says, and that over the defaults. */
struct broker_main_options {
    const char *config;        /* a file (packaging/wilco.conf is an example); NULL: none */
    const char *const *listen; /* URLs (net/address.h); none: mqtt://127.0.0.1:1883 */
    size_t listen_count;
    unsigned shards;             /* 0: one for each core */
    const char *store;           /* "memory"; NULL: memory */
    const char *const *settings; /* "name=value" (broker/core/settings.h) */
    size_t setting_count;
    enum log_level log_level;
    bool has_log_level;   /* otherwise LOG_INFO */
    bool allow_anonymous; /* listen where others than this machine can connect, without
                             authentication */
    const char *user;     /* whom root becomes; NULL: what the file says */
    bool no_sandbox;
};

/* Listens, logs one line with event=ready and a listen=URL for each address (with the ports that
 * the system chose), serves until SIGTERM or SIGINT, tells every client, and ends. A second signal
 * ends it at once. With a file, SIGHUP makes it read the file again: if anything is wrong with it,
 * each problem is logged (event=reload_problem) and nothing changes; otherwise config/reload.h says
 * what does. The exit code: 0 after a signal; 1 for a configuration that cannot be (an unknown
 * setting or store, a URL that makes no sense, an address open to the network without
 * allow_anonymous); 2 when it cannot listen or run. Then lines on standard error say what to do,
 * one for each problem. */
int broker_main(const struct broker_main_options *options);

/* Says the same about a configuration that cannot be, without listening; 0: there is nothing wrong.
 */
int broker_main_check(const struct broker_main_options *options);

/* The settings table, one line a setting, on standard output: for --help-settings. */
void broker_main_print_settings(void);
/* The configuration file that is its own manual, on standard output: for --print-config. */
void broker_main_print_config(void);

#endif
