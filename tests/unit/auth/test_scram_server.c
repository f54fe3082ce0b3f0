/* Enhanced authentication by SCRAM-SHA-256, through a broker's core. */
#include "broker/auth/scram_server.h"

#include "broker/core/session.h"
#include "link/base64.h"
#include "support/rig.h"
#include "wire/reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ITERATIONS 4096U
#define NONCE      "fyko+d2lbbFgONRv9qkxdawL"

/* A broker that knows "user" with the password "pencil", and "a,b=c" with "tree". */

static struct random_seeded randomness;
static struct scram_server server;
static struct auth_method method;

static struct scram_users *
read_users(void)
{
    static const char *const known[][2] = {{"user", "pencil"}, {"a,b=c", "tree"}};
    struct scram_users *u = NULL;
    char text[2 * (SCRAM_SECRET_TEXT_BYTES + 16)];
    char why[SCRAM_USERS_WHY_BYTES];
    size_t len = 0;

    for (size_t i = 0; i < 2; i++) {
        struct scram_secret secret;
        char line[SCRAM_SECRET_TEXT_BYTES];

        assert_int_equal(
            scram_secret_make(&secret, span_of_text(known[i][1]), ITERATIONS, &randomness.source),
            WILCO_OK);
        (void)scram_secret_write(line, &secret);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s:%s\n", known[i][0], line);
    }
    assert_int_equal(scram_users_read(&u, alloc_system(), span_of(text, len), why), WILCO_OK);
    return u;
}

static void
open_rig(struct rig *r)
{
    random_seeded_init(&randomness, 7);
    server = (struct scram_server){.random = &randomness.source, .users = read_users()};
    server.alloc = &r->alloc.alloc;
    method = scram_server_method(&server);
    rig_open_with_methods(r, 1, &method, 1);
}

static void
close_rig(struct rig *r)
{
    rig_close(r);
    scram_users_free((struct scram_users *)(uintptr_t)server.users);
}

/* Packets. */

static void
name_method(struct wire_properties *v, struct span data)
{
    v->authentication_method = SPAN_LITERAL(SCRAM_METHOD);
    wire_properties_set(v, WIRE_AUTHENTICATION_METHOD);
    if (data.data != NULL) {
        v->authentication_data = data;
        wire_properties_set(v, WIRE_AUTHENTICATION_DATA);
    }
}

static void
send_connect(struct rig *r, struct rig_client *c, struct span data, const char *user_name)
{
    struct wire_any packet = {.type = WIRE_CONNECT, .as.connect = rig_lasting("c", 60)};

    name_method(&packet.as.connect.properties, data);
    packet.as.connect.has_user_name = user_name != NULL;
    packet.as.connect.user_name = span_of_text(user_name);
    rig_client_open(r, c, "c", WIRE_V5);
    rig_send(c, &packet);
}

static void
send_auth(struct rig_client *c, uint8_t reason_code, struct span data)
{
    struct wire_any packet = {.type = WIRE_AUTH, .as.disconnect = {.reason_code = reason_code}};

    name_method(&packet.as.disconnect.properties, data);
    rig_send(c, &packet);
}

static void
expect_refused(struct rig_client *c)
{
    struct wire_any packet;

    rig_expect(c, WIRE_CONNACK, &packet);
    assert_int_equal(packet.as.connack.reason_code, WIRE_REASON_NOT_AUTHORIZED);
    assert_false(wire_properties_has(&packet.as.connack.properties, WIRE_AUTHENTICATION_DATA));
    assert_true(rig_client_is_ended(c));
    rig_client_close(c);
}

/* A client that knows how. */

struct dance {
    const char *gs2_header;
    const char *first_bare;
    const char *password;
    struct scram_keys keys;
    char server_first[SCRAM_MESSAGE_BYTES_MAX];
    char final[SCRAM_MESSAGE_BYTES_MAX];
    uint8_t message[SCRAM_AUTH_MESSAGE_BYTES_MAX];
    size_t message_len;
};

static void
say_first(struct rig *r, struct rig_client *c, const struct dance *d)
{
    char first[SCRAM_MESSAGE_BYTES_MAX];

    (void)snprintf(first, sizeof(first), "%s%s", d->gs2_header, d->first_bare);
    send_connect(r, c, span_of_text(first), NULL);
}

