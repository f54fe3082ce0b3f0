#include "client/call_terms.h"

#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
reads_what_a_request_says(void **state)
{
    static const struct {
        const char *name, *value;
        enum call_op op;
        uint64_t ttl_ms;
        bool takes_parts;
        uint32_t more;
    } rows[] = {
        {"other", "cancel", CALL_REQUEST, UINT64_MAX, false, 0},
        {"rr-op", "cancel", CALL_CANCEL, UINT64_MAX, false, 0},
        {"rr-op", "credit", CALL_CREDIT, UINT64_MAX, false, 0},
        {"rr-op", "data", CALL_DATA, UINT64_MAX, false, 0},
        {"rr-op", "CANCEL", CALL_OTHER, UINT64_MAX, false, 0},
        {"rr-op", "", CALL_OTHER, UINT64_MAX, false, 0},
        {"rr-ttl", "0", CALL_REQUEST, 0, false, 0},
        {"rr-ttl", "1500", CALL_REQUEST, 1500, false, 0},
        {"rr-ttl", "31536000000", CALL_REQUEST, UINT64_C(31536000000), false, 0},
        {"rr-ttl", "31536000001", CALL_REQUEST, UINT64_MAX, false, 0},
        {"rr-ttl", "18446744073709551616", CALL_REQUEST, UINT64_MAX, false, 0},
        {"rr-ttl", "-1", CALL_REQUEST, UINT64_MAX, false, 0},
        {"rr-ttl", "1 ", CALL_REQUEST, UINT64_MAX, false, 0},
        {"rr-ttl", "", CALL_REQUEST, UINT64_MAX, false, 0},
        {"rr-more", "0", CALL_REQUEST, UINT64_MAX, true, 0},
        {"rr-more", "7", CALL_REQUEST, UINT64_MAX, true, 7},
        {"rr-more", "1000000000", CALL_REQUEST, UINT64_MAX, true, 1000000000},
        {"rr-more", "1000000001", CALL_REQUEST, UINT64_MAX, false, 0},
        {"rr-more", "many", CALL_REQUEST, UINT64_MAX, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct wire_user_property users[] = {
            {SPAN_LITERAL("a"), SPAN_LITERAL("b")},
            {span_of_text(rows[i].name), span_of_text(rows[i].value)},
            {span_of_text(rows[i].name), SPAN_LITERAL("3")}, /* the first counts */
        };
        bool is_garbled = rows[i].ttl_ms == UINT64_MAX && !rows[i].takes_parts;
        struct wilco_message *m = peer_message(users, is_garbled ? 2 : 3);
        struct call_terms t = call_terms_of(m);

        assert_int_equal(t.op, rows[i].op);
        assert_true(t.ttl_ms == rows[i].ttl_ms);
        assert_int_equal(t.takes_parts, rows[i].takes_parts);
        assert_int_equal(t.more, rows[i].more);
        assert_null(t.protocol.data);
        wilco_message_unref(m);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_a_request_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
