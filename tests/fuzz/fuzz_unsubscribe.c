#include "fuzz.h"

#include "wire/unsubscribe.h"

#include <assert.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in;
    struct wire_unsubscribe p;
    struct span filter;
    size_t bytes = 0;

    if (fuzz_input_read(&in, data, size) &&
        fuzz_round_trip(WIRE_UNSUBSCRIBE, wire_type_flags(WIRE_UNSUBSCRIBE), &in)) {
        size_t payload_bytes;

        assert(wire_unsubscribe_decode(&p, in.body, in.version) == WILCO_OK);
        payload_bytes = p.payload.len;
        for (size_t i = 0; i < p.count; i++) {
            assert(wire_unsubscribe_next(&p.payload, &filter));
            bytes += 2 + filter.len;
        }
        assert(!wire_unsubscribe_next(&p.payload, &filter) && bytes == payload_bytes);
    }
    return 0;
}
