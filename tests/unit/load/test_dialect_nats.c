#include "drawn.h"

static struct arrival
cut_text(const char *text, enum wilco_status wanted)
{
    struct span in = span_of_text(text);
    struct arrival a = {.word = NULL};

    assert_int_equal(dialect_nats.cut(&in, &a), wanted);
    assert_true(wanted != WILCO_OK || in.len == 0);
    return a;
}

static void
assert_says(const struct outbox *out, const char *text)
{
    assert_true(span_equal(buffer_span(&out->bytes), span_of_text(text)));
}

static void
test_request(void **state)
{
    struct wording w = a_request(2, 0);
    struct outbox out;

    (void)state;
    outbox_init(&out);
    draw_into(&out, &dialect_nats, &w);
    assert_memory_equal(out.bytes.data, "PUB n.ask.3 n.answer.7 10\r\n", 27);
    assert_int_equal(word_read(out.bytes.data + 27), WORD);
    assert_memory_equal(out.bytes.data + out.bytes.len - 4, "\0\0\r\n", 4);
    assert_int_equal(out.bytes.len, 27 + 10 + 2);
    outbox_fini(&out);
}

static void
test_answer(void **state)
{
    struct arrival a = cut_text("MSG n.ask.3 1 n.answer.7 10\r\nwordwordxy\r\n", WILCO_OK);
    struct outbox out;

    (void)state;
    assert_int_equal(a.kind, ARRIVAL_MESSAGE);
    assert_true(span_equal(a.reply_to, SPAN_LITERAL("n.answer.7")));
    assert_true(span_equal(a.payload, SPAN_LITERAL("xy")));
    outbox_init(&out);
    dialect_nats.answer(&out, &a, 0);
    assert_says(&out, "PUB n.answer.7 10\r\nwordwordxy\r\n");
    outbox_fini(&out);
}

static void
test_arrivals(void **state)
{
    static const struct {
        const char *text;
        enum arrival_kind kind;
    } rows[] = {
        {"INFO {\"server_id\":\"x\"}\r\n", ARRIVAL_WELCOME},
        {"PING\r\n", ARRIVAL_PING},
        {"PONG\r\n", ARRIVAL_PONG},
        {"+OK\r\n", ARRIVAL_OTHER},
        {"-ERR 'Unknown'\r\n", ARRIVAL_GOODBYE},
        {"MSG a 1 8\r\nwordword\r\n", ARRIVAL_MESSAGE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(cut_text(rows[i].text, WILCO_OK).kind, rows[i].kind);
    }
    (void)cut_text("MSG a 1 8\r\nwordword\r", WILCO_AGAIN);
    (void)cut_text("MSG a 1 8", WILCO_AGAIN);
    (void)cut_text("MSG a 1 4\r\nword\r\n", WILCO_EMALFORMED);
    (void)cut_text("\n", WILCO_EMALFORMED);
}

static void
test_greeting(void **state)
{
    struct introduction who = {
        .client_id = "me", .listens = place_of("n", PLACE_ASK, 1), .group = "g"};
    struct arrival a = {.kind = ARRIVAL_WELCOME};
    struct outbox out;

    (void)state;
    outbox_init(&out);
    dialect_nats.hello(&out, &who);
    assert_says(&out, "CONNECT {\"verbose\":false,\"pedantic\":false,\"name\":\"me\"}\r\n"
                      "SUB n.ask.1 g 1\r\nPING\r\n");
    assert_int_equal(dialect_nats.greet(&out, &who, &a, NULL), WILCO_AGAIN);
    a.kind = ARRIVAL_PONG;
    assert_int_equal(dialect_nats.greet(&out, &who, &a, NULL), WILCO_OK);
    a.kind = ARRIVAL_GOODBYE;
    assert_int_equal(dialect_nats.greet(&out, &who, &a, NULL), WILCO_EREFUSED);
    outbox_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_arrivals),
        cmocka_unit_test(test_greeting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
