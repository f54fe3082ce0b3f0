/* What the generator writes decodes with wire/, and what wire/ encodes is understood. */
#include "drawn.h"

static struct outbox out;

static int
open_outbox(void **state)
{
    (void)state;
    outbox_init(&out);
    return 0;
}

static int
close_outbox(void **state)
{
    (void)state;
    outbox_fini(&out);
    return 0;
}

static struct wire_any
decode(void)
{
    struct wire_any packet;

    assert_int_equal(wire_any_decode(&packet, buffer_span(&out.bytes), WIRE_V5), WILCO_OK);
    return packet;
}

static void
assert_text(struct span bytes, const char *text)
{
    assert_true(span_equal(bytes, span_of_text(text)));
}

static void
assert_word(struct span bytes)
{
    assert_int_equal(bytes.len, LOAD_WORD_BYTES);
    assert_int_equal(word_read(bytes.data), WORD);
}

static const size_t sizes[] = {0, 1, 64, 100, 127, 128, 16384, 2097152};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void
check_request(size_t payload_bytes, uint8_t qos)
{
    struct wording w = a_request(payload_bytes, qos);
    struct wire_any packet;
    const struct wire_publish *p = &packet.as.publish;

    out.bytes.len = 0;
    draw_into(&out, &dialect_mqtt, &w);
    packet = decode();
    assert_int_equal(packet.type, WIRE_PUBLISH);
    assert_int_equal(p->qos, qos);
    assert_int_equal(p->packet_id, qos == 0 ? 0 : PACKET_ID);
    assert_text(p->topic, "n/ask/3");
    assert_text(p->properties.response_topic, "n/answer/7");
    assert_word(p->properties.correlation_data);
    assert_int_equal(p->payload.len, payload_bytes);
}

static void
test_request(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        check_request(sizes[i], 0);
        check_request(sizes[i], 1);
    }
}

static void
check_answer(size_t payload_bytes, uint8_t qos)
{
    struct wording w = a_request(payload_bytes, qos);
    struct outbox request;
    struct arrival a;
    struct wire_any packet;
    const struct wire_publish *p = &packet.as.publish;

    outbox_init(&request);
    draw_into(&request, &dialect_mqtt, &w);
    memset(request.bytes.data + request.bytes.len - payload_bytes, 'x', payload_bytes);
    a = payload_bytes > 1000 ? (struct arrival){.word = NULL} : cut_whole(&request, &dialect_mqtt);
    if (a.word == NULL) {
        struct span in = buffer_span(&request.bytes);

        assert_int_equal(dialect_mqtt.cut(&in, &a), WILCO_OK);
    }
    out.bytes.len = 0;
    dialect_mqtt.answer(&out, &a, 77);
    packet = decode();
    assert_int_equal(p->qos, qos);
    assert_int_equal(p->packet_id, qos == 0 ? 0 : 77);
    assert_text(p->topic, "n/answer/7");
    assert_word(p->properties.correlation_data);
    assert_int_equal(p->payload.len, payload_bytes);
    assert_true(payload_bytes == 0 || p->payload.data[payload_bytes - 1] == 'x');
    outbox_fini(&request);
}

static void
test_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        check_answer(sizes[i], 0);
        check_answer(sizes[i], 1);
    }
}

static void
test_plain_message(void **state)
{
    struct wording w = a_message(64, 1);
    struct wire_any packet;
    struct arrival a;

    (void)state;
    w.retain = true;
    draw_into(&out, &dialect_mqtt, &w);
    packet = decode();
    assert_true(packet.as.publish.retain);
    assert_text(packet.as.publish.topic, "n/feed/3");
    assert_int_equal(packet.as.publish.packet_id, PACKET_ID);
    assert_int_equal(packet.as.publish.properties.present, 0);
    assert_word(span_first(packet.as.publish.payload, LOAD_WORD_BYTES));
    a = cut_whole(&out, &dialect_mqtt);
    assert_int_equal(a.kind, ARRIVAL_MESSAGE);
    assert_int_equal(word_read(a.word), WORD);
    assert_int_equal(a.payload.len, 56);
    assert_int_equal(a.reply_to.len, 0);
}

