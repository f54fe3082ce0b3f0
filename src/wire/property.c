#include "wire/property.h"

#include "base/compiler.h"
#include "wire/topic.h"

enum kind { KIND_BYTE, KIND_U16, KIND_U32, KIND_VARINT, KIND_STRING, KIND_BINARY, KIND_PAIR };
enum rule { RULE_ANY, RULE_BOOL, RULE_NONZERO, RULE_TOPIC, RULE_SUBID, RULE_MANY };

#define IDENTIFIERS 64U /* every one is below */

/* What is known about an identifier; `where` is 0 when the standard does not have it. */
struct row {
    uint16_t where;  /* the packets that may carry it */
    uint16_t offset; /* of its field in struct wire_properties */
    uint8_t kind;
    uint8_t rule;
};

static const struct row rows[IDENTIFIERS] = {
#define ROW(id, NAME, field, type, mask, limits)                                                   \
    [id] = {                                                                                       \
        .where = (mask),                                                                           \
        .offset = offsetof(struct wire_properties, field),                                         \
        .kind = KIND_##type,                                                                       \
        .rule = RULE_##limits,                                                                     \
    },
    WIRE_PROPERTIES(ROW)
#undef ROW
};

void
wire_properties_clear(struct wire_properties *p)
{
    memset(p, 0, sizeof(*p));
}

static bool
may_repeat(const struct row *row, unsigned type)
{
    return row->rule == RULE_MANY || (row->rule == RULE_SUBID && type != WIRE_SUBSCRIBE);
}

/* Reads a number, or a pair, into its field; says which number it was, 0 for a pair. */
static uint32_t
decode_number(struct wire_properties *out, const struct row *row, struct wire_reader *r)
{
    void *field = (unsigned char *)out + row->offset;
    uint32_t number = 0;

    switch ((enum kind)row->kind) {
    case KIND_BYTE:
        number = wire_reader_u8(r);
        *(uint8_t *)field = (uint8_t)number;
        break;
    case KIND_U16:
        number = wire_reader_u16(r);
        *(uint16_t *)field = (uint16_t)number;
        break;
    case KIND_U32:
        number = wire_reader_u32(r);
        *(uint32_t *)field = number;
        break;
    case KIND_VARINT:
        number = wire_reader_varint(r);
        if (*(uint32_t *)field == 0) { /* the first stays */
            *(uint32_t *)field = number;
        }
        break;
    case KIND_PAIR: /* [MQTT-1.5.7-1] */
        (void)wire_reader_string(r);
        (void)wire_reader_string(r);
        out->user_count++;
        break;
    case KIND_STRING:
    case KIND_BINARY: break; /* decode_bytes() */
    }
    return number;
}

static bool
number_is_allowed(const struct row *row, uint32_t number)
{
    switch ((enum rule)row->rule) {
    case RULE_ANY:
    case RULE_MANY:
    case RULE_TOPIC: break;
    case RULE_BOOL: return number <= 1;  /* [U-3.1.2-9], [U-3.1.2-10], [U-3.2.2-1], [U-3.3.2-2] */
    case RULE_NONZERO:                   /* [U-3.1.2-5], [U-3.1.2-6] */
    case RULE_SUBID: return number != 0; /* [U-3.3.2-8], [U-3.8.2-1] */
    }
    return true;
}

/* Text that is not plain. */
static enum wilco_status
judge_text(struct span text, const struct row *row)
{
    if (!utf8_is_valid(text)) { /* [U-1.5.4-1] */
        return WILCO_EMALFORMED;
    }
    return row->rule == RULE_TOPIC && topic_has_wildcard(text) ? WILCO_EPROTOCOL : WILCO_OK;
}

/* Reads a string or binary data. Most properties of requests and responses are that, so this goes
 * without a reader. What is plain text is valid UTF-8, and a Topic Name if it is not empty. */
