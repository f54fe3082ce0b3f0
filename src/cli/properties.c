#define _POSIX_C_SOURCE 200809L

#include "cli/properties.h"

#include "cli/encoding.h"
#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void
properties_fini(struct properties *p)
{
    for (size_t i = 0; i < p->user_count; i++) {
        free(p->user_names[i]);
    }
    free(p->user_names);
    free(p->user);
    free(p->correlation_memory);
    *p = (struct properties){0};
}

static void
add_user_property(struct properties *p, const char *name, size_t name_len, const char *value)
{
    char *copy = memory_text("%.*s", (int)name_len, name);

    p->user = memory_grow(p->user, p->user_count + 1, sizeof(*p->user));
    p->user_names = memory_grow(p->user_names, p->user_count + 1, sizeof(*p->user_names));
    p->user[p->user_count] = (struct wilco_user_property){.name = copy, .value = value};
    p->user_names[p->user_count] = copy;
    p->user_count++;
}

/* "name:value", as HTTP clients take their headers; blanks in front of the value do not belong to
 * it. */
static const char *
take_header(void *field, struct option_input *in)
{
    const char *word = option_take(in);
    const char *colon = word == NULL ? NULL : strchr(word, ':');

    if (colon == NULL || colon == word) {
        return "NAME:VALUE";
    }
    add_user_property(field, word, (size_t)(colon - word), colon + 1 + strspn(colon + 1, " "));
    return NULL;
}

static const char *
take_user_property(void *field, struct option_input *in)
{
    const char *name = option_take(in);
    const char *value = name == NULL ? NULL : option_take(in);

    if (value == NULL) {
        return "a name and a value";
    }
    add_user_property(field, name, strlen(name), value);
    return NULL;
}

static const char *
take_correlation(void *field, struct option_input *in)
{
    const char *word = option_take(in);

    if (word == NULL) {
        return "an argument";
    }
    *(struct wilco_bytes *)field = (struct wilco_bytes){word, strlen(word)};
    return NULL;
}

static const char *
take_correlation_hex(void *field, struct option_input *in)
{
    struct properties *p = field;
    const char *word = option_take(in);
    unsigned char *bytes = NULL;
    size_t len = 0;

    if (word == NULL || !encoding_unhex(word, &bytes, &len)) {
        return "bytes in hexadecimal, such as 00ff";
    }
    free(p->correlation_memory);
    p->correlation_memory = bytes;
    p->correlation_data = (struct wilco_bytes){bytes, len};
    return NULL;
}

static const char *
take_format(void *field, struct option_input *in)
{
    const char *word = option_take(in);

    if (word == NULL || (strcmp(word, "0") != 0 && strcmp(word, "1") != 0)) {
        return "0 or 1";
    }
    *(bool *)field = *word == '1';
    return NULL;
}

/* The properties of PUBLISH under the names that mosquitto_pub gives them. */
static const struct option publish_rows[] = {
    {.name = "content-type",
     .parse = option_text,
     .offset = offsetof(struct properties, content_type)},
    {.name = "correlation-data",
     .parse = take_correlation,
     .offset = offsetof(struct properties, correlation_data)},
    {.name = "message-expiry-interval",
     .parse = option_u32,
     .offset = offsetof(struct properties, expiry_s)},
    {.name = "payload-format-indicator",
     .parse = take_format,
     .offset = offsetof(struct properties, is_utf8)},
    {.name = "response-topic",
     .parse = option_text,
     .offset = offsetof(struct properties, response_topic)},
    {.name = "user-property", .parse = take_user_property},
};

/* publish PROPERTY VALUE, of which "user-property" has two. */
static const char *
take_property(void *field, struct option_input *in)
{
    const char *word = option_take(in);

    if (word == NULL || strcasecmp(word, "publish") != 0) {
        return "\"publish\", the only packet whose properties it sets";
    }
    word = option_take(in);
    for (size_t i = 0; word != NULL && i < sizeof(publish_rows) / sizeof(publish_rows[0]); i++) {
        if (strcmp(word, publish_rows[i].name) == 0) {
            return publish_rows[i].parse((char *)field + publish_rows[i].offset, in);
        }
    }
    return "content-type, correlation-data, message-expiry-interval, payload-format-indicator, "
           "response-topic or user-property";
}

const struct option properties_common_rows[] = {
    {"header", 'H', "NAME:VALUE", "add a user property; repeatable", take_header, 0},
    {"content-type", 0, "TYPE", "what the payload is, such as application/json", option_text,
     offsetof(struct properties, content_type)},
    {"utf8", 0, NULL, "say that the payload is text (Payload Format Indicator 1)", option_flag,
     offsetof(struct properties, is_utf8)},
    {.name = NULL},
};

const struct option properties_request_rows[] = {
    {"response-topic", 'e', "TOPIC", "where the answer is to be sent", option_text,
     offsetof(struct properties, response_topic)},
    {"correlation", 0, "TEXT", "correlation data, returned with the answer", take_correlation,
     offsetof(struct properties, correlation_data)},
    {"correlation-hex", 0, "HEX", "the same, any bytes: 00ff...", take_correlation_hex, 0},
    {"property", 'D', "publish NAME VALUE",
     "set a property as mosquitto_pub does: content-type,\n"
     "correlation-data, payload-format-indicator,\n"
     "response-topic, user-property NAME VALUE, and\n"
     "(pub only) message-expiry-interval; repeatable",
     take_property, 0},
    {.name = NULL},
};
