#include "client/chunks.h"

#include "base/hash.h"

#include <stddef.h>

/* What the length of a packet may grow by when it is not empty any more (MQTT 5.0, 1.5.5). */
#define LENGTH_GROWS 3U

static const struct {
    struct span name;
    size_t offset; /* of its number in struct chunk_terms */
} rows[] = {
    {SPAN_INIT("rr-take"), offsetof(struct chunk_terms, take)},
    {SPAN_INIT("rr-packet"), offsetof(struct chunk_terms, packet)},
    {SPAN_INIT("rr-size"), offsetof(struct chunk_terms, size)},
    {SPAN_INIT("rr-offset"), offsetof(struct chunk_terms, offset)},
    {SPAN_INIT("rr-want"), offsetof(struct chunk_terms, want)},
    {SPAN_INIT("rr-seq"), offsetof(struct chunk_terms, sequence)},
};

struct chunk_terms
chunk_terms_unsaid(void)
{
    return (struct chunk_terms){
        .take = CHUNK_UNSAID,
        .packet = CHUNK_UNSAID,
        .size = CHUNK_UNSAID,
        .offset = CHUNK_UNSAID,
        .want = CHUNK_UNSAID,
        .sequence = CHUNK_UNSAID,
    };
}

void
chunk_terms_read(struct chunk_terms *t, struct span name, struct span value)
{
    uint32_t number = 0;

    if (span_equal(name, SPAN_LITERAL("rr-hash")) && t->hash.data == NULL) {
        t->hash = value;
        return;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t *out = (uint32_t *)(void *)((char *)t + rows[i].offset);

        if (span_equal(name, rows[i].name) && *out == CHUNK_UNSAID &&
            message_number(value, &number)) {
            *out = number;
        }
    }
}

struct chunk_terms
chunk_terms_of(const struct wilco_message *m)
{
    struct wire_property_iterator it = wire_property_iterate(m->properties);
    struct chunk_terms t = chunk_terms_unsaid();
    struct wire_property p;

    while (wire_property_next(&it, &p)) {
        if (p.id == WIRE_USER_PROPERTY) {
            chunk_terms_read(&t, p.name, p.value);
        }
    }
    return t;
}

size_t
chunk_bytes(size_t packet_bytes_max, size_t overhead)
{
    size_t taken = overhead + LENGTH_GROWS;
    size_t room = packet_bytes_max > taken ? packet_bytes_max - taken : 0;

    return room < CHUNK_BYTES_MAX ? room : CHUNK_BYTES_MAX;
}

const char *
chunk_fault(struct span whole, const struct chunk_terms *t, bool *is_garbled)
{
    char digits[HASH_CHECK_CHARS];

    *is_garbled = false;
    if (whole.len != t->size) {
        return "not all of the payload has come";
    }
    if (!span_equal(hash_check(whole, digits), t->hash)) {
        *is_garbled = true;
        return "the payload is not what was sent";
    }
    return NULL;
}

uint32_t
chunk_credit(uint32_t parts_max, size_t response_bytes_max)
{
    return parts_max == 0 && response_bytes_max != 0 ? CHUNK_CREDIT : parts_max;
}
