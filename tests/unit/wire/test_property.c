#include "wire/property.h"

#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* Table 2-4 of the standard, in its own words here: one valid value of each property and the
 * packets that may carry it, a letter each. */
static const struct {
    uint8_t id;
    const char *name;
    const char *value;
    const char *packets;
} rows[] = {
    {0x01, "PAYLOAD_FORMAT_INDICATOR", "01", "PW"},
    {0x02, "MESSAGE_EXPIRY_INTERVAL", "00000000", "PW"},
    {0x03, "CONTENT_TYPE", "0002 'js'", "PW"},
    {0x08, "RESPONSE_TOPIC", "0003 'r/1'", "PW"},
    {0x09, "CORRELATION_DATA", "0003 00FF80", "PW"},
    {0x0B, "SUBSCRIPTION_IDENTIFIER", "FFFFFF7F", "PS"},
    {0x11, "SESSION_EXPIRY_INTERVAL", "FFFFFFFF", "CcD"},
    {0x12, "ASSIGNED_CLIENT_IDENTIFIER", "0001 'a'", "c"},
    {0x13, "SERVER_KEEP_ALIVE", "0000", "c"},
    {0x15, "AUTHENTICATION_METHOD", "0001 'M'", "CcX"},
    {0x16, "AUTHENTICATION_DATA", "0001 00", "CcX"},
    {0x17, "REQUEST_PROBLEM_INFORMATION", "00", "C"},
    {0x18, "WILL_DELAY_INTERVAL", "0000000A", "W"},
    {0x19, "REQUEST_RESPONSE_INFORMATION", "01", "C"},
    {0x1A, "RESPONSE_INFORMATION", "0002 '$r'", "c"},
    {0x1C, "SERVER_REFERENCE", "0001 'h'", "cD"},
    {0x1F, "REASON_STRING", "0003 'why'", "carlpsuDX"},
    {0x21, "RECEIVE_MAXIMUM", "FFFF", "Cc"},
    {0x22, "TOPIC_ALIAS_MAXIMUM", "0000", "Cc"},
    {0x23, "TOPIC_ALIAS", "0000", "P"},
    {0x24, "MAXIMUM_QOS", "01", "c"},
    {0x25, "RETAIN_AVAILABLE", "00", "c"},
    {0x26, "USER_PROPERTY", "0001 'k' 0000", "WCcParlpSsUuDX"},
    {0x27, "MAXIMUM_PACKET_SIZE", "00000001", "Cc"},
    {0x28, "WILDCARD_SUBSCRIPTION_AVAILABLE", "00", "c"},
    {0x29, "SUBSCRIPTION_IDENTIFIER_AVAILABLE", "01", "c"},
    {0x2A, "SHARED_SUBSCRIPTION_AVAILABLE", "01", "c"},
};

/* The packet types, and WIRE_WILL at 0; "." has no properties. */
static const char letters[] = "WCcParlpSsUu..DX";

static unsigned
type_of(char letter)
{
    return (unsigned)(strchr(letters, letter) - letters);
}

/* Decodes a block whose length is said rightly. */
static enum wilco_status
decode_block(struct wire_properties *out, struct span block, unsigned type)
{
    uint8_t bytes[256];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    struct span exact;
    struct wire_reader r;
    enum wilco_status st;
    size_t len;

    wire_writer_length(&w, block.len);
    wire_writer_bytes(&w, block);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    exact = bytes_copy(span_of(bytes, len));
    r = wire_reader_init(exact);
    wire_properties_decode(out, &r, type);
    st = wire_reader_finish(&r);
    bytes_free(exact);
    return st;
}

/* The property `id` behind others. */
static enum wilco_status
decode_text(const char *before, uint8_t id, const char *value, unsigned type)
{
    struct wire_properties p;
    uint8_t block[128];
    struct wire_writer w = wire_writer_init(block, sizeof(block));
    struct span first = bytes_from(before);
    struct span second = bytes_from(value);
    size_t len;

    wire_writer_bytes(&w, first);
    wire_writer_u8(&w, id);
    wire_writer_bytes(&w, second);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    bytes_free(second);
    bytes_free(first);
    return decode_block(&p, span_of(block, len), type);
}

static size_t
row_of(unsigned id)
{
    size_t i = 0;

    while (i < COUNT(rows) && rows[i].id != id) {
        i++;
    }
    return i;
}

