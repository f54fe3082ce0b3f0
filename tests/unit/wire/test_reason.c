#include "wire/reason.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Table 2-6 of the standard: the packets that may carry each code. */
static const struct {
    uint8_t code;
    const char *packets; /* one letter each, see letter_of() */
} rows[] = {
    {0x00, "CarlpSUDX"}, {0x01, "S"},      {0x02, "S"},  {0x04, "D"},      {0x10, "ar"},
    {0x11, "U"},         {0x18, "X"},      {0x19, "X"},  {0x80, "CarSUD"}, {0x81, "CD"},
    {0x82, "CD"},        {0x83, "CarSUD"}, {0x84, "C"},  {0x85, "C"},      {0x86, "C"},
    {0x87, "CarSUD"},    {0x88, "C"},      {0x89, "CD"}, {0x8A, "C"},      {0x8B, "D"},
    {0x8C, "CD"},        {0x8D, "D"},      {0x8E, "D"},  {0x8F, "SUD"},    {0x90, "CarD"},
    {0x91, "arSU"},      {0x92, "lp"},     {0x93, "D"},  {0x94, "D"},      {0x95, "CD"},
    {0x96, "D"},         {0x97, "CarSD"},  {0x98, "D"},  {0x99, "CarD"},   {0x9A, "CD"},
    {0x9B, "CD"},        {0x9C, "CD"},     {0x9D, "CD"}, {0x9E, "SD"},     {0x9F, "CD"},
    {0xA0, "D"},         {0xA1, "SD"},     {0xA2, "SD"},
};

static char
letter_of(unsigned type)
{
    return "..C.arlp.S.U..DX"[type];
}

static const char *
packets_of(unsigned code)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].code == code) {
            return rows[i].packets;
        }
    }
    return "";
}

static void
codes_by_packet(void **state)
{
    (void)state;
    for (unsigned code = 0; code < 256; code++) {
        for (unsigned type = 1; type < 16; type++) {
            char letter = letter_of(type);
            bool want = letter != '.' && strchr(packets_of(code), letter) != NULL;

            if (wire_reason_is_valid((uint8_t)code, (enum wire_type)type) != want) {
                fail_msg("0x%02X in %s", code, wire_type_name((enum wire_type)type));
            }
        }
    }
}

static void
words(void **state)
{
    (void)state;
    assert_string_equal(wire_reason_text(0x00), "Success");
    assert_string_equal(wire_reason_text(0x10), "No matching subscribers");
    assert_string_equal(wire_reason_text(0xA2), "Wildcard Subscriptions not supported");
    assert_string_equal(wire_reason_text(0x03), "Unknown reason code");
    assert_string_equal(wire_reason_text(0xFF), "Unknown reason code");
}

static void
errors_start_at_0x80(void **state)
{
    (void)state;
    assert_false(wire_reason_is_error(0x7F));
    assert_true(wire_reason_is_error(0x80));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_by_packet),
        cmocka_unit_test(words),
        cmocka_unit_test(errors_start_at_0x80),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
