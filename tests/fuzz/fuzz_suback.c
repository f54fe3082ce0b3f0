#include "fuzz.h"

/* The choice says whether it is a SUBACK or an UNSUBACK. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in;

    if (fuzz_input_read(&in, data, size)) {
        (void)fuzz_round_trip(in.choice % 2 == 0 ? WIRE_SUBACK : WIRE_UNSUBACK, 0, &in);
    }
    return 0;
}