/* What Authentication Data needs to be allowed. */
static const char *
company_of(unsigned id)
{
    return id == WIRE_AUTHENTICATION_DATA ? "15 0001 'M'" : "";
}

/* [U-2.2.2-1] */
static void
every_identifier_in_every_packet(void **state)
{
    (void)state;
    for (unsigned id = 0; id < 256; id++) {
        size_t i = row_of(id);

        for (unsigned type = 0; type < 16; type++) {
            bool known = i < COUNT(rows) && letters[type] != '.';
            bool want = known && strchr(rows[i].packets, letters[type]) != NULL;
            enum wilco_status st = decode_text(want ? company_of(id) : "", (uint8_t)id,
                                               known ? rows[i].value : "00000000", type);

            if (st != (want ? WILCO_OK : WILCO_EMALFORMED)) {
                fail_msg("0x%02X in %c: %d", id, letters[type], (int)st);
            }
        }
    }
}

/* [U-3.1.2-4] to [U-3.1.2-13], [U-3.1.3-1], [U-3.2.2-1] to -10, [U-3.3.2-2] to -9, [U-3.4.2-2],
 * [U-3.8.2-1] */
static void
twice_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (const char *letter = rows[i].packets; *letter != '\0'; letter++) {
            char before[128];
            bool many = rows[i].id == 0x26 || (rows[i].id == 0x0B && *letter == 'P');
            enum wilco_status st;

            (void)snprintf(before, sizeof(before), "%s %02X %s", company_of(rows[i].id), rows[i].id,
                           rows[i].value);
            st = decode_text(before, rows[i].id, rows[i].value, type_of(*letter));
            if (st != (many ? WILCO_OK : WILCO_EPROTOCOL)) {
                fail_msg("%s twice in %c: %d", rows[i].name, *letter, (int)st);
            }
        }
    }
}

static void
every_property_cut_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct span value = bytes_from(rows[i].value);

        for (size_t len = 0; len < value.len; len++) {
            uint8_t block[32] = {rows[i].id};
            struct wire_properties p;

            memcpy(block + 1, value.data, len);
            assert_int_equal(decode_block(&p, span_of(block, 1 + len), type_of(*rows[i].packets)),
                             WILCO_EMALFORMED);
        }
        bytes_free(value);
    }
}

static void
values(void **state)
{
    static const struct {
        uint8_t id;
        const char *value;
        char packet;
        enum wilco_status want;
    } bad[] = {
        {0x01, "00", 'P', WILCO_OK},
        {0x01, "02", 'P', WILCO_EPROTOCOL},
        {0x01, "FF", 'W', WILCO_EPROTOCOL},
        {0x03, "0002 C328", 'P', WILCO_EMALFORMED}, /* [MQTT-3.3.2-19] */
        {0x03, "0001 00", 'P', WILCO_EMALFORMED},
        {0x08, "0001 FF", 'P', WILCO_EMALFORMED}, /* [MQTT-3.3.2-13] */
        {0x08, "0000", 'P', WILCO_EPROTOCOL},
        {0x08, "0003 'a/#'", 'P', WILCO_EPROTOCOL}, /* [MQTT-3.3.2-14] */
        {0x08, "0003 'a/+'", 'W', WILCO_EPROTOCOL},
        {0x08, "0008 '$share/g'", 'P', WILCO_OK}, /* the broker's affair */
        {0x09, "0000", 'P', WILCO_OK},
        {0x0B, "00", 'P', WILCO_EPROTOCOL}, /* [U-3.3.2-8] */
        {0x0B, "00", 'S', WILCO_EPROTOCOL}, /* [U-3.8.2-1] */
        {0x0B, "8000", 'P', WILCO_EMALFORMED},
        {0x0B, "FFFFFFFF01", 'S', WILCO_EMALFORMED}, /* [U-1.5.5-1] */
        {0x0B, "01", 'S', WILCO_OK},
        {0x12, "0001 80", 'c', WILCO_EMALFORMED},
        {0x15, "0001 80", 'X', WILCO_EMALFORMED},
        {0x16, "0001 80", 'X', WILCO_EPROTOCOL}, /* [U-3.1.2-13] */
        {0x16, "0000", 'C', WILCO_EPROTOCOL},
        {0x16, "0000", 'c', WILCO_EPROTOCOL},
        {0x17, "02", 'C', WILCO_EPROTOCOL}, /* [U-3.1.2-10] */
        {0x19, "02", 'C', WILCO_EPROTOCOL}, /* [U-3.1.2-9] */
        {0x1A, "0001 80", 'c', WILCO_EMALFORMED},
        {0x1C, "0001 80", 'D', WILCO_EMALFORMED},
        {0x1F, "0001 80", 'a', WILCO_EMALFORMED},
        {0x21, "0000", 'C', WILCO_EPROTOCOL}, /* [U-3.1.2-5] */
        {0x21, "0000", 'c', WILCO_EPROTOCOL},
        {0x24, "02", 'c', WILCO_EPROTOCOL}, /* [U-3.2.2-1] */
        {0x25, "02", 'c', WILCO_EPROTOCOL},
        {0x26, "0001 80 0000", 'P', WILCO_EMALFORMED}, /* [MQTT-1.5.7-1] */
        {0x26, "0000 0001 80", 'P', WILCO_EMALFORMED},
        {0x26, "0001 'k' 0001 00", 'P', WILCO_EMALFORMED},
        {0x26, "0000 0000", 'P', WILCO_OK},
        {0x27, "00000000", 'C', WILCO_EPROTOCOL}, /* [U-3.1.2-6] */
        {0x28, "02", 'c', WILCO_EPROTOCOL},
        {0x29, "02", 'c', WILCO_EPROTOCOL},
        {0x2A, "02", 'c', WILCO_EPROTOCOL},
        {0x81, "00 00", 'P', WILCO_EMALFORMED}, /* 0x01 said over-long */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        enum wilco_status st = decode_text("", bad[i].id, bad[i].value, type_of(bad[i].packet));

        if (st != bad[i].want) {
            fail_msg("0x%02X %s in %c: %d", bad[i].id, bad[i].value, bad[i].packet, (int)st);
        }
    }
}

