#include "broker/core/message.h"

#include "broker/core/session_id.h"
#include "support/bytes.h"
#include "support/failing_alloc.h"
#include "wire/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* A PUBLISH as it comes in, and as it is forwarded. */
static const struct {
    const char *name;
    enum wire_version version;
    uint8_t flags;
    const char *in;  /* behind the fixed header */
    const char *out; /* all of it */
} rows[] = {
    {"nothing but a topic", WIRE_V5, 0, "00 01 'a' 00", "30 [ 00 01 'a' 00 ]"},
    {"a payload", WIRE_V5, 0, "00 03 'a/b' 00 'payload'", "30 [ 00 03 'a/b' 00 'payload' ]"},
    {"the packet identifier stays behind", WIRE_V5, 0x02, "00 01 'a' 12 34 00 'p'",
     "30 [ 00 01 'a' 00 'p' ]"},
    {"so do QoS 2, DUP and RETAIN", WIRE_V5, 0x0D, "00 01 'a' 12 34 00 'p'",
     "30 [ 00 01 'a' 00 'p' ]"},
    {"3.1.1 has no properties", WIRE_V311, 0, "00 01 'a' 'p'", "30 [ 00 01 'a' 00 'p' ]"},
    {"3.1.1 with QoS 1", WIRE_V311, 0x02, "00 01 'a' 00 07", "30 [ 00 01 'a' 00 ]"},
    {"all properties, in an order of their own", WIRE_V5, 0,
     "00 01 'a' [ 26 00 01 'k' 00 01 'v' 09 00 02 00 FF 08 00 01 'r' 01 01 03 00 01 'c' 02 00 00 "
     "00 09 26 00 01 'k' 00 01 'v' 26 00 00 00 00 ] 'p'",
     "30 [ 00 01 'a' [ 26 00 01 'k' 00 01 'v' 09 00 02 00 FF 08 00 01 'r' 01 01 03 00 01 'c' 02 00 "
     "00 00 09 26 00 01 'k' 00 01 'v' 26 00 00 00 00 ] 'p' ]"},
    {"the alias goes", WIRE_V5, 0, "00 01 'a' [ 23 00 05 ] 'p'", "30 [ 00 01 'a' 00 'p' ]"},
    {"the alias goes from the middle", WIRE_V5, 0,
     "00 01 'a' [ 01 01 23 00 05 26 00 01 'k' 00 00 ] 'p'",
     "30 [ 00 01 'a' [ 01 01 26 00 01 'k' 00 00 ] 'p' ]"},
    {"subscription identifiers go", WIRE_V5, 0,
     "00 01 'a' [ 0B 01 09 00 01 0B 0B FF FF FF 7F 26 00 01 0B 00 00 0B 80 01 ] 'p'",
     "30 [ 00 01 'a' [ 09 00 01 0B 26 00 01 0B 00 00 ] 'p' ]"},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct message *
receive(const struct wilco_alloc *a, size_t row, struct span in)
{
    struct wire_publish p;

    assert_int_equal(wire_publish_decode(&p, rows[row].flags, in, rows[row].version), WILCO_OK);
    return message_new(a, &p, 77, 1000);
}

static void
assert_bytes(struct span have, struct span want)
{
    assert_int_equal(have.len, want.len);
    assert_memory_equal(have.data, want.data, want.len);
}

static void
what_is_forwarded(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct span in = bytes_from(rows[i].in);
        struct span out = bytes_from(rows[i].out);
        struct message *m = receive(alloc_system(), i, in);

        bytes_free(in); /* the message keeps nothing of it */
        assert_non_null(m);
        if (!span_equal(span_of(m->packet, m->packet_bytes), out)) {
            fail_msg("%s", rows[i].name);
        }
        assert_int_equal(m->qos, rows[i].flags >> 1 & 3);
        assert_int_equal(m->retain, rows[i].flags & 1);
        assert_int_equal(m->publisher, 77);
        assert_int_equal(m->received_ms, 1000);
        message_unref(m);
        bytes_free(out);
    }
}

