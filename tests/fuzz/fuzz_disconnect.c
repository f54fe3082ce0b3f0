#include "fuzz.h"

/* The choice says whether it is a DISCONNECT or an AUTH. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in;

    if (fuzz_input_read(&in, data, size)) {
        (void)fuzz_round_trip(in.choice % 2 == 0 ? WIRE_DISCONNECT : WIRE_AUTH, 0, &in);
    }
    return 0;
}
