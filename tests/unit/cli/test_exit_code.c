#include "cli/exit_code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    enum wilco_status status;
    uint8_t reason_code;
    int want;
} rows[] = {
    {WILCO_OK, 0, 0},
    {WILCO_OK, 0x10, 0},
    {WILCO_ECONNECT, 0, 2},
    {WILCO_ECONNECT, 0x87, 135},
    {WILCO_ECLOSED, 0, 2},
    {WILCO_ECLOSED, 0x8e, 2},
    {WILCO_EIO, 0, 2},
    {WILCO_EPROTOCOL, 0, 2},
    {WILCO_EMALFORMED, 0, 2},
    {WILCO_ENORESPONDER, 0, 16},
    {WILCO_ENORESPONDER, 0x10, 16},
    {WILCO_ETIMEDOUT, 0, 27},
    {WILCO_EREMOTE, 0, 64},
    {WILCO_ELOST, 0, 64},
    {WILCO_EREFUSED, 0x80, 128},
    {WILCO_EREFUSED, 0x97, 151},
    {WILCO_EREFUSED, 0xff, 255},
    {WILCO_EREFUSED, 0, 128},
    {WILCO_ECANCELLED, 0, 130},
    {WILCO_EINVAL, 0, 1},
    {WILCO_ELIMIT, 0, 1},
    {WILCO_ENOMEM, 0, 1},
    {WILCO_ENOTFOUND, 0, 1},
    {WILCO_AGAIN, 0, 1},
};

static void
every_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(exit_code_of(rows[i].status, rows[i].reason_code), rows[i].want);
    }
}

static void
every_code_is_explained(void **state)
{
    static const enum exit_code codes[] = {
        EXIT_CODE_OK,     EXIT_CODE_USAGE,   EXIT_CODE_CONNECTION,  EXIT_CODE_NO_RESPONDER,
        EXIT_CODE_REMOTE, EXIT_CODE_REFUSED, EXIT_CODE_INTERRUPTED, EXIT_CODE_TIMED_OUT,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        assert_string_not_equal(exit_code_text(codes[i]), "");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row),
        cmocka_unit_test(every_code_is_explained),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
