#ifndef WILCO_BROKER_SERVER_CONFIG_CONFIG_H
#define WILCO_BROKER_SERVER_CONFIG_CONFIG_H

#include "base/log.h"
#include "broker/auth/tokens.h"
#include "broker/core/settings.h"
#include "broker/server/listener.h"

/* Everything that can be configured about a broker, whether it comes from a file or from the
 * command line. It owns nothing. */
#define CONFIG_URL_BYTES   480U
#define CONFIG_PATH_BYTES  512U
#define CONFIG_USER_BYTES  64U
#define CONFIG_FILES_BYTES 8192U

/* Paths, one behind the other, each with its end. */
struct config_files {
    char text[CONFIG_FILES_BYTES];
    size_t len;
};

struct config {
    struct settings settings;
    char listen[LISTENERS_MAX][CONFIG_URL_BYTES]; /* URLs (net/address.h) */
    struct entrance entrances[LISTENERS_MAX];     /* one for each URL */
    struct transport_options transports[LISTENERS_MAX];
    size_t listen_count; /* 0: CONFIG_LISTEN, a standard entrance */
    unsigned shards;     /* 0: one for each core */
    enum log_level log_level;
    enum entrance_choice allow_anonymous;
    char password_file[ENTRANCE_PATH_BYTES_MAX + 1]; /* empty: there is none */
    char user[CONFIG_USER_BYTES];                    /* whom root becomes; "": see privileges.h */
    bool has_sandbox;
    bool core_dumps;
    struct config_files files;
    char scram_file[CONFIG_PATH_BYTES]; /* empty: none */
    struct tokens_config tokens;
    char acl_file[CONFIG_PATH_BYTES]; /* empty: none */
};

/* Where a broker listens that is not told otherwise. */
#define CONFIG_LISTEN "mqtt://127.0.0.1:1883"

/* The defaults. */
void config_init(struct config *c);

/* Files and folders that it names, and that are read again when it is. False: their paths are
 * longer than CONFIG_FILES_BYTES together. */
WILCO_MUST_CHECK bool config_add_file(struct config *c, const char *path);
/* The one behind `previous`, or the first (NULL); NULL: there are no more. */
const char *config_next_file(const struct config *c, const char *previous);

#endif
