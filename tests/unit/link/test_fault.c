#include "link/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    enum wilco_status status;
    uint8_t reason;
} rows[] = {
    {WILCO_EMALFORMED, 0x81}, /* Malformed Packet */
    {WILCO_EPROTOCOL, 0x82},  /* Protocol Error */
    {WILCO_ELIMIT, 0x95},     /* Packet too large */
    {WILCO_ENOMEM, 0x97},     /* Quota exceeded */
    {WILCO_OK, 0x80},         /* Unspecified error, from here on */
    {WILCO_AGAIN, 0x80},        {WILCO_EINVAL, 0x80},    {WILCO_EIO, 0x80},
    {WILCO_ECLOSED, 0x80},      {WILCO_ECONNECT, 0x80},  {WILCO_ETIMEDOUT, 0x80},
    {WILCO_ENORESPONDER, 0x80}, {WILCO_EREMOTE, 0x80},   {WILCO_EREFUSED, 0x80},
    {WILCO_ECANCELLED, 0x80},   {WILCO_ENOTFOUND, 0x80}, {WILCO_ELOST, 0x80},
};

static void
every_status_has_a_reason_that_disconnect_may_carry(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t reason = fault_reason(rows[i].status);

        assert_int_equal(reason, rows[i].reason);
        assert_true(wire_reason_is_valid(reason, WIRE_DISCONNECT));
        assert_true(wire_reason_is_valid(reason, WIRE_CONNACK));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_reason_that_disconnect_may_carry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
