#ifndef WILCO_WIRE_UTF8_H
#define WILCO_WIRE_UTF8_H

#include "base/span.h"
#include "wire/word.h"

#include <stdbool.h>

/* Well-formed UTF-8 (shortest forms, no surrogates, at most U+10FFFF) without U+0000: what MQTT 5.0
 * section 1.5.4 demands of every string: of topics [MQTT-4.7.3-2], Response Topic [MQTT-3.3.2-13],
 * Content Type [MQTT-3.3.2-19] and all others. A byte order mark is a character like others
 * [MQTT-1.5.4-3]. Control and non-characters, which the standard merely discourages, are accepted
 * [U-1.5.4-2]. */
bool utf8_is_valid(struct span text);

/* Whether `text` is nothing but ASCII without U+0000, "+" and "#": valid, and no wildcard in it.
 * That is what nearly all topics are, and this is the quickest way to see it. */
static inline bool
utf8_is_plain(struct span text)
{
    uint64_t found = 0;
    uint64_t word = 0;

    if (text.len < WORD_BYTES) {
        for (size_t i = 0; i < text.len; i++) {
            uint8_t byte = text.data[i];

            found |= byte == 0 || byte > 0x7F || (byte | WORD_WILDCARD_BIT) == '+';
        }
        return found == 0;
    }
    for (size_t at = 0; at + WORD_BYTES < text.len; at += WORD_BYTES) {
        word = word_load(text.data + at);
        found |= word_not_ascii(word) | word_wildcards(word);
    }
    word = word_load(text.data + text.len - WORD_BYTES);
    return (found | word_not_ascii(word) | word_wildcards(word)) == 0;
}

#endif