/* The Property Length against what there is. */
static void
lengths(void **state)
{
    static const struct {
        const char *bytes;
        enum wilco_status want;
    } texts[] = {
        {"", WILCO_EMALFORMED}, /* [MQTT-2.2.2-1] */
        {"00", WILCO_OK},
        {"02 01 01", WILCO_OK},
        {"8200 01 01", WILCO_EMALFORMED},
        {"8080808000", WILCO_EMALFORMED},
        {"01 01 01", WILCO_EMALFORMED},
        {"03 01 01", WILCO_EMALFORMED},
        {"03 01 01 02", WILCO_EMALFORMED},
        {"FFFFFF7F 01 01", WILCO_EMALFORMED},
        {"FFFFFFFF01 01 01", WILCO_EMALFORMED},
        {"05 03 0003 'ab' 'c'", WILCO_EMALFORMED}, /* a string that runs past its block */
        {"05 09 FFFF 'ab'", WILCO_EMALFORMED},
        {"01 26", WILCO_EMALFORMED},
        {"00 01 01", WILCO_EMALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct span bytes = bytes_from(texts[i].bytes);
        struct wire_reader r = wire_reader_init(bytes);
        struct wire_properties p;

        wire_properties_decode(&p, &r, WIRE_PUBLISH);
        if (wire_reader_finish(&r) != texts[i].want) {
            fail_msg("%s", texts[i].bytes);
        }
        bytes_free(bytes);
    }
}

/* Every field of its own value, so that none can be taken for another. */
static void
fill(struct wire_properties *p)
{
    static const struct wire_user_property users[] = {
        {SPAN_INIT("k"), SPAN_INIT("1")},
        {SPAN_INIT("k"), SPAN_INIT("2")},
        {SPAN_INIT(""), SPAN_INIT("")},
    };

    *p = (struct wire_properties){
        .message_expiry_interval = 1,
        .subscription_identifier = 2,
        .session_expiry_interval = UINT32_MAX,
        .will_delay_interval = 4,
        .maximum_packet_size = 5,
        .server_keep_alive = 6,
        .receive_maximum = 7,
        .topic_alias_maximum = 8,
        .topic_alias = 9,
        .payload_format_indicator = 1,
        .request_problem_information = 1,
        .request_response_information = 1,
        .maximum_qos = 1,
        .retain_available = 1,
        .wildcard_subscription_available = 1,
        .subscription_identifier_available = 1,
        .shared_subscription_available = 1,
        .content_type = SPAN_LITERAL("content"),
        .response_topic = SPAN_LITERAL("response"),
        .correlation_data = SPAN_LITERAL("\0\xFF"),
        .assigned_client_identifier = SPAN_LITERAL("assigned"),
        .authentication_method = SPAN_LITERAL("method"),
        .authentication_data = SPAN_LITERAL("data"),
        .response_information = SPAN_LITERAL("information"),
        .server_reference = SPAN_LITERAL("server"),
        .reason_string = SPAN_LITERAL("reason"),
        .users = users,
        .user_count = 3,
    };
}

static struct span
encode(const struct wire_properties *p, uint8_t *bytes, size_t capacity)
{
    struct wire_writer w = wire_writer_init(bytes, capacity);
    size_t len;

    wire_properties_encode(&w, p);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    return span_of(bytes, len);
}

/* The value of one field, whatever its type. */
static struct span
field_of(const struct wire_properties *p, unsigned id)
{
#define NUMBER(field) span_of(&p->field, sizeof(p->field))
#define BYTE(field)   NUMBER(field)
#define U16(field)    NUMBER(field)
#define U32(field)    NUMBER(field)
#define VARINT(field) NUMBER(field)
#define STRING(field) p->field
#define BINARY(field) p->field
#define PAIR(field)   NUMBER(user_count)
#define CASE(id, NAME, field, type, where, rule)                                                   \
    case id: return type(field);
    switch (id) {
        WIRE_PROPERTIES(CASE)
    }
    return SPAN_EMPTY;
}

static void
fields_encode_and_decode(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 16; type++) {
        struct wire_properties in;
        struct wire_properties out;
        struct wire_reader r;
        uint8_t bytes[256];

        if (letters[type] == '.') {
            continue;
        }
        fill(&in);
        for (size_t i = 0; i < COUNT(rows); i++) {
            if (strchr(rows[i].packets, letters[type]) != NULL) {
                wire_properties_set(&in, (enum wire_property_id)rows[i].id);
            }
        }
        r = wire_reader_init(encode(&in, bytes, sizeof(bytes)));
        wire_properties_decode(&out, &r, type);
        assert_int_equal(wire_reader_finish(&r), WILCO_OK);
        assert_true(in.present == out.present);
        for (size_t i = 0; i < COUNT(rows); i++) {
            bool has = wire_properties_has(&in, (enum wire_property_id)rows[i].id);
            struct wire_properties none = {.present = 0};

            assert_true(
                span_equal(field_of(has ? &in : &none, rows[i].id), field_of(&out, rows[i].id)));
        }
    }
}

