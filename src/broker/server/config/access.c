#include "broker/server/config/directive.h"

#include <stdio.h>

static void
take_acl_file(struct config_reader *r, const struct directive *d, const char *value)
{
    if (strlen(value) >= CONFIG_PATH_BYTES) {
        reader_wrong(r, "%s: the path is longer than %u bytes", d->name, CONFIG_PATH_BYTES - 1);
        return;
    }
    (void)snprintf(r->config->acl_file, CONFIG_PATH_BYTES, "%s", value);
}

const struct directive access_directives[] = {
    {.name = "acl_file",
     .take = take_acl_file,
     .is_path = true,
     .what = "The file that says who may publish and receive what, in mosquitto's syntax "
             "(docs/authorisation.md). With one everything is forbidden that it does not permit; "
             "without, everything is permitted. wilco acl explains what it says."},
    {.name = NULL},
};
