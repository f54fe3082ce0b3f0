#include "cli/exchange.h"

#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

char *
exchange_write(const struct exchange *e)
{
    json_t *object = message_json(&e->message), *line = memory_sure(json_object());
    char *text;

    message_json_put_number(line, "id", e->id);
    message_json_put_number(line, "time_us", e->time_us);
    if (e->response_to != 0) {
        message_json_put_number(line, "response_to", e->response_to);
    }
    if (json_object_update(line, object) != 0) {
        (void)memory_sure(NULL);
    }
    text = memory_sure(json_dumps(line, JSON_COMPACT));
    json_decref(line);
    json_decref(object);
    return text;
}

/* False: it is there, but is no such number. */
static bool
read_number(uint64_t *out, const json_t *object, const char *name)
{
    const json_t *number = json_object_get(object, name);

    *out = (uint64_t)json_integer_value(number);
    return number == NULL || (json_is_integer(number) && json_integer_value(number) >= 0);
}

bool
exchange_read(struct exchange *out, struct wilco_bytes line)
{
    *out = (struct exchange){.object = json_loadb(line.data, line.len, JSON_ALLOW_NUL, NULL)};
    if (json_is_object(out->object) && read_number(&out->id, out->object, "id") &&
        read_number(&out->time_us, out->object, "time_us") &&
        read_number(&out->response_to, out->object, "response_to") &&
        message_json_read(&out->message, out->object, &out->memory)) {
        return true;
    }
    exchange_fini(out);
    return false;
}

void
exchange_fini(struct exchange *e)
{
    view_fini(&e->message);
    message_json_memory_fini(&e->memory);
    json_decref(e->object);
    *e = (struct exchange){0};
}

bool
exchange_is_request(const struct exchange *e)
{
    return e->response_to == 0 && e->message.response_topic.data != NULL;
}

const char *
exchange_user_property(const struct view *m, const char *name)
{
    for (size_t i = 0; i < m->user_property_count; i++) {
        const char *found = m->user_properties[i].name.data;

        if (strcmp(found, name) == 0) {
            return m->user_properties[i].value.data;
        }
    }
    return NULL;
}

bool
exchange_is_librarys(const struct view_pair *user_property)
{
    const char *name = user_property->name.data;

    return strncmp(name, "__", 2) == 0 || strncmp(name, "rr-", 3) == 0 ||
           strcmp(name, "$partition") == 0;
}