/* What is right to say after the server's first message. */
static void
prepare_final(struct dance *d, struct span server_first)
{
    struct scram_server_first parts;
    uint8_t salted[SCRAM_KEY_BYTES];
    uint8_t client_key[SCRAM_KEY_BYTES];
    uint8_t proof[SCRAM_KEY_BYTES];
    char binding[100];
    char text[BASE64_CHARS(SCRAM_KEY_BYTES) + 1];
    int len = 0;

    assert_int_equal(scram_server_first_read(&parts, server_first), WILCO_OK);
    (void)snprintf(d->server_first, sizeof(d->server_first), "%.*s", (int)server_first.len,
                   (const char *)server_first.data);
    assert_int_equal(scram_salt_password(salted, span_of_text(d->password),
                                         span_of(parts.salt, parts.salt_bytes), parts.iterations),
                     WILCO_OK);
    assert_int_equal(scram_derive(salted, client_key, &d->keys), WILCO_OK);
    (void)base64_encode(binding, span_of_text(d->gs2_header));
    len = snprintf(d->final, sizeof(d->final), "c=%s,r=%.*s", binding, (int)parts.nonce.len,
                   (const char *)parts.nonce.data);
    d->message_len = scram_auth_message(d->message, span_of_text(d->first_bare), server_first,
                                        span_of(d->final, (size_t)len));
    assert_int_equal(scram_prove(proof, client_key, &d->keys, span_of(d->message, d->message_len)),
                     WILCO_OK);
    (void)base64_encode(text, span_of(proof, sizeof(proof)));
    (void)snprintf(d->final + len, sizeof(d->final) - (size_t)len, ",p=%s", text);
}

static void
take_server_first(struct rig_client *c, struct dance *d)
{
    struct wire_any packet;

    rig_expect(c, WIRE_AUTH, &packet);
    assert_int_equal(packet.as.disconnect.reason_code, 0x18);
    prepare_final(d, packet.as.disconnect.properties.authentication_data);
}

static void
check_signature(const struct dance *d, struct span server_final)
{
    uint8_t said[SCRAM_KEY_BYTES];
    uint8_t want[SCRAM_KEY_BYTES];

    assert_int_equal(scram_server_final_read(said, server_final), WILCO_OK);
    assert_int_equal(scram_hmac(want, d->keys.server_key, span_of(d->message, d->message_len)),
                     WILCO_OK);
    assert_memory_equal(said, want, sizeof(want));
}

static void
connect_as(struct rig *r, struct rig_client *c, struct dance *d)
{
    struct wire_any packet;

    say_first(r, c, d);
    take_server_first(c, d);
    send_auth(c, 0x18, span_of_text(d->final));
    rig_expect(c, WIRE_CONNACK, &packet);
    assert_int_equal(packet.as.connack.reason_code, 0);
    check_signature(d, packet.as.connack.properties.authentication_data);
}

/* The tests. */

static const struct {
    const char *gs2_header, *first_bare, *password, *user;
} good[] = {
    {"n,,", "n=user,r=" NONCE, "pencil", "user"},
    {"y,,", "n=user,r=" NONCE, "pencil", "user"},
    {"n,a=user,", "n=user,r=" NONCE, "pencil", "user"},
    {"n,,", "n=a=2Cb=3Dc,r=" NONCE, "tree", "a,b=c"},
    {"n,,", "n=user,r=" NONCE ",x=more", "pencil", "user"},
};

static void
lets_in_who_proves_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct rig r;
        struct rig_client c;
        struct dance d = {.gs2_header = good[i].gs2_header,
                          .first_bare = good[i].first_bare,
                          .password = good[i].password};

        open_rig(&r);
        connect_as(&r, &c, &d);
        assert_true(span_equal(session_user(c.conn.session), span_of_text(good[i].user)));
        rig_client_close(&c);
        close_rig(&r);
    }
}

