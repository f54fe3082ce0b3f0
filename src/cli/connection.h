#ifndef WILCO_CLI_CONNECTION_H
#define WILCO_CLI_CONNECTION_H

#include "cli/manual.h"
#include "cli/options.h"
#include "wilco/wilco.h"

#include <stdatomic.h>
#include <stdbool.h>

/* The connection that a client command makes, and the options that describe it. A flag wins over
 * the environment (WILCO_URL, MQTT_USERNAME, MQTT_PASSWORD, WILCO_CAFILE, WILCO_CERT, WILCO_KEY),
 * and that over the default. */
struct connection_options {
    const char *url, *host, *unix_path;
    struct option_number port;
    const char *id;
    const char *username, *password, *password_file;
    struct option_number password_fd;
    const char *auth_method;
    const char *cafile, *capath, *cert, *key, *crl;
    bool insecure;
    struct option_number keep_alive_s, connect_timeout_ms;
    bool keep_session;
    unsigned receive_maximum; /* 0: the library's default. No flag sets it */
    struct option_number session_expiry_s;
    const char *will_topic, *will_payload;
    struct option_number will_qos;
    bool will_retain;
    bool quiet, debug;
    const char *version;
    bool no_reconnect;
    bool reconnects; /* the command's own: it goes on when its connection is lost */

    char *address; /* filled by connection_prepare(): the URL ... */
    char *topic;   /* ... and the topic behind it, or NULL */
    char *secret;  /* the password, or NULL */
    size_t secret_len;
};

/* Rows whose target is a struct connection_options: where the server is and who we are to it ... */
extern const struct option connection_server_rows[];
/* ... and what else there is to say about a connection. */
extern const struct option connection_rows[];
/* What they have in the environment. */
extern const struct manual_variable connection_variables[];

/* Puts flags and environment together. 0, or the exit code when it has said what is wrong. */
int connection_prepare(struct connection_options *o);
/* The URL without its user and password, once it is prepared. */
const char *connection_server(const struct connection_options *o);
void connection_options_fini(struct connection_options *o);

/* Who gets what no subscription wants: a kept session brings what waited for it before there is
 * time to subscribe, and from subscriptions of earlier times. Nobody gets what a new session
 * brings. On the library's thread, possibly before connection_open() returns. */
struct connection_rest {
    wilco_message_fn *on_message; /* NULL: nobody */
    wilco_request_fn *on_request; /* NULL: nobody */
    void *context;
};

struct connection {
    struct wilco *client;
    struct connection_rest rest;
    bool is_away;        /* lost, and not made again yet; the library's thread alone */
    atomic_bool is_lost; /* for good; what follows is read after it */
    bool is_refused;     /* not that, but the subscription in a new session */
    struct wilco_error why;
};

/* Connects as prepared. 0, or the exit code when it has said what is wrong. A connection that is
 * lost later is said and made again, if the command wants that; one that is lost for good is noted
 * here, and wakes the main thread. `rest` may be NULL. */
int connection_open(struct connection *c, const struct connection_options *o,
                    const struct connection_rest *rest);

/* Closes and returns `exit_code`; but if the connection was lost, and nothing else went wrong, says
 * so and returns the exit code for that. */
int connection_close(struct connection *c, int exit_code);

/* Says what went wrong with a publication or a subscription; the exit code for it. `what` is
 * "publish to" or the like. */
int connection_failed(const char *what, const char *where, enum wilco_status status,
                      uint8_t reason_code);
int connection_not_subscribed(const char *what, const char *filter, enum wilco_status status,
                              uint8_t reason_code);

#endif
