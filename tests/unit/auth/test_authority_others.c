/* The authority where a client need not have a password: tokens, certificates, and the users of
 * SCRAM. */
#define _GNU_SOURCE

#include "broker/auth/authority.h"

#include "base/clock.h"
#include "broker/core/session.h"
#include "jwt_maker.h"
#include "support/rig.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define SCRAM                                                                                      \
    "alice:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtb"     \
    "sT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

static char folder[] = "/tmp/wilco-authority-XXXXXX";
static char secret_path[sizeof(folder) + 16];
static char scram_path[sizeof(folder) + 16];

static void
write_file(char *path, size_t size, const char *name, const char *text)
{
    FILE *f = NULL;

    (void)snprintf(path, size, "%s/%s", folder, name);
    f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(f, "%s\n", text);
    (void)fclose(f);
    assert_int_equal(chmod(path, 0600), 0);
}

static int
make_files(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    write_file(secret_path, sizeof(secret_path), "secret", SECRET);
    write_file(scram_path, sizeof(scram_path), "scram", SCRAM);
    return 0;
}

static int
remove_files(void **state)
{
    (void)state;
    (void)unlink(secret_path);
    (void)unlink(scram_path);
    return rmdir(folder);
}

/* A broker. */

struct house {
    struct rig rig;
    struct authority *authority;
    struct settings settings;
    struct entrance entrance;
    struct tokens_config tokens;
    const char *scram_file;
    enum entrance_choice anonymous;
    sem_t woken;
    struct conn_origin origin;
};

static struct house *house;

static void
describe(struct conn *c, struct conn_origin *out)
{
    (void)c;
    *out = house->origin;
}

static void
wake(void *context, unsigned shard)
{
    (void)shard;
    (void)sem_post(&((struct house *)context)->woken);
}

static struct house
new_house(bool has_tokens, bool has_scram)
{
    struct house h = {.settings = settings_default(), .entrance = entrance_standard};

    h.settings.login_failure_delay_ms = 0;
    h.origin = (struct conn_origin){.address = {192, 0, 2, 1}, .address_bytes = 4};
    if (has_tokens) {
        h.tokens.file_count = 1;
        h.tokens.files[0].is_secret = true;
        (void)snprintf(h.tokens.files[0].path, sizeof(h.tokens.files[0].path), "%s", secret_path);
    }
    h.scram_file = has_scram ? scram_path : NULL;
    return h;
}

static struct authority_config
config_of(const struct house *h)
{
    return (struct authority_config){
        .tokens = &h->tokens,
        .scram_file = h->scram_file,
        .entrances = &h->entrance,
        .entrance_count = 1,
        .allow_anonymous = h->anonymous,
        .settings = &h->settings,
        .alloc = alloc_system(),
        .random = random_system(),
    };
}

static void
open_house(struct house *h)
{
    const struct authority_config wanted = config_of(h);
    char reason[AUTHORITY_REASON_BYTES] = "";
    struct broker_config config = {
        .settings = h->settings,
        .shard_count = 1,
        .host = {.context = h, .describe = describe, .wake = wake},
    };

    house = h;
    assert_int_equal(sem_init(&h->woken, 0, 0), 0);
    assert_true(authority_is_needed(&wanted));
    assert_int_equal(authority_new(&h->authority, &wanted, reason), WILCO_OK);
    config.authenticator = authority_authenticator(h->authority);
    rig_open_as(&h->rig, &config);
}

static void
close_house(struct house *h)
{
    authority_stop(h->authority);
    rig_close(&h->rig);
    authority_free(h->authority);
    (void)sem_destroy(&h->woken);
}

/* What CONNACK says. */
static uint8_t
connect_as(struct house *h, struct rig_client *c, const char *user, const char *password)
{
    struct wire_any packet = {.type = WIRE_CONNECT, .as.connect = rig_lasting("c", 0)};

    packet.as.connect.has_user_name = user != NULL;
    packet.as.connect.user_name = span_of_text(user);
    packet.as.connect.has_password = password != NULL;
    packet.as.connect.password = span_of_text(password);
    rig_client_open(&h->rig, c, "c", WIRE_V5);
    c->conn.entrance = &h->entrance;
    rig_send(c, &packet);
    if (!rig_next(c, &packet)) {
        (void)sem_wait(&h->woken);
        rig_settle(&h->rig);
        rig_expect(c, WIRE_CONNACK, &packet);
    }
    return packet.as.connack.reason_code;
}

