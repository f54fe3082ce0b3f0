#include "broker/server/config/config.h"

#include <string.h>

void
config_init(struct config *c)
{
    *c =
        (struct config){.settings = settings_default(), .log_level = LOG_INFO, .has_sandbox = true};
}

bool
config_add_file(struct config *c, const char *path)
{
    struct config_files *files = &c->files;
    size_t len = strlen(path) + 1;

    if (len > CONFIG_FILES_BYTES - files->len) {
        return false;
    }
    memcpy(files->text + files->len, path, len);
    files->len += len;
    return true;
}

const char *
config_next_file(const struct config *c, const char *previous)
{
    const char *next = previous == NULL ? c->files.text : previous + strlen(previous) + 1;

    return next < c->files.text + c->files.len ? next : NULL;
}
