#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in;

    if (fuzz_input_read(&in, data, size)) {
        (void)fuzz_round_trip(WIRE_CONNACK, 0, &in);
    }
    return 0;
}
