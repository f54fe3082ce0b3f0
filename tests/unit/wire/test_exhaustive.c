/* Everything there is of the smallest things, against rules in their plainest form: strings of up
 * to four bytes, Variable Byte Integers, and topics of a few characters. EXHAUSTIVE=1 leaves
 * nothing out, which takes minutes; otherwise the fourth byte is one of those at which something
 * changes. */
#include "wire/reader.h"
#include "wire/topic.h"
#include "wire/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static bool is_whole;

/* ---- UTF-8 (RFC 3629, and no U+0000) ---- */

/* The bytes of the character at the start of `b`; 0: there is none. */
static size_t
character(const uint8_t *b, size_t len)
{
    size_t bytes = b[0] < 0x80 ? 1 : (b[0] & 0xE0) == 0xC0 ? 2 : (b[0] & 0xF0) == 0xE0 ? 3 : 4;
    uint32_t code = bytes == 1 ? b[0] : b[0] & (0x7FU >> bytes);
    static const uint32_t least[] = {0, 1, 0x80, 0x800, 0x10000};

    if ((bytes == 4 && (b[0] & 0xF8) != 0xF0) || bytes > len) {
        return 0;
    }
    for (size_t i = 1; i < bytes; i++) {
        if ((b[i] & 0xC0) != 0x80) {
            return 0;
        }
        code = code << 6 | (b[i] & 0x3F);
    }
    return code < least[bytes] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF) ? 0 : bytes;
}

static bool
is_text(const uint8_t *b, size_t len)
{
    size_t at = 0;

    while (at < len) {
        size_t bytes = character(b + at, len - at);

        if (bytes == 0) {
            return false;
        }
        at += bytes;
    }
    return true;
}

static void
check_text(const uint8_t *b, size_t len)
{
    if (utf8_is_valid(span_of(b, len)) != is_text(b, len)) {
        fail_msg("%zu bytes: %02x %02x %02x %02x", len, b[0], b[1], b[2], b[3]);
    }
}

/* Bytes at which something begins or ends. */
static const uint8_t edges[] = {0x00, 0x01, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0,
                                0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED,
                                0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};

static void
all_strings_of_four_bytes(void **state)
{
    uint8_t b[4] = {0};

    (void)state;
    for (uint32_t i = 0; i < 1U << 24; i++) {
        b[0] = (uint8_t)i;
        b[1] = (uint8_t)(i >> 8);
        b[2] = (uint8_t)(i >> 16);
        for (size_t len = 1; len <= 3; len++) {
            if (i >> 8 * len == 0) {
                check_text(b, len);
            }
        }
        for (size_t k = 0; k < (is_whole ? 256U : b[0] >= 0xF0 ? sizeof(edges) : 1U); k++) {
            b[3] = is_whole ? (uint8_t)k : edges[k];
            check_text(b, 4);
        }
        b[3] = 0;
    }
}

/* ---- Variable Byte Integers (1.5.5) ---- */

/* -1: it is none, or not all of these bytes. */
static int64_t
value_of(const uint8_t *b, size_t len)
{
    int64_t value = 0;

    for (size_t i = 0; i < len; i++) {
        value += (int64_t)(b[i] % 128) << 7 * i;
        if (b[i] < 128 && i + 1 < len) {
            return -1;
        }
    }
    return b[len - 1] >= 128 || (len > 1 && b[len - 1] == 0) ? -1 : value;
}

static void
check_bytes(const uint8_t *b, size_t len)
{
    struct wire_reader r = wire_reader_init(span_of(b, len));
    uint32_t value = wire_reader_varint(&r);
    int64_t want = value_of(b, len);

    if (wire_reader_finish(&r) != (want < 0 ? WILCO_EMALFORMED : WILCO_OK) ||
        (want >= 0 && value != (uint32_t)want)) {
        fail_msg("%zu bytes: %02x %02x %02x %02x", len, b[0], b[1], b[2], b[3]);
    }
}

static void
all_encodings(void **state)
{
    uint8_t b[4] = {0};

    (void)state;
    for (uint32_t i = 0; i < 1U << 24; i++) {
        b[0] = (uint8_t)i;
        b[1] = (uint8_t)(i >> 8);
        b[2] = (uint8_t)(i >> 16);
        for (size_t len = 1; len <= 3; len++) {
            if (i >> 8 * len == 0) {
                check_bytes(b, len);
            }
        }
        for (size_t k = 0; k < (is_whole ? 256U : i % 64 == 0 ? sizeof(edges) : 1U); k++) {
            b[3] = is_whole ? (uint8_t)k : edges[k];
            check_bytes(b, 4);
        }
        b[3] = 0;
    }
}

