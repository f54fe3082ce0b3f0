#include "wire/reason.h"

/* For each code, the packets that may carry it: a mask of 1 << packet type. */
static const uint16_t packets_of[256] = {
#define PACKETS_OF(code, NAME, words, packets) [code] = (packets),
    WIRE_REASONS(PACKETS_OF)
#undef PACKETS_OF
};

const char *
wire_reason_text(uint8_t code)
{
    switch (code) {
#define TEXT_OF(code, NAME, words, packets)                                                        \
    case code: return words;
        WIRE_REASONS(TEXT_OF)
#undef TEXT_OF
    default: return "Unknown reason code";
    }
}

bool
wire_reason_is_valid(uint8_t code, enum wire_type type)
{
    return ((packets_of[code] >> type) & 1U) != 0;
}
