#ifndef WILCO_BROKER_SERVER_CONFIG_EXPAND_H
#define WILCO_BROKER_SERVER_CONFIG_EXPAND_H

#include "base/compiler.h"
#include "base/span.h"
#include "base/status.h"

/* Where variables come from. */
struct config_environment {
    /* NULL: there is no variable of this name. */
    const char *(*get)(void *context, const char *name);
    void *context;
};

#define EXPANDED_BYTES      4097U
#define EXPAND_REASON_BYTES 160U

/* Copies `value`, which holds no zero byte, with each ${NAME} replaced by the variable's value;
 * what comes out is not looked at again. WILCO_EINVAL: a variable is not set or its name cannot be
 * one; WILCO_ELIMIT: the result is too long. Then `reason` says so. */
WILCO_MUST_CHECK enum wilco_status expand(char out[EXPANDED_BYTES], struct span value,
                                          const struct config_environment *environment,
                                          char reason[EXPAND_REASON_BYTES]);

#endif