static void
all_values(void **state)
{
    (void)state;
    for (uint32_t value = 0; value <= WIRE_VARINT_MAX;
         value += is_whole || value < 1U << 22 ? 1 : 997) {
        uint8_t b[4];
        struct wire_writer w = wire_writer_init(b, sizeof(b));
        size_t len = 0;

        wire_writer_varint(&w, value);
        if (wire_writer_finish(&w, &len) != WILCO_OK || len != wire_varint_size(value) ||
            value_of(b, len) != (int64_t)value) {
            fail_msg("%u", value);
        }
    }
}

/* ---- Topics (4.7) ---- */

#define TEXT_MAX 5U

/* The texts of up to TEXT_MAX characters of `alphabet`, by number; the empty one is the first. */
static struct span
text_of(uint32_t number, const char *alphabet, char out[TEXT_MAX])
{
    uint32_t base = (uint32_t)strlen(alphabet);
    size_t len = 0;

    for (; number > 0; number = (number - 1) / base) {
        out[len++] = alphabet[(number - 1) % base];
    }
    return span_of(out, len);
}

static uint32_t
texts_of(const char *alphabet)
{
    uint32_t base = (uint32_t)strlen(alphabet);
    uint32_t count = 1;
    uint32_t power = 1;

    for (unsigned i = 0; i < TEXT_MAX; i++) {
        power *= base;
        count += power;
    }
    return count;
}

/* "+" and "#" are alone in their level, and "#" is in the last one. */
static bool
is_filter(struct span f)
{
    for (size_t i = 0; i < f.len; i++) {
        bool begins = i == 0 || f.data[i - 1] == '/';
        bool ends = i + 1 == f.len || f.data[i + 1] == '/';

        if ((f.data[i] == '+' || f.data[i] == '#') && !(begins && ends)) {
            return false;
        }
        if (f.data[i] == '#' && i + 1 < f.len) {
            return false;
        }
    }
    return f.len > 0;
}

/* Character by character: "+" eats up to the next "/", "#" everything, also the "/" before it. */
static bool
matches(const uint8_t *f, size_t f_len, const uint8_t *n, size_t n_len)
{
    size_t eaten = 0;

    if (f_len > 0 && f[0] == '#') {
        return true;
    }
    if (n_len == 0 && f_len == 2 && f[0] == '/' && f[1] == '#') {
        return true;
    }
    if (f_len > 0 && f[0] == '+') {
        while (eaten < n_len && n[eaten] != '/') {
            eaten++;
        }
        return matches(f + 1, f_len - 1, n + eaten, n_len - eaten);
    }
    if (f_len == 0 || n_len == 0) {
        return f_len == n_len;
    }
    return f[0] == n[0] && matches(f + 1, f_len - 1, n + 1, n_len - 1);
}

static void
all_short_topics(void **state)
{
    static const char of_filters[] = "a/+#$";
    static const char of_names[] = "ab/$";
    char filter_text[TEXT_MAX];
    char name_text[TEXT_MAX];

    (void)state;
    for (uint32_t i = 0; i < texts_of(of_filters); i++) {
        struct span filter = text_of(i, of_filters, filter_text);

        if (topic_filter_is_valid(filter) != is_filter(filter)) {
            fail_msg("filter %.*s", (int)filter.len, filter_text);
        }
        for (uint32_t k = 1; is_filter(filter) && k < texts_of(of_names); k++) {
            struct span name = text_of(k, of_names, name_text);
            bool is_hidden =
                name_text[0] == '$' && (filter_text[0] == '+' || filter_text[0] == '#');

            if (topic_matches(filter, name) !=
                (!is_hidden && matches(filter.data, filter.len, name.data, name.len))) {
                fail_msg("filter %.*s, name %.*s", (int)filter.len, filter_text, (int)name.len,
                         name_text);
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_strings_of_four_bytes),
        cmocka_unit_test(all_encodings),
        cmocka_unit_test(all_values),
        cmocka_unit_test(all_short_topics),
    };

    is_whole = getenv("EXHAUSTIVE") != NULL;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