static const char *const never_begun[] = {
    "",
    "p=tls-unique,,n=user,r=" NONCE,
    "n,,m=1,n=user,r=" NONCE,
    "n,,n=user,r=short",
    "n,,n=,r=" NONCE,
    "n,,n=us=er,r=" NONCE,
    "n,a=root,n=user,r=" NONCE,
    "n,a=us=er,n=user,r=" NONCE,
    "what?",
};

static void
refuses_what_cannot_begin(void **state)
{
    struct rig r;
    struct rig_client c;
    static uint8_t endless[SCRAM_MESSAGE_BYTES_MAX + 1];

    (void)state;
    open_rig(&r);
    for (size_t i = 0; i < sizeof(never_begun) / sizeof(never_begun[0]); i++) {
        send_connect(&r, &c, span_of_text(never_begun[i]), NULL);
        expect_refused(&c);
    }
    send_connect(&r, &c, SPAN_EMPTY, NULL);
    expect_refused(&c);
    memset(endless, 'n', sizeof(endless));
    send_connect(&r, &c, span_of(endless, sizeof(endless)), NULL);
    expect_refused(&c);
    send_connect(&r, &c, SPAN_LITERAL("n,,n=user,r=" NONCE), "somebody else"); /* in CONNECT */
    expect_refused(&c);
    close_rig(&r);
}

static const struct {
    const char *name, *first_bare, *password;
} strangers[] = {
    {"wrong password", "n=user,r=" NONCE, "Pencil"},
    {"no password", "n=user,r=" NONCE, ""},
    {"another's password", "n=user,r=" NONCE, "tree"},
    {"unknown user", "n=eve,r=" NONCE, "pencil"},
    {"unknown user", "n=eve,r=" NONCE, ""},
};

static void
refuses_who_does_not_know_the_password(void **state)
{
    struct rig r;
    struct rig_client c;

    (void)state;
    open_rig(&r);
    for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
        struct dance d = {.gs2_header = "n,,",
                          .first_bare = strangers[i].first_bare,
                          .password = strangers[i].password};

        say_first(&r, &c, &d);
        take_server_first(&c, &d);
        send_auth(&c, 0x18, span_of_text(d.final));
        expect_refused(&c);
    }
    close_rig(&r);
}

/* Replaces one character behind the first `from` in `text`. */
static void
spoil(char *text, const char *from, size_t offset)
{
    char *at = strstr(text, from);

    assert_non_null(at);
    at[offset] = at[offset] == 'A' ? 'B' : 'A';
}

static void
refuses_what_does_not_belong_together(void **state)
{
    static const struct {
        const char *from;
        size_t offset;
    } rows[] = {
        {"c=", 2},                     /* another gs2 header */
        {"r=", 2},                     /* the nonce of the client ... */
        {"r=", 2 + sizeof(NONCE) - 1}, /* ... and of the server */
        {",p=", 3},                    /* the proof */
        {",p=", 40},
        {",p=", 1},
    };
    struct rig r;
    struct rig_client c;

    (void)state;
    open_rig(&r);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct dance d = {
            .gs2_header = "n,,", .first_bare = "n=user,r=" NONCE, .password = "pencil"};

        say_first(&r, &c, &d);
        take_server_first(&c, &d);
        spoil(d.final, rows[i].from, rows[i].offset);
        send_auth(&c, 0x18, span_of_text(d.final));
        expect_refused(&c);
    }
    close_rig(&r);
}

/* What was heard on one connection is of no use on the next. */
static void
refuses_a_proof_that_was_made_before(void **state)
{
    struct dance d = {.gs2_header = "n,,", .first_bare = "n=user,r=" NONCE, .password = "pencil"};
    struct dance other = d;
    struct rig r;
    struct rig_client c;

    (void)state;
    open_rig(&r);
    connect_as(&r, &c, &d);
    rig_client_close(&c);
    say_first(&r, &c, &other);
    take_server_first(&c, &other);
    assert_string_not_equal(other.server_first, d.server_first);
    send_auth(&c, 0x18, span_of_text(d.final));
    expect_refused(&c);
    close_rig(&r);
}

