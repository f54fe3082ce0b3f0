#include "client/chunks.h"

#include "base/hash.h"
#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
reads_what_is_said_of_pieces(void **state)
{
    static const struct {
        const char *value;
        uint32_t want;
    } rows[] = {
        {"0", 0},
        {"4294967294", UINT32_MAX - 1},
        {"4294967295", CHUNK_UNSAID}, /* which is so large that it is not said */
        {"4294967296", CHUNK_UNSAID},
        {"-1", CHUNK_UNSAID},
        {"", CHUNK_UNSAID},
        {"1k", CHUNK_UNSAID},
    };
    static const char *const names[] = {"rr-take",   "rr-packet", "rr-size",
                                        "rr-offset", "rr-want",   "rr-seq"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t name = 0; name < sizeof(names) / sizeof(names[0]); name++) {
            const struct wire_user_property users[] = {
                {span_of_text(names[name]), span_of_text(rows[i].value)},
                {SPAN_LITERAL("rr-hash"), SPAN_LITERAL("first")},
                {SPAN_LITERAL("rr-hash"), SPAN_LITERAL("second")},
            };
            struct wilco_message *m = peer_message(users, 3);
            struct chunk_terms t = chunk_terms_of(m);
            const uint32_t numbers[] = {t.take, t.packet, t.size, t.offset, t.want, t.sequence};

            for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
                assert_int_equal(numbers[n], n == name ? rows[i].want : CHUNK_UNSAID);
            }
            assert_true(span_equal(t.hash, SPAN_LITERAL("first")));
            wilco_message_unref(m);
        }
    }
}

static void
fills_a_packet_up_to_64_kib(void **state)
{
    static const struct {
        size_t packet, overhead, want;
    } rows[] = {
        {1024, 100, 921},
        {103, 100, 0},
        {104, 100, 1},
        {0, 100, 0},
        {65639, 100, 65536},
        {65638, 100, 65535},
        {SIZE_MAX, 0, CHUNK_BYTES_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(chunk_bytes(rows[i].packet, rows[i].overhead), rows[i].want);
    }
}

static void
tells_what_was_sent_from_what_was_not(void **state)
{
    static const struct {
        const char *bytes;
        uint32_t size;
        const char *hashed; /* what the sender had; NULL: it says no hash */
        bool is_fault, is_garbled;
    } rows[] = {
        {"abcdef", 6, "abcdef", false, false},
        {"", 0, "", false, false},
        {"abcde", 6, "abcdef", true, false},
        {"abcdefg", 6, "abcdef", true, false},
        {"abcdeg", 6, "abcdef", true, true},
        {"abcdef", 6, NULL, true, true},
        {"abcdef", CHUNK_UNSAID, "abcdef", true, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char digits[HASH_CHECK_CHARS];
        struct chunk_terms t = chunk_terms_unsaid();
        bool is_garbled = false;

        t.size = rows[i].size;
        if (rows[i].hashed != NULL) {
            t.hash = hash_check(span_of_text(rows[i].hashed), digits);
        }
        assert_int_equal(chunk_fault(span_of_text(rows[i].bytes), &t, &is_garbled) != NULL,
                         rows[i].is_fault);
        assert_int_equal(is_garbled, rows[i].is_garbled);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_said_of_pieces),
        cmocka_unit_test(fills_a_packet_up_to_64_kib),
        cmocka_unit_test(tells_what_was_sent_from_what_was_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
