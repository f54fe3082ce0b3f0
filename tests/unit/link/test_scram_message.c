#include "link/scram_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NONCE  "fyko+d2lbbFgONRv9qkxdawL"
#define KEY    "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define SIGNED "v=" KEY
#define SALT   "QSXCR+Q6sek8bf92"

struct row {
    const char *text;
    enum wilco_status want;
};

/* Each in a block of its exact size, so that reading past its end is seen. */
typedef enum wilco_status read_fn(struct span text);

static void
check(const struct row *rows, size_t count, read_fn *read)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(rows[i].text);
        uint8_t *exact = malloc(len == 0 ? 1 : len);
        enum wilco_status got;

        assert_non_null(exact);
        memcpy(exact, rows[i].text, len);
        got = read(span_of(exact, len));
        free(exact);
        if (got != rows[i].want) {
            fail_msg("\"%s\": %d", rows[i].text, got);
        }
    }
}

#define CHECK(rows, read) check(rows, sizeof(rows) / sizeof((rows)[0]), read)

static enum wilco_status
read_client_first(struct span text)
{
    struct scram_client_first out;

    return scram_client_first_read(&out, text);
}

static void
reads_what_clients_say_first(void **state)
{
    static const struct row rows[] = {
        {"n,,n=user,r=" NONCE, WILCO_OK},
        {"y,,n=user,r=" NONCE, WILCO_OK}, /* it could bind a channel, and thinks we cannot */
        {"n,a=user,n=user,r=" NONCE, WILCO_OK},
        {"n,,n=us=2Cer,r=" NONCE, WILCO_OK},
        {"n,,n=user,r=" NONCE ",x=extension,Y=more", WILCO_OK},
        {"n,,n=user,r=" NONCE NONCE NONCE, WILCO_OK},
        {"p=tls-unique,,n=user,r=" NONCE, WILCO_EPROTOCOL},
        {"p=,,n=user,r=" NONCE, WILCO_EMALFORMED},
        {"p,,n=user,r=" NONCE, WILCO_EMALFORMED},
        {"n,,m=must,n=user,r=" NONCE, WILCO_EPROTOCOL},
        {"n,,n=user,r=short", WILCO_EPROTOCOL},
        {"n,,n=user,r=", WILCO_EMALFORMED},
        {"n,,n=,r=" NONCE, WILCO_EMALFORMED},
        {"n,,r=" NONCE ",n=user", WILCO_EMALFORMED},
        {"n,,n=user", WILCO_EMALFORMED},
        {"n,,n=user,", WILCO_EMALFORMED},
        {"n,,n=user,r=" NONCE ",", WILCO_EMALFORMED},
        {"n,,n=user,r=" NONCE ",1=x", WILCO_EMALFORMED},
        {"n,,n=user,r=" NONCE ",x", WILCO_EMALFORMED},
        {"n,,n=user,r=" NONCE ",x=\xff", WILCO_EMALFORMED},
        {"n,,n=user,r=" NONCE "\x7f", WILCO_EMALFORMED},
        {"n,,n=user,r=fyko d2lbbFgONRv", WILCO_EMALFORMED},
        {"n,b=user,n=user,r=" NONCE, WILCO_EMALFORMED},
        {"n,a=,n=user,r=" NONCE, WILCO_EMALFORMED},
        {"n,n=user,r=" NONCE, WILCO_EMALFORMED},
        {",,n=user,r=" NONCE, WILCO_EMALFORMED},
        {"nn,,n=user,r=" NONCE, WILCO_EMALFORMED},
        {"N,,n=user,r=" NONCE, WILCO_EMALFORMED},
        {"n=user,r=" NONCE, WILCO_EMALFORMED},
        {"n,,", WILCO_EMALFORMED},
        {"n,", WILCO_EMALFORMED},
        {"n", WILCO_EMALFORMED},
        {",", WILCO_EMALFORMED},
        {"", WILCO_EMALFORMED},
    };

    (void)state;
    CHECK(rows, read_client_first);
}