static void
no_properties_are_a_length_of_zero(void **state)
{
    struct wire_properties p = {.present = 0};
    uint8_t bytes[4];

    (void)state;
    assert_false(wire_properties_to_write(&p));
    assert_true(span_equal(encode(&p, bytes, sizeof(bytes)), SPAN_LITERAL("\0")));
    p.block = SPAN_LITERAL("");
    assert_true(wire_properties_to_write(&p));
    assert_true(span_equal(encode(&p, bytes, sizeof(bytes)), SPAN_LITERAL("\0")));
}

static void
user_properties_alone(void **state)
{
    static const struct wire_user_property user = {SPAN_INIT("rr"), SPAN_INIT("1")};
    struct wire_properties p = {.users = &user, .user_count = 1};
    struct span want = bytes_from("[26 0002 'rr' 0001 '1']");
    uint8_t bytes[16];

    (void)state;
    assert_true(wire_properties_to_write(&p));
    assert_true(span_equal(encode(&p, bytes, sizeof(bytes)), want));
    bytes_free(want);
}

static void
what_is_too_long_is_a_limit(void **state)
{
    static const uint8_t much[UINT16_MAX + 1];
    struct wire_properties p = {.correlation_data = {much, sizeof(much)}};
    struct wire_writer w = wire_writer_measure();
    size_t len;

    (void)state;
    wire_properties_set(&p, WIRE_CORRELATION_DATA);
    wire_properties_encode(&w, &p);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_ELIMIT);
}

