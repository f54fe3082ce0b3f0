/* What CONNECT goes through when there is an authenticator: verdicts at once and later, what waits
 * meanwhile, and to whom a session belongs. */
#define _GNU_SOURCE /* memmem */

#include "broker/core/login.h"

#include "broker/core/auth.h"
#include "broker/core/session.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* The authenticator: the password says what becomes of the client.
 *   "good" it is who it says; "late ..." the same, but said when the test wants it; "short" good
 * for a second; "slow" refused after a second; anything else refused at once. */
struct pending {
    struct login_answer answer;
    char user[32];
    char password[32];
    bool is_released;
};

static struct {
    struct pending pending[8];
    size_t pending_count;
    size_t asked;
    uint8_t origin[4];
    unsigned woken;
} door;

static bool
is(struct span bytes, const char *text)
{
    return span_equal(bytes, span_of_text(text));
}

static void
release(struct login_answer *a)
{
    struct pending *p = CONTAINER_OF(a, struct pending, answer);

    assert_false(p->is_released);
    p->is_released = true;
}

static void
copy(char out[32], struct span from)
{
    assert_in_range(from.len, 0, 31);
    memcpy(out, from.data, from.len);
    out[from.len] = '\0';
}

static void
judge(const char *password, struct span user, struct login_verdict *out)
{
    *out = (struct login_verdict){
        .reason_code = WIRE_REASON_SUCCESS, .user = user, .is_revocable = true};
    if (strcmp(password, "short") == 0) {
        out->valid_ms = 1000;
    } else if (strcmp(password, "slow") == 0) {
        *out = (struct login_verdict){
            .reason_code = WIRE_REASON_BAD_USER_NAME_OR_PASSWORD, .why = "no", .delay_ms = 1000};
    } else if (strcmp(password, "good") != 0) {
        *out = (struct login_verdict){.reason_code = WIRE_REASON_BAD_USER_NAME_OR_PASSWORD,
                                      .why = "no"};
    }
}

static enum login_state
check(void *context, const struct login_claim *claim, struct login_ticket ticket,
      struct login_verdict *out)
{
    struct pending *p = &door.pending[door.pending_count];

    assert_ptr_equal(context, &door);
    assert_true(ticket.number != 0);
    door.asked++;
    memcpy(door.origin, claim->origin->address, sizeof(door.origin));
    if (!claim->has_user_name) {
        return LOGIN_DECIDED; /* anonymous */
    }
    if (claim->password.len < 5 || memcmp(claim->password.data, "late ", 5) != 0) {
        static char password[32];
        static char user[32];

        copy(password, claim->password);
        copy(user, claim->user_name);
        judge(password, span_of_text(user), out);
        return LOGIN_DECIDED;
    }
    assert_in_range(door.pending_count, 0, 7);
    door.pending_count++;
    *p = (struct pending){.answer = {.ticket = ticket, .release = release}};
    copy(p->user, claim->user_name);
    copy(p->password, span_skip(claim->password, 5));
    return LOGIN_PENDING;
}

static void
describe(struct conn *c, struct conn_origin *out)
{
    assert_non_null(c);
    memcpy(out->address, "\xc0\x00\x02\x07", 4);
    out->address_bytes = 4;
}

static void
wake(void *context, unsigned shard)
{
    assert_ptr_equal(context, &door);
    assert_in_range(shard, 0, 1);
    door.woken++;
}

static const struct authenticator authenticator = {.context = &door, .check = check};

static bool
knows_only_bob(void *context, const struct entrance *entrance, struct span user)
{
    assert_ptr_equal(context, &door);
    assert_non_null(entrance);
    return is(user, "bob");
}

static const struct authenticator another = {
    .context = &door, .check = check, .still_knows = knows_only_bob};

static bool
may(void *context, const struct access_subject *who, enum access_action action, struct span topic)
{
    (void)context;
    (void)topic;
    return action != ACCESS_PUBLISH || is(who->user, "alice");
}

static const struct access_policy only_alice_publishes = {.may = may};

static void
open_rig_with(struct rig *r, const struct settings *settings)
{
    const struct broker_config config = {
        .settings = *settings,
        .shard_count = 2,
        .authenticator = &authenticator,
        .access = &only_alice_publishes,
        .host = {.context = &door, .describe = describe, .wake = wake},
    };

    memset(&door, 0, sizeof(door));
    rig_open_as(r, &config);
}

