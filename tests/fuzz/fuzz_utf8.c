#include "fuzz.h"

#include "wire/utf8.h"

#include <assert.h>

/* The code point at the front of `*text`, cut off; UINT32_MAX when there is none. Knows nothing but
 * the bit patterns: what they may stand for is asked afterwards. */
static uint32_t
next_code_point(struct span *text, size_t *len)
{
    uint8_t lead = text->data[0];
    uint32_t c = lead;

    *len = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (*len == 0 || *len > text->len) {
        return UINT32_MAX;
    }
    if (*len > 1) {
        c = lead & (0x7FU >> *len);
    }
    for (size_t i = 1; i < *len; i++) {
        if (text->data[i] >> 6 != 2) {
            return UINT32_MAX;
        }
        c = c << 6 | (text->data[i] & 0x3FU);
    }
    *text = span_skip(*text, *len);
    return c;
}

static bool
model_is_valid(struct span text)
{
    static const uint32_t smallest[] = {0, 1, 0x80, 0x800, 0x10000};

    while (text.len > 0) {
        size_t len;
        uint32_t c = next_code_point(&text, &len);

        if (c == UINT32_MAX || c < smallest[len] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
            return false;
        }
    }
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size);

    assert(utf8_is_valid(text) == model_is_valid(text));
    return 0;
}
