#include "cli/message_json.h"

#include "cli/encoding.h"
#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- Writing ---- */

static void
json_put(json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, memory_sure(value)) != 0) {
        (void)memory_sure(NULL);
    }
}

static json_t *
json_of_bytes(struct wilco_bytes bytes)
{
    return json_stringn(bytes.len == 0 ? "" : bytes.data, bytes.len);
}

static void
json_put_bytes(json_t *object, const char *name, struct wilco_bytes bytes)
{
    json_t *text = json_of_bytes(bytes);
    char *key, *base64;

    if (text != NULL) {
        json_put(object, name, text);
        return;
    }
    key = memory_text("%s_base64", name);
    base64 = encoding_base64(bytes);
    json_put(object, key, json_string(base64));
    free(base64);
    free(key);
}

static json_t *
json_of_properties(const struct view *v)
{
    json_t *properties = memory_sure(json_object());

    if (v->is_utf8) {
        json_put(properties, "payload_format_indicator", json_integer(1));
    }
    if (v->has_expiry) {
        json_put(properties, "message_expiry_interval", json_integer((json_int_t)v->expiry_s));
    }
    if (v->content_type.data != NULL) {
        json_put_bytes(properties, "content_type", v->content_type);
    }
    if (v->response_topic.data != NULL) {
        json_put_bytes(properties, "response_topic", v->response_topic);
    }
    if (v->correlation_data.data != NULL) {
        json_put_bytes(properties, "correlation_data", v->correlation_data);
    }
    return properties;
}

static json_t *
json_of_user_properties(const struct view *v)
{
    json_t *pairs = memory_sure(json_array());

    for (size_t i = 0; i < v->user_property_count; i++) {
        json_t *pair =
            memory_sure(json_pack("[o, o]", memory_sure(json_of_bytes(v->user_properties[i].name)),
                                  memory_sure(json_of_bytes(v->user_properties[i].value))));

        if (json_array_append_new(pairs, pair) != 0) {
            (void)memory_sure(NULL);
        }
    }
    return pairs;
}

json_t *
message_json(const struct view *v)
{
    json_t *object = memory_sure(json_object());

    json_put_bytes(object, "topic", v->topic);
    json_put_bytes(object, "payload", v->payload);
    json_put(object, "qos", json_integer(v->qos));
    json_put(object, "retain", json_boolean(v->retain));
    if (v->status != 0) {
        json_put(object, "status", json_integer(v->status));
    }
    if (v->is_part) {
        json_put(object, "part", json_true());
    }
    if (v->has_progress) {
        json_put(object, "progress", json_real(v->progress));
    }
    json_put(object, "properties", json_of_properties(v));
    json_put(object, "user_properties", json_of_user_properties(v));
    return object;
}

void
message_json_put_text(json_t *object, const char *name, const char *text)
{
    if (text != NULL) {
        json_put_bytes(object, name, (struct wilco_bytes){text, strlen(text)});
    }
}

void
message_json_put_number(json_t *object, const char *name, uint64_t number)
{
    json_put(object, name, json_integer((json_int_t)number));
}

/* ---- Reading ---- */

static void
keep(struct message_json_memory *m, void *block)
{
    m->blocks = memory_grow(m->blocks, m->count + 1, sizeof(*m->blocks));
    m->blocks[m->count++] = block;
}

void
message_json_memory_fini(struct message_json_memory *m)
{
    for (size_t i = 0; i < m->count; i++) {
        free(m->blocks[i]);
    }
    free(m->blocks);
    *m = (struct message_json_memory){0};
}

static struct wilco_bytes
bytes_of(const json_t *text)
{
    return (struct wilco_bytes){json_string_value(text), json_string_length(text)};
}

/* data == NULL: it is not there. False: it is, but is no text. */
static bool
read_bytes(struct wilco_bytes *out, const json_t *object, const char *name,
           struct message_json_memory *memory)
{
    char *key = memory_text("%s_base64", name);
    const json_t *text = json_object_get(object, name), *base64 = json_object_get(object, key);
    unsigned char *bytes = NULL;
    size_t len = 0;

    free(key);
    *out = (struct wilco_bytes){NULL, 0};
    if (base64 == NULL) {
        *out = bytes_of(text);
        return text == NULL || json_is_string(text);
    }
    if (!json_is_string(base64) || !encoding_unbase64(json_string_value(base64), &bytes, &len)) {
        return false;
    }
    keep(memory, bytes);
    *out = (struct wilco_bytes){bytes, len};
    return true;
}

static bool
read_properties(struct view *v, const json_t *p, struct message_json_memory *memory)
{
    const json_t *expiry = json_object_get(p, "message_expiry_interval");
    json_int_t seconds = json_integer_value(expiry);

    v->is_utf8 = json_integer_value(json_object_get(p, "payload_format_indicator")) == 1;
    v->has_expiry = expiry != NULL;
    v->expiry_s = (uint32_t)seconds;
    return seconds >= 0 && seconds <= UINT32_MAX &&
           read_bytes(&v->content_type, p, "content_type", memory) &&
           read_bytes(&v->response_topic, p, "response_topic", memory) &&
           read_bytes(&v->correlation_data, p, "correlation_data", memory);
}

static bool
read_users(struct view *v, const json_t *pairs)
{
    size_t count = json_array_size(pairs);

    v->user_properties = memory_get(count, sizeof(*v->user_properties));
    for (size_t i = 0; i < count; i++) {
        const json_t *pair = json_array_get(pairs, i);
        const json_t *name = json_array_get(pair, 0), *value = json_array_get(pair, 1);

        if (!json_is_string(name) || !json_is_string(value)) {
            return false;
        }
        v->user_properties[v->user_property_count++] =
            (struct view_pair){bytes_of(name), bytes_of(value)};
    }
    return true;
}

bool
message_json_read(struct view *out, const json_t *object, struct message_json_memory *memory)
{
    json_int_t qos = json_integer_value(json_object_get(object, "qos"));
    json_int_t status = json_integer_value(json_object_get(object, "status"));

    *out = (struct view){
        .qos = (uint8_t)qos,
        .retain = json_is_true(json_object_get(object, "retain")),
        .status = (int)status,
        .is_part = json_is_true(json_object_get(object, "part")),
    };
    if (qos < 0 || qos > 2 || status < 0 || status > 999 ||
        !read_bytes(&out->topic, object, "topic", memory) || out->topic.len == 0 ||
        !read_bytes(&out->payload, object, "payload", memory) ||
        !read_properties(out, json_object_get(object, "properties"), memory) ||
        !read_users(out, json_object_get(object, "user_properties"))) {
        view_fini(out);
        return false;
    }
    return true;
}