static void
open_rig(struct rig *r)
{
    const struct settings standard = settings_default();

    open_rig_with(r, &standard);
}

static void
close_rig(struct rig *r)
{
    for (unsigned i = 0; i < r->broker.shard_count; i++) {
        assert_int_equal(r->broker.shards[i]->login_bytes, 0);
        assert_int_equal(r->broker.shards[i]->logins.count, 0);
    }
    rig_close(r);
}

static void
answer(struct rig *r, size_t i)
{
    struct pending *p = &door.pending[i];

    judge(p->password, span_of_text(p->user), &p->answer.verdict);
    login_answer_send(&p->answer);
    rig_settle(r);
    assert_true(p->is_released);
}

/* Clients. */

static struct wire_connect
as(const char *client_id, const char *user, const char *password)
{
    struct wire_connect how = rig_lasting(client_id, 60);

    if (user != NULL) {
        how.has_user_name = true;
        how.user_name = span_of_text(user);
    }
    if (password != NULL) {
        how.has_password = true;
        how.password = span_of_text(password);
    }
    return how;
}

static void
say_connect(struct rig *r, struct rig_client *c, const struct wire_connect *how)
{
    const struct wire_any packet = {.type = WIRE_CONNECT, .as.connect = *how};
    char id[32];

    copy(id, how->client_id);
    rig_client_open(r, c, id, how->version);
    rig_send(c, &packet);
}

/* As from a driver that had read it before it knew that it should not. */
static void
feed(struct rig *r, struct rig_client *c, const struct wire_any *packets, size_t count)
{
    uint8_t bytes[8192];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        wire_any_encode(&w, &packets[i], WIRE_V5);
    }
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    conn_feed(&c->conn, span_of(bytes, len));
    rig_settle(r);
}

static uint8_t
connack_of(struct rig_client *c)
{
    struct wire_any packet;

    rig_expect(c, WIRE_CONNACK, &packet);
    return packet.as.connack.reason_code;
}

static uint8_t
connect_as(struct rig *r, struct rig_client *c, const char *id, const char *user,
           const char *password)
{
    const struct wire_connect how = as(id, user, password);

    say_connect(r, c, &how);
    return connack_of(c);
}

static struct span
user_of(const struct rig_client *c)
{
    return session_user(c->conn.session);
}

/* Verdicts. */

static void
a_verdict_at_once(void **state)
{
    struct rig r;
    struct rig_client c;

    (void)state;
    open_rig(&r);
    assert_int_equal(connect_as(&r, &c, "c", "alice", "good"), 0);
    assert_true(is(user_of(&c), "alice"));
    assert_null(c.conn.auth); /* nothing is kept */
    assert_memory_equal(door.origin, "\xc0\x00\x02\x07", 4);
    rig_client_close(&c);
    assert_int_equal(connect_as(&r, &c, "d", "alice", "bad"), 0x86);
    assert_true(rig_client_is_ended(&c));
    rig_client_close(&c);
    assert_int_equal(connect_as(&r, &c, "e", NULL, NULL), 0);
    assert_int_equal(user_of(&c).len, 0);
    rig_client_close(&c);
    assert_int_equal(door.asked, 3);
    close_rig(&r);
}

static void
older_clients_get_return_code_4(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_connect how = as("c", "alice", "bad");

    (void)state;
    open_rig(&r);
    how.version = WIRE_V311;
    how.properties = (struct wire_properties){.user_count = 0};
    say_connect(&r, &c, &how);
    assert_int_equal(connack_of(&c), 4);
    rig_client_close(&c);
    close_rig(&r);
}

/* CONNECT and all that came behind it, in the same bytes or later, waits: none of it is looked at
 * before the verdict [MQTT-3.1.4-6], and none of it is lost after. */
