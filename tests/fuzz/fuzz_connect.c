#include "fuzz.h"

/* The whole input is the body: CONNECT says its version itself. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {.version = WIRE_V5, .body = span_of(data, size)};

    (void)fuzz_round_trip(WIRE_CONNECT, 0, &in);
    return 0;
}
