#include "wire/utf8.h"

#define ONES  UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

/* Whether the eight bytes at `p` are all in 0x01 to 0x7F: subtracting one borrows into the high bit
 * of a zero byte. */
static bool
is_plain(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return (((word - ONES) | word) & HIGHS) == 0;
}

/* How long the well-formed sequence at `p` is, 0 when there is none. The second byte's range is
 * what excludes over-long forms, surrogates and what is above U+10FFFF (the Unicode standard, table
 * 3-7). */
static size_t
sequence_len(const uint8_t *p, size_t left)
{
    uint8_t lead = p[0];
    uint8_t low = 0x80;
    uint8_t high = 0xBF;
    size_t len;

    if (lead < 0x80) {
        return lead == 0 ? 0 : 1; /* [MQTT-1.5.4-2] */
    }
    if (lead < 0xC2 || lead > 0xF4) {
        return 0;
    }
    len = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (lead == 0xE0) {
        low = 0xA0;
    } else if (lead == 0xED) {
        high = 0x9F; /* [MQTT-1.5.4-1] */
    } else if (lead == 0xF0) {
        low = 0x90;
    } else if (lead == 0xF4) {
        high = 0x8F;
    }
    if (len > left || p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return len;
}

bool
utf8_is_valid(struct span text)
{
    size_t at = 0;

    while (at < text.len) {
        size_t len;

        if (text.len - at >= 8 && is_plain(text.data + at)) {
            at += 8;
            continue;
        }
        len = sequence_len(text.data + at, text.len - at);
        if (len == 0) {
            return false;
        }
        at += len;
    }
    return true;
}
