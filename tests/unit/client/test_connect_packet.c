#include "client/connect_packet.h"
#include "support/bytes.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What is not about the session stays, byte for byte. */
static void
becomes_the_one_of_a_session(void **state)
{
    static const struct {
        const char *name, *client_id, *before, *after;
    } rows[] = {
        {"an identifier of its own", "id", "10 [ 00 04 'MQTT' 05 02 00 3C 00 00 02 'id' ]",
         "10 [ 00 04 'MQTT' 05 00 00 3C 00 00 02 'id' ]"},
        {"an assigned one", "given", "10 [ 00 04 'MQTT' 05 02 00 3C 00 00 00 ]",
         "10 [ 00 04 'MQTT' 05 00 00 3C 00 00 05 'given' ]"},
        {"none was assigned", "", "10 [ 00 04 'MQTT' 05 02 00 3C 00 00 00 ]",
         "10 [ 00 04 'MQTT' 05 00 00 3C 00 00 00 ]"},
        {"everything", "given",
         "10 [ 00 04 'MQTT' 05 EE 00 3C [ 11 00 00 00 1E 26 00 01 'a' 00 01 'b' ] 00 00 "
         "[ 18 00 00 00 03 26 00 01 'c' 00 01 'd' ] 00 01 'w' 00 03 'bye' 00 02 'me' 00 01 'x' ]",
         "10 [ 00 04 'MQTT' 05 EC 00 3C [ 11 00 00 00 1E 26 00 01 'a' 00 01 'b' ] 00 05 'given' "
         "[ 18 00 00 00 03 26 00 01 'c' 00 01 'd' ] 00 01 'w' 00 03 'bye' 00 02 'me' 00 01 'x' ]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span before = bytes_from(rows[i].before);
        struct span after = bytes_from(rows[i].after);
        struct buffer packet;

        buffer_init(&packet, alloc_system(), 1000);
        assert_int_equal(buffer_append(&packet, before), WILCO_OK);
        for (int j = 0; j < 2; j++) { /* once is enough */
            assert_int_equal(connect_packet_resume(&packet, span_of_text(rows[i].client_id)),
                             WILCO_OK);
            if (!span_equal(buffer_span(&packet), after)) {
                fail_msg("%s", rows[i].name);
            }
        }
        buffer_fini(&packet);
        bytes_free(before);
        bytes_free(after);
    }
}

static void
takes_other_authentication_data(void **state)
{
    struct span before = bytes_from("10 [ 00 04 'MQTT' 05 02 00 3C [ 15 00 01 'M' 16 00 03 'one' ] "
                                    "00 02 'id' ]");
    struct span after = bytes_from("10 [ 00 04 'MQTT' 05 02 00 3C [ 15 00 01 'M' 16 00 03 'two' ] "
                                   "00 02 'id' ]");
    struct buffer packet;

    (void)state;
    buffer_init(&packet, alloc_system(), 1000);
    assert_int_equal(buffer_append(&packet, before), WILCO_OK);
    connect_packet_authenticate(&packet, SPAN_LITERAL("two"));
    assert_true(span_equal(buffer_span(&packet), after));
    buffer_fini(&packet);
    bytes_free(before);
    bytes_free(after);
}

/* The Remaining Length may need one more byte. */
static void
grows_by_the_identifier(void **state)
{
    struct wire_connect connect = {.version = WIRE_V5, .clean_start = true};
    static char id[65536];
    struct wire_header header;
    struct buffer packet;

    (void)state;
    memset(id, 'x', sizeof(id));
    for (size_t len = 1; len < sizeof(id); len = len * 2 + 1) {
        struct wire_connect got;

        buffer_init(&packet, alloc_system(), 70000);
        assert_int_equal(connect_packet_encode(&packet, &connect), WILCO_OK);
        assert_int_equal(connect_packet_resume(&packet, span_of(id, len)), WILCO_OK);
        assert_int_equal(wire_header_decode(&header, buffer_span(&packet)), WILCO_OK);
        assert_int_equal(header.header_bytes + header.remaining, packet.len);
        assert_int_equal(
            wire_connect_decode(&got, span_skip(buffer_span(&packet), header.header_bytes)),
            WILCO_OK);
        assert_true(span_equal(got.client_id, span_of(id, len)));
        buffer_fini(&packet);
    }
}

static void
says_when_there_is_no_room(void **state)
{
    struct wire_connect connect = {.version = WIRE_V5};
    struct failing_alloc alloc;
    struct buffer packet;

    (void)state;
    failing_alloc_init(&alloc, 1);
    buffer_init(&packet, &alloc.alloc, 1000);
    assert_int_equal(connect_packet_encode(&packet, &connect), WILCO_ENOMEM);
    assert_int_equal(connect_packet_encode(&packet, &connect), WILCO_OK);
    alloc.fail_at = alloc.attempts + 1;
    assert_int_equal(connect_packet_resume(&packet, SPAN_LITERAL("id")), WILCO_ENOMEM);
    assert_int_equal(connect_packet_resume(&packet, SPAN_LITERAL("id")), WILCO_OK);
    buffer_fini(&packet);
    assert_int_equal(alloc.live, 0);

    buffer_init(&packet, &alloc.alloc, 10);
    assert_int_equal(connect_packet_encode(&packet, &connect), WILCO_ELIMIT);
    buffer_fini(&packet);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(becomes_the_one_of_a_session),
        cmocka_unit_test(takes_other_authentication_data),
        cmocka_unit_test(grows_by_the_identifier),
        cmocka_unit_test(says_when_there_is_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