static void
what_comes_before_the_verdict_waits(void **state)
{
    struct rig r;
    struct rig_client c;
    struct rig_client watcher;
    struct wire_any packet;

    (void)state;
    open_rig(&r);
    assert_int_equal(connect_as(&r, &watcher, "w", "alice", "good"), 0);
    rig_subscribe(&watcher, "#", 0);
    {
        const struct wire_any packets[] = {
            {.type = WIRE_CONNECT, .as.connect = as("c", "alice", "late good")},
            rig_publish_packet("a", "one", 0, 0),
            rig_publish_packet("a", "two", 0, 0),
        };

        rig_client_open(&r, &c, "c", WIRE_V5);
        feed(&r, &c, packets, 2);
        assert_false(conn_wants_input(&c.conn));
        rig_expect_nothing(&c);
        assert_non_null(c.conn.auth);
        assert_null(memmem(c.conn.auth->connect, c.conn.auth->connect_bytes, "late good", 9));
        feed(&r, &c, packets + 2, 1);
    }
    rig_expect_nothing(&watcher);
    answer(&r, 0);
    assert_int_equal(door.woken, 1);
    assert_int_equal(connack_of(&c), 0);
    assert_true(is(user_of(&c), "alice"));
    assert_true(conn_wants_input(&c.conn));
    assert_null(c.conn.auth);
    rig_expect_publish(&watcher, "one", &packet);
    rig_expect_publish(&watcher, "two", &packet);
    rig_publish(&c, "a", "three");
    rig_expect_publish(&watcher, "three", &packet);
    rig_client_close(&c);
    rig_client_close(&watcher);
    close_rig(&r);
}

static void
a_late_refusal_ends_it_unseen(void **state)
{
    struct rig r;
    struct rig_client c;
    const struct wire_connect how = as("c", "alice", "late bad");

    (void)state;
    open_rig(&r);
    say_connect(&r, &c, &how);
    conn_feed(&c.conn,
              span_of("\xff\xff\xff\xff", 4)); /* not looked at, or it would be malformed */
    answer(&r, 0);
    assert_int_equal(connack_of(&c), 0x86);
    assert_true(rig_client_is_ended(&c));
    rig_client_close(&c);
    close_rig(&r);
}

static void
the_client_may_be_gone_when_the_verdict_comes(void **state)
{
    struct rig r;
    struct rig_client c;
    struct rig_client next;
    const struct wire_connect how = as("c", "alice", "late good");

    (void)state;
    open_rig(&r);
    say_connect(&r, &c, &how);
    rig_client_close(&c);
    say_connect(&r, &next, &how); /* the same name, maybe even the same memory */
    answer(&r, 0);
    rig_expect_nothing(&next);
    answer(&r, 1);
    assert_int_equal(connack_of(&next), 0);
    rig_client_close(&next);
    close_rig(&r);
}

static void
a_verdict_that_never_comes(void **state)
{
    struct rig r;
    struct rig_client c;
    const struct wire_connect how = as("c", "alice", "late good");

    (void)state;
    open_rig(&r);
    say_connect(&r, &c, &how);
    rig_advance(&r, r.broker.settings.connect_timeout_ms + 1);
    assert_int_equal(connack_of(&c), 0x88);
    rig_client_close(&c);
    answer(&r, 0);
    close_rig(&r);
}

static void
verdicts_may_outlive_everything(void **state)
{
    struct rig r;
    struct rig_client c;
    const struct wire_connect how = as("c", "alice", "late good");

    (void)state;
    open_rig(&r);
    say_connect(&r, &c, &how);
    login_answer_send(&door.pending[0].answer);
    rig_client_close(&c);
    broker_fini(&r.broker);
    assert_true(door.pending[0].is_released);
    assert_int_equal(r.alloc.live, 0);
}

static void
what_is_kept_is_bounded(void **state)
{
    struct rig r;
    struct rig_client c[2];
    static const uint8_t more[4096];
    struct settings settings = settings_default();
    struct wire_connect how = as("c", "alice", "late good");

    (void)state;
    settings.login_bytes_max = 1024;
    open_rig_with(&r, &settings);
    say_connect(&r, &c[0], &how);
    conn_feed(&c[0].conn, span_of(more, sizeof(more)));
    rig_settle(&r);
    assert_int_equal(connack_of(&c[0]), 0x97);
    rig_client_close(&c[0]);
    how.client_id = span_of_text("d");
    how.has_will = true;
    how.will.topic = span_of_text("t");
    how.will.payload = span_of(more, 900);
    say_connect(&r, &c[0], &how);
    how.client_id = span_of_text("d");
    say_connect(&r, &c[1], &how);
    assert_int_equal(connack_of(&c[1]), 0x89);
    answer(&r, 1);
    assert_int_equal(connack_of(&c[0]), 0);
    rig_client_close(&c[0]);
    rig_client_close(&c[1]);
    close_rig(&r);
}