static void
the_iterator_keeps_the_order(void **state)
{
    struct span bytes =
        bytes_from("[26 0001 'b' 0001 '1' 0B 02 01 01 0B 8001 26 0001 'a' 0000 23 0102"
                   "02 00000005 03 0001 'x' 09 0001 FF]");
    static const struct {
        enum wire_property_id id;
        uint32_t number;
        const char *name;
        const char *value;
        size_t len;
    } want[] = {
        {WIRE_USER_PROPERTY, 0, "b", "1", 7},
        {WIRE_SUBSCRIPTION_IDENTIFIER, 2, "", "", 2},
        {WIRE_PAYLOAD_FORMAT_INDICATOR, 1, "", "", 2},
        {WIRE_SUBSCRIPTION_IDENTIFIER, 128, "", "", 3},
        {WIRE_USER_PROPERTY, 0, "a", "", 6},
        {WIRE_TOPIC_ALIAS, 0x0102, "", "", 3},
        {WIRE_MESSAGE_EXPIRY_INTERVAL, 5, "", "", 5},
        {WIRE_CONTENT_TYPE, 0, "", "x", 4},
        {WIRE_CORRELATION_DATA, 0, "", "\xFF", 4},
    };
    struct wire_reader r = wire_reader_init(bytes);
    struct wire_property_iterator it;
    struct wire_properties p;
    struct wire_property found;
    size_t seen = 0;

    (void)state;
    wire_properties_decode(&p, &r, WIRE_PUBLISH);
    assert_int_equal(wire_reader_finish(&r), WILCO_OK);
    assert_int_equal(p.user_count, 2);
    assert_int_equal(p.subscription_identifier, 2);
    it = wire_property_iterate(p.block);
    for (size_t i = 0; i < COUNT(want); i++) {
        assert_true(wire_property_next(&it, &found));
        assert_int_equal(found.id, want[i].id);
        assert_int_equal(found.number, want[i].number);
        assert_true(span_equal(found.name, span_of_text(want[i].name)));
        assert_true(span_equal(found.value, span_of_text(want[i].value)));
        assert_true(span_equal(found.bytes, span_of(p.block.data + seen, want[i].len)));
        seen += want[i].len;
    }
    assert_false(wire_property_next(&it, &found));
    assert_false(wire_property_next(&it, &found));
    bytes_free(bytes);
}

static void
user_properties_by_name(void **state)
{
    struct span bytes =
        bytes_from("[01 00 26 0001 'k' 0001 '1' 26 0001 'k' 0001 '2' 26 0000 0001 'e']");
    struct wire_reader r = wire_reader_init(bytes);
    struct wire_properties p;
    struct span value = SPAN_EMPTY;

    (void)state;
    wire_properties_decode(&p, &r, WIRE_PUBLISH);
    assert_true(wire_properties_user(&p, SPAN_LITERAL("k"), &value));
    assert_true(span_equal(value, SPAN_LITERAL("1")));
    assert_true(wire_properties_user(&p, SPAN_EMPTY, &value));
    assert_true(span_equal(value, SPAN_LITERAL("e")));
    assert_false(wire_properties_user(&p, SPAN_LITERAL("K"), &value));
    fill(&p);
    assert_true(wire_properties_user(&p, SPAN_LITERAL("k"), &value));
    assert_true(span_equal(value, SPAN_LITERAL("1")));
    assert_false(wire_properties_user(&p, SPAN_LITERAL("x"), &value));
    p.users = NULL;
    assert_false(wire_properties_user(&p, SPAN_LITERAL("k"), &value));
    bytes_free(bytes);
}

static void
names(void **state)
{
    (void)state;
    for (unsigned id = 0; id < 256; id++) {
        const char *name = wire_property_name((enum wire_property_id)id);
        size_t i = row_of(id);

        if (i == COUNT(rows)) {
            assert_null(name);
        } else {
            assert_string_equal(name, rows[i].name);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_identifier_in_every_packet),
        cmocka_unit_test(twice_the_same),
        cmocka_unit_test(every_property_cut_short),
        cmocka_unit_test(values),
        cmocka_unit_test(lengths),
        cmocka_unit_test(fields_encode_and_decode),
        cmocka_unit_test(no_properties_are_a_length_of_zero),
        cmocka_unit_test(user_properties_alone),
        cmocka_unit_test(what_is_too_long_is_a_limit),
        cmocka_unit_test(the_iterator_keeps_the_order),
        cmocka_unit_test(user_properties_by_name),
        cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
