#ifndef WILCO_BASE_SPAN_H
#define WILCO_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes: whoever made the span says how long they live. `data` may be NULL only when
 * `len` is 0. A span owns nothing and is passed by value. */
struct span {
    const uint8_t *data;
    size_t len;
};

#define SPAN_EMPTY ((struct span){.data = NULL, .len = 0})
/* A string literal without its terminating zero: as a value, and to initialise static storage. */
#define SPAN_LITERAL(text) ((struct span)SPAN_INIT(text))
#define SPAN_INIT(text)                                                                            \
    {                                                                                              \
        .data = (const uint8_t *)("" text), .len = sizeof(text) - 1                                \
    }

static inline struct span
span_of(const void *data, size_t len)
{
    return (struct span){.data = data, .len = len};
}

/* A C string without its terminating zero; NULL gives the empty span. */
static inline struct span
span_of_text(const char *text)
{
    return span_of(text, text == NULL ? 0 : strlen(text));
}

/* Whether 8 to 16 bytes are the same: by the first and the last eight, without a call. */
static inline bool
span_equal_16(const uint8_t *a, const uint8_t *b, size_t len)
{
    uint64_t words[4];

    memcpy(&words[0], a, 8);
    memcpy(&words[1], b, 8);
    memcpy(&words[2], a + len - 8, 8);
    memcpy(&words[3], b + len - 8, 8);
    return words[0] == words[1] && words[2] == words[3];
}

static inline bool
span_equal(struct span a, struct span b)
{
    if (a.len != b.len) {
        return false;
    }
    if (a.len >= 8 && a.len <= 16) {
        return span_equal_16(a.data, b.data, a.len);
    }
    return a.len == 0 || memcmp(a.data, b.data, a.len) == 0;
}

/* The part of `s` behind its first `n` bytes; `n` is at most `s.len`. */
static inline struct span
span_skip(struct span s, size_t n)
{
    return n == 0 ? s : span_of(s.data + n, s.len - n);
}

/* The first `n` bytes of `s`; `n` is at most `s.len`. */
static inline struct span
span_first(struct span s, size_t n)
{
    return span_of(s.data, n);
}

#endif
