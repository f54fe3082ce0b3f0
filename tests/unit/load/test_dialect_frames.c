#include "drawn.h"

static void
test_request_and_answer(void **state)
{
    struct wording w = a_request(64, 0);
    struct outbox request;
    struct outbox answer;
    struct arrival a;
    struct arrival b;

    (void)state;
    outbox_init(&request);
    outbox_init(&answer);
    draw_into(&request, &dialect_frames, &w);
    assert_int_equal(request.bytes.len, 8 + 4 + WORD_BYTES + 64);
    a = cut_whole(&request, &dialect_frames);
    assert_int_equal(a.kind, ARRIVAL_MESSAGE);
    assert_int_equal(word_read(a.word), WORD);
    assert_int_equal(a.payload.len, 64);
    assert_memory_equal(a.reply_to.data, &w.reply_to.room, 4);

    dialect_frames.answer(&answer, &a, 0);
    assert_memory_equal(answer.bytes.data + 4, &w.reply_to.room, 4);
    b = cut_whole(&answer, &dialect_frames);
    assert_int_equal(word_read(b.word), WORD);
    assert_int_equal(b.payload.len, 64);
    assert_int_equal(b.reply_to.len, 0);
    outbox_fini(&request);
    outbox_fini(&answer);
}

static void
test_plain_message(void **state)
{
    struct wording w = a_message(64, 0);
    struct outbox out;
    struct arrival a;

    (void)state;
    outbox_init(&out);
    draw_into(&out, &dialect_frames, &w);
    assert_int_equal(out.bytes.len, 8 + 64);
    a = cut_whole(&out, &dialect_frames);
    assert_int_equal(word_read(a.word), WORD);
    assert_int_equal(a.payload.len, 56);
    outbox_fini(&out);
}

static void
test_greeting(void **state)
{
    struct introduction who = {.listens = place_of("n", PLACE_ANSWER, 9)};
    struct outbox out;
    struct arrival a;

    (void)state;
    outbox_init(&out);
    dialect_frames.hello(&out, &who);
    assert_memory_equal(out.bytes.data + 4, &who.listens.room, 4);
    a = cut_whole(&out, &dialect_frames); /* the relay sends it back */
    assert_int_equal(a.kind, ARRIVAL_WELCOME);
    assert_int_equal(dialect_frames.greet(&out, &who, &a, NULL), WILCO_OK);
    outbox_fini(&out);
}

static void
test_what_cannot_be_said(void **state)
{
    const struct wording rows[] = {a_request(64, 1), a_message(7, 0)};
    struct stencil s;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(dialect_frames.draw(&s, &rows[i]), WILCO_EINVAL);
    }
}

static void
test_frame_without_a_word(void **state)
{
    const uint8_t bytes[] = {1, 0, 0, 0, 2, 0, 0, 0, 'x'};
    struct span in = span_of(bytes, sizeof(bytes));
    struct arrival a;

    (void)state;
    assert_int_equal(dialect_frames.cut(&in, &a), WILCO_EMALFORMED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_and_answer),
        cmocka_unit_test(test_plain_message),
        cmocka_unit_test(test_greeting),
        cmocka_unit_test(test_what_cannot_be_said),
        cmocka_unit_test(test_frame_without_a_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
