#include "fuzz.h"

/* The choice says which of PUBACK, PUBREC, PUBREL and PUBCOMP it is. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in;

    if (fuzz_input_read(&in, data, size)) {
        enum wire_type type = (enum wire_type)(WIRE_PUBACK + in.choice % 4);

        (void)fuzz_round_trip(type, wire_type_flags(type), &in);
    }
    return 0;
}