static void
a_refusal_may_be_told_later(void **state)
{
    struct rig r;
    struct rig_client c[2];
    const struct wire_connect late = as("d", "alice", "late slow");
    const struct wire_connect now = as("c", "alice", "slow");

    (void)state;
    open_rig(&r);
    say_connect(&r, &c[0], &now);
    say_connect(&r, &c[1], &late);
    answer(&r, 0);
    rig_advance(&r, 900);
    for (size_t i = 0; i < 2; i++) {
        rig_expect_nothing(&c[i]);
        assert_false(conn_wants_input(&c[i].conn));
    }
    rig_advance(&r, 200);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(connack_of(&c[i]), 0x86);
        rig_client_close(&c[i]);
    }
    assert_int_equal(
        r.broker.shards[0]->stats.logins_failed + r.broker.shards[1]->stats.logins_failed, 2);
    close_rig(&r);
}

static void
credentials_end_on_the_living_connection(void **state)
{
    static const char *const passwords[] = {"short", "late short"};
    struct rig r;
    struct rig_client c;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct wire_connect how = as("c", "alice", passwords[i]);

        open_rig(&r);
        say_connect(&r, &c, &how);
        if (i == 1) {
            answer(&r, 0);
        }
        assert_int_equal(connack_of(&c), 0);
        rig_advance(&r, 900);
        rig_publish(&c, "a", "still here");
        rig_expect_nothing(&c);
        rig_advance(&r, 200);
        rig_expect_end(&c, 0x87);
        rig_client_close(&c);
        close_rig(&r);
    }
}

/* It can be made longer, or taken back. */
static void
the_end_can_be_moved(void **state)
{
    struct rig r;
    struct rig_client c;

    (void)state;
    open_rig(&r);
    assert_int_equal(connect_as(&r, &c, "c", "alice", "short"), 0);
    assert_true(login_limit(&c.conn, 3000));
    rig_advance(&r, 2000);
    rig_expect_nothing(&c);
    assert_true(login_limit(&c.conn, 0));
    rig_advance(&r, 5000);
    rig_expect_nothing(&c);
    assert_true(login_limit(&c.conn, 10));
    rig_advance(&r, 20);
    rig_expect_end(&c, 0x87);
    rig_client_close(&c);
    close_rig(&r);
}

/* A new authenticator does not know everybody whom the last one let in: those go, and whoever it
 * was never asked about stays. */
static void
who_is_not_known_any_more_is_disconnected(void **state)
{
    struct rig r;
    struct rig_client alice;
    struct rig_client bob;
    struct rig_client nobody;

    (void)state;
    open_rig(&r);
    assert_int_equal(connect_as(&r, &alice, "a", "alice", "good"), 0);
    assert_int_equal(connect_as(&r, &bob, "b", "bob", "good"), 0);
    assert_int_equal(connect_as(&r, &nobody, "n", NULL, NULL), 0);
    broker_set_authenticator(&r.broker, &another);
    rig_step(&r, alice.conn.shard->index, RIG_MAIL);
    rig_settle(&r);
    rig_expect_end(&alice, 0x87);
    rig_expect_nothing(&bob);
    rig_expect_nothing(&nobody);
    assert_false(rig_client_is_ended(&bob) || rig_client_is_ended(&nobody));
    rig_client_close(&alice);
    { /* the verdict was asked of the last one */
        const struct wire_connect how = as("a", "alice", "late good");

        say_connect(&r, &alice, &how);
        answer(&r, 0);
        assert_int_equal(connack_of(&alice), 0x87);
        rig_client_close(&alice);
    }
    broker_set_authenticator(&r.broker, NULL); /* nobody to ask */
    rig_settle(&r);
    rig_expect_nothing(&bob);
    rig_client_close(&bob);
    rig_client_close(&nobody);
    close_rig(&r);
}

/* Ownership. */

