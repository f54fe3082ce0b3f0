#include "broker/core/request_terms.h"
#include "wire/any.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USERS_MAX 2

/* The properties of a PUBLISH with these User Properties, as they are decoded. */
struct encoded {
    uint8_t bytes[300];
    struct wire_properties properties;
};

static void
encode(struct encoded *e, const char *const users[USERS_MAX][2])
{
    struct wire_user_property pairs[USERS_MAX];
    struct wire_properties p = {.users = pairs};
    struct wire_writer w = wire_writer_init(e->bytes, sizeof(e->bytes));
    struct wire_reader r;
    size_t len = 0;

    for (size_t i = 0; i < USERS_MAX && users[i][0] != NULL; i++) {
        pairs[p.user_count++] = (struct wire_user_property){.name = span_of_text(users[i][0]),
                                                            .value = span_of_text(users[i][1])};
    }
    if (p.user_count > 0) {
        wire_properties_set(&p, WIRE_USER_PROPERTY);
    }
    p.content_type = SPAN_LITERAL("rr-ttl"); /* a property, but not a User Property */
    wire_properties_set(&p, WIRE_CONTENT_TYPE);
    wire_properties_encode(&w, &p);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    r = wire_reader_init(span_of(e->bytes, len));
    wire_properties_decode(&e->properties, &r, WIRE_PUBLISH);
    assert_int_equal(wire_reader_finish(&r), WILCO_OK);
}

#define UNSAID .ttl_ms = UINT64_MAX

static const struct {
    const char *users[USERS_MAX][2];
    struct request_terms want;
    const char *partition; /* NULL: empty */
    const char *source_id; /* NULL: not said */
    const char *trace;     /* likewise */
} good[] = {
    {.users = {{NULL, NULL}}, .want = {UNSAID}},
    {.users = {{"rr-ttl", "0"}}, .want = {.ttl_ms = 0}},
    {.users = {{"rr-ttl", "250"}}, .want = {.ttl_ms = 250}},
    {.users = {{"rr-ttl", "000000000250"}}, .want = {.ttl_ms = 250}},
    {.users = {{"rr-ttl", "31536000000"}}, .want = {.ttl_ms = REQUEST_TTL_MS_MAX}},
    {.users = {{"rr-ttl", "5"}, {"rr-ttl", "7"}}, .want = {.ttl_ms = 7}},
    {.users = {{"rr-more", "0"}}, .want = {UNSAID}},
    {.users = {{"rr-more", "1000000000"}}, .want = {UNSAID, .more = REQUEST_MORE_MAX}},
    {.users = {{"rr-idem", "1"}}, .want = {UNSAID, .is_idempotent = true}},
    {.users = {{"rr-idem", "0"}}, .want = {UNSAID}},
    {.users = {{"rr-if-offline", "fail"}},
     .want = {UNSAID, .fails_if_offline = true, .fails_if_left = true}},
    {.users = {{"rr-if-offline", "refuse"}}, .want = {UNSAID, .fails_if_offline = true}},
    {.users = {{"rr-if-offline", "wait"}}, .want = {UNSAID}},
    {.users = {{"rr-if-offline", "fail"}, {"rr-if-offline", "wait"}}, .want = {UNSAID}},
    {.users = {{"$partition", "p"}}, .want = {UNSAID}, .partition = "p"},
    {.users = {{"$partition", ""}}, .want = {UNSAID}},
    {.users = {{"__srcId", "me"}}, .want = {UNSAID}, .source_id = "me"},
    {.users = {{"__srcId", ""}}, .want = {UNSAID}, .source_id = ""}, /* said, and nobody */
    {.users = {{"rr-op", "cancel"}}, .want = {UNSAID, .op = REQUEST_OP_CANCEL}},
    {.users = {{"rr-op", "credit"}, {"rr-more", "3"}},
     .want = {UNSAID, .op = REQUEST_OP_CREDIT, .more = 3}},
    {.users = {{"rr-op", "data"}}, .want = {UNSAID, .op = REQUEST_OP_DATA}},
    {.users = {{"rr-on-loss", "cancel"}}, .want = {UNSAID, .ends_with_asker = true}},
    {.users = {{"rr-fan", "1"}}, .want = {UNSAID, .is_fan = true}},
    {.users = {{"rr-fan", "0"}}, .want = {UNSAID}},
    {.users = {{"rr-size", "0"}}, .want = {UNSAID, .is_head = true}},
    {.users = {{"rr-size", "4294967294"}}, .want = {UNSAID, .is_head = true}},
    {.users = {{"rr-trace", "a/b"}}, .want = {UNSAID}, .trace = "a/b"},
    {.users = {{"rr-trace", "a"}, {"rr-trace", "b"}}, .want = {UNSAID}, .trace = "b"},
    {.users = {{"rr-unheard-of", "x"}, {"__unknown", "y"}}, .want = {UNSAID}},
    {.users = {{"rr-ttl ", "x"}, {"RR-TTL", "y"}}, .want = {UNSAID}}, /* other names */
    {.users = {{"rr-ttl", "1"}, {"rr-idem", "1"}}, .want = {.ttl_ms = 1, .is_idempotent = true}},
};