static void
test_message_without_room_for_a_word(void **state)
{
    struct wording w = a_message(7, 0);
    struct stencil s;

    (void)state;
    assert_int_equal(dialect_mqtt.draw(&s, &w), WILCO_EINVAL);
    stencil_fini(&s);
}

/* Whatever other properties a server adds, and wherever. */
static void
test_other_properties(void **state)
{
    static const struct wire_user_property user = {SPAN_INIT("a"), SPAN_INIT("b")};
    const uint64_t word = WORD;
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_publish *p = &packet.as.publish;
    struct arrival a;

    (void)state;
    p->topic = SPAN_LITERAL("t");
    p->properties.message_expiry_interval = 5;
    p->properties.response_topic = SPAN_LITERAL("back");
    p->properties.correlation_data = span_of(&word, sizeof(word));
    p->properties.users = &user;
    p->properties.user_count = 1;
    wire_properties_set(&p->properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    wire_properties_set(&p->properties, WIRE_RESPONSE_TOPIC);
    wire_properties_set(&p->properties, WIRE_CORRELATION_DATA);
    wire_properties_set(&p->properties, WIRE_USER_PROPERTY);
    outbox_packet(&out, &packet);
    a = cut_whole(&out, &dialect_mqtt);
    assert_int_equal(word_read(a.word), WORD);
    assert_text(a.reply_to, "back");
}

static void
test_correlation_of_another_length_is_no_word(void **state)
{
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct arrival a;

    (void)state;
    packet.as.publish.topic = SPAN_LITERAL("t");
    packet.as.publish.properties.correlation_data = SPAN_LITERAL("four");
    wire_properties_set(&packet.as.publish.properties, WIRE_CORRELATION_DATA);
    outbox_packet(&out, &packet);
    a = cut_whole(&out, &dialect_mqtt);
    assert_null(a.word);
}

static void
test_greeting(void **state)
{
    char inbox[PLACE_BYTES] = "";
    struct introduction who = {
        .client_id = "me", .listens = place_of("n", PLACE_ASK, 1), .inbox = inbox, .qos = 1};
    struct wire_any packet;
    struct arrival a;
    struct terms terms = {.receive_maximum = UINT16_MAX};

    (void)state;
    who.group = "g";
    dialect_mqtt.hello(&out, &who);
    packet = decode();
    assert_false(packet.as.connect.has_user_name || packet.as.connect.has_password);
    who.username = "ada";
    who.password = "secret";
    out.bytes.len = 0;
    dialect_mqtt.hello(&out, &who);
    packet = decode();
    assert_text(packet.as.connect.user_name, "ada");
    assert_text(packet.as.connect.password, "secret");
    assert_text(packet.as.connect.client_id, "me");
    assert_true(packet.as.connect.clean_start);
    assert_int_equal(packet.as.connect.properties.request_response_information, 1);

    packet = (struct wire_any){.type = WIRE_CONNACK};
    packet.as.connack.properties.receive_maximum = 20;
    packet.as.connack.properties.response_information = SPAN_LITERAL("$r/token");
    wire_properties_set(&packet.as.connack.properties, WIRE_RECEIVE_MAXIMUM);
    wire_properties_set(&packet.as.connack.properties, WIRE_RESPONSE_INFORMATION);
    out.bytes.len = 0;
    outbox_packet(&out, &packet);
    a = cut_whole(&out, &dialect_mqtt);
    {
        struct outbox next;
        struct span payload;
        struct wire_subscription s;

        outbox_init(&next);
        assert_int_equal(dialect_mqtt.greet(&next, &who, &a, &terms), WILCO_AGAIN);
        assert_int_equal(terms.receive_maximum, 20);
        assert_string_equal(inbox, "$r/token");
        assert_int_equal(wire_any_decode(&packet, buffer_span(&next.bytes), WIRE_V5), WILCO_OK);
        payload = packet.as.subscribe.payload;
        assert_true(wire_subscribe_next(&payload, &s));
        assert_text(s.filter, "$share/g/n/ask/1");
        assert_int_equal(s.qos, 1);
        outbox_fini(&next);
    }
}

static void
test_greeting_that_is_refused(void **state)
{
    struct introduction who = {.client_id = "me"};
    struct terms terms;
    struct wire_any packet = {.type = WIRE_CONNACK, .as.connack.reason_code = 0x89};
    struct arrival a;
    char inbox[PLACE_BYTES];

    (void)state;
    who.listens = place_of("n", PLACE_NONE, 0);
    outbox_packet(&out, &packet);
    a = cut_whole(&out, &dialect_mqtt);
    assert_int_equal(dialect_mqtt.greet(NULL, &who, &a, &terms), WILCO_EREFUSED);

    out.bytes.len = 0;
    packet.as.connack.reason_code = 0;
    outbox_packet(&out, &packet);
    a = cut_whole(&out, &dialect_mqtt);
    assert_int_equal(dialect_mqtt.greet(NULL, &who, &a, &terms), WILCO_OK);
    who.inbox = inbox; /* of which the server knows nothing */
    assert_int_equal(dialect_mqtt.greet(NULL, &who, &a, &terms), WILCO_EREFUSED);

    a = (struct arrival){.kind = ARRIVAL_SUBSCRIBED, .reason_code = 0x87};
    assert_int_equal(dialect_mqtt.greet(NULL, &who, &a, &terms), WILCO_EREFUSED);
}

static void
test_acknowledgements(void **state)
{
    struct arrival a = {.packet_id = PACKET_ID};
    struct wire_any packet;
    const uint8_t refused[] = {0x40, 3, 1, 2, 0x97};
    const uint8_t codes[] = {0, 1, 0x80, 0};
    struct span in = span_of(refused, sizeof(refused));

    (void)state;
    dialect_mqtt.acknowledge(&out, &a);
    packet = decode();
    assert_int_equal(packet.type, WIRE_PUBACK);
    assert_int_equal(packet.as.ack.packet_id, PACKET_ID);
    assert_int_equal(dialect_mqtt.cut(&in, &a), WILCO_OK);
    assert_int_equal(a.kind, ARRIVAL_ACK);
    assert_int_equal(a.packet_id, PACKET_ID);
    assert_int_equal(a.reason_code, 0x97);

    packet = (struct wire_any){.type = WIRE_SUBACK, .as.suback = {.packet_id = 5}};
    packet.as.suback.reason_codes = span_of(codes, sizeof(codes));
    out.bytes.len = 0;
    outbox_packet(&out, &packet);
    a = cut_whole(&out, &dialect_mqtt);
    assert_int_equal(a.kind, ARRIVAL_SUBSCRIBED);
    assert_int_equal(a.packet_id, 5);
    assert_int_equal(a.reason_code, 0x80);
}

static void
test_nonsense(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        {"\x00\x00", 2},                     /* no such type */
        {"\x40\x01\x00", 3},                 /* PUBACK without identifier */
        {"\x30\x01\x00", 3},                 /* PUBLISH without topic */
        {"\x30\x05\x00\x01t\x05\x09", 7},    /* properties cut short */
        {"\x30\x06\x00\x01t\x02\x7f\x00", 8} /* no such property */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span in = span_of(rows[i].bytes, rows[i].len);
        struct arrival a;

        assert_int_equal(dialect_mqtt.cut(&in, &a), WILCO_EMALFORMED);
    }
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, open_outbox, close_outbox)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_request),          ROW(test_answer),
        ROW(test_plain_message),    ROW(test_message_without_room_for_a_word),
        ROW(test_other_properties), ROW(test_correlation_of_another_length_is_no_word),
        ROW(test_greeting),         ROW(test_greeting_that_is_refused),
        ROW(test_acknowledgements), ROW(test_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
