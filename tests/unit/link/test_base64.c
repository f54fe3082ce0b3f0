#include "link/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SIZE 6

static const struct {
    const char *text;
    enum base64_alphabet alphabet;
    enum wilco_status want;
    const char *bytes;
    size_t len;
} rows[] = {
    {"", BASE64_STANDARD, WILCO_OK, "", 0},
    {"AA==", BASE64_STANDARD, WILCO_OK, "\0", 1},
    {"AAE=", BASE64_STANDARD, WILCO_OK, "\0\1", 2},
    {"AAEC", BASE64_STANDARD, WILCO_OK, "\0\1\2", 3},
    {"+/+/AA==", BASE64_STANDARD, WILCO_OK, "\xfb\xff\xbf\0", 4},
    {"AAECAwQF", BASE64_STANDARD, WILCO_OK, "\0\1\2\3\4\5", 6},
    {"AAECAwQFBg==", BASE64_STANDARD, WILCO_ELIMIT, NULL, 0},
    {"A", BASE64_STANDARD, WILCO_EMALFORMED, NULL, 0},
    {"AA", BASE64_STANDARD, WILCO_EMALFORMED, NULL, 0},
    {"AA=", BASE64_STANDARD, WILCO_EMALFORMED, NULL, 0},
    {"A===", BASE64_STANDARD, WILCO_EMALFORMED, NULL, 0},
    {"====", BASE64_STANDARD, WILCO_EMALFORMED, NULL, 0},
    {"=AAA", BASE64_STANDARD, WILCO_EMALFORMED, NULL, 0},
    {"AA=A", BASE64_STANDARD, WILCO_EMALFORMED, NULL, 0},
    {"AB==", BASE64_STANDARD, WILCO_EMALFORMED, NULL, 0}, /* bits behind the end */
    {"AAF=", BASE64_STANDARD, WILCO_EMALFORMED, NULL, 0},
    {"AA==AAEC", BASE64_STANDARD, WILCO_EMALFORMED, NULL, 0},
    {" AA=", BASE64_STANDARD, WILCO_EMALFORMED, NULL, 0},
    {"AAE\n", BASE64_STANDARD, WILCO_EMALFORMED, NULL, 0},
    {"AAEC\n", BASE64_STANDARD, WILCO_EMALFORMED, NULL, 0},
    {"-_-_", BASE64_STANDARD, WILCO_EMALFORMED, NULL, 0},
    {"AA!=", BASE64_STANDARD, WILCO_EMALFORMED, NULL, 0},
    {"AA\xc3\xa4", BASE64_STANDARD, WILCO_EMALFORMED, NULL, 0},
    {"AA", BASE64_URL, WILCO_OK, "\0", 1},
    {"AAE", BASE64_URL, WILCO_OK, "\0\1", 2},
    {"-_-_AA", BASE64_URL, WILCO_OK, "\xfb\xff\xbf\0", 4},
    {"AA==", BASE64_URL, WILCO_EMALFORMED, NULL, 0},
    {"A", BASE64_URL, WILCO_EMALFORMED, NULL, 0},
    {"AAECA", BASE64_URL, WILCO_EMALFORMED, NULL, 0},
    {"AB", BASE64_URL, WILCO_EMALFORMED, NULL, 0},
    {"+/+/", BASE64_URL, WILCO_EMALFORMED, NULL, 0},
    {"AAECAwQFBg", BASE64_URL, WILCO_ELIMIT, NULL, 0},
};

static void
decodes_what_has_one_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t out[SIZE];
        size_t len = 99;
        enum wilco_status got =
            base64_decode(out, sizeof(out), &len, span_of_text(rows[i].text), rows[i].alphabet);

        if (got != rows[i].want) {
            fail_msg("\"%s\": %d", rows[i].text, got);
        }
        if (got == WILCO_OK) {
            assert_int_equal(len, rows[i].len);
            assert_memory_equal(out, rows[i].bytes, len);
        }
    }
}

static void
encodes_what_decodes_to_the_same(void **state)
{
    uint8_t bytes[40];
    uint8_t again[40];
    char text[BASE64_CHARS(sizeof(bytes)) + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 37);
    }
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        size_t chars = base64_encode(text, span_of(bytes, n));
        size_t len = 0;

        assert_int_equal(chars, BASE64_CHARS(n));
        assert_int_equal(text[chars], '\0');
        assert_int_equal(
            base64_decode(again, sizeof(again), &len, span_of(text, chars), BASE64_STANDARD),
            WILCO_OK);
        assert_int_equal(len, n);
        assert_memory_equal(again, bytes, n);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_what_has_one_meaning),
        cmocka_unit_test(encodes_what_decodes_to_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
