/* The authority, with a broker and its clients in one thread, and the pool in others. */
#define _GNU_SOURCE

#include "broker/auth/authority.h"

#include "broker/auth/password_hash.h"
#include "broker/core/session.h"
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

static char folder[] = "/tmp/wilco-authority-XXXXXX";
static char common[sizeof(folder) + 16]; /* alice: one */
static char own[sizeof(folder) + 16];    /* bob: two */

static void
write_users(const char *path, const char *user, const char *password)
{
    const struct password_cost cost = {.scheme = PASSWORD_PBKDF2, .iterations = 3};
    struct password_hash h;
    char text[PASSWORD_TEXT_BYTES];
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(password_hash_make(&h, &cost, span_of_text(password), random_system()),
                     WILCO_OK);
    password_hash_text(&h, text);
    (void)fprintf(f, "%s:%s\n", user, text);
    (void)fclose(f);
    assert_int_equal(chmod(path, 0600), 0);
}

static int
make_files(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(common, sizeof(common), "%s/common", folder);
    (void)snprintf(own, sizeof(own), "%s/own", folder);
    write_users(common, "alice", "one");
    write_users(own, "bob", "two");
    return 0;
}

static int
remove_files(void **state)
{
    (void)state;
    (void)unlink(common);
    (void)unlink(own);
    return rmdir(folder);
}

/* A broker with an authority. */