static void
finds_the_parts_of_what_clients_say_first(void **state)
{
    struct scram_client_first out;

    (void)state;
    assert_int_equal(
        scram_client_first_read(&out, SPAN_LITERAL("y,a=o=3Dther,n=us=2Cer,r=" NONCE ",x=1")),
        WILCO_OK);
    assert_true(span_equal(out.gs2_header, SPAN_LITERAL("y,a=o=3Dther,")));
    assert_true(span_equal(out.bare, SPAN_LITERAL("n=us=2Cer,r=" NONCE ",x=1")));
    assert_true(span_equal(out.name, SPAN_LITERAL("us=2Cer")));
    assert_true(span_equal(out.other_name, SPAN_LITERAL("o=3Dther")));
    assert_true(span_equal(out.nonce, SPAN_LITERAL(NONCE)));
}

static enum wilco_status
read_server_first(struct span text)
{
    struct scram_server_first out;

    return scram_server_first_read(&out, text);
}

static void
reads_what_servers_say_first(void **state)
{
    static const struct row rows[] = {
        {"r=" NONCE ",s=" SALT ",i=4096", WILCO_OK},
        {"r=" NONCE ",s=" SALT ",i=1000000", WILCO_OK},
        {"r=" NONCE ",s=" SALT ",i=4096,x=y", WILCO_OK},
        {"r=" NONCE ",s=" SALT ",i=4095", WILCO_EPROTOCOL},
        {"r=" NONCE ",s=" SALT ",i=1", WILCO_EPROTOCOL},
        {"r=" NONCE ",s=" SALT ",i=0", WILCO_EPROTOCOL},
        {"r=" NONCE ",s=" SALT ",i=1000001", WILCO_EPROTOCOL},
        {"r=" NONCE ",s=" SALT ",i=2147483648", WILCO_EPROTOCOL},
        {"r=" NONCE ",s=" SALT ",i=4294971392", WILCO_EPROTOCOL}, /* 4096 in 32 bits */
        {"r=" NONCE ",s=" SALT ",i=99999999999999999999999999", WILCO_EPROTOCOL},
        {"r=" NONCE ",s=" SALT ",i=-4096", WILCO_EPROTOCOL},
        {"r=" NONCE ",s=" SALT ",i=04096", WILCO_EPROTOCOL},
        {"r=" NONCE ",s=" SALT ",i=4096x", WILCO_EPROTOCOL},
        {"r=" NONCE ",s=" SALT ",i=", WILCO_EMALFORMED},
        {"r=" NONCE ",s=" SALT, WILCO_EMALFORMED},
        {"r=" NONCE ",s=,i=4096", WILCO_EMALFORMED},
        {"r=" NONCE ",s=!!!!,i=4096", WILCO_EMALFORMED},
        {"r=" NONCE ",s=AAAA,i=4096", WILCO_EPROTOCOL}, /* three bytes of salt */
        {"r=" NONCE ",s=" SALT SALT SALT SALT SALT SALT ",i=4096", WILCO_EPROTOCOL},
        {"m=must,r=" NONCE ",s=" SALT ",i=4096", WILCO_EPROTOCOL},
        {"r=x,s=" SALT ",i=4096", WILCO_EPROTOCOL},
        {"s=" SALT ",r=" NONCE ",i=4096", WILCO_EMALFORMED},
        {"e=unknown-user", WILCO_EMALFORMED},
        {"", WILCO_EMALFORMED},
    };

    (void)state;
    CHECK(rows, read_server_first);
}

static enum wilco_status
read_client_final(struct span text)
{
    struct scram_client_final out;

    return scram_client_final_read(&out, text);
}

