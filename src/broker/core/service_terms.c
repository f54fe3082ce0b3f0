#include "broker/core/service_terms.h"

#include "base/json_text.h"

#define META SPAN_LITERAL("rr-meta")

static bool
is_name_byte(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

static bool
is_printable(uint8_t byte)
{
    return byte > ' ' && byte < 0x7F;
}

static bool
is_text_of(struct span text, size_t bytes_max, bool (*is_allowed)(uint8_t byte))
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_allowed(text.data[i])) {
            return false;
        }
    }
    return text.len >= 1 && text.len <= bytes_max;
}

/* Each may be said once. */
static bool
take_once(struct span *place, struct span value)
{
    bool is_first = place->data == NULL;

    *place = value;
    return is_first;
}

static bool
read_name(struct service_terms *t, struct span value)
{
    return take_once(&t->name, value) && is_text_of(value, SERVICE_NAME_BYTES_MAX, is_name_byte);
}

static bool
read_version(struct service_terms *t, struct span value)
{
    return take_once(&t->version, value) &&
           is_text_of(value, SERVICE_VERSION_BYTES_MAX, is_printable);
}

static bool
read_description(struct service_terms *t, struct span value)
{
    return take_once(&t->description, value);
}

/* `*value` becomes what stands behind the first "=". */
static bool
split(struct span *value, struct span *key)
{
    const uint8_t *at = value->len == 0 ? NULL : memchr(value->data, '=', value->len);

    if (at == NULL || at == value->data) {
        return false;
    }
    *key = span_first(*value, (size_t)(at - value->data));
    *value = span_skip(*value, key->len + 1);
    return true;
}

static bool
read_meta(struct service_terms *t, struct span value)
{
    struct span key = SPAN_EMPTY;

    t->meta_count++;
    return t->meta_count <= SERVICE_META_MAX && split(&value, &key);
}

static const struct {
    struct span name;
    bool (*read)(struct service_terms *t, struct span value);
    const char *why;
} rows[] = {
    {SPAN_INIT("rr-service"), read_name,
     "rr-service is not 1 to 64 letters, digits, - and _, or is there twice"},
    {SPAN_INIT("rr-version"), read_version,
     "rr-version is not 1 to 64 printable characters, or is there twice"},
    {SPAN_INIT("rr-description"), read_description, "rr-description is there twice"},
    {SPAN_INIT("rr-meta"), read_meta,
     "rr-meta is not key=value, or there are more than 100 of them"},
};

static enum wilco_status
read_property(struct service_terms *t, const struct wire_property *property, const char **why)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (span_equal(rows[i].name, property->name) && !rows[i].read(t, property->value)) {
            *why = rows[i].why;
            return WILCO_EPROTOCOL;
        }
    }
    return WILCO_OK;
}

/* The next User Property. */
static bool
next_user(struct wire_property_iterator *it, struct wire_property *out)
{
    while (wire_property_next(it, out)) {
        if (out->id == WIRE_USER_PROPERTY) {
            return true;
        }
    }
    return false;
}

/* Whether another `rr-meta` that comes later has this key. */
static bool
comes_again(struct wire_property_iterator it, struct span key)
{
    struct wire_property other;
    struct span other_key = SPAN_EMPTY;

    while (next_user(&it, &other)) {
        if (span_equal(other.name, META) && split(&other.value, &other_key) &&
            span_equal(other_key, key)) {
            return true;
        }
    }
    return false;
}

/* JSON objects that name one thing twice mean something else to everybody. */
static bool
has_key_twice(const struct wire_properties *p)
{
    struct wire_property_iterator it = wire_property_iterate(p->block);
    struct wire_property property;
    struct span key = SPAN_EMPTY;

    while (next_user(&it, &property)) {
        if (span_equal(property.name, META) && split(&property.value, &key) &&
            comes_again(it, key)) {
            return true;
        }
    }
    return false;
}

enum wilco_status
service_terms_read(struct service_terms *out, const struct wire_properties *p, const char **why)
{
    struct wire_property_iterator it = {.reader = {.status = WILCO_OK}};
    struct wire_property property;
    struct span name = SPAN_EMPTY;
    enum wilco_status status = WILCO_OK;

    *out = (struct service_terms){.meta_count = 0};
    if (!wire_properties_has(p, WIRE_USER_PROPERTY) ||
        !wire_properties_user(p, rows[0].name, &name)) {
        return WILCO_OK;
    }
    it = wire_property_iterate(p->block);
    while (status == WILCO_OK && next_user(&it, &property)) {
        status = read_property(out, &property, why);
    }
    if (status == WILCO_OK && out->meta_count > 1 && has_key_twice(p)) {
        *why = "two rr-meta have the same key";
        status = WILCO_EPROTOCOL;
    }
    return status;
}

enum wilco_status
service_terms_write_meta(const struct wire_properties *p, struct buffer *out)
{
    struct json_text j = json_text_init(out);
    struct wire_property_iterator it = wire_property_iterate(p->block);
    struct wire_property property;
    struct span key = SPAN_EMPTY;

    json_text_begin_object(&j);
    while (next_user(&it, &property)) {
        if (span_equal(property.name, META) && split(&property.value, &key)) {
            json_text_key_of(&j, key);
            json_text_string(&j, property.value);
        }
    }
    json_text_end_object(&j);
    return j.status;
}