/* Of bob, from now on. */
static const char *
token(int64_t seconds)
{
    static char text[MAKER_TOKEN_BYTES];
    char payload[100];
    struct span made = SPAN_EMPTY;

    (void)snprintf(payload, sizeof(payload), "{\"sub\":\"bob\",\"exp\":%lld}",
                   (long long)(clock_unix_ms() / 1000) + (long long)seconds);
    made = maker_sign(text, "{\"alg\":\"HS256\"}", payload, NULL, SPAN_LITERAL(SECRET));
    text[made.len] = '\0';
    return text;
}

enum what { NOTHING, PASSWORD, TOKEN, EXPIRED };

static const struct {
    bool has_tokens, has_scram, is_certified;
    enum entrance_choice anonymous;
    const char *certified; /* whom the certificate names */
    const char *user;
    enum what password;
    uint8_t reason_code;
    const char *as;
} rows[] = {
    {true, false, false, ENTRANCE_AS_SET, "", NULL, TOKEN, 0, "bob"},
    {true, false, false, ENTRANCE_AS_SET, "", "bob", TOKEN, 0, "bob"},
    {true, false, false, ENTRANCE_AS_SET, "", "bobby", TOKEN, 0x86, NULL},
    {true, false, false, ENTRANCE_AS_SET, "", NULL, EXPIRED, 0x86, NULL},
    {true, false, false, ENTRANCE_AS_SET, "", "bob", PASSWORD, 0x86, NULL},
    {true, false, false, ENTRANCE_AS_SET, "", "bob", NOTHING, 0x86, NULL},
    {true, false, false, ENTRANCE_AS_SET, "", NULL, NOTHING, 0x87, NULL},
    {true, false, false, ENTRANCE_YES, "", NULL, NOTHING, 0, ""},
    {true, false, false, ENTRANCE_YES, "", "bob", NOTHING, 0x86, NULL}, /* no identity for free */
    {true, false, false, ENTRANCE_YES, "", NULL, EXPIRED, 0x86, NULL},
    /* Users of SCRAM prove it in another way; their passwords are not to be sent. */
    {false, true, false, ENTRANCE_AS_SET, "", "alice", PASSWORD, 0x86, NULL},
    {false, true, false, ENTRANCE_AS_SET, "", "alice", TOKEN, 0x86, NULL},
    {false, true, false, ENTRANCE_AS_SET, "", NULL, NOTHING, 0x87, NULL},
    {false, true, false, ENTRANCE_YES, "", NULL, NOTHING, 0, ""},
    /* Where certificates count, nothing else does; elsewhere they say nothing. */
    {false, false, true, ENTRANCE_AS_SET, "carol", NULL, NOTHING, 0, "carol"},
    {true, true, true, ENTRANCE_AS_SET, "carol", "alice", PASSWORD, 0, "carol"},
    {true, true, true, ENTRANCE_YES, "", "bob", TOKEN, 0x87, NULL},
    {true, false, false, ENTRANCE_AS_SET, "carol", NULL, NOTHING, 0x87, NULL},
    {true, false, false, ENTRANCE_AS_SET, "carol", NULL, TOKEN, 0, "bob"},
};

static void
who_gets_in(void **state)
{
    static const char *const passwords[] = {[NOTHING] = NULL, [PASSWORD] = "word"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct house h = new_house(rows[i].has_tokens, rows[i].has_scram);
        struct rig_client c;
        const char *password = rows[i].password == TOKEN     ? token(60)
                               : rows[i].password == EXPIRED ? token(-60)
                                                             : passwords[rows[i].password];
        uint8_t got = 0;

        h.anonymous = rows[i].anonymous;
        h.entrance.user_is_certified = rows[i].is_certified;
        (void)snprintf(h.origin.user, sizeof(h.origin.user), "%s", rows[i].certified);
        open_house(&h);
        got = connect_as(&h, &c, rows[i].user, password);
        if (got != rows[i].reason_code) {
            fail_msg("row %zu: 0x%02x", i, got);
        }
        if (rows[i].as != NULL) {
            assert_true(span_equal(session_user(c.conn.session), span_of_text(rows[i].as)));
        }
        rig_client_close(&c);
        close_house(&h);
    }
}

