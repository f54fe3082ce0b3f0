#ifndef WILCO_BROKER_SERVER_CONFIG_LOAD_H
#define WILCO_BROKER_SERVER_CONFIG_LOAD_H

#include "base/alloc.h"
#include "broker/server/config/config.h"
#include "broker/server/config/expand.h"
#include "broker/server/config/problems.h"

/* The files. More than this is no configuration file, and not a folder of such. */
#define CONFIG_FILE_BYTES_MAX (1U << 20)
#define CONFIG_INCLUDES_MAX   256U

/* Reads the file at `path`, and those it includes, over what is in `out`. Whatever is wrong with
 * them, or with reading them, is added to `problems`; then `out` is of no use. */
void config_load(struct config *out, const char *path, const struct config_environment *environment,
                 const struct wilco_alloc *alloc, struct problems *problems);

#endif
