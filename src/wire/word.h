#ifndef WILCO_WIRE_WORD_H
#define WILCO_WIRE_WORD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Eight bytes looked at as one, for scanning strings. */

#define WORD_BYTES     8
#define WORD_ALL(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline uint64_t
word_load(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return word;
}

/* The 4 to 8 bytes at `p`, some of them twice. */
static inline uint64_t
word_load_short(const uint8_t *p, size_t len)
{
    uint32_t front;
    uint32_t back;

    memcpy(&front, p, sizeof(front));
    memcpy(&back, p + len - sizeof(back), sizeof(back));
    return (uint64_t)back << 32 | front;
}

/* "+" and "#" differ in one bit, which "+" has. */
#define WORD_WILDCARD_BIT ('+' ^ '#')

/* Not 0 if one of the bytes is "+" or "#": taking one from a byte that has become 0 borrows into a
 * high bit that was not set. */
static inline uint64_t
word_wildcards(uint64_t word)
{
    uint64_t zero_if = (word | WORD_ALL(WORD_WILDCARD_BIT)) ^ WORD_ALL('+');

    return (zero_if - WORD_ALL(0x01)) & ~zero_if & WORD_ALL(0x80);
}

/* Not 0 if one of the bytes is not in 0x01 to 0x7F. */
static inline uint64_t
word_not_ascii(uint64_t word)
{
    return ((word - WORD_ALL(0x01)) | word) & WORD_ALL(0x80);
}

/* Whether all bytes are in 0x01 to 0x7F. */
static inline bool
word_is_ascii(uint64_t word)
{
    return word_not_ascii(word) == 0;
}

#endif
