#ifndef WILCO_BROKER_SERVER_CONFIG_RELOAD_H
#define WILCO_BROKER_SERVER_CONFIG_RELOAD_H

#include "broker/server/config/config.h"

/* What a running broker can take over of a changed configuration. */

/* Whether a setting may change while the broker runs: whoever uses it looks at it each time, or
 * takes it once for a new connection and remembers what he told the client. False also for a
 * setting that nobody has looked at in this respect. */
bool reload_is_possible(const char *setting);
size_t reload_possible_count(void); /* of how many settings that is true */

struct reload_result {
    unsigned changed;       /* taken over */
    unsigned needs_restart; /* different, but left as they were */
};

/* Takes over into `running` what may change of `wanted`: settings, log level, and the TLS of
 * listeners, if these are the same otherwise. Logs each
 * difference: event=setting_changed, or event=restart_needed. */
struct reload_result reload_merge(struct config *running, const struct config *wanted,
                                  const struct logger *log);

#endif
