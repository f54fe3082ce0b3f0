#include "broker/core/request_terms.h"

#include "wire/topic.h"

#define DIGITS_MAX 12U

/* A whole number up to `max`. */
static bool
read_number(struct span text, uint64_t max, uint64_t *out)
{
    uint64_t number = 0;

    if (text.len == 0 || text.len > DIGITS_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    *out = number;
    return number <= max;
}

static bool
read_ttl(struct request_terms *t, struct span value)
{
    return read_number(value, REQUEST_TTL_MS_MAX, &t->ttl_ms);
}

static bool
read_more(struct request_terms *t, struct span value)
{
    uint64_t number = 0;
    bool is_number = read_number(value, REQUEST_MORE_MAX, &number);

    t->more = (uint32_t)number;
    return is_number;
}

static bool
read_switch(struct span value, bool *is_on)
{
    *is_on = span_equal(value, SPAN_LITERAL("1"));
    return *is_on || span_equal(value, SPAN_LITERAL("0"));
}

static bool
read_idempotent(struct request_terms *t, struct span value)
{
    return read_switch(value, &t->is_idempotent);
}

static bool
read_size(struct request_terms *t, struct span value)
{
    uint64_t bytes = 0;

    t->is_head = true;
    return read_number(value, REQUEST_SIZE_MAX, &bytes);
}

static bool
read_fan(struct request_terms *t, struct span value)
{
    return read_switch(value, &t->is_fan);
}

static bool
read_op(struct request_terms *t, struct span value)
{
    static const struct {
        struct span name;
        enum request_op op;
    } ops[] = {
        {SPAN_INIT("cancel"), REQUEST_OP_CANCEL},
        {SPAN_INIT("credit"), REQUEST_OP_CREDIT},
        {SPAN_INIT("data"), REQUEST_OP_DATA},
    };

    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (span_equal(ops[i].name, value)) {
            t->op = ops[i].op;
            return true;
        }
    }
    return false;
}

static bool
read_on_loss(struct request_terms *t, struct span value)
{
    t->ends_with_asker = span_equal(value, SPAN_LITERAL("cancel"));
    return t->ends_with_asker;
}

static bool
read_trace(struct request_terms *t, struct span value)
{
    t->trace = value;
    return topic_name_is_valid(value);
}

static bool
read_if_offline(struct request_terms *t, struct span value)
{
    t->fails_if_left = span_equal(value, SPAN_LITERAL("fail"));
    t->fails_if_offline = t->fails_if_left || span_equal(value, SPAN_LITERAL("refuse"));
    return t->fails_if_offline || span_equal(value, SPAN_LITERAL("wait"));
}

static bool
read_partition(struct request_terms *t, struct span value)
{
    t->partition = value;
    return true;
}

static bool
read_source_id(struct request_terms *t, struct span value)
{
    if (t->source_id.data != NULL && !span_equal(t->source_id, value)) {
        t->has_two_sources = true;
    }
    t->source_id = value;
    return true;
}

static const struct {
    struct span name;
    bool (*read)(struct request_terms *t, struct span value);
    const char *why;
} rows[] = {
    {SPAN_INIT("rr-ttl"), read_ttl, "rr-ttl is no whole number of milliseconds up to 365 days"},
    {SPAN_INIT("rr-more"), read_more, "rr-more is no whole number up to 1000000000"},
    {SPAN_INIT("rr-idem"), read_idempotent, "rr-idem is neither 0 nor 1"},
    {SPAN_INIT("rr-if-offline"), read_if_offline,
     "rr-if-offline is neither fail nor refuse nor wait"},
    {SPAN_INIT("rr-fan"), read_fan, "rr-fan is neither 0 nor 1"},
    {SPAN_INIT("rr-size"), read_size, "rr-size is no whole number up to 4294967294"},
    {SPAN_INIT("rr-op"), read_op, "rr-op is none of cancel, credit and data"},
    {SPAN_INIT("rr-on-loss"), read_on_loss, "rr-on-loss is not cancel"},
    {SPAN_INIT("rr-trace"), read_trace, "rr-trace is no Topic Name"},
    {SPAN_INIT("$partition"), read_partition, ""},
    {SPAN_INIT("__srcId"), read_source_id, ""},
};

static enum wilco_status
read_property(struct request_terms *t, const struct wire_property *property, const char **why)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (span_equal(rows[i].name, property->name) && !rows[i].read(t, property->value)) {
            *why = rows[i].why;
            return WILCO_EPROTOCOL;
        }
    }
    return WILCO_OK;
}

enum wilco_status
request_terms_read(struct request_terms *out, const struct wire_properties *p, const char **why)
{
    struct wire_property_iterator it = {.reader = {.status = WILCO_OK}};
    struct wire_property property;
    enum wilco_status status = WILCO_OK;

    *out = (struct request_terms){.ttl_ms = UINT64_MAX};
    if (!wire_properties_has(p, WIRE_USER_PROPERTY)) {
        return WILCO_OK;
    }
    it = wire_property_iterate(p->block);
    while (status == WILCO_OK && wire_property_next(&it, &property)) {
        if (property.id == WIRE_USER_PROPERTY) {
            status = read_property(out, &property, why);
        }
    }
    return status;
}

bool
request_terms_name_op(const struct wire_properties *p)
{
    struct span value = SPAN_EMPTY;

    return wire_properties_has(p, WIRE_USER_PROPERTY) &&
           wire_properties_user(p, SPAN_LITERAL("rr-op"), &value);
}

static void
read_response_property(struct response_terms *t, const struct wire_property *property)
{
    uint64_t number = 0;

    if (span_equal(property->name, SPAN_LITERAL("__stat"))) {
        t->status = read_number(property->value, UINT32_MAX, &number) ? (uint32_t)number : 0;
    } else if (span_equal(property->name, SPAN_LITERAL("rr-more"))) {
        t->has_more = t->has_more || span_equal(property->value, SPAN_LITERAL("1"));
    } else if (span_equal(property->name, SPAN_LITERAL("rr-prog"))) {
        t->has_more = true;
    } else if (span_equal(property->name, SPAN_LITERAL("rr-src"))) {
        t->is_by_broker = t->is_by_broker || span_equal(property->value, SPAN_LITERAL("broker"));
    }
}

void
response_terms_read(struct response_terms *out, const struct wire_properties *p)
{
    struct wire_property_iterator it = wire_property_iterate(p->block);
    struct wire_property property;

    *out = (struct response_terms){.has_more = false};
    while (wire_properties_has(p, WIRE_USER_PROPERTY) && wire_property_next(&it, &property)) {
        if (property.id == WIRE_USER_PROPERTY) {
            read_response_property(out, &property);
        }
    }
}