static void
reads_what_clients_say_last(void **state)
{
    static const struct row rows[] = {
        {"c=biws,r=" NONCE ",p=" KEY, WILCO_OK},
        {"c=biws,r=" NONCE ",x=y,p=" KEY, WILCO_OK},
        {"c=biws,r=" NONCE, WILCO_EMALFORMED},
        {"c=biws,r=" NONCE ",p=", WILCO_EMALFORMED},
        {"c=biws,r=" NONCE ",p=AAAA", WILCO_EMALFORMED},
        {"c=biws,r=" NONCE ",p=" KEY "AAAA", WILCO_EMALFORMED},
        {"c=biws,r=" NONCE ",p=" KEY ",x=y", WILCO_EMALFORMED}, /* the proof is the last */
        {"c=biws,r=" NONCE ",p=" KEY ",", WILCO_EMALFORMED},
        {"c=biws,r=\x01\x02\x03,p=" KEY, WILCO_EMALFORMED},
        {"c=,r=" NONCE ",p=" KEY, WILCO_EMALFORMED},
        {"r=" NONCE ",c=biws,p=" KEY, WILCO_EMALFORMED},
        {"p=" KEY, WILCO_EMALFORMED},
        {"", WILCO_EMALFORMED},
    };
    struct scram_client_final out;

    (void)state;
    CHECK(rows, read_client_final);
    assert_int_equal(scram_client_final_read(&out, SPAN_LITERAL("c=biws,r=" NONCE ",x=y,p=" KEY)),
                     WILCO_OK);
    assert_true(span_equal(out.without_proof, SPAN_LITERAL("c=biws,r=" NONCE ",x=y")));
    assert_true(span_equal(out.binding, SPAN_LITERAL("biws")));
    assert_true(span_equal(out.nonce, SPAN_LITERAL(NONCE)));
}

static enum wilco_status
read_server_final(struct span text)
{
    uint8_t signature[SCRAM_KEY_BYTES];

    return scram_server_final_read(signature, text);
}

static void
reads_what_servers_say_last(void **state)
{
    static const struct row rows[] = {
        {"v=" KEY, WILCO_OK},
        {"v=" KEY ",x=y", WILCO_OK},
        {"e=invalid-proof", WILCO_EPROTOCOL},
        {"e=", WILCO_EMALFORMED},
        {"v=", WILCO_EMALFORMED},
        {"v=AAAA", WILCO_EMALFORMED},
        {"v=" KEY ",", WILCO_EMALFORMED},
        {"", WILCO_EMALFORMED},
    };

    (void)state;
    CHECK(rows, read_server_final);
}

/* A valid message cut anywhere is no reason to read past its end. */
static void
survives_any_cut(void **state)
{
    static const char *const texts[] = {
        "n,a=x,n=us=2Cer,r=" NONCE ",x=y",
        "r=" NONCE ",s=" SALT ",i=4096",
        "c=biws,r=" NONCE ",p=" KEY,
        SIGNED,
    };
    static read_fn *const reads[] = {read_client_first, read_server_first, read_client_final,
                                     read_server_final};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (size_t n = 0; n < strlen(texts[i]); n++) {
            uint8_t *exact = malloc(n + 1);

            assert_non_null(exact);
            memcpy(exact + 1, texts[i], n);
            for (size_t r = 0; r < sizeof(reads) / sizeof(reads[0]); r++) {
                (void)reads[r](span_of(exact + 1, n));
            }
            free(exact);
        }
    }
}

static void
refuses_endless_messages(void **state)
{
    static uint8_t text[SCRAM_MESSAGE_BYTES_MAX + 1];
    static read_fn *const reads[] = {read_client_first, read_server_first, read_client_final,
                                     read_server_final};

    (void)state;
    memset(text, 'n', sizeof(text));
    for (size_t r = 0; r < sizeof(reads) / sizeof(reads[0]); r++) {
        assert_int_equal(reads[r](span_of(text, sizeof(text))), WILCO_ELIMIT);
        assert_int_equal(reads[r](span_of(text, sizeof(text) - 1)), WILCO_EMALFORMED);
    }
    memcpy(text, "n,,n=user,r=", 12);
    assert_int_equal(read_client_first(span_of(text, 12 + SCRAM_NONCE_BYTES_MAX)), WILCO_OK);
    assert_int_equal(read_client_first(span_of(text, 13 + SCRAM_NONCE_BYTES_MAX)), WILCO_EPROTOCOL);
}