static void
a_session_belongs_to_its_user(void **state)
{
    static const struct {
        const char *owner, *intruder;
        bool clean_start;
        bool is_away;
    } rows[] = {
        {"alice", "bob", false, false}, {"alice", "bob", true, false},
        {"alice", "bob", true, true},   {"alice", NULL, false, false},
        {"alice", NULL, true, true},    {NULL, "alice", false, false},
        {NULL, "alice", true, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig r;
        struct rig_client owner;
        struct rig_client intruder;
        struct wire_connect how = as("c", rows[i].intruder, "good");

        open_rig(&r);
        assert_int_equal(connect_as(&r, &owner, "c", rows[i].owner, "good"), 0);
        rig_subscribe(&owner, "a", 1);
        if (rows[i].is_away) {
            rig_client_drop(&owner);
            rig_client_close(&owner);
        }
        how.clean_start = rows[i].clean_start;
        say_connect(&r, &intruder, &how);
        assert_int_equal(connack_of(&intruder), 0x87);
        assert_true(rig_client_is_ended(&intruder));
        rig_client_close(&intruder);
        if (!rows[i].is_away) { /* nothing has happened to it */
            rig_expect_nothing(&owner);
            assert_false(rig_client_is_ended(&owner));
            rig_client_drop(&owner);
            rig_client_close(&owner);
        }
        {
            struct wire_any connack;
            const struct wire_connect again = as("c", rows[i].owner, "good");

            rig_connect(&r, &owner, &again, &connack);
            assert_int_equal(connack.as.connack.reason_code, 0);
            assert_true(connack.as.connack.session_present);
        }
        rig_client_close(&owner);
        close_rig(&r);
    }
}

/* The same user may, as ever [MQTT-3.1.4-3]. */
static void
the_same_user_takes_over(void **state)
{
    struct rig r;
    struct rig_client old;
    struct rig_client new;

    (void)state;
    open_rig(&r);
    assert_int_equal(connect_as(&r, &old, "c", "alice", "good"), 0);
    assert_int_equal(connect_as(&r, &new, "c", "alice", "good"), 0);
    rig_expect_end(&old, 0x8E);
    rig_client_close(&old);
    rig_client_close(&new);
    close_rig(&r);
}

/* The will is judged for the user that the client turns out to be, and not before. */
static void
the_will_is_judged_for_the_user(void **state)
{
    static const struct {
        const char *user, *password;
        uint8_t reason_code;
    } rows[] = {
        {"alice", "good", 0}, {"alice", "bad", 0x86}, {"bob", "good", 0x87}, {NULL, NULL, 0x87}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig r;
        struct rig_client c;
        struct wire_connect how = as("c", rows[i].user, rows[i].password);

        how.has_will = true;
        how.will.topic = span_of_text("t");
        open_rig(&r);
        say_connect(&r, &c, &how);
        assert_int_equal(connack_of(&c), rows[i].reason_code);
        rig_client_close(&c);
        close_rig(&r);
    }
}

/* Without memory for what must wait the client is refused, and the verdict finds nobody. */
static void
without_memory_it_is_refused(void **state)
{
    size_t refused = 0;
    bool is_served = false;

    (void)state;
    for (size_t fail_after = 1; !is_served; fail_after++) {
        struct rig r;
        struct rig_client c;
        const struct wire_connect how = as("c", "alice", "late short");
        struct wire_any packet;

        open_rig(&r);
        r.alloc.fail_at = atomic_load(&r.alloc.attempts) + fail_after;
        say_connect(&r, &c, &how);
        answer(&r, 0);
        if (rig_next(&c, &packet)) {
            assert_int_equal(packet.type, WIRE_CONNACK);
            refused += packet.as.connack.reason_code != 0;
            is_served = packet.as.connack.reason_code == 0;
        }
        rig_client_close(&c);
        close_rig(&r);
    }
    assert_true(refused > 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verdict_at_once),
        cmocka_unit_test(older_clients_get_return_code_4),
        cmocka_unit_test(what_comes_before_the_verdict_waits),
        cmocka_unit_test(a_late_refusal_ends_it_unseen),
        cmocka_unit_test(the_client_may_be_gone_when_the_verdict_comes),
        cmocka_unit_test(a_verdict_that_never_comes),
        cmocka_unit_test(verdicts_may_outlive_everything),
        cmocka_unit_test(what_is_kept_is_bounded),
        cmocka_unit_test(a_refusal_may_be_told_later),
        cmocka_unit_test(credentials_end_on_the_living_connection),
        cmocka_unit_test(the_end_can_be_moved),
        cmocka_unit_test(who_is_not_known_any_more_is_disconnected),
        cmocka_unit_test(a_session_belongs_to_its_user),
        cmocka_unit_test(the_same_user_takes_over),
        cmocka_unit_test(the_will_is_judged_for_the_user),
        cmocka_unit_test(without_memory_it_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
