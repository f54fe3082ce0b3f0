#include "wire/ping.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
a_ping_is_two_bytes(void **state)
{
    uint8_t bytes[4];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    size_t len;

    (void)state;
    wire_ping_encode(&w, WIRE_PINGREQ);
    wire_ping_encode(&w, WIRE_PINGRESP);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    assert_true(span_equal(span_of(bytes, len), SPAN_LITERAL("\xC0\x00\xD0\x00")));
}

/* [U-3.12.1-1] */
static void
a_ping_with_content_is_malformed(void **state)
{
    (void)state;
    assert_int_equal(wire_ping_decode(SPAN_EMPTY), WILCO_OK);
    assert_int_equal(wire_ping_decode(SPAN_LITERAL("\0")), WILCO_EMALFORMED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ping_is_two_bytes),
        cmocka_unit_test(a_ping_with_content_is_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
