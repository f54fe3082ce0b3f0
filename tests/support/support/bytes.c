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

struct parser {
    uint8_t *out; /* NULL: only count */
    size_t len;
    size_t open[4]; /* where the lengths of the open brackets stand */
    size_t depth;
    bool quoted;
};

static void
emit(struct parser *p, uint8_t byte)
{
    if (p->out != NULL) {
        p->out[p->len] = byte;
    }
    p->len++;
}

static void
close_bracket(struct parser *p)
{
    size_t at;

    assert(p->depth > 0);
    at = p->open[--p->depth];
    assert(p->len - at <= 128);
    if (p->out != NULL) {
        p->out[at] = (uint8_t)(p->len - at - 1);
    }
}

/* Takes `c` if it stands for no byte of its own. */
static bool
parse_sign(struct parser *p, char c)
{
    if (c == '\'') {
        p->quoted = !p->quoted;
        return true;
    }
    if (p->quoted) {
        return false;
    }
    if (c == '[') {
        assert(p->depth < sizeof(p->open) / sizeof(p->open[0]));
        p->open[p->depth++] = p->len;
        emit(p, 0);
    } else if (c == ']') {
        close_bracket(p);
    }
    return strchr("[]| ", c) != NULL;
}

/* Stores the bytes that `text` stands for unless `out` is NULL, and says how many they are.
 * `*marked`: whether a mark stands in front of byte number `at`. */
static size_t
parse(const char *text, uint8_t *out, size_t at, bool *marked)
{
    struct parser p = {.out = out};

    *marked = false;
    for (; *text != '\0'; text++) {
        *marked = *marked || (*text == '|' && !p.quoted && p.len == at);
        if (parse_sign(&p, *text)) {
            continue;
        }
        if (p.quoted) {
            emit(&p, (uint8_t)*text);
        } else {
            emit(&p, (uint8_t)(nibble(text[0]) << 4 | nibble(text[1])));
            text++;
        }
    }
    assert(!p.quoted && p.depth == 0);
    return p.len;
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
