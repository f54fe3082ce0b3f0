/* The client's end of SCRAM-SHA-256, alone, and then in a core that connects. */
#include "client/scram_client.h"

#include "link/base64.h"
#include "link/scram_message.h"
#include "peer.h"
#include "wire/reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define SALT     "W22ZaJ0SNY7soEsUEjb6gQ=="
#define PASSWORD "pencil"

/* A server that may lie. */
struct other {
    const char *password;
    const char *first_format; /* gets the client's nonce; NULL: what is right */
    const char *salt;
    uint32_t iterations;
    char first[SCRAM_MESSAGE_BYTES_MAX];
    char final[100];
    char bare[SCRAM_MESSAGE_BYTES_MAX];
};

static void
answer_first(struct other *o, struct span client_first)
{
    static const char right[] = "r=%.*sMORE,s=%s,i=%u";
    struct scram_client_first parts;

    assert_int_equal(scram_client_first_read(&parts, client_first), WILCO_OK);
    assert_true(span_equal(parts.gs2_header, SPAN_LITERAL("n,,")));
    (void)snprintf(o->bare, sizeof(o->bare), "%.*s", (int)parts.bare.len,
                   (const char *)parts.bare.data);
    if (o->first_format != NULL) {
        (void)snprintf(o->first, sizeof(o->first), "%s", o->first_format);
    } else {
        (void)snprintf(o->first, sizeof(o->first), right, (int)parts.nonce.len,
                       (const char *)parts.nonce.data, o->salt, o->iterations);
    }
}

/* Whether the client knows the password; `final` is what that deserves. */
static bool
check_final(struct other *o, struct span client_final)
{
    uint8_t message[SCRAM_AUTH_MESSAGE_BYTES_MAX];
    uint8_t salt[SCRAM_SALT_BYTES_MAX];
    uint8_t salted[SCRAM_KEY_BYTES];
    uint8_t client_key[SCRAM_KEY_BYTES];
    uint8_t signature[SCRAM_KEY_BYTES];
    struct scram_client_final parts;
    struct scram_keys keys;
    bool is_right = false;
    size_t len = 0;

    assert_int_equal(scram_client_final_read(&parts, client_final), WILCO_OK);
    assert_true(span_equal(parts.binding, SPAN_LITERAL("biws")));
    assert_int_equal(
        base64_decode(salt, sizeof(salt), &len, span_of_text(o->salt), BASE64_STANDARD), WILCO_OK);
    assert_int_equal(
        scram_salt_password(salted, span_of_text(o->password), span_of(salt, len), o->iterations),
        WILCO_OK);
    assert_int_equal(scram_derive(salted, client_key, &keys), WILCO_OK);
    len = scram_auth_message(message, span_of_text(o->bare), span_of_text(o->first),
                             parts.without_proof);
    assert_int_equal(scram_check(&keys, span_of(message, len), parts.proof, &is_right), WILCO_OK);
    assert_int_equal(scram_hmac(signature, keys.server_key, span_of(message, len)), WILCO_OK);
    memcpy(o->final, "v=", 2);
    (void)base64_encode(o->final + 2, span_of(signature, sizeof(signature)));
    return is_right;
}

static const struct other honest = {.password = PASSWORD, .salt = SALT, .iterations = 4096};

/* Alone. */

static struct random_seeded randomness;

static struct scram_client *
make(const char *user, const char *password)
{
    struct scram_client *s = NULL;

    random_seeded_init(&randomness, 3);
    assert_int_equal(scram_client_new(&s, alloc_system(), &randomness.source, span_of_text(user),
                                      span_of_text(password)),
                     WILCO_OK);
    return s;
}

static bool
ask(struct scram_client *s, const char *text, bool is_last, struct wilco_bytes *answer)
{
    const struct wilco_challenge challenge = {
        .data = {text, text == NULL ? 0 : strlen(text)},
        .is_last = is_last,
    };

    *answer = (struct wilco_bytes){.data = NULL};
    return scram_client_answer(s, &challenge, answer);
}

