#include "support/bytes.h"

#include <assert.h>
#include <stdlib.h>

static const char digits[] = "0123456789ABCDEF";

static uint8_t
nibble(char c)
{
    const char *at = strchr(digits, c);

    assert(c != '\0' && at != NULL);
    return (uint8_t)(at - digits);
}

/* Goes through `text`, stores the bytes it stands for unless `out` is NULL, and says how many they
 * are. `*marked`: whether a mark stands in front of byte number `at`. */
static size_t
parse(const char *text, uint8_t *out, size_t at, bool *marked)
{
    size_t n = 0;
    bool quoted = false;

    *marked = false;
    for (; *text != '\0'; text++) {
        bool quote = *text == '\'';
        uint8_t byte = (uint8_t)*text;

        quoted = quoted != quote;
        if (quote || (!quoted && (*text == ' ' || *text == '|'))) {
            *marked = *marked || (*text == '|' && n == at);
            continue;
        }
        if (!quoted) {
            byte = (uint8_t)(nibble(text[0]) << 4 | nibble(text[1]));
            text++;
        }
        if (out != NULL) {
            out[n] = byte;
        }
        n++;
    }
    return n;
}

static uint8_t *
block_of(size_t len)
{
    uint8_t *block = malloc(len);

    assert(block != NULL || len == 0);
    return block;
}

struct span
bytes_from(const char *text)
{
    bool marked;
    size_t len = parse(text, NULL, SIZE_MAX, &marked);
    uint8_t *block = block_of(len);

    (void)parse(text, block, SIZE_MAX, &marked);
    return span_of(block, len);
}

struct span
bytes_copy(struct span bytes)
{
    uint8_t *block = block_of(bytes.len);

    if (bytes.len > 0) {
        memcpy(block, bytes.data, bytes.len);
    }
    return span_of(block, bytes.len);
}

void
bytes_free(struct span bytes)
{
    union {
        const uint8_t *seen;
        void *made;
    } block = {.seen = bytes.data}; /* what these functions hand out is theirs to write */

    free(block.made);
}

bool
bytes_has_mark(const char *text, size_t at)
{
    bool marked;

    (void)parse(text, NULL, at, &marked);
    return marked;
}
