#ifndef WILCO_BROKER_SERVER_OPTIONS_H
#define WILCO_BROKER_SERVER_OPTIONS_H

#include "broker/server/broker_main.h"
#include "broker/server/config/config.h"
#include "broker/server/config/problems.h"

/* The configuration that the options ask for: the defaults, over them the file that they name, over
 * that the options themselves. Whatever is wrong is added to `problems`; then `out` is of no use.
 */
void options_gather(struct config *out, const struct broker_main_options *options,
                    struct problems *problems);

#endif