static void
expect_given_up(const struct scram_client *s, const char *why)
{
    if (strstr(scram_client_why(s), why) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", why, scram_client_why(s));
    }
}

static const struct {
    const char *user, *first, *password;
} users[] = {
    {"user", "n,,n=user,r=", PASSWORD},
    {"a,b=c", "n,,n=a=2Cb=3Dc,r=", PASSWORD},
    {"J\xc3\xbcrgen", "n,,n=J\xc3\xbcrgen,r=", "p\xc3\xa4ss"},
    {"user", "n,,n=user,r=", ""},
};

static void
proves_and_believes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        struct scram_client *s = make(users[i].user, users[i].password);
        char before[100] = "";

        for (unsigned again = 0; again < 3; again++) {
            struct other o = honest;
            struct wilco_bytes answer;
            struct span first = SPAN_EMPTY;

            o.password = users[i].password;
            o.iterations += again / 2; /* the last time everything is derived anew */
            assert_int_equal(scram_client_begin(s, &first), WILCO_OK);
            assert_memory_equal(first.data, users[i].first, strlen(users[i].first));
            assert_int_equal(first.len, strlen(users[i].first) + 24);
            assert_memory_not_equal(first.data, before, first.len); /* another nonce */
            memcpy(before, first.data, first.len);
            answer_first(&o, first);
            assert_true(ask(s, o.first, false, &answer));
            assert_true(check_final(&o, span_of(answer.data, answer.len)));
            assert_true(ask(s, o.final, true, &answer));
            assert_null(answer.data);
            assert_false(ask(s, o.final, true, &answer)); /* it is over */
        }
        scram_client_free(s);
    }
}

static void
refuses_names_that_cannot_be_said(void **state)
{
    static uint8_t text[SCRAM_NAME_BYTES_MAX + 1];
    const struct span rows[] = {SPAN_EMPTY, SPAN_LITERAL("\xff"), SPAN_LITERAL("a\0b"),
                                span_of(text, sizeof(text))};

    (void)state;
    memset(text, 'u', sizeof(text));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scram_client *s = NULL;

        assert_int_equal(scram_client_new(&s, alloc_system(), random_system(), rows[i], SPAN_EMPTY),
                         WILCO_EINVAL);
    }
}

/* What a server may say first that we do not go along with. %s is the client's nonce. */
static const struct {
    const char *format, *why;
} first_lies[] = {
    {"r=%sMORE,s=" SALT ",i=1", "not safe"},
    {"r=%sMORE,s=" SALT ",i=4095", "not safe"},
    {"r=%sMORE,s=" SALT ",i=2147483648", "not safe"},
    {"r=%sMORE,s=" SALT ",i=1000001", "not safe"},
    {"r=%sMORE,s=AAAA,i=4096", "not safe"},
    {"m=x,r=%sMORE,s=" SALT ",i=4096", "not safe"},
    {"r=%s,s=" SALT ",i=4096", "about somebody else"},    /* nothing of its own */
    {"r=%.23s,s=" SALT ",i=4096", "about somebody else"}, /* cut short */
    {"r=X%s,s=" SALT ",i=4096", "about somebody else"},
    {"r=somethingelseentirelyandlonger%.0s,s=" SALT ",i=4096", "about somebody else"},
    {"r=%sMORE,i=4096", "does not speak"},
    {"r=%sMORE,s=" SALT, "does not speak"},
    {"e=unknown-user%.0s", "does not speak"},
    {"%.0s", "does not speak"},
};

static void
does_not_go_along_with_a_liar(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(first_lies) / sizeof(first_lies[0]); i++) {
        struct scram_client *s = make("user", PASSWORD);
        struct span first = SPAN_EMPTY;
        struct wilco_bytes answer;
        char nonce[25] = "";
        char text[200];

        assert_int_equal(scram_client_begin(s, &first), WILCO_OK);
        memcpy(nonce, first.data + first.len - 24, 24);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(text, sizeof(text), first_lies[i].format, nonce);
#pragma GCC diagnostic pop
        assert_false(ask(s, text, false, &answer));
        expect_given_up(s, first_lies[i].why);
        assert_null(answer.data);
        scram_client_free(s);
    }
}

