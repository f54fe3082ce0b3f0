#include "client/message.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* As if it had come over the wire: encoded, and decoded from a block of just its size. */
static struct wilco_message *
arrived(const struct wilco_alloc *a, const struct wire_publish *p)
{
    uint8_t bytes[512];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    struct wire_header header;
    struct wire_publish decoded;
    struct wilco_message *m = NULL;
    uint8_t *body = NULL;

    wire_publish_encode(&w, p, WIRE_V5);
    assert_true(w.len <= sizeof(bytes));
    assert_int_equal(wire_header_decode(&header, span_of(bytes, w.len)), WILCO_OK);
    body = test_malloc(header.remaining);
    memcpy(body, bytes + header.header_bytes, header.remaining);
    assert_int_equal(
        wire_publish_decode(&decoded, header.flags, span_of(body, header.remaining), WIRE_V5),
        WILCO_OK);
    m = message_new(a, &decoded, 5000);
    test_free(body); /* the message has a copy */
    return m;
}

static void
assert_bytes(struct wilco_bytes bytes, const char *text)
{
    assert_non_null(bytes.data);
    assert_int_equal(bytes.len, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.len);
}

static struct wire_publish
full_publish(const struct wire_user_property *users, size_t count)
{
    struct wire_publish p = {
        .qos = 1,
        .retain = true,
        .packet_id = 9,
        .topic = SPAN_LITERAL("a/b"),
        .payload = SPAN_LITERAL("payload"),
    };

    p.properties.content_type = SPAN_LITERAL("text/plain");
    p.properties.response_topic = SPAN_LITERAL("back");
    p.properties.correlation_data = SPAN_LITERAL("id");
    p.properties.message_expiry_interval = 7;
    p.properties.payload_format_indicator = 1;
    p.properties.users = users;
    p.properties.user_count = count;
    wire_properties_set(&p.properties, WIRE_CONTENT_TYPE);
    wire_properties_set(&p.properties, WIRE_RESPONSE_TOPIC);
    wire_properties_set(&p.properties, WIRE_CORRELATION_DATA);
    wire_properties_set(&p.properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    wire_properties_set(&p.properties, WIRE_PAYLOAD_FORMAT_INDICATOR);
    return p;
}

static void
keeps_everything_that_came(void **state)
{
    const struct wire_user_property users[] = {
        {SPAN_INIT("name"), SPAN_INIT("first")},
        {SPAN_INIT("name"), SPAN_INIT("second")},
    };
    const struct wire_publish p = full_publish(users, 2);
    struct wilco_message *m = arrived(alloc_system(), &p);
    struct wilco_bytes name, value;
    uint32_t seconds = 0;

    (void)state;
    assert_bytes(wilco_message_topic(m), "a/b");
    assert_bytes(wilco_message_payload(m), "payload");
    assert_bytes(wilco_message_content_type(m), "text/plain");
    assert_bytes(wilco_message_response_topic(m), "back");
    assert_bytes(wilco_message_correlation_data(m), "id");
    assert_bytes(wilco_message_user_property(m, "name"), "first");
    assert_true(wilco_message_user_property_at(m, 1, &name, &value));
    assert_bytes(name, "name");
    assert_bytes(value, "second");
    assert_false(wilco_message_user_property_at(m, 2, &name, &value));
    assert_null(wilco_message_user_property(m, "other").data);
    assert_int_equal(wilco_message_qos(m), 1);
    assert_true(wilco_message_retain(m));
    assert_true(wilco_message_is_utf8(m));
    assert_true(wilco_message_expiry_s(m, &seconds));
    assert_int_equal(seconds, 7);
    wilco_message_unref(m);
}

static void
says_what_did_not_come(void **state)
{
    const struct wire_publish p = {.topic = SPAN_LITERAL("t")};
    struct wilco_message *m = arrived(alloc_system(), &p);
    uint32_t seconds = 0;

    (void)state;
    assert_null(wilco_message_content_type(m).data);
    assert_null(wilco_message_response_topic(m).data);
    assert_null(wilco_message_correlation_data(m).data);
    assert_false(wilco_message_expiry_s(m, &seconds));
    assert_false(wilco_message_is_utf8(m));
    assert_int_equal(message_remaining_ms(m, UINT64_MAX), UINT64_MAX);
    assert_int_equal(wilco_message_payload(m).len, 0);
    wilco_message_unref(m);
}

/* "Correlation Data of no bytes" is not "no Correlation Data". */
static void
tells_empty_from_absent(void **state)
{
    struct wire_publish p = {.topic = SPAN_LITERAL("t")};
    struct wilco_message *m = NULL;

    (void)state;
    wire_properties_set(&p.properties, WIRE_CORRELATION_DATA);
    m = arrived(alloc_system(), &p);
    assert_non_null(wilco_message_correlation_data(m).data);
    assert_int_equal(wilco_message_correlation_data(m).len, 0);
    wilco_message_unref(m);
}

static void
reads_the_status_of_a_response(void **state)
{
    static const struct {
        const char *text; /* NULL: no property */
        int want;
    } rows[] = {
        {NULL, 200}, {"200", 200},  {"204", 204}, {"404", 404}, {"500", 500}, {"", 500},
        {"20", 500}, {"2000", 500}, {"20x", 500}, {"099", 500}, {"-20", 500}, {"999", 999},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct wire_user_property user = {SPAN_LITERAL("__stat"), span_of_text(rows[i].text)};
        struct wire_publish p = {.topic = SPAN_LITERAL("t")};
        struct wilco_message *m = NULL;

        p.properties.users = &user;
        p.properties.user_count = rows[i].text != NULL;
        m = arrived(alloc_system(), &p);
        assert_int_equal(wilco_message_status(m), rows[i].want);
        wilco_message_unref(m);
    }
}

static void
counts_the_time_that_is_left(void **state)
{
    const struct wire_publish p = full_publish(NULL, 0); /* received at 5000, expires after 7 s */
    struct wilco_message *m = arrived(alloc_system(), &p);

    (void)state;
    assert_int_equal(message_remaining_ms(m, 5000), 7000);
    assert_int_equal(message_remaining_ms(m, 11999), 1);
    assert_int_equal(message_remaining_ms(m, 12000), 0);
    assert_int_equal(message_remaining_ms(m, 99999), 0);
    wilco_message_unref(m);
}

static void
is_freed_by_the_last_one(void **state)
{
    const struct wire_publish p = full_publish(NULL, 0);
    struct failing_alloc alloc;
    struct wilco_message *m = NULL;

    (void)state;
    failing_alloc_init(&alloc, 0);
    m = arrived(&alloc.alloc, &p);
    assert_ptr_equal(wilco_message_ref(m), m);
    wilco_message_unref(m);
    assert_int_equal(alloc.live, 1);
    wilco_message_unref(m);
    assert_int_equal(alloc.live, 0);
    wilco_message_unref(NULL);

    failing_alloc_init(&alloc, 1);
    assert_null(arrived(&alloc.alloc, &p));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_everything_that_came),
        cmocka_unit_test(says_what_did_not_come),
        cmocka_unit_test(tells_empty_from_absent),
        cmocka_unit_test(reads_the_status_of_a_response),
        cmocka_unit_test(counts_the_time_that_is_left),
        cmocka_unit_test(is_freed_by_the_last_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
