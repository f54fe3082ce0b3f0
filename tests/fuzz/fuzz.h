#ifndef WILCO_TESTS_FUZZ_H
#define WILCO_TESTS_FUZZ_H

#include "base/span.h"
#include "wire/packet.h"

/* What a fuzz target defines; called with inputs in blocks of their exact size. A finding is an
 * assertion that fails or a sanitizer that speaks. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Most inputs start with a selector: its low two bits are the version of MQTT, the others belong to
 * the target; the body of the packet is the rest. */
struct fuzz_input {
    enum wire_version version;
    unsigned choice; /* the upper six bits */
    struct span body;
};
bool fuzz_input_read(struct fuzz_input *in, const uint8_t *data, size_t size);

/* Decodes a packet of this body. If that succeeds, encoding gives the same bytes (or the shorter
 * form that means the same) and these decode to what encodes alike; if not, the reason is one that
 * a decoder may give. True when it succeeded. */
bool fuzz_round_trip(enum wire_type type, uint8_t flags, const struct fuzz_input *in);

#endif