static inline enum wilco_status
decode_bytes(struct wire_properties *out, const struct row *row, const uint8_t **at,
             const uint8_t *end)
{
    struct span *field = (void *)((unsigned char *)out + row->offset);
    size_t left = (size_t)(end - *at);
    size_t len = 0;

    if (left < 2) {
        return WILCO_EMALFORMED;
    }
    len = (size_t)(*at)[0] << 8 | (*at)[1];
    if (len > left - 2) {
        return WILCO_EMALFORMED;
    }
    *field = span_of(*at + 2, len);
    *at += 2 + len;
    if (row->kind == KIND_STRING && WILCO_UNLIKELY(!utf8_is_plain(*field))) {
        return judge_text(*field, row);
    }
    return row->rule == RULE_TOPIC && len == 0 ? WILCO_EPROTOCOL : WILCO_OK; /* [MQTT-3.3.2-14] */
}

static enum wilco_status
decode_other(struct wire_properties *out, const struct row *row, const uint8_t **at,
             const uint8_t *end)
{
    struct wire_reader r = wire_reader_init(span_of(*at, (size_t)(end - *at)));
    uint32_t number = decode_number(out, row, &r);

    *at = r.cur;
    if (r.status != WILCO_OK) {
        return r.status;
    }
    return number_is_allowed(row, number) ? WILCO_OK : WILCO_EPROTOCOL;
}

/* Reads the property at `*at`, which is before `end`. */
static inline enum wilco_status
decode_one(struct wire_properties *out, const uint8_t **at, const uint8_t *end, unsigned type)
{
    uint8_t id = *(*at)++;
    const struct row *row = &rows[id % IDENTIFIERS];
    uint64_t bit = UINT64_C(1) << (id % IDENTIFIERS);

    if (id >= IDENTIFIERS || ((row->where >> type) & 1U) == 0) { /* [U-2.2.2-1] */
        return WILCO_EMALFORMED;
    }
    /* [U-3.1.2-4], [U-3.3.2-4], [U-3.3.2-6], [U-3.3.2-7], [U-3.3.2-9], [U-3.4.2-2] and their like
     */
    if ((out->present & bit) != 0 && !may_repeat(row, type)) {
        return WILCO_EPROTOCOL;
    }
    out->present |= bit;
    return row->kind == KIND_STRING || row->kind == KIND_BINARY ? decode_bytes(out, row, at, end)
                                                                : decode_other(out, row, at, end);
}

void
wire_properties_decode(struct wire_properties *out, struct wire_reader *r, unsigned type)
{
    enum wilco_status status = WILCO_OK;
    const uint8_t *at = NULL;
    const uint8_t *end = NULL;

    wire_properties_clear(out);
    out->block = wire_reader_bytes(r, wire_reader_varint(r));
    if (out->block.len == 0) {
        return;
    }
    at = out->block.data;
    end = at + out->block.len;
    while (at != end && status == WILCO_OK) {
        status = decode_one(out, &at, end, type);
    }
    if (status == WILCO_OK && wire_properties_has(out, WIRE_AUTHENTICATION_DATA) &&
        !wire_properties_has(out, WIRE_AUTHENTICATION_METHOD)) {
        status = WILCO_EPROTOCOL; /* [U-3.1.2-13] */
    }
    if (status != WILCO_OK) {
        wire_reader_fail(r, status);
    }
}

static void
encode_user(struct wire_writer *w, const struct wire_user_property *user)
{
    wire_writer_u8(w, WIRE_USER_PROPERTY);
    wire_writer_string(w, user->name);
    wire_writer_string(w, user->value);
}