struct house {
    struct rig rig;
    struct authority *authority;
    struct settings settings;
    struct entrance entrance;
    sem_t woken;
    struct conn_origin origin; /* of whoever comes next */
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

static enum wilco_status
make_authority(struct house *h, const char *file, enum entrance_choice anonymous, char *reason)
{
    const struct authority_config config = {
        .password_file = file,
        .entrances = &h->entrance,
        .entrance_count = 1,
        .allow_anonymous = anonymous,
        .settings = &h->settings,
        .alloc = alloc_system(),
        .random = random_system(),
    };

    assert_true(authority_is_needed(&config));
    return authority_new(&h->authority, &config, reason);
}

static void
open_house(struct house *h, const char *file, enum entrance_choice anonymous)
{
    char reason[AUTHORITY_REASON_BYTES] = "";
    struct broker_config config = {
        .settings = h->settings,
        .shard_count = 1,
        .host = {.context = h, .describe = describe, .wake = wake},
    };

    house = h;
    assert_int_equal(sem_init(&h->woken, 0, 0), 0);
    assert_int_equal(make_authority(h, file, anonymous, reason), WILCO_OK);
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

static struct house
new_house(void)
{
    struct house h = {.settings = settings_default(), .entrance = entrance_standard};

    h.settings.login_failure_delay_ms = 0;
    h.origin = (struct conn_origin){.address = {192, 0, 2, 1}, .address_bytes = 4};
    return h;
}

/* Clients. */

static struct wire_connect
claim(const char *id, const char *user, const char *password)
{
    struct wire_connect how = rig_lasting(id, 0);

    how.has_user_name = user != NULL;
    how.user_name = user == NULL ? SPAN_EMPTY : span_of_text(user);
    how.has_password = password != NULL;
    how.password = password == NULL ? SPAN_EMPTY : span_of_text(password);
    return how;
}

static void
say_connect(struct house *h, struct rig_client *c, const char *id, const char *user,
            const char *password)
{
    const struct wire_any packet = {.type = WIRE_CONNECT, .as.connect = claim(id, user, password)};

    rig_client_open(&h->rig, c, id, WIRE_V5);
    c->conn.entrance = &h->entrance;
    rig_send(c, &packet);
}

/* Waits for the pool, if it was asked; *was_asked says so. It may be quicker than we are. */
static uint8_t
connack_of(struct house *h, struct rig_client *c, bool *was_asked)
{
    struct wire_any packet;

    if (rig_next(c, &packet)) {
        *was_asked = sem_trywait(&h->woken) == 0;
        assert_int_equal(packet.type, WIRE_CONNACK);
    } else {
        *was_asked = true;
        (void)sem_wait(&h->woken);
        rig_settle(&h->rig);
        rig_expect(c, WIRE_CONNACK, &packet);
    }
    return packet.as.connack.reason_code;
}

static void
who_gets_in(void **state)
{
    enum { NONE, COMMON, OWN };
    static const struct {
        int file;
        enum entrance_choice general, here;
        const char *user, *password;
        uint8_t reason_code;
        bool is_hashed; /* the work is done */
        const char *as;
    } rows[] = {
        {COMMON, ENTRANCE_AS_SET, ENTRANCE_AS_SET, "alice", "one", 0, true, "alice"},
        {COMMON, ENTRANCE_AS_SET, ENTRANCE_AS_SET, "alice", "two", 0x86, true, NULL},
        {COMMON, ENTRANCE_AS_SET, ENTRANCE_AS_SET, "alice", "", 0x86, true, NULL},
        {COMMON, ENTRANCE_AS_SET, ENTRANCE_AS_SET, "nobody", "one", 0x86, true, NULL},
        {COMMON, ENTRANCE_AS_SET, ENTRANCE_AS_SET, "alice", NULL, 0x86, false, NULL},
        {COMMON, ENTRANCE_AS_SET, ENTRANCE_AS_SET, "", "one", 0x86, false, NULL},
        {COMMON, ENTRANCE_AS_SET, ENTRANCE_AS_SET, "", NULL, 0x86, false, NULL},
        {COMMON, ENTRANCE_AS_SET, ENTRANCE_AS_SET, NULL, "one", 0x86, false, NULL},
        {COMMON, ENTRANCE_AS_SET, ENTRANCE_AS_SET, NULL, NULL, 0x87, false, NULL},
        {COMMON, ENTRANCE_NO, ENTRANCE_AS_SET, NULL, NULL, 0x87, false, NULL},
        /* Being allowed to be anonymous is no excuse for a wrong password. */
        {COMMON, ENTRANCE_YES, ENTRANCE_AS_SET, NULL, NULL, 0, false, ""},
        {COMMON, ENTRANCE_YES, ENTRANCE_AS_SET, "alice", "two", 0x86, true, NULL},
        {COMMON, ENTRANCE_YES, ENTRANCE_AS_SET, "alice", NULL, 0x86, false, NULL},
        {COMMON, ENTRANCE_YES, ENTRANCE_AS_SET, NULL, "one", 0x86, false, NULL},
        {COMMON, ENTRANCE_YES, ENTRANCE_AS_SET, "alice", "one", 0, true, "alice"},
        /* What the listener says goes first. */
        {COMMON, ENTRANCE_YES, ENTRANCE_NO, NULL, NULL, 0x87, false, NULL},
        {COMMON, ENTRANCE_NO, ENTRANCE_YES, NULL, NULL, 0, false, ""},
        {OWN, ENTRANCE_AS_SET, ENTRANCE_AS_SET, "bob", "two", 0, true, "bob"},
        {OWN, ENTRANCE_AS_SET, ENTRANCE_AS_SET, "alice", "one", 0x86, true, NULL},
        {OWN, ENTRANCE_AS_SET, ENTRANCE_AS_SET, NULL, NULL, 0x87, false, NULL},
        /* Nothing to check it against: a name that is claimed is no identity. */
        {NONE, ENTRANCE_NO, ENTRANCE_YES, "alice", "one", 0, false, ""},
        {NONE, ENTRANCE_NO, ENTRANCE_AS_SET, "alice", "one", 0x87, false, NULL},
        {NONE, ENTRANCE_NO, ENTRANCE_AS_SET, NULL, NULL, 0x87, false, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct house h = new_house();
        struct rig_client c;
        bool was_asked = false;

        h.entrance.allow_anonymous = rows[i].here;
        if (rows[i].file == OWN) {
            (void)snprintf(h.entrance.password_file, sizeof(h.entrance.password_file), "%s", own);
        }
        open_house(&h, rows[i].file == NONE ? NULL : common, rows[i].general);
        say_connect(&h, &c, "c", rows[i].user, rows[i].password);
        if (connack_of(&h, &c, &was_asked) != rows[i].reason_code ||
            was_asked != rows[i].is_hashed) {
            fail_msg("row %zu", i);
        }
        if (rows[i].as != NULL) {
            assert_true(span_equal(session_user(c.conn.session), span_of_text(rows[i].as)));
        }
        rig_client_close(&c);
        close_house(&h);
    }
}

static void
an_address_that_fails_too_often(void **state)
{
    struct house h = new_house();
    struct rig_client c;
    bool was_asked = false;

    (void)state;
    h.settings.login_failures_max = 3;
    h.settings.login_failures_window_s = 60;
    open_house(&h, common, ENTRANCE_AS_SET);
    for (size_t i = 0; i < 3; i++) {
        say_connect(&h, &c, "c", "alice", "wrong");
        assert_int_equal(connack_of(&h, &c, &was_asked), 0x86);
        rig_client_close(&c);
    }
    say_connect(&h, &c, "c", "alice", "one"); /* not even with the right one, or one could go on */
    assert_int_equal(connack_of(&h, &c, &was_asked), 0x9F);
    assert_false(was_asked);
    rig_client_close(&c);
    h.origin.address[3] = 2;
    say_connect(&h, &c, "c", "alice", "one");
    assert_int_equal(connack_of(&h, &c, &was_asked), 0);
    rig_client_close(&c);
    h.origin.address[3] = 1;
    { /* a reload does not forget */
        struct authority *before = h.authority;
        char reason[AUTHORITY_REASON_BYTES] = "";

        assert_int_equal(make_authority(&h, common, ENTRANCE_AS_SET, reason), WILCO_OK);
        h.rig.broker.authenticator = authority_authenticator(h.authority);
        authority_inherit(h.authority, before);
        authority_free(before);
    }
    say_connect(&h, &c, "c", "alice", "one");
    assert_int_equal(connack_of(&h, &c, &was_asked), 0x9F);
    rig_client_close(&c);
    rig_advance(&h.rig, 60001);
    say_connect(&h, &c, "c", "alice", "one");
    assert_int_equal(connack_of(&h, &c, &was_asked), 0);
    rig_client_close(&c);
    close_house(&h);
}

static void
a_refusal_takes_its_time(void **state)
{
    struct house h = new_house();
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    h.settings.login_failure_delay_ms = 250;
    open_house(&h, common, ENTRANCE_AS_SET);
    say_connect(&h, &c, "c", "alice", "wrong");
    (void)sem_wait(&h.woken);
    rig_settle(&h.rig);
    rig_advance(&h.rig, 240);
    rig_expect_nothing(&c);
    rig_advance(&h.rig, 20);
    rig_expect(&c, WIRE_CONNACK, &packet);
    assert_int_equal(packet.as.connack.reason_code, 0x86);
    rig_client_close(&c);
    close_house(&h);
}

/* More than the pool takes: those behind are told that the broker is busy, and everybody gets one
 * answer. Then the authority ends, and who waits is told to come again. */
static void
what_waits_is_bounded(void **state)
{
    enum { CLIENTS = 200 };
    struct house h = new_house();
    static struct rig_client c[CLIENTS];
    size_t said[256] = {0};
    const struct password_cost slow = {.scheme = PASSWORD_PBKDF2, .iterations = 20000};
    struct password_hash hash;
    char text[PASSWORD_TEXT_BYTES];
    FILE *f = fopen(own, "w");

    (void)state;
    assert_non_null(f);
    assert_int_equal(password_hash_make(&hash, &slow, SPAN_LITERAL("two"), random_system()),
                     WILCO_OK);
    password_hash_text(&hash, text);
    (void)fprintf(f, "bob:%s\n", text);
    (void)fclose(f);
    h.settings.auth_queue_max = 4;
    h.settings.auth_threads = 2;
    open_house(&h, own, ENTRANCE_AS_SET);
    for (size_t i = 0; i < CLIENTS; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "c%zu", i);
        say_connect(&h, &c[i], id, "bob", "two");
    }
    authority_stop(h.authority);
    rig_settle(&h.rig);
    for (size_t i = 0; i < CLIENTS; i++) {
        struct wire_any packet;

        rig_expect(&c[i], WIRE_CONNACK, &packet);
        said[packet.as.connack.reason_code]++;
        rig_client_close(&c[i]);
    }
    assert_int_equal(said[0] + said[0x88] + said[0x89], CLIENTS);
    assert_true(said[0x89] > 0 && said[0x88] > 0);
    say_connect(&h, &c[0], "late", "bob", "two");
    {
        struct wire_any packet;

        rig_expect(&c[0], WIRE_CONNACK, &packet);
        assert_int_equal(packet.as.connack.reason_code, 0x89);
    }
    rig_client_close(&c[0]);
    close_house(&h);
    write_users(own, "bob", "two");
}

static void
a_file_that_is_wrong(void **state)
{
    struct house h = new_house();
    char reason[AUTHORITY_REASON_BYTES] = "";
    FILE *f = fopen(own, "w");

    (void)state;
    assert_non_null(f);
    (void)fputs("bob:plain\n", f);
    (void)fclose(f);
    assert_int_equal(make_authority(&h, own, ENTRANCE_AS_SET, reason), WILCO_EMALFORMED);
    assert_non_null(strstr(reason, own));
    assert_non_null(strstr(reason, "line 1"));
    assert_null(strstr(reason, "plain"));
    assert_int_equal(make_authority(&h, "/nowhere/at all", ENTRANCE_AS_SET, reason), WILCO_EIO);
    assert_non_null(strstr(reason, "/nowhere/at all"));
    write_users(own, "bob", "two");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_gets_in),
        cmocka_unit_test(an_address_that_fails_too_often),
        cmocka_unit_test(a_refusal_takes_its_time),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(a_file_that_is_wrong),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
