#include "cli/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* RFC 4648, 10. */
static const struct {
    const char *bytes, *base64, *hex;
} rows[] = {
    {"", "", ""},
    {"f", "Zg==", "66"},
    {"fo", "Zm8=", "666f"},
    {"foo", "Zm9v", "666f6f"},
    {"foob", "Zm9vYg==", "666f6f62"},
    {"fooba", "Zm9vYmE=", "666f6f6261"},
    {"foobar", "Zm9vYmFy", "666f6f626172"},
    {"\xff\xfe\x01", "//4B", "fffe01"},
};

/* Exactly as long as the bytes, so that reading past them is noticed. */
static struct wilco_bytes
exact(const char *text, size_t len)
{
    char *copy = malloc(len == 0 ? 1 : len);

    assert_non_null(copy);
    memcpy(copy, text, len);
    return (struct wilco_bytes){copy, len};
}

static void
bytes_become_text_and_come_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t len = strlen(rows[i].bytes), back_len = 0;
        struct wilco_bytes bytes = exact(rows[i].bytes, len);
        char *base64 = encoding_base64(bytes);
        char *hex = encoding_hex(bytes);
        unsigned char *back = NULL;

        assert_string_equal(base64, rows[i].base64);
        assert_string_equal(hex, rows[i].hex);
        assert_true(encoding_unhex(hex, &back, &back_len));
        assert_int_equal(back_len, len);
        assert_memory_equal(back, rows[i].bytes, len);
        free(back);
        assert_true(encoding_unbase64(base64, &back, &back_len));
        assert_int_equal(back_len, len);
        assert_memory_equal(back, rows[i].bytes, len);
        free(back);
        free(hex);
        free(base64);
        free((char *)(uintptr_t)bytes.data);
    }
}

static void
hexadecimal_takes_both_cases_and_whole_bytes(void **state)
{
    static const char *const wrong[] = {"0", "123", "0g", "0x00", " 00", "00 ", "zz"};
    unsigned char *bytes = NULL;
    size_t len = 0;

    (void)state;
    assert_true(encoding_unhex("00aAfF", &bytes, &len));
    assert_int_equal(len, 3);
    assert_memory_equal(bytes, "\x00\xaa\xff", 3);
    free(bytes);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(encoding_unhex(wrong[i], &bytes, &len));
    }
}

static void
readable_is_text_without_control_characters(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        bool want;
    } texts[] = {
        {"", 0, true},
        {"{ \"a\": 1 }", 10, true},
        {"two\r\n\tlines", 11, true},
        {"gr\xc3\xbc\xc3\x9f", 6, true},
        {"\xe2\x82\xac", 3, true},
        {"\x1b[2J", 4, false},
        {"a\0b", 3, false},
        {"\x7f", 1, false},
        {"\xc2\x9b", 2, false}, /* CSI as one character */
        {"\xc2", 1, false},
        {"\xe2\x82", 2, false},
        {"\xff", 1, false},
        {"\xed\xa0\x80", 3, false}, /* a surrogate */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct wilco_bytes bytes = exact(texts[i].text, texts[i].len);

        if (encoding_is_readable(bytes) != texts[i].want) {
            fail_msg("row %zu", i);
        }
        free((char *)(uintptr_t)bytes.data);
    }
    assert_true(encoding_is_readable((struct wilco_bytes){NULL, 0}));
}

/* One text for the same bytes, or two that differ could be taken for each other. */
static void
base64_is_what_we_write(void **state)
{
    static const char *const wrong[] = {"Z",    "Zg",    "Zg=",      "Zh==",  "Zm9=",
                                        "Z===", "====",  "Zg==Zg==", "Zm 9v", "Zm9v\n",
                                        "Zm-_", "Zm9v=", "=Zm9",     "Zg=A"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        unsigned char *bytes = NULL;
        size_t len = 0;

        if (encoding_unbase64(wrong[i], &bytes, &len)) {
            fail_msg("%s", wrong[i]);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_become_text_and_come_back),
        cmocka_unit_test(base64_is_what_we_write),
        cmocka_unit_test(hexadecimal_takes_both_cases_and_whole_bytes),
        cmocka_unit_test(readable_is_text_without_control_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