static void
encode_field(struct wire_writer *w, const struct wire_properties *p, uint8_t id)
{
    const void *field = (const unsigned char *)p + rows[id].offset;

    wire_writer_u8(w, id);
    switch ((enum kind)rows[id].kind) {
    case KIND_BYTE: wire_writer_u8(w, *(const uint8_t *)field); break;
    case KIND_U16: wire_writer_u16(w, *(const uint16_t *)field); break;
    case KIND_U32: wire_writer_u32(w, *(const uint32_t *)field); break;
    case KIND_VARINT: wire_writer_varint(w, *(const uint32_t *)field); break;
    case KIND_STRING: wire_writer_string(w, *(const struct span *)field); break;
    case KIND_BINARY: wire_writer_binary(w, *(const struct span *)field); break;
    case KIND_PAIR: break; /* not a field */
    }
}

static void
encode_fields(struct wire_writer *w, const struct wire_properties *p)
{
    uint64_t left = p->present & ~(UINT64_C(1) << WIRE_USER_PROPERTY);

    for (; left != 0; left &= left - 1) {
        encode_field(w, p, (uint8_t)WILCO_LOWEST_BIT(left));
    }
    for (size_t i = 0; p->users != NULL && i < p->user_count; i++) {
        encode_user(w, &p->users[i]);
    }
}

void
wire_properties_encode(struct wire_writer *w, const struct wire_properties *p)
{
    struct wire_writer measured = wire_writer_measure();

    if (p->block.data != NULL) {
        wire_writer_length(w, p->block.len);
        wire_writer_bytes(w, p->block);
        return;
    }
    encode_fields(&measured, p);
    wire_writer_length(w, measured.len); /* [MQTT-2.2.2-1] */
    if (w->capacity > 0) {
        encode_fields(w, p);
    } else { /* it only measures, and that is done */
        w->len += measured.len;
        wire_writer_fail(w, measured.status);
    }
}

struct wire_property_iterator
wire_property_iterate(struct span block)
{
    return (struct wire_property_iterator){.reader = wire_reader_init(block)};
}

bool
wire_property_next(struct wire_property_iterator *it, struct wire_property *out)
{
    struct wire_reader *r = &it->reader;
    const uint8_t *start = r->cur;
    uint8_t id = wire_reader_u8(r) % IDENTIFIERS;

    *out = (struct wire_property){.id = (enum wire_property_id)id};
    switch ((enum kind)rows[id].kind) {
    case KIND_BYTE: out->number = wire_reader_u8(r); break;
    case KIND_U16: out->number = wire_reader_u16(r); break;
    case KIND_U32: out->number = wire_reader_u32(r); break;
    case KIND_VARINT: out->number = wire_reader_varint(r); break;
    case KIND_PAIR: out->name = wire_reader_binary(r); WILCO_FALLTHROUGH;
    case KIND_STRING:
    case KIND_BINARY: out->value = wire_reader_binary(r); break;
    }
    out->bytes = span_of(start, (size_t)(r->cur - start));
    return r->status == WILCO_OK;
}

/* The user properties that are to be encoded from fields. */
static bool
find_in_users(const struct wire_properties *p, struct span name, struct span *value)
{
    for (size_t i = 0; p->users != NULL && i < p->user_count; i++) {
        if (span_equal(p->users[i].name, name)) {
            *value = p->users[i].value;
            return true;
        }
    }
    return false;
}

bool
wire_properties_user(const struct wire_properties *p, struct span name, struct span *value)
{
    struct wire_property_iterator it = wire_property_iterate(p->block);
    struct wire_property found;

    if (p->block.data == NULL) {
        return find_in_users(p, name, value);
    }
    while (wire_properties_has(p, WIRE_USER_PROPERTY) && wire_property_next(&it, &found)) {
        if (found.id == WIRE_USER_PROPERTY && span_equal(found.name, name)) {
            *value = found.value;
            return true;
        }
    }
    return false;
}

const char *
wire_property_name(enum wire_property_id id)
{
    switch (id) {
#define NAME_OF(id, NAME, field, type, mask, limits)                                               \
    case WIRE_##NAME: return #NAME;
        WIRE_PROPERTIES(NAME_OF)
#undef NAME_OF
    }
    return NULL;
}
