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

#define DEPTH_MAX 8

struct parser {
    uint8_t *out; /* NULL: only count */
    size_t len;
    size_t
        open[DEPTH_MAX]; /* where the lengths of the open brackets stand, and open groups begin */
    size_t depth;
    size_t unit; /* where what "*" repeats begins */
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
open_here(struct parser *p)
{
    assert(p->depth < DEPTH_MAX);
    p->open[p->depth++] = p->len;
}

static size_t
close_here(struct parser *p)
{
    assert(p->depth > 0);
    return p->open[--p->depth];
}

/* A Variable Byte Integer: makes room for what it takes beyond one byte. */
static void
close_bracket(struct parser *p)
{
    size_t at = close_here(p);
    size_t rest = p->len - at - 1;
    size_t more = rest < 128 ? 0 : 1U + (rest >= 16384) + (rest >= 2097152);

    if (p->out != NULL) {
        memmove(p->out + at + 1 + more, p->out + at + 1, rest);
        for (size_t i = 0; i <= more; i++) {
            p->out[at + i] = (uint8_t)((rest & 0x7F) | (i < more ? 0x80 : 0));
            rest >>= 7;
        }
    }
    p->len += more;
}

static void
close_brace(struct parser *p)
{
    size_t at = close_here(p);
    size_t len = p->len - at - 2;

    assert(len <= 65535);
    if (p->out != NULL) {
        p->out[at] = (uint8_t)(len >> 8);
        p->out[at + 1] = (uint8_t)len;
    }
}

static void
parse_quote(struct parser *p)
{
    if (!p->quoted) {
        p->unit = p->len;
    }
    p->quoted = !p->quoted;
}

/* Takes `c` if it stands for no byte of its own. */
static bool
parse_sign(struct parser *p, char c)
{
    if (c == '\'') {
        parse_quote(p);
        return true;
    }
    if (p->quoted) {
        return false;
    }
    switch (c) {
    case '[':
        open_here(p);
        emit(p, 0);
        break;
    case '{':
        open_here(p);
        emit(p, 0);
        emit(p, 0);
        break;
    case '(': open_here(p); break;
    case ']': close_bracket(p); break;
    case '}': close_brace(p); break;
    case ')': p->unit = close_here(p); break;
    default: break;
    }
    return strchr("[]{}()| ", c) != NULL;
}

/* "*N": what stands in front of it, N times in all. What is behind the number. */
static const char *
parse_times(struct parser *p, const char *text)
{
    char *end = NULL;
    unsigned long times = strtoul(text, &end, 10);
    size_t unit = p->len - p->unit;

    assert(end != text);
    for (; times > 1; times--) {
        if (p->out != NULL) {
            memcpy(p->out + p->len, p->out + p->len - unit, unit);
        }
        p->len += unit;
    }
    return end;
}

/* One byte, or a sign. What is behind it. */
static const char *
parse_one(struct parser *p, const char *text)
{
    if (parse_sign(p, *text)) {
        return text + 1;
    }
    if (p->quoted) {
        emit(p, (uint8_t)*text);
        return text + 1;
    }
    if (*text == '*') {
        return parse_times(p, text + 1);
    }
    p->unit = p->len;
    emit(p, (uint8_t)(nibble(text[0]) << 4 | nibble(text[1])));
    return text + 2;
}

/* Stores the bytes that `text` stands for unless `out` is NULL, and says how many they are.
 * `*marked`: whether a mark stands in front of byte number `at`. */
static size_t
parse(const char *text, uint8_t *out, size_t at, bool *marked)
{
    struct parser p = {.out = out};

    *marked = false;
    while (*text != '\0') {
        *marked = *marked || (*text == '|' && !p.quoted && p.len == at);
        text = parse_one(&p, text);
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