static void
a_connection_ends_with_its_token(void **state)
{
    struct house h = new_house(true, false);
    struct rig_client c;

    (void)state;
    h.settings.jwt_leeway_s = 5;
    open_house(&h);
    assert_int_equal(connect_as(&h, &c, NULL, token(20)), 0);
    rig_advance(&h.rig, 23000); /* a second may have gone since the token was made */
    rig_expect_nothing(&c);
    rig_advance(&h.rig, 3000);
    rig_expect_end(&c, 0x87);
    rig_client_close(&c);
    close_house(&h);
}

static void
clocks_may_differ(void **state)
{
    struct rig_client c;

    (void)state;
    for (int leeway_s = 0; leeway_s <= 60; leeway_s += 60) {
        struct house h = new_house(true, false);

        h.settings.jwt_leeway_s = (uint64_t)leeway_s;
        open_house(&h);
        assert_int_equal(connect_as(&h, &c, NULL, token(-30)), leeway_s == 0 ? 0x86 : 0);
        rig_client_close(&c);
        close_house(&h);
    }
}

static void
tokens_have_a_bound(void **state)
{
    struct rig_client c;

    (void)state;
    for (size_t missing = 0; missing <= 1; missing++) {
        struct house h = new_house(true, false);
        char padded[1000];
        char text[MAKER_TOKEN_BYTES];
        struct span made = SPAN_EMPTY;

        (void)snprintf(padded, sizeof(padded), "{\"sub\":\"bob\",\"exp\":%lld,\"x\":\"%0300d\"}",
                       (long long)(clock_unix_ms() / 1000) + 60, 0);
        made = maker_sign(text, "{\"alg\":\"HS256\"}", padded, NULL, SPAN_LITERAL(SECRET));
        text[made.len] = '\0';
        h.settings.jwt_bytes_max = made.len - missing;
        open_house(&h);
        assert_int_equal(connect_as(&h, &c, NULL, text), missing == 0 ? 0 : 0x86);
        rig_client_close(&c);
        close_house(&h);
    }
}

static void
failures_of_all_kinds_count_together(void **state)
{
    struct house h = new_house(true, true);
    struct scram_watch watch;
    struct rig_client c;

    (void)state;
    h.settings.login_failures_max = 2;
    open_house(&h);
    assert_non_null(authority_scram_users(h.authority));
    watch = authority_scram_watch(h.authority);
    assert_true(watch.may_try(watch.context, &h.origin, h.rig.now_ms));
    watch.note_failure(watch.context, &h.origin, h.rig.now_ms);
    assert_int_equal(connect_as(&h, &c, NULL, token(-60)), 0x86);
    rig_client_close(&c);
    assert_false(watch.may_try(watch.context, &h.origin, h.rig.now_ms));
    assert_int_equal(connect_as(&h, &c, NULL, token(60)), 0x9F);
    rig_client_close(&c);
    close_house(&h);
}

static void
a_file_that_is_wrong(void **state)
{
    struct house h = new_house(true, true);
    struct authority_config config = config_of(&h);
    struct authority *a = NULL;
    char reason[AUTHORITY_REASON_BYTES];

    (void)state;
    config.scram_file = secret_path;
    assert_int_equal(authority_new(&a, &config, reason), WILCO_EMALFORMED);
    assert_non_null(strstr(reason, "scram_file: /tmp/wilco-authority-"));
    assert_non_null(strstr(reason, "/secret: line 1: there is no colon behind the user"));
    config.scram_file = "/no/such/file";
    assert_int_equal(authority_new(&a, &config, reason), WILCO_EIO);
    assert_string_equal(reason, "scram_file: /no/such/file: No such file or directory");
    config.scram_file = "";
    h.tokens.files[0].is_secret = false;
    assert_int_equal(authority_new(&a, &config, reason), WILCO_EINVAL);
    assert_non_null(strstr(reason, "jwt_key_file: /tmp/wilco-authority-"));
    assert_null(a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_gets_in),
        cmocka_unit_test(a_connection_ends_with_its_token),
        cmocka_unit_test(clocks_may_differ),
        cmocka_unit_test(tokens_have_a_bound),
        cmocka_unit_test(failures_of_all_kinds_count_together),
        cmocka_unit_test(a_file_that_is_wrong),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
