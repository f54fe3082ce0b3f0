#include "fuzz.h"

#include "wire/any.h"

#include <assert.h>

/* Whole packets with the header they bring. What is short asks for more; what decodes has the
 * length that its header says. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in;
    struct wire_header header;
    struct wire_any any;
    enum wilco_status st;

    if (!fuzz_input_read(&in, data, size)) {
        return 0;
    }
    st = wire_any_decode(&any, in.body, in.version);
    if (wire_header_decode(&header, in.body) != WILCO_OK) {
        assert(st == wire_header_decode(&header, in.body));
        return 0;
    }
    assert((st == WILCO_AGAIN) == (in.body.len < header.header_bytes + header.remaining));
    if (st == WILCO_OK) {
        assert(any.type == header.type);
        assert(in.body.len == header.header_bytes + header.remaining);
    }
    return 0;
}
