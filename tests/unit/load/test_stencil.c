#include "load/stencil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
test_places(void **state)
{
    struct place ask = place_of("n", PLACE_ASK, 3);
    struct place answer = place_of("n", PLACE_ANSWER, 3);
    struct place none = place_of("n", PLACE_NONE, 3);

    (void)state;
    assert_string_equal(ask.text, "n/ask/3");
    assert_string_equal(answer.text, "n/answer/3");
    assert_string_equal(none.text, "");
    assert_int_equal(none.room, PLACE_ROOM_NONE);
    assert_int_not_equal(ask.room, answer.room);
    assert_int_equal(place_kind_of(ask.room), PLACE_ASK);
    assert_int_equal(place_kind_of(answer.room), PLACE_ANSWER);
}

static void
test_stamps_differ_in_their_word_alone(void **state)
{
    struct stencil s;
    struct outbox out;

    (void)state;
    outbox_init(&out);
    assert_int_equal(stencil_init(&s, 20), WILCO_OK);
    s.word_at = 10;
    s.packet_id_at = 2;
    stencil_stamp(&s, &out, 7, 0x0102);
    stencil_stamp(&s, &out, 8, 0x0304);
    assert_int_equal(out.bytes.len, 40);
    assert_int_equal(word_read(out.bytes.data + 10), 7);
    assert_int_equal(word_read(out.bytes.data + 30), 8);
    assert_memory_equal(out.bytes.data, "\0\0\1\2\0\0\0\0\0\0", 10);
    assert_memory_equal(out.bytes.data + 20, "\0\0\3\4\0\0\0\0\0\0", 10);
    stencil_fini(&s);
    outbox_fini(&out);
}

/* More than there was room for in the beginning. */
static void
test_outbox_grows(void **state)
{
    struct outbox out;
    const size_t piece = 100000;

    (void)state;
    outbox_init(&out);
    for (int i = 0; i < 10; i++) {
        uint8_t *at = outbox_claim(&out, piece);

        assert_non_null(at);
        memset(at, i, piece);
    }
    assert_int_equal(out.bytes.len, 10 * piece);
    assert_int_equal(out.bytes.data[0], 0);
    assert_int_equal(out.bytes.data[10 * piece - 1], 9);
    outbox_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_stamps_differ_in_their_word_alone),
        cmocka_unit_test(test_outbox_grows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