/* What the message says about its packet is what a decoder finds in it. */
static void
parts_are_where_they_are_said_to_be(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct span in = bytes_from(rows[i].in);
        struct message *m = receive(alloc_system(), i, in);
        struct span packet = span_of(m->packet, m->packet_bytes);
        struct wire_header header;
        struct wire_publish p;

        assert_int_equal(wire_header_decode(&header, packet), WILCO_OK);
        assert_int_equal(header.header_bytes, m->topic_offset);
        assert_int_equal(
            wire_publish_decode(&p, header.flags, span_skip(packet, header.header_bytes), WIRE_V5),
            WILCO_OK);
        assert_bytes(message_topic(m), p.topic);
        assert_bytes(message_properties(m), p.properties.block);
        assert_bytes(message_payload(m), p.payload);
        assert_int_equal(m->expiry_offset != 0,
                         wire_properties_has(&p.properties, WIRE_MESSAGE_EXPIRY_INTERVAL));
        assert_int_equal(m->expiry_s, p.properties.message_expiry_interval);
        message_unref(m);
        bytes_free(in);
    }
}

/* Lengths around the steps of the Variable Byte Integer. */
static void
sizes_at_the_borders(void **state)
{
    static const size_t sizes[] = {0,   1,   120, 121,   122,   123,   124,
                                   125, 127, 128, 16370, 16380, 16384, 70000};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint8_t *bytes = malloc(sizes[i] + 1);
        struct wire_user_property user = {SPAN_LITERAL("k"),
                                          span_of(bytes, sizes[i] > 65535 ? 65535 : sizes[i])};
        struct wire_publish p = {.topic = SPAN_LITERAL("a/b"), .payload = span_of(bytes, sizes[i])};

        assert_non_null(bytes);
        memset(bytes, 'x', sizes[i]);
        p.properties.users = &user;
        p.properties.user_count = 1;
        for (int with_user = 1; with_user >= 0; with_user--) {
            struct message *m = message_new(alloc_system(), &p, SESSION_ID_NONE, 0);
            struct wire_header header;
            struct wire_publish back;

            assert_non_null(m);
            assert_int_equal(wire_header_decode(&header, span_of(m->packet, m->packet_bytes)),
                             WILCO_OK);
            assert_int_equal(header.header_bytes + header.remaining, m->packet_bytes);
            assert_int_equal(
                wire_publish_decode(
                    &back, 0, span_of(m->packet + header.header_bytes, header.remaining), WIRE_V5),
                WILCO_OK);
            assert_bytes(message_payload(m), p.payload);
            assert_bytes(message_properties(m), back.properties.block);
            message_unref(m);
            p.properties.users = NULL;
            p.properties.user_count = 0;
        }
        free(bytes);
    }
}