static void
refuses_an_empty_answer(void **state)
{
    struct dance d = {.gs2_header = "n,,", .first_bare = "n=user,r=" NONCE, .password = "pencil"};
    struct rig r;
    struct rig_client c;

    (void)state;
    open_rig(&r);
    say_first(&r, &c, &d);
    take_server_first(&c, &d);
    send_auth(&c, 0x18, SPAN_EMPTY);
    expect_refused(&c);
    close_rig(&r);
}

/* Re-authentication, also after the users have been read again. */
static void
authenticates_again(void **state)
{
    static const char first[] = "n,,n=user,r=" NONCE;
    struct dance d = {.gs2_header = "n,,", .first_bare = "n=user,r=" NONCE, .password = "pencil"};
    struct scram_users *old = NULL;
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    open_rig(&r);
    connect_as(&r, &c, &d);
    for (size_t i = 0; i < 2; i++) {
        send_auth(&c, 0x19, span_of_text(first));
        take_server_first(&c, &d);
        old = (struct scram_users *)(uintptr_t)server.users; /* the exchange has its copy */
        server.users = read_users();
        scram_users_free(old);
        send_auth(&c, 0x18, span_of_text(d.final));
        rig_expect(&c, WIRE_AUTH, &packet);
        assert_int_equal(packet.as.disconnect.reason_code, 0);
        check_signature(&d, packet.as.disconnect.properties.authentication_data);
    }
    send_auth(&c, 0x19, span_of_text(first));
    take_server_first(&c, &d);
    spoil(d.final, ",p=", 5);
    send_auth(&c, 0x18, span_of_text(d.final));
    rig_expect_end(&c, WIRE_REASON_NOT_AUTHORIZED);
    rig_client_close(&c);
    close_rig(&r);
}

static void
does_not_become_somebody_else(void **state)
{
    struct dance d = {.gs2_header = "n,,", .first_bare = "n=user,r=" NONCE, .password = "pencil"};
    struct dance other = {
        .gs2_header = "n,,", .first_bare = "n=a=2Cb=3Dc,r=" NONCE, .password = "tree"};
    struct rig r;
    struct rig_client c;

    (void)state;
    open_rig(&r);
    connect_as(&r, &c, &d);
    send_auth(&c, 0x19, SPAN_LITERAL("n,,n=a=2Cb=3Dc,r=" NONCE));
    take_server_first(&c, &other);
    send_auth(&c, 0x18, span_of_text(other.final));
    rig_expect_end(&c, WIRE_REASON_NOT_AUTHORIZED);
    rig_client_close(&c);
    close_rig(&r);
}

static enum wilco_status
no_randomness(void *context, void *out, size_t len)
{
    (void)context;
    (void)out;
    (void)len;
    return WILCO_EIO;
}

static void
begins_nothing_without_memory_or_randomness(void **state)
{
    const struct random_source none = {.fill = no_randomness};
    const struct auth_claim claim = {
        .data = {.is_there = true, .bytes = SPAN_LITERAL("n,,n=user,r=" NONCE)}};
    struct failing_alloc f;
    struct auth_verdict verdict;
    void *exchange = NULL;

    (void)state;
    random_seeded_init(&randomness, 7);
    failing_alloc_init(&f, 1);
    server = (struct scram_server){
        .alloc = &f.alloc, .random = &randomness.source, .users = read_users()};
    method = scram_server_method(&server);
    assert_int_equal(method.start(method.context, &claim, &exchange, &verdict), WILCO_ENOMEM);
    server.random = &none;
    assert_int_equal(method.start(method.context, &claim, &exchange, &verdict), WILCO_EIO);
    assert_int_equal(f.live, 0);
    scram_users_free((struct scram_users *)(uintptr_t)server.users);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lets_in_who_proves_it),
        cmocka_unit_test(refuses_what_cannot_begin),
        cmocka_unit_test(refuses_who_does_not_know_the_password),
        cmocka_unit_test(refuses_what_does_not_belong_together),
        cmocka_unit_test(refuses_a_proof_that_was_made_before),
        cmocka_unit_test(refuses_an_empty_answer),
        cmocka_unit_test(authenticates_again),
        cmocka_unit_test(does_not_become_somebody_else),
        cmocka_unit_test(begins_nothing_without_memory_or_randomness),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
