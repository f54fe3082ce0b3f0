#include "broker/server/config/config.h"

void
config_init(struct config *c)
{
    *c = (struct config){.settings = settings_default(), .log_level = LOG_INFO};
}