/* As the broker makes them itself. */
static void
properties_from_fields(void **state)
{
    struct wire_user_property users[] = {{SPAN_LITERAL("x"), SPAN_LITERAL("1")},
                                         {SPAN_LITERAL("y"), SPAN_LITERAL("2")}};
    struct wire_publish p = {.topic = SPAN_LITERAL("a")};
    struct span want =
        bytes_from("30 [ 00 01 'a' [ 02 00 00 00 0A 09 00 01 'c' 26 00 01 'x' 00 01 '1' "
                   "26 00 01 'y' 00 01 '2' ] ]");
    struct message *m;

    (void)state;
    p.properties.users = users;
    p.properties.user_count = 2;
    p.properties.correlation_data = SPAN_LITERAL("c");
    p.properties.message_expiry_interval = 10;
    p.properties.topic_alias = 3;
    wire_properties_set(&p.properties, WIRE_CORRELATION_DATA);
    wire_properties_set(&p.properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    wire_properties_set(&p.properties, WIRE_TOPIC_ALIAS);
    m = message_new(alloc_system(), &p, SESSION_ID_NONE, 0);
    assert_non_null(m);
    assert_bytes(span_of(m->packet, m->packet_bytes), want);
    assert_int_equal(m->expiry_s, 10);
    message_unref(m);
    bytes_free(want);
}

static void
a_will_leaves_its_delay_behind(void **state)
{
    struct span block = bytes_from("[ 01 01 18 00 00 00 05 03 00 01 'c' ]");
    struct span want = bytes_from("30 [ 00 01 'w' [ 01 01 03 00 01 'c' ] 'bye' ]");
    struct wire_publish p = {.topic = SPAN_LITERAL("w"), .payload = SPAN_LITERAL("bye")};
    struct wire_reader r = wire_reader_init(block);
    struct message *m;

    (void)state;
    wire_properties_decode(&p.properties, &r, 0);
    assert_int_equal(wire_reader_finish(&r), WILCO_OK);
    m = message_new(alloc_system(), &p, 1, 0);
    assert_non_null(m);
    assert_bytes(span_of(m->packet, m->packet_bytes), want);
    message_unref(m);
    bytes_free(block);
    bytes_free(want);
}

static const struct {
    uint32_t expiry_s;
    uint64_t received_ms, now_ms;
    uint32_t left_s;
    bool is_expired;
} lives[] = {
    {10, 0, 0, 10, false},
    {10, 5000, 5000, 10, false},
    {10, 5000, 5001, 10, false}, /* 9.999 s, rounded up */
    {10, 5000, 5999, 10, false},
    {10, 5000, 6000, 9, false},
    {10, 5000, 14999, 1, false},
    {10, 5000, 15000, 0, true},
    {10, 5000, 999999, 0, true},
    {10, 5000, 4000, 10, false}, /* another thread's clock was read earlier */
    {0, 5000, 5000, 0, true},
    {UINT32_MAX, 5000, 5000, UINT32_MAX, false},
    {UINT32_MAX, 0, UINT64_C(4294967294001), 1, false},
};

static void
life_goes_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
        struct wire_publish p = {.topic = SPAN_LITERAL("a"), .payload = SPAN_LITERAL("x")};
        struct message *m;
        const uint8_t *at;

        p.properties.message_expiry_interval = lives[i].expiry_s;
        wire_properties_set(&p.properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
        m = message_new(alloc_system(), &p, 1, lives[i].received_ms);
        assert_non_null(m);
        at = m->packet + m->expiry_offset;
        assert_int_equal((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
                             at[3],
                         lives[i].expiry_s);
        assert_int_equal(at[-1], WIRE_MESSAGE_EXPIRY_INTERVAL);
        assert_int_equal(message_expiry_left_s(m, lives[i].now_ms), lives[i].left_s);
        assert_int_equal(message_is_expired(m, lives[i].now_ms), lives[i].is_expired);
        message_unref(m);
    }
}

static void
without_expiry_it_lives_for_ever(void **state)
{
    struct wire_publish p = {.topic = SPAN_LITERAL("a")};
    struct message *m = message_new(alloc_system(), &p, 1, 0);

    (void)state;
    assert_non_null(m);
    assert_int_equal(m->expiry_offset, 0);
    assert_false(message_is_expired(m, UINT64_MAX));
    message_unref(m);
}

static void
the_last_reference_frees(void **state)
{
    struct failing_alloc f;
    struct wire_publish p = {.topic = SPAN_LITERAL("a")};
    struct message *m;

    (void)state;
    failing_alloc_init(&f, 0);
    m = message_new(&f.alloc, &p, 1, 0);
    assert_non_null(m);
    assert_int_equal(f.attempts, 1); /* one block */
    assert_ptr_equal(message_ref(m), m);
    message_unref(m);
    assert_int_equal(f.live, 1);
    message_unref(m);
    assert_int_equal(f.live, 0);
    message_unref(NULL);
}

static void
no_message_without_memory_or_above_the_limit(void **state)
{
    struct failing_alloc f;
    struct wire_publish p = {.topic = SPAN_LITERAL("a")};

    (void)state;
    failing_alloc_init(&f, 1);
    assert_null(message_new(&f.alloc, &p, 1, 0));
    p.payload = span_of("", (size_t)WIRE_VARINT_MAX - 3); /* one byte too many; never read */
    assert_null(message_new(&f.alloc, &p, 1, 0));
    p = (struct wire_publish){.topic = span_of("", 65536)};
    assert_null(message_new(&f.alloc, &p, 1, 0));
    assert_int_equal(f.attempts, 1);
    assert_int_equal(f.live, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_forwarded),
        cmocka_unit_test(parts_are_where_they_are_said_to_be),
        cmocka_unit_test(sizes_at_the_borders),
        cmocka_unit_test(properties_from_fields),
        cmocka_unit_test(a_will_leaves_its_delay_behind),
        cmocka_unit_test(life_goes_down),
        cmocka_unit_test(without_expiry_it_lives_for_ever),
        cmocka_unit_test(the_last_reference_frees),
        cmocka_unit_test(no_message_without_memory_or_above_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
