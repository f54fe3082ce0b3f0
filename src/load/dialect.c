#include "load/dialect.h"

const struct dialect *
dialect_named(const char *name)
{
    static const struct dialect *const all[] = {&dialect_mqtt, &dialect_frames, &dialect_nats};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(all[i]->name, name) == 0) {
            return all[i];
        }
    }
    return NULL;
}
