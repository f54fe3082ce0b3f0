#include "fuzz.h"

#include "wire/property.h"

#include <assert.h>
#include <stdlib.h>

#define USERS_MAX 256

/* The walk covers the block without a gap; collects the user properties. */
static size_t
walk(const struct wire_properties *p, struct wire_user_property *users)
{
    struct wire_property_iterator it = wire_property_iterate(p->block);
    struct wire_property found;
    size_t bytes = 0;
    size_t count = 0;

    while (wire_property_next(&it, &found)) {
        assert(wire_properties_has(p, found.id) && wire_property_name(found.id) != NULL);
        bytes += found.bytes.len;
        if (found.id == WIRE_USER_PROPERTY && count < USERS_MAX) {
            users[count++] = (struct wire_user_property){found.name, found.value};
        }
    }
    assert(bytes == p->block.len);
    return count;
}

/* Two decoded sets say the same, whatever the order they came in. */
static void
assert_same_fields(const struct wire_properties *a, const struct wire_properties *b)
{
#define SAME_BYTE(field)                         a->field == b->field
#define SAME_U16(field)                          a->field == b->field
#define SAME_U32(field)                          a->field == b->field
#define SAME_VARINT(field)                       a->field == b->field
#define SAME_STRING(field)                       span_equal(a->field, b->field)
#define SAME_BINARY(field)                       span_equal(a->field, b->field)
#define SAME_PAIR(field)                         a->user_count == b->user_count
#define SAME(id, NAME, field, type, where, rule) assert(SAME_##type(field));
    WIRE_PROPERTIES(SAME)
    assert(a->present == b->present);
}

static void
check(const struct wire_properties *decoded, unsigned type)
{
    struct wire_user_property users[USERS_MAX];
    struct wire_properties fields = *decoded;
    struct wire_properties again;
    struct wire_writer w = wire_writer_measure();
    struct wire_reader r;
    uint8_t *block;
    size_t len;

    fields.block = SPAN_EMPTY;
    fields.users = users;
    if (walk(decoded, users) != decoded->user_count) {
        assert(decoded->user_count > USERS_MAX);
        return;
    }
    wire_properties_encode(&w, &fields);
    block = malloc(w.len);
    assert(block != NULL);
    w = wire_writer_init(block, w.len);
    wire_properties_encode(&w, &fields);
    assert(wire_writer_finish(&w, &len) == WILCO_OK);
    r = wire_reader_init(span_of(block, len));
    wire_properties_decode(&again, &r, type);
    assert(wire_reader_finish(&r) == WILCO_OK);
    assert_same_fields(decoded, &again);
    free(block);
}

/* The first byte says for which packet; the rest is a Property Length and properties. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_properties p;
    struct wire_reader r;

    if (size == 0) {
        return 0;
    }
    r = wire_reader_init(span_of(data + 1, size - 1));
    wire_properties_decode(&p, &r, data[0] % 16U);
    if (wire_reader_finish(&r) == WILCO_OK) {
        check(&p, data[0] % 16U);
    }
    return 0;
}