static void
does_not_believe_a_server_without_the_password(void **state)
{
    static const char *const finals[] = {
        "v=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "v=", "e=other-error", "", NULL};

    (void)state;
    for (size_t i = 0; i <= sizeof(finals) / sizeof(finals[0]); i++) {
        struct scram_client *s = make("user", PASSWORD);
        struct other o = honest;
        struct span first = SPAN_EMPTY;
        struct wilco_bytes answer;

        assert_int_equal(scram_client_begin(s, &first), WILCO_OK);
        answer_first(&o, first);
        assert_true(ask(s, o.first, false, &answer));
        o.password = "guessed";
        assert_false(check_final(&o, span_of(answer.data, answer.len)));
        assert_false(ask(s, i == 5 ? o.final : finals[i], true, &answer));
        expect_given_up(s, "not to be trusted");
        scram_client_free(s);
    }
}

static void
wants_the_steps_in_their_order(void **state)
{
    struct scram_client *s = make("user", PASSWORD);
    struct other o = honest;
    struct span first = SPAN_EMPTY;
    struct wilco_bytes answer;

    (void)state;
    assert_false(ask(s, "", false, &answer)); /* nothing has begun */
    assert_int_equal(scram_client_begin(s, &first), WILCO_OK);
    assert_false(ask(s, "", true, &answer)); /* accepted without a word */
    expect_given_up(s, "not proved that it knows the password");
    assert_int_equal(scram_client_begin(s, &first), WILCO_OK);
    answer_first(&o, first);
    assert_true(ask(s, o.first, false, &answer));
    assert_false(ask(s, o.first, false, &answer)); /* and again */
    expect_given_up(s, "does not speak");
    scram_client_free(s);
}

/* In a core. */

static const struct wilco_options options = {
    .client_id = "me",
    .user_name = "user",
    .password = {PASSWORD, sizeof(PASSWORD) - 1},
    .authentication_method = SCRAM_METHOD,
};

static void
send_data(struct peer *p, enum wire_type type, const char *text)
{
    struct wire_any packet = {.type = type};
    struct wire_properties *v =
        type == WIRE_AUTH ? &packet.as.disconnect.properties : &packet.as.connack.properties;

    if (type == WIRE_AUTH) {
        packet.as.disconnect.reason_code = WIRE_REASON_CONTINUE_AUTHENTICATION;
    }
    v->authentication_method = SPAN_LITERAL(SCRAM_METHOD);
    wire_properties_set(v, WIRE_AUTHENTICATION_METHOD);
    v->authentication_data = span_of_text(text);
    wire_properties_set(v, WIRE_AUTHENTICATION_DATA);
    peer_send(p, &packet);
}

/* As the driver does. */
static void
answer_challenge(struct peer *p)
{
    struct core_challenge asked;
    struct wilco_bytes answer = {.data = NULL};
    bool goes_on = false;

    assert_true(core_next_challenge(p->core, &asked));
    goes_on = asked.authenticate(asked.context, &asked.challenge, &answer);
    core_answer_challenge(p->core, goes_on, span_of(answer.data, answer.len), p->now_ms);
}

/* Everything up to CONNACK, which the server signs with its own idea of the password. */
static void
run_exchange(struct peer *p, const struct wire_any *connect, struct other *o)
{
    struct wire_any packet;

    assert_true(span_equal(connect->as.connect.properties.authentication_method,
                           SPAN_LITERAL(SCRAM_METHOD)));
    assert_false(connect->as.connect.has_password); /* which is not told */
    answer_first(o, connect->as.connect.properties.authentication_data);
    send_data(p, WIRE_AUTH, o->first);
    answer_challenge(p);
    peer_expect(p, WIRE_AUTH, &packet);
    (void)check_final(o, packet.as.disconnect.properties.authentication_data);
    send_data(p, WIRE_CONNACK, o->final);
    answer_challenge(p);
}

static void
connects_with_another_nonce_each_time(void **state)
{
    struct peer p;
    struct wire_any connect;
    uint8_t before[100];
    struct span data = SPAN_EMPTY;

    (void)state;
    peer_start(&p, &options);
    peer_expect(&p, WIRE_CONNECT, &connect);
    for (int i = 0; i < 3; i++) {
        struct other o = honest;

        data = connect.as.connect.properties.authentication_data;
        assert_true(data.len < sizeof(before));
        if (i > 0) {
            assert_memory_not_equal(before, data.data, data.len);
        }
        memcpy(before, data.data, data.len);
        run_exchange(&p, &connect, &o);
        assert_int_equal(core_state(p.core), CORE_OPEN);
        peer_lose(&p);
        peer_expect_connect(&p, &connect);
    }
    peer_close(&p);
}

static void
gives_a_liar_up(void **state)
{
    struct peer p;
    struct wire_any connect;
    struct other o = honest;
    struct wilco_error why;

    (void)state;
    o.password = "guessed";
    peer_start(&p, &options);
    peer_expect(&p, WIRE_CONNECT, &connect);
    run_exchange(&p, &connect, &o);
    assert_int_equal(core_state(p.core), CORE_CLOSED);
    assert_int_equal(core_why(p.core, &why), WILCO_ECONNECT);
    assert_string_equal(why.text, "the server does not know the password: it is not to be trusted");
    peer_close(&p);
}

static void
needs_a_user_and_a_password(void **state)
{
    static char long_name[SCRAM_NAME_BYTES_MAX + 2];
    const struct wilco_options rows[] = {
        {.authentication_method = SCRAM_METHOD},
        {.authentication_method = SCRAM_METHOD, .user_name = "user"},
        {.authentication_method = SCRAM_METHOD, .password = {"x", 1}},
        {.authentication_method = SCRAM_METHOD, .user_name = "", .password = {"x", 1}},
        {.authentication_method = SCRAM_METHOD, .user_name = long_name, .password = {"x", 1}},
    };

    (void)state;
    memset(long_name, 'u', sizeof(long_name) - 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct random_seeded random;
        struct wilco_error why = {.reason_code = 0};
        struct core *core = NULL;
        struct core_config config = {
            .alloc = alloc_system(),
            .options = &rows[i],
            .user_name = span_of_text(rows[i].user_name),
            .password = span_of(rows[i].password.data, rows[i].password.len),
        };

        random_seeded_init(&random, 1);
        config.random = &random.source;
        assert_int_equal(core_new(&core, &config, &why), WILCO_EINVAL);
        assert_string_equal(why.text,
                            "SCRAM-SHA-256 needs a password, and a user name of at most 512 bytes");
    }
}

/* An application that answers by itself is asked, as for any method. */
static bool
never_run(void *context, const struct wilco_challenge *challenge, struct wilco_bytes *answer)
{
    (void)context;
    (void)challenge;
    (void)answer;
    return false;
}

static void
leaves_it_to_an_application_that_wants_to(void **state)
{
    struct wilco_options o = options;
    struct peer p;
    struct wire_any connect;

    (void)state;
    o.authenticate = never_run;
    peer_start(&p, &o);
    peer_expect(&p, WIRE_CONNECT, &connect);
    assert_true(connect.as.connect.has_password);
    assert_false(wire_properties_has(&connect.as.connect.properties, WIRE_AUTHENTICATION_DATA));
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proves_and_believes),
        cmocka_unit_test(refuses_names_that_cannot_be_said),
        cmocka_unit_test(does_not_go_along_with_a_liar),
        cmocka_unit_test(does_not_believe_a_server_without_the_password),
        cmocka_unit_test(wants_the_steps_in_their_order),
        cmocka_unit_test(connects_with_another_nonce_each_time),
        cmocka_unit_test(gives_a_liar_up),
        cmocka_unit_test(needs_a_user_and_a_password),
        cmocka_unit_test(leaves_it_to_an_application_that_wants_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
