#include "wire/utf8.h"

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

/* Whether the last bytes of `text` are plain; looks at more of them where that is cheaper. */
static bool
tail_is_ascii(struct span text, size_t tail)
{
    if (text.len >= WORD_BYTES) {
        return word_is_ascii(word_load(text.data + text.len - WORD_BYTES));
    }
    return tail == text.len && tail >= 4 && word_is_ascii(word_load_short(text.data, tail));
}

bool
utf8_is_valid(struct span text)
{
    size_t at = 0;

    while (at < text.len) {
        size_t left = text.len - at;
        size_t len = WORD_BYTES;

        if (left < WORD_BYTES && tail_is_ascii(text, left)) {
            return true;
        }
        if (left < WORD_BYTES || !word_is_ascii(word_load(text.data + at))) {
            len = sequence_len(text.data + at, left);
        }
        if (len == 0) {
            return false;
        }
        at += len;
    }
    return true;
}
