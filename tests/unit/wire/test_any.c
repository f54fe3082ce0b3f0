#include "wire/any.h"

#include "packets.h"
#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define ROWS (sizeof(packet_rows) / sizeof(packet_rows[0]))

/* One whole packet of `body` with the header that belongs to it. */
static struct span
packet_of(uint8_t first, struct span body)
{
    uint8_t bytes[512];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    size_t len;

    wire_header_encode(&w, (enum wire_type)(first >> 4), first & 0x0F, body.len);
    wire_writer_bytes(&w, body);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    return bytes_copy(span_of(bytes, len));
}

static struct span
packet_of_row(const struct packet_row *row)
{
    struct span body = bytes_from(row->body);
    struct span packet = packet_of(row->first, body);

    bytes_free(body);
    return packet;
}

/* Measures, then encodes into exactly as much. */
static struct span
encode(const struct wire_any *p, enum wire_version version)
{
    struct wire_writer measured = wire_writer_measure();
    struct wire_writer w;
    uint8_t *block;
    size_t len;

    wire_any_encode(&measured, p, version);
    assert_int_equal(wire_writer_finish(&measured, &len), WILCO_AGAIN);
    block = malloc(len);
    assert_non_null(block);
    w = wire_writer_init(block, len);
    wire_any_encode(&w, p, version);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    return span_of(block, len);
}

static void
assert_same_bytes(const char *name, struct span a, struct span b)
{
    if (!span_equal(a, b)) {
        print_error("%s\n", name);
    }
    assert_true(span_equal(a, b));
}

/* Whether a packet of this body decodes. */
static enum wilco_status
decode_body(const struct packet_row *row, struct span body)
{
    struct span packet = packet_of(row->first, body);
    struct wire_any any;
    enum wilco_status st = wire_any_decode(&any, packet, row->version);

    bytes_free(packet);
    return st;
}

static void
what_decodes_encodes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct span packet = packet_of_row(&packet_rows[i]);
        struct wire_any any;
        struct span again;

        if (wire_any_decode(&any, packet, packet_rows[i].version) != WILCO_OK) {
            fail_msg("%s", packet_rows[i].name);
        }
        again = encode(&any, packet_rows[i].version);
        assert_same_bytes(packet_rows[i].name, packet, again);
        bytes_free(again);
        bytes_free(packet);
    }
}

static void
a_packet_cut_short_asks_for_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct span packet = packet_of_row(&packet_rows[i]);

        for (size_t len = 0; len < packet.len; len++) {
            struct span part = bytes_copy(span_first(packet, len));
            struct wire_any any;

            assert_int_equal(wire_any_decode(&any, part, packet_rows[i].version), WILCO_AGAIN);
            bytes_free(part);
        }
        bytes_free(packet);
    }
}

static void
a_body_cut_short_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const struct packet_row *row = &packet_rows[i];
        struct span body = bytes_from(row->body);

        for (size_t len = 0; len < body.len; len++) {
            enum wilco_status st = decode_body(row, span_first(body, len));
            bool want_ok = bytes_has_mark(row->body, len);

            if (want_ok ? st != WILCO_OK : st != WILCO_EMALFORMED && st != WILCO_EPROTOCOL) {
                fail_msg("%s cut at %zu: %d", row->name, len, (int)st);
            }
        }
        bytes_free(body);
    }
}

static void
a_body_with_more_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const struct packet_row *row = &packet_rows[i];
        struct span body = bytes_from(row->body);
        uint8_t longer[512] = {0};
        bool short_ack = row->version == WIRE_V5 && body.len < 4 && row->first >> 4 != WIRE_CONNACK;

        if (body.len > 0) {
            memcpy(longer, body.data, body.len);
        }
        longer[body.len] = 0xFE; /* no reason code, no length of anything that follows */
        if (row->first >> 4 != WIRE_PUBLISH) {
            enum wilco_status st = decode_body(row, span_of(longer, body.len + 1));

            assert_true(st == WILCO_EMALFORMED || (st == WILCO_EPROTOCOL && short_ack) ||
                        (st == WILCO_EPROTOCOL && row->first >> 4 == WIRE_SUBACK) ||
                        (st == WILCO_EPROTOCOL && row->first >> 4 == WIRE_UNSUBACK));
        }
        bytes_free(body);
    }
}

static void
bytes_behind_the_packet_are_refused(void **state)
{
    struct span two = bytes_from("C000 C000");
    struct wire_any any;

    (void)state;
    assert_int_equal(wire_any_decode(&any, two, WIRE_V5), WILCO_EMALFORMED);
    bytes_free(two);
}

/* One byte changed anywhere never makes a decoder read too far, and what still decodes can still be
 * said. */
static void
a_changed_byte_is_harmless(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct span body = bytes_from(packet_rows[i].body);

        for (size_t at = 0; at < body.len * 256; at++) {
            uint8_t changed[512];
            struct span packet;
            struct wire_any any;

            memcpy(changed, body.data, body.len);
            changed[at / 256] = (uint8_t)(at % 256);
            packet = packet_of(packet_rows[i].first, span_of(changed, body.len));
            if (wire_any_decode(&any, packet, packet_rows[i].version) == WILCO_OK) {
                struct span again = encode(&any, packet_rows[i].version);

                assert_true(again.len == packet.len || (again.len == 4 && packet.len == 5) ||
                            (again.len == 2 && packet.len == 3));
                bytes_free(again);
            }
            bytes_free(packet);
        }
        bytes_free(body);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_decodes_encodes_back),
        cmocka_unit_test(a_packet_cut_short_asks_for_more),
        cmocka_unit_test(a_body_cut_short_is_refused),
        cmocka_unit_test(a_body_with_more_is_refused),
        cmocka_unit_test(bytes_behind_the_packet_are_refused),
        cmocka_unit_test(a_changed_byte_is_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
