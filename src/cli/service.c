#include "cli/service.h"

#include "cli/memory.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static char *
text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return memory_text("%s", text == NULL ? "" : text);
}

static uint64_t
number_of(const json_t *object, const char *key, uint64_t standard)
{
    const json_t *number = json_object_get(object, key);

    if (!json_is_integer(number) || json_integer_value(number) < 0) {
        return standard;
    }
    return (uint64_t)json_integer_value(number);
}

static char *
metadata_of(json_t *object)
{
    json_t *metadata = json_object_get(object, "metadata"), *value;
    char *text = memory_text("%s", "");
    const char *key;

    json_object_foreach(metadata, key, value)
    {
        const char *words = json_string_value(value);
        char *longer = memory_text("%s%s%s=%s", text, *text == '\0' ? "" : " ", key,
                                   words == NULL ? "" : words);

        free(text);
        text = longer;
    }
    return text;
}

static void
take_endpoints(struct service *s, const json_t *endpoints)
{
    size_t count = json_array_size(endpoints);

    s->endpoints = memory_get(count, sizeof(*s->endpoints));
    s->endpoint_count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *e = json_array_get(endpoints, i);

        s->endpoints[i] = (struct service_endpoint){
            .filter = text_of(e, "subject"),
            .group = text_of(e, "queue_group"),
            .last_error = text_of(e, "last_error"),
            .requests = number_of(e, "num_requests", 0),
            .errors = number_of(e, "num_errors", 0),
            .average_ns = number_of(e, "average_processing_time", 0),
        };
    }
}

bool
service_parse(struct service *out, struct wilco_bytes json)
{
    json_t *object = json_loadb(json.data, json.len, 0, NULL);
    uint64_t is_online = json_is_false(json_object_get(object, "online")) ? 0 : 1;

    if (!json_is_string(json_object_get(object, "name"))) {
        json_decref(object);
        return false;
    }
    *out = (struct service){
        .name = text_of(object, "name"),
        .version = text_of(object, "version"),
        .id = text_of(object, "id"),
        .description = text_of(object, "description"),
        .client_id = text_of(object, "client_id"),
        .started = text_of(object, "started"),
        .metadata = metadata_of(object),
        .members = number_of(object, "members", 1),
        .online = number_of(object, "members_online", is_online),
        .json = memory_sure(json_dumps(object, JSON_COMPACT)),
    };
    take_endpoints(out, json_object_get(object, "endpoints"));
    json_decref(object);
    return true;
}

void
service_fini(struct service *s)
{
    for (size_t i = 0; i < s->endpoint_count; i++) {
        free(s->endpoints[i].filter);
        free(s->endpoints[i].group);
        free(s->endpoints[i].last_error);
    }
    free(s->endpoints);
    free(s->name);
    free(s->version);
    free(s->id);
    free(s->description);
    free(s->client_id);
    free(s->started);
    free(s->metadata);
    free(s->json);
    *s = (struct service){0};
}

char *
service_json_with_time(const struct service *s)
{
    json_t *object = json_loads(s->json, 0, NULL);
    char *text = NULL;

    if (json_object_set_new(object, "round_trip_us", json_integer((json_int_t)s->took_us)) == 0) {
        text = json_dumps(object, JSON_COMPACT);
    }
    json_decref(object);
    return memory_sure(text);
}
