#include "wire/utf8.h"

#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *name;
    const char *bytes;
    bool want;
} rows[] = {
    {"empty", "", true},
    {"ascii", "'a/b'", true},
    {"[U-1.5.4-2] controls are accepted", "01 1F 7F C280 C29F", true},
    {"non-characters are accepted", "EFBFBE EFBFBF EFB790 F09FBFBE", true},
    {"U+0080, U+07FF", "C280 DFBF", true},
    {"U+0800, U+FFFD", "E0A080 EFBFBD", true},
    {"U+D7FF, U+E000", "ED9FBF EE8080", true},
    {"U+10000, U+10FFFF", "F0908080 F48FBFBF", true},
    {"byte order mark is text [MQTT-1.5.4-3]", "EFBBBF 'a'", true},
    {"[MQTT-1.5.4-2] U+0000", "00", false},
    {"U+0000 in the middle of a word", "'abc' 00 'defghijkl'", false},
    {"U+0000 over-long", "C080", false},
    {"[MQTT-1.5.4-1, U-1.5.4-1] lowest surrogate", "EDA080", false},
    {"highest surrogate", "EDBFBF", false},
    {"a pair of surrogates", "EDA0BD EDB880", false},
    {"over-long two", "C1BF", false},
    {"over-long three", "E09FBF", false},
    {"over-long four", "F08FBFBF", false},
    {"above U+10FFFF", "F4908080", false},
    {"lead F5", "F5808080", false},
    {"lead F8", "F888808080", false},
    {"lead FE", "FE", false},
    {"lead FF", "FF", false},
    {"continuation alone", "80", false},
    {"continuation after ascii", "'abcdefgh' BF", false},
    {"two cut short", "C3", false},
    {"three cut short", "E2 82", false},
    {"four cut short", "F0 9F 98", false},
    {"two with a wrong second", "C3 28", false},
    {"two with a lead second", "C3 C3", false},
    {"three with a wrong third", "E2 82 28", false},
    {"four with a wrong third", "F0 9F 28 80", false},
    {"four with a wrong fourth", "F0 9F 98 28", false},
};

static void
table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span bytes = bytes_from(rows[i].bytes);

        if (utf8_is_valid(bytes) != rows[i].want) {
            fail_msg("%s", rows[i].name);
        }
        bytes_free(bytes);
    }
}

/* The same behind and before every number of plain characters, so that the words read at once meet
 * it everywhere. */
static void
table_at_every_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span bytes = bytes_from(rows[i].bytes);

        for (size_t before = 0; before < 18; before++) {
            uint8_t text[64];
            struct span exact;

            memset(text, 'x', sizeof(text));
            memcpy(text + before, bytes.data, bytes.len);
            exact = bytes_copy(span_of(text, before + bytes.len));
            assert_int_equal(utf8_is_valid(exact), rows[i].want);
            assert_int_equal(utf8_is_valid(span_of(text, sizeof(text))), rows[i].want);
            bytes_free(exact);
        }
        bytes_free(bytes);
    }
}

static size_t
encode(uint32_t c, uint8_t out[4])
{
    static const uint8_t leads[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = len; i > 1; i--) {
        out[i - 1] = (uint8_t)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    out[0] = (uint8_t)(leads[len] | c);
    return len;
}

static void
every_code_point(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x1FFFFF; c++) {
        uint8_t bytes[4];
        size_t len = encode(c, bytes);
        bool want = c != 0 && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);

        if (utf8_is_valid(span_of(bytes, len)) != want) {
            fail_msg("U+%04X", (unsigned)c);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(table_at_every_place),
        cmocka_unit_test(every_code_point),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