static void
test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const struct request_terms *want = &good[i].want;
        const char *why = NULL;
        struct encoded e;
        struct request_terms got;

        encode(&e, good[i].users);
        assert_int_equal(request_terms_read(&got, &e.properties, &why), WILCO_OK);
        assert_int_equal(got.ttl_ms, want->ttl_ms);
        assert_int_equal(got.more, want->more);
        assert_int_equal(got.is_idempotent, want->is_idempotent);
        assert_int_equal(got.fails_if_offline, want->fails_if_offline);
        assert_int_equal(got.fails_if_left, want->fails_if_left);
        assert_int_equal(got.op, want->op);
        assert_int_equal(got.ends_with_asker, want->ends_with_asker);
        assert_int_equal(got.is_fan, want->is_fan);
        assert_int_equal(got.is_head, want->is_head);
        assert_int_equal(got.trace.data != NULL, good[i].trace != NULL);
        assert_true(span_equal(got.trace, span_of_text(good[i].trace)));
        assert_true(span_equal(got.partition, good[i].partition == NULL
                                                  ? SPAN_EMPTY
                                                  : span_of_text(good[i].partition)));
        assert_int_equal(got.source_id.data != NULL, good[i].source_id != NULL);
        assert_true(got.source_id.data == NULL ||
                    span_equal(got.source_id, span_of_text(good[i].source_id)));
    }
}

static void
test_bad(void **state)
{
    static const char *const rows[][USERS_MAX][2] = {
        {{"rr-ttl", ""}},
        {{"rr-ttl", "-1"}},
        {{"rr-ttl", "+1"}},
        {{"rr-ttl", " 1"}},
        {{"rr-ttl", "1 "}},
        {{"rr-ttl", "1.5"}},
        {{"rr-ttl", "0x10"}},
        {{"rr-ttl", "31536000001"}},
        {{"rr-ttl", "999999999999"}},
        {{"rr-ttl", "0000000000250"}},        /* more digits than any number has */
        {{"rr-ttl", "18446744073709551866"}}, /* 250, modulo 2^64 */
        {{"rr-more", "many"}},
        {{"rr-more", "1000000001"}},
        {{"rr-more", "4294967297"}}, /* 1, modulo 2^32 */
        {{"rr-idem", "2"}},
        {{"rr-idem", ""}},
        {{"rr-idem", "true"}},
        {{"rr-idem", "01"}},
        {{"rr-if-offline", "Fail"}},
        {{"rr-if-offline", ""}},
        {{"rr-op", ""}},
        {{"rr-op", "Cancel"}},
        {{"rr-op", "cancelled"}},
        {{"rr-on-loss", "wait"}},
        {{"rr-fan", "2"}},
        {{"rr-size", "4294967295"}},
        {{"rr-size", ""}},
        {{"rr-size", "1k"}},
        {{"rr-trace", ""}},
        {{"rr-trace", "a/#"}},
        {{"rr-idem", "1"}, {"rr-ttl", "x"}}, /* the second one */
        {{"rr-ttl", "x"}, {"rr-ttl", "5"}},  /* which a good one does not mend */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const *bad =
            rows[i][1][0] != NULL && rows[i][0][1][0] == '1' ? rows[i][1] : rows[i][0];
        const char *why = NULL;
        struct encoded e;
        struct request_terms got;

        encode(&e, rows[i]);
        if (request_terms_read(&got, &e.properties, &why) != WILCO_EPROTOCOL) {
            fail_msg("%s=%s was taken", bad[0], bad[1]);
        }
        assert_non_null(why);
        assert_memory_equal(why, bad[0], strlen(bad[0])); /* it names the property */
    }
}

static void
test_responses(void **state)
{
    static const struct {
        const char *users[USERS_MAX][2];
        struct response_terms want;
    } rows[] = {
        {{{NULL, NULL}}, {.has_more = false}},
        {{{"rr-more", "1"}}, {.has_more = true}},
        {{{"rr-more", "0"}}, {.has_more = false}},
        {{{"rr-more", ""}}, {.has_more = false}},
        {{{"rr-prog", "50"}}, {.has_more = true}},
        {{{"rr-prog", ""}}, {.has_more = true}},
        {{{"rr-seq", "3"}}, {.has_more = false}},
        {{{"rr-more", "0"}, {"rr-prog", "1"}}, {.has_more = true}},
        {{{"rr-more", "1"}, {"rr-more", "0"}}, {.has_more = true}},
        {{{"__stat", "200"}}, {.status = 200}},
        {{{"__stat", "399"}}, {.status = 399}},
        {{{"__stat", "4294967295"}}, {.status = UINT32_MAX}},
        {{{"__stat", "4294967296"}}, {.status = 0}},
        {{{"__stat", "503"}, {"rr-more", "1"}}, {.status = 503, .has_more = true}},
        {{{"__stat", ""}}, {.status = 0}},
        {{{"__stat", "many"}}, {.status = 0}},
        {{{"__stat", "-500"}}, {.status = 0}},
        {{{"rr-src", "broker"}}, {.is_by_broker = true}},
        {{{"rr-src", "me"}}, {.is_by_broker = false}},
        {{{"rr-src", "broker"}, {"rr-src", "me"}}, {.is_by_broker = true}},
        {{{"rr-src", "me"}, {"rr-src", "broker"}}, {.is_by_broker = true}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct response_terms got;
        struct encoded e;

        encode(&e, rows[i].users);
        response_terms_read(&got, &e.properties);
        assert_int_equal(got.has_more, rows[i].want.has_more);
        assert_int_equal(got.status, rows[i].want.status);
        assert_int_equal(got.is_by_broker, rows[i].want.is_by_broker);
    }
}

/* Whether a message is a word about a request, whatever else it says. */
static void
test_naming_an_op(void **state)
{
    static const struct {
        const char *users[USERS_MAX][2];
        bool want;
    } rows[] = {
        {{{NULL, NULL}}, false},         {{{"rr-ttl", "x"}}, false},
        {{{"rr-op", "cancel"}}, true},   {{{"rr-ttl", "x"}, {"rr-op", "?"}}, true},
        {{{"rr-ops", "cancel"}}, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct encoded e;

        encode(&e, rows[i].users);
        assert_int_equal(request_terms_name_op(&e.properties), rows[i].want);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_responses),
        cmocka_unit_test(test_naming_an_op),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
