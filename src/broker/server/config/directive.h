#ifndef WILCO_BROKER_SERVER_CONFIG_DIRECTIVE_H
#define WILCO_BROKER_SERVER_CONFIG_DIRECTIVE_H

#include "broker/server/config/reader.h"

/* What can stand at the beginning of a line. There is a table of rows for each concern; the
 * settings (broker/core/settings.h) are rows too. */
struct directive {
    const char *name;
    /* Puts `value`, which is not empty, into reader->config, or complains with reader_wrong(). */
    void (*take)(struct config_reader *r, const struct directive *d, const char *value);
    const char *sets;     /* the setting it sets; NULL: something else, of its own name */
    const char *detail;   /* what `take` needs to know; its file says what that is */
    const char *standard; /* the default as it would be written; NULL: there is none to write */
    const char *what;     /* for the manual; NULL: not in its list */
    bool is_repeatable;
    bool is_path;        /* of a file or folder that is read now, and again on SIGHUP */
    bool is_listener;    /* names a listener, about which the lines below may say more */
    bool is_of_listener; /* such a line: once for each listener, unless it is repeatable */
};

/* Tables, each behind its last row closed by one without a name. */
extern const struct directive access_directives[];     /* access.c */
extern const struct directive credential_directives[]; /* credentials.c */
extern const struct directive general_directives[];    /* general.c */
extern const struct directive listening_directives[];  /* listening.c */
extern const struct directive logging_directives[];    /* logging.c */
extern const struct directive process_directives[];    /* process.c */
extern const struct directive secure_directives[];     /* secure.c */
extern const struct directive limit_directives[];   /* limits.c: mosquitto's names for settings */
extern const struct directive foreign_directives[]; /* foreign.c: mosquitto's other names */

/* True for those of foreign_directives that are known, but not supported. */
bool directive_is_refused(const struct directive *d);

/* The row of a setting. */
struct directive limit_directive(struct setting_row row);

/* False: there is none of this name. The star at the end of a row's name stands for anything. */
bool directive_find(struct span name, struct directive *out);
/* The name that was meant by `wrong`, of those that are supported; NULL: none is close. */
const char *directive_nearest(const char *wrong);

#endif