static const struct {
    const char *name, *written;
    enum wilco_status read; /* of `written` */
} names[] = {
    {"user", "user", WILCO_OK},       {"a,b=c", "a=2Cb=3Dc", WILCO_OK},
    {",,", "=2C=2C", WILCO_OK},       {"J\xc3\xbcrgen", "J\xc3\xbcrgen", WILCO_OK},
    {NULL, "", WILCO_EMALFORMED},     {NULL, "a=2cb", WILCO_EMALFORMED}, /* upper case only */
    {NULL, "a=2", WILCO_EMALFORMED},  {NULL, "a=", WILCO_EMALFORMED},
    {NULL, "a=41", WILCO_EMALFORMED}, {NULL, "\xff", WILCO_EMALFORMED},
};

static void
writes_names_as_they_are_read(void **state)
{
    char out[SCRAM_NAME_BYTES_MAX];
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct span written = span_of_text(names[i].written);

        assert_int_equal(scram_name_read(out, &len, written), names[i].read);
        if (names[i].read == WILCO_OK) {
            struct span name = span_of_text(names[i].name);

            assert_true(span_equal(span_of(out, len), name));
            assert_int_equal(scram_name_write(out, &len, name), WILCO_OK);
            assert_true(span_equal(span_of(out, len), written));
        }
    }
}

static void
refuses_names_that_cannot_be(void **state)
{
    static uint8_t text[SCRAM_NAME_BYTES_MAX + 1];
    char out[SCRAM_NAME_BYTES_MAX];
    size_t len = 0;

    (void)state;
    assert_int_equal(scram_name_write(out, &len, SPAN_EMPTY), WILCO_EMALFORMED);
    assert_int_equal(scram_name_write(out, &len, span_of("a\0b", 3)), WILCO_EMALFORMED);
    assert_int_equal(scram_name_read(out, &len, span_of("a\0b", 3)), WILCO_EMALFORMED);
    assert_int_equal(scram_name_write(out, &len, SPAN_LITERAL("\xc3")), WILCO_EMALFORMED);
    memset(text, 'u', sizeof(text));
    assert_int_equal(scram_name_write(out, &len, span_of(text, sizeof(text) - 1)), WILCO_OK);
    assert_int_equal(scram_name_write(out, &len, span_of(text, sizeof(text))), WILCO_ELIMIT);
    assert_int_equal(scram_name_read(out, &len, span_of(text, sizeof(text) - 1)), WILCO_OK);
    assert_int_equal(scram_name_read(out, &len, span_of(text, sizeof(text))), WILCO_ELIMIT);
    memset(text, ',', sizeof(text)); /* three characters each */
    assert_int_equal(scram_name_write(out, &len, span_of(text, SCRAM_NAME_BYTES_MAX / 3)),
                     WILCO_OK);
    assert_int_equal(scram_name_write(out, &len, span_of(text, SCRAM_NAME_BYTES_MAX / 3 + 1)),
                     WILCO_ELIMIT);
}

static void
joins_what_is_proved(void **state)
{
    uint8_t out[SCRAM_AUTH_MESSAGE_BYTES_MAX];
    size_t len =
        scram_auth_message(out, SPAN_LITERAL("a"), SPAN_LITERAL("bc"), SPAN_LITERAL("def"));

    (void)state;
    assert_true(span_equal(span_of(out, len), SPAN_LITERAL("a,bc,def")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_clients_say_first),
        cmocka_unit_test(finds_the_parts_of_what_clients_say_first),
        cmocka_unit_test(reads_what_servers_say_first),
        cmocka_unit_test(reads_what_clients_say_last),
        cmocka_unit_test(reads_what_servers_say_last),
        cmocka_unit_test(survives_any_cut),
        cmocka_unit_test(refuses_endless_messages),
        cmocka_unit_test(writes_names_as_they_are_read),
        cmocka_unit_test(refuses_names_that_cannot_be),
        cmocka_unit_test(joins_what_is_proved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
