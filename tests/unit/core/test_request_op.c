/* Words about requests (`rr-op`): they go to whoever holds the request, in order behind it, and to
 * nobody else. */
#include "support/asking.h"
#include "support/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TOPIC   "service/x"
#define FILTER  "service/+"
#define HOLDERS 8
#define WORD_ID 7
#define LARGE   "a piece that is much larger than what this holder said that it takes of anything"

struct scene {
    struct rig r;
    struct rig_client asker;
    struct rig_client other; /* who publishes what has nothing to do with requests */
    struct rig_client holder[HOLDERS];
    char inbox[INBOX_TEXT_BYTES];
    struct wire_any request; /* as a holder got it */
    uint16_t plug_id;
};

static void
open_scene(struct scene *s, unsigned shards, const struct settings *settings)
{
    char name[RIG_NAME_BYTES];

    memset(s, 0, sizeof(*s));
    rig_open(&s->r, shards, settings);
    rig_name_in(&s->r, 0, "asker", name);
    asker_connect(&s->r, &s->asker, name, ASKER_FULL, s->inbox);
    rig_client_connect(&s->r, &s->other, "other");
}

/* Every request has ended, and nobody has anything left to hear. */
static void
close_scene(struct scene *s)
{
    for (size_t i = 0; i < HOLDERS; i++) {
        if (s->holder[i].is_open) {
            rig_expect_nothing(&s->holder[i]);
        }
        rig_client_close(&s->holder[i]);
    }
    if (s->asker.is_open) {
        rig_expect_nothing(&s->asker);
    }
    audit_requests_ended(&s->r);
    rig_client_close(&s->asker);
    rig_client_close(&s->other);
    rig_close(&s->r);
}

/* How a holder is. */
struct kind {
    bool takes_words;     /* rr=1 */
    uint16_t receive_max; /* 0: any */
    uint32_t packet_max;  /* 0: any */
    bool lasts;           /* its session */
    const char *filter;   /* NULL: FILTER */
    uint8_t qos;
};

static void
connect_holder(struct scene *s, unsigned i, const struct kind *kind, bool comes_back)
{
    static const struct wire_user_property rr = USER("rr", "1");
    char name[RIG_NAME_BYTES];
    struct wire_connect how;
    struct wire_any connack;

    rig_name_in(&s->r, i + 1, (const char[]){'h', (char)('a' + i), '\0'}, name);
    how = rig_lasting(name, kind->lasts ? UINT32_MAX : 0);
    if (kind->takes_words) {
        how.properties.users = &rr;
        how.properties.user_count = 1;
        wire_properties_set(&how.properties, WIRE_USER_PROPERTY);
    }
    if (kind->receive_max != 0) {
        how.properties.receive_maximum = kind->receive_max;
        wire_properties_set(&how.properties, WIRE_RECEIVE_MAXIMUM);
    }
    if (kind->packet_max != 0) {
        how.properties.maximum_packet_size = kind->packet_max;
        wire_properties_set(&how.properties, WIRE_MAXIMUM_PACKET_SIZE);
    }
    rig_connect(&s->r, &s->holder[i], &how, &connack);
    assert_int_equal(connack.as.connack.session_present, comes_back);
}

static void
join(struct scene *s, unsigned i, struct kind kind)
{
    connect_holder(s, i, &kind, false);
    rig_subscribe(&s->holder[i], kind.filter == NULL ? FILTER : kind.filter, kind.qos);
}

/* From now on what comes to the holder, who takes one thing at a time, waits. */
static void
plug(struct scene *s, unsigned i)
{
    struct wire_any packet;

    rig_subscribe(&s->holder[i], "plug", 1);
    rig_publish_qos(&s->other, "plug", "p", 1, 9);
    rig_expect_ack(&s->other, WIRE_PUBACK, 9, 0);
    rig_expect_publish(&s->holder[i], "p", &packet);
    s->plug_id = packet.as.publish.packet_id;
}

static void
unplug(struct scene *s, unsigned i)
{
    rig_ack(&s->holder[i], WIRE_PUBACK, s->plug_id);
}

/* The request of all these scenes: QoS 1, correlation "c". */
static void
ask_with(struct scene *s, const struct wire_user_property *user)
{
    ask(&s->asker, &(struct ask){.topic = TOPIC,
                                 .response_topic = s->inbox,
                                 .correlation = "c",
                                 .qos = 1,
                                 .packet_id = 5,
                                 .users = user,
                                 .user_count = user != NULL});
    rig_expect_ack(&s->asker, WIRE_PUBACK, 5, 0);
}

/* A word about it, and what the broker says to that. */
struct word {
    const char *op;
    const char *more;    /* NULL: no `rr-more` */
    const char *payload; /* NULL: empty */
    uint8_t qos;
    uint32_t expiry_s;
    uint8_t reason_code;
};

static void
say(struct scene *s, const struct word *w)
{
    const struct wire_user_property users[] = {
        {SPAN_LITERAL("rr-op"), span_of_text(w->op)},
        {SPAN_LITERAL("rr-more"), span_of_text(w->more)},
    };

    ask(&s->asker, &(struct ask){.topic = TOPIC,
                                 .response_topic = s->inbox,
                                 .correlation = "c",
                                 .payload = w->payload,
                                 .qos = w->qos,
                                 .packet_id = w->qos == 0 ? 0 : WORD_ID,
                                 .expiry_s = w->expiry_s,
                                 .users = users,
                                 .user_count = w->more == NULL ? 1 : 2});
    if (w->qos > 0) {
        rig_expect_ack(&s->asker, w->qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, WORD_ID, w->reason_code);
    }
}

static void
cancel(struct scene *s)
{
    say(s, &(struct word){.op = "cancel", .qos = 1});
}

/* A word, at QoS 0 or 1, once it was looked at. */
static void
acknowledge(struct rig_client *c, const struct wire_publish *p)
{
    if (p->qos == 1) {
        rig_ack(c, WIRE_PUBACK, p->packet_id);
    }
}

/* The holder hears it, as it was said. */
static void
hear(struct scene *s, unsigned i, const char *op, const char *payload, uint8_t qos)
{
    const struct wire_publish *p = NULL;
    struct wire_any packet;

    expect_request(&s->holder[i], false, &packet);
    p = &packet.as.publish;
    assert_true(span_equal(p->topic, SPAN_LITERAL(TOPIC)));
    assert_true(span_equal(p->payload, span_of_text(payload)));
    assert_true(span_equal(p->properties.response_topic, span_of_text(s->inbox)));
    assert_true(span_equal(p->properties.correlation_data, SPAN_LITERAL("c")));
    assert_true(span_equal(user_of(p, "rr-op"), span_of_text(op)));
    assert_int_equal(p->qos, qos);
    acknowledge(&s->holder[i], p);
}

/* The holder responds; `user` NULL: as the last time. */
static void
respond_with(struct scene *s, unsigned i, const struct wire_user_property *user,
             uint8_t reason_code)
{
    ask(&s->holder[i], &(struct ask){.topic = s->inbox,
                                     .correlation = "c",
                                     .payload = "answer",
                                     .qos = 1,
                                     .packet_id = 9,
                                     .users = user,
                                     .user_count = user != NULL});
    rig_expect_ack(&s->holder[i], WIRE_PUBACK, 9, reason_code);
    if (reason_code == 0) {
        expect_response(&s->asker, "c", "answer");
    }
}

/* ---- cancel ---- */

enum come { QUEUED, DELIVERED, ACKED };

static const struct {
    enum come come;
    uint8_t qos; /* of the word */
    bool takes_words;
    const char *stage, *exec;
    bool is_told;
} cancels[] = {
    {QUEUED, 1, true, "queued", "no", false},
    {QUEUED, 0, true, "queued", "no", false},
    {QUEUED, 1, false, "queued", "no", false},
    {DELIVERED, 1, true, "delivered", "maybe", true},
    {DELIVERED, 0, true, "delivered", "maybe", true},
    {DELIVERED, 2, true, "delivered", "maybe", true},
    {DELIVERED, 1, false, "delivered", "maybe", false},
    {ACKED, 1, true, "acked", "maybe", true},
    {ACKED, 0, true, "acked", "maybe", true},
    {ACKED, 1, false, "acked", "maybe", false},
};

static void
bring(struct scene *s, enum come come)
{
    if (come == QUEUED) {
        plug(s, 0);
    }
    ask_with(s, NULL);
    if (come != QUEUED) {
        expect_request(&s->holder[0], come == ACKED, &s->request);
    }
    rig_expect_nothing(&s->holder[0]);
}

/* What is cancelled while it waits is never delivered; what comes too late is refused. */
static void
see_the_end(struct scene *s, enum come come)
{
    if (come == QUEUED) {
        unplug(s, 0);
    } else {
        respond_with(s, 0, NULL, 0x87);
        assert_int_equal(audit_count(&s->r, COUNTER(rr_responses_late)), 1);
    }
    if (come == DELIVERED) {
        rig_ack(&s->holder[0], WIRE_PUBACK, s->request.as.publish.packet_id);
    }
}

static void
play_cancel(size_t row, unsigned shards)
{
    uint8_t qos = cancels[row].qos;
    struct scene s;

    print_message("row %zu, %u shards\n", row, shards);
    open_scene(&s, shards, NULL);
    join(&s, 0,
         (struct kind){.takes_words = cancels[row].takes_words,
                       .qos = 1,
                       .receive_max = cancels[row].come == QUEUED ? 1 : 0});
    bring(&s, cancels[row].come);
    say(&s, &(struct word){.op = "cancel", .qos = qos});
    expect_status(&s.asker, "c", "499", cancels[row].stage, cancels[row].exec);
    if (cancels[row].is_told) {
        hear(&s, 0, "cancel", "", qos == 0 ? 0 : 1);
    }
    see_the_end(&s, cancels[row].come);
    assert_int_equal(audit_count(&s.r, COUNTER(rr_cancelled)), 1);
    assert_int_equal(audit_count(&s.r, COUNTER(rr_requests)), 1); /* a word is none */
    assert_int_equal(audit_count(&s.r, COUNTER(rr_ops)), 1);
    assert_int_equal(audit_count(&s.r, COUNTER(rr_ops_not_taken)),
                     cancels[row].come != QUEUED && !cancels[row].takes_words);
    close_scene(&s);
}

static void
cancelling(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof(cancels) / sizeof(cancels[0]); row++) {
        play_cancel(row, 1);
        play_cancel(row, 2);
        play_cancel(row, 4);
    }
}

/* There is no such request (any more): nobody hears of it, and 0x10 says so where one shard knows
 * all there is to know. */
static void
nothing_to_cancel(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 4; shards *= 2) {
        struct word word = {.op = "cancel", .qos = 1, .reason_code = shards == 1 ? 0x10 : 0};
        struct scene s;

        open_scene(&s, shards, NULL);
        join(&s, 0, (struct kind){.takes_words = true, .qos = 1});
        say(&s, &word);
        ask_with(&s, NULL);
        expect_request(&s.holder[0], true, &s.request);
        respond_with(&s, 0, NULL, 0);
        say(&s, &word);
        close_scene(&s);
    }
}

/* By its requester alone, and on the topic that it was asked on. */
static void
by_nobody_else(void **state)
{
    static const struct wire_user_property word = USER("rr-op", "cancel");

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards *= 2) {
        struct scene s;
        struct ask a = {.topic = TOPIC, .correlation = "c", .users = &word, .user_count = 1};

        open_scene(&s, shards, NULL);
        join(&s, 0, (struct kind){.takes_words = true, .qos = 1});
        ask_with(&s, NULL);
        expect_request(&s.holder[0], true, &s.request);
        a.response_topic = s.inbox;
        ask(&s.other, &a);
        a.topic = "service/y";
        ask(&s.asker, &a);
        a.topic = TOPIC;
        a.correlation = "d";
        ask(&s.asker, &a);
        rig_expect_nothing(&s.holder[0]);
        respond_with(&s, 0, NULL, 0);
        close_scene(&s);
    }
}

/* Of a group of eight only the member that has it hears of it. */
static void
of_a_group_the_one_that_has_it(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 4; shards *= 2) {
        struct scene s;
        unsigned has_it = HOLDERS;

        open_scene(&s, shards, NULL);
        for (unsigned i = 0; i < HOLDERS; i++) {
            join(&s, i,
                 (struct kind){.takes_words = true, .qos = 1, .filter = "$share/g/service/#"});
        }
        ask_with(&s, NULL);
        for (unsigned i = 0; i < HOLDERS; i++) {
            if (rig_next(&s.holder[i], &s.request)) {
                assert_int_equal(has_it, HOLDERS);
                has_it = i;
            }
        }
        assert_true(has_it < HOLDERS);
        rig_ack(&s.holder[has_it], WIRE_PUBACK, s.request.as.publish.packet_id);
        cancel(&s);
        expect_status(&s.asker, "c", "499", "acked", "maybe");
        hear(&s, has_it, "cancel", "", 1);
        close_scene(&s); /* where the others have got nothing */
    }
}

/* Several have it, each by a subscription of its own: all hear of it, and the requester once; not
 * at all if there was an answer. */
static void
of_several_all(void **state)
{
    (void)state;
    for (unsigned row = 0; row < 6; row++) {
        bool is_answered = row >= 3;
        struct scene s;

        open_scene(&s, 1 + row % 3, NULL);
        for (unsigned i = 0; i < 4; i++) {
            join(&s, i, (struct kind){.takes_words = i != 2, .qos = 1});
        }
        ask_with(&s, NULL);
        for (unsigned i = 0; i < 4; i++) {
            expect_request(&s.holder[i], true, &s.request);
        }
        if (is_answered) {
            respond_with(&s, 1, NULL, 0);
        }
        cancel(&s);
        for (unsigned i = 0; i < 4; i++) {
            if (i != 2 && !(i == 1 && is_answered)) {
                hear(&s, i, "cancel", "", 1);
            }
        }
        if (!is_answered) {
            expect_status(&s.asker, "c", "499", "acked", "maybe");
        }
        close_scene(&s);
    }
}

/* A lost member's request has gone to another one: who has it now hears of it. What was in flight
 * when it was cancelled goes nowhere any more. */
static void
after_a_failover(void **state)
{
    static const struct kind kind = {
        .takes_words = true, .qos = 1, .lasts = true, .filter = "$share/g/service/#"};

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards++) {
        struct scene s;

        open_scene(&s, shards, NULL);
        join(&s, 0, kind);
        ask_with(&s, NULL);
        expect_request(&s.holder[0], false, &s.request);
        join(&s, 1, kind);
        rig_client_drop(&s.holder[0]);
        expect_request(&s.holder[1], false, &s.request);
        cancel(&s);
        expect_status(&s.asker, "c", "499", "delivered", "maybe");
        hear(&s, 1, "cancel", "", 1);
        rig_client_close(&s.holder[0]);
        connect_holder(&s, 0, &kind, true);
        rig_client_drop(&s.holder[1]);
        rig_expect_nothing(&s.holder[0]);
        close_scene(&s);
    }
}

/* ---- credit ---- */

static void
more_responses(void **state)
{
    static const struct wire_user_property more = USER("rr-more", "1");

    (void)state;
    for (unsigned row = 0; row < 6; row++) {
        bool takes_words = row % 2 == 0;
        struct scene s;

        open_scene(&s, row / 2 == 2 ? 4 : 1 + row / 2, NULL);
        join(&s, 0, (struct kind){.takes_words = takes_words, .qos = 1});
        ask_with(&s, &more);
        expect_request(&s.holder[0], true, &s.request);
        say(&s, &(struct word){.op = "credit", .more = "2", .qos = 1});
        if (takes_words) {
            hear(&s, 0, "credit", "", 1);
        }
        for (unsigned i = 0; i < 3; i++) { /* one was allowed from the beginning */
            respond_with(&s, 0, &more, 0);
        }
        respond_with(&s, 0, NULL, 0);
        respond_with(&s, 0, NULL, 0x87);
        assert_int_equal(audit_count(&s.r, COUNTER(rr_ops_not_taken)), !takes_words);
        close_scene(&s);
    }
}

/* As much as there can be is not more than that: 2^32 would be nothing. */
static void
no_end_of_credit(void **state)
{
    static const char *const credits[] = {"1000000000", "1000000000", "1000000000", "1000000000",
                                          "294967296"};
    static const struct wire_user_property more = USER("rr-more", "1");
    struct scene s;

    (void)state;
    open_scene(&s, 2, NULL);
    join(&s, 0, (struct kind){.takes_words = true, .qos = 1});
    ask_with(&s, NULL);
    expect_request(&s.holder[0], true, &s.request);
    for (size_t i = 0; i < sizeof(credits) / sizeof(credits[0]); i++) {
        say(&s, &(struct word){.op = "credit", .more = credits[i]});
        hear(&s, 0, "credit", "", 0);
    }
    respond_with(&s, 0, &more, 0);
    respond_with(&s, 0, NULL, 0);
    close_scene(&s);
}

/* ---- data ---- */

/* Pieces come behind the request and in their order, whether that has to wait or not. */
static void
pieces_in_order(void **state)
{
    static const char *const pieces[] = {"1", "2", "3"};

    (void)state;
    for (unsigned row = 0; row < 12; row++) {
        uint8_t qos = row % 2 == 0 ? 1 : 0;
        bool waits = row / 2 % 2 == 1;
        struct scene s;

        open_scene(&s, 1U << row / 4, NULL);
        join(&s, 0, (struct kind){.takes_words = true, .qos = 1, .receive_max = waits});
        if (waits) {
            plug(&s, 0);
        }
        ask_with(&s, NULL);
        for (size_t i = 0; i < 3; i++) {
            say(&s, &(struct word){.op = "data", .payload = pieces[i], .qos = qos});
        }
        if (waits) {
            rig_expect_nothing(&s.holder[0]);
            unplug(&s, 0);
        }
        expect_request(&s.holder[0], true, &s.request);
        for (size_t i = 0; i < 3; i++) {
            hear(&s, 0, "data", pieces[i], qos);
        }
        respond_with(&s, 0, NULL, 0);
        close_scene(&s);
    }
}

/* A request that has its payload in pieces goes to who takes words. */
static void
heads(void **state)
{
    static const struct wire_user_property size = USER("rr-size", "1000");

    (void)state;
    for (unsigned takes_words = 0; takes_words < 2; takes_words++) {
        struct scene s;

        open_scene(&s, 2, NULL);
        join(&s, 0, (struct kind){.takes_words = takes_words == 1, .qos = 1});
        ask_with(&s, &size);
        if (takes_words == 1) {
            expect_request(&s.holder[0], true, &s.request);
            respond_with(&s, 0, NULL, 0);
        } else {
            expect_status(&s.asker, "c", "413", "queued", "no");
        }
        close_scene(&s);
    }
}

/* Why a piece does not come to the holder. */
enum obstacle {
    STOCK,       /* it takes no words */
    STOCK_WAITS, /* the same, and the request still waits */
    PACKET,      /* larger than it takes */
    FULL,        /* too much waits for it */
    AWAY,        /* QoS 0, and it is not connected */
    EXPIRED,     /* it waited longer than the piece was to */
};

static const struct {
    enum obstacle obstacle;
    const char *status, *stage, *exec;
} losses[] = {
    {STOCK, "503", "acked", "maybe"},  {STOCK_WAITS, "503", "queued", "no"},
    {PACKET, "413", "acked", "maybe"}, {FULL, "503", "queued", "no"},
    {AWAY, "503", "acked", "maybe"},   {EXPIRED, "504", "delivered", "maybe"},
};

static void
lose_piece(struct scene *s, enum obstacle obstacle)
{
    bool waits = obstacle == STOCK_WAITS || obstacle == FULL || obstacle == EXPIRED;
    struct word word = {.op = "data", .payload = LARGE, .expiry_s = obstacle == EXPIRED};

    join(s, 0,
         (struct kind){.takes_words = obstacle != STOCK && obstacle != STOCK_WAITS,
                       .qos = 1,
                       .receive_max = waits,
                       .packet_max = obstacle == PACKET ? 100 : 0,
                       .lasts = obstacle == AWAY});
    if (waits) {
        plug(s, 0);
    }
    ask_with(s, NULL);
    if (!waits) {
        expect_request(&s->holder[0], true, &s->request);
    }
    if (obstacle == AWAY) {
        rig_client_drop(&s->holder[0]);
    }
    say(s, &word);
    if (obstacle == EXPIRED) {
        rig_advance(&s->r, 999);
        rig_expect_nothing(&s->asker);
        rig_advance(&s->r, 1);
    }
    if (waits) {
        unplug(s, 0);
    }
}

/* A request that has lost a piece has failed; if it was not sent, it never will be. */
static void
a_piece_is_lost(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof(losses) / sizeof(losses[0]); row++) {
        for (unsigned shards = 1; shards <= 4; shards *= 2) {
            struct settings settings = settings_default();
            struct scene s;

            print_message("obstacle %d, %u shards\n", (int)losses[row].obstacle, shards);
            settings.queued_messages_max = losses[row].obstacle == FULL ? 1 : 100;
            open_scene(&s, shards, &settings);
            lose_piece(&s, losses[row].obstacle);
            if (losses[row].obstacle == EXPIRED) { /* the request was in front */
                expect_request(&s.holder[0], true, &s.request);
            }
            expect_status(&s.asker, "c", losses[row].status, losses[row].stage, losses[row].exec);
            close_scene(&s);
        }
    }
}

/* Of two holders in one shard it is lost to the second: the first has all of the request. */
static void
a_piece_is_lost_to_one(void **state)
{
    struct scene s;

    (void)state;
    open_scene(&s, 1, NULL);
    join(&s, 0, (struct kind){.takes_words = true, .qos = 1});
    join(&s, 1, (struct kind){.takes_words = true, .qos = 1, .packet_max = 120});
    ask_with(&s, NULL);
    expect_request(&s.holder[0], true, &s.request);
    expect_request(&s.holder[1], true, &s.request);
    say(&s, &(struct word){.op = "data", .payload = LARGE, .qos = 1});
    hear(&s, 0, "data", LARGE, 1);
    respond_with(&s, 1, NULL, 0x87);
    respond_with(&s, 0, NULL, 0);
    close_scene(&s);
}

/* ---- what is refused ---- */

static const struct {
    struct ask ask; /* "" stands for the inbox */
    uint8_t reason_code;
} nonsense[] = {
    {{TOPIC, "", "c", USERS(USER("rr-op", "stop"))}, 0x83},
    {{TOPIC, "", "c", USERS(USER("rr-op", ""))}, 0x83},
    {{TOPIC, "", "c", USERS(USER("rr-ttl", "x"), USER("rr-op", "cancel"))}, 0x83},
    {{TOPIC, NULL, "c", USERS(USER("rr-op", "cancel"))}, 0x83},
    {{TOPIC, NULL, NULL, USERS(USER("rr-op", "cancel"))}, 0x83},
    {{TOPIC, "", NULL, USERS(USER("rr-op", "cancel"))}, 0x83},
    {{TOPIC, "", "c", .retain = true, USERS(USER("rr-op", "cancel"))}, 0x83},
    {{TOPIC, "", "c", USERS(USER("rr-op", "credit"))}, 0x83},
    {{TOPIC, "", "c", USERS(USER("rr-op", "credit"), USER("rr-more", "0"))}, 0x83},
    {{TOPIC, "", "c", USERS(USER("rr-op", "cancel"), USER("__srcId", "me"))}, 0x87},
    {{"$SYS/x", "", "c", USERS(USER("rr-op", "cancel"))}, 0x87},
};

static void
refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
        for (uint8_t qos = 0; qos <= 1; qos++) {
            struct ask a = nonsense[i].ask;
            struct scene s;
            struct wire_any packet;

            open_scene(&s, 2, NULL);
            join(&s, 0, (struct kind){.takes_words = true, .qos = 1});
            ask_with(&s, NULL);
            expect_request(&s.holder[0], true, &s.request);
            a.response_topic = a.response_topic == NULL ? NULL : s.inbox;
            a.qos = qos;
            a.packet_id = qos == 0 ? 0 : WORD_ID;
            ask(&s.asker, &a);
            if (qos == 1) {
                rig_expect(&s.asker, WIRE_PUBACK, &packet);
                assert_int_equal(packet.as.ack.reason_code, nonsense[i].reason_code);
                assert_true(packet.as.ack.properties.reason_string.len > 0);
            }
            rig_expect_nothing(&s.asker); /* no status: the request goes on */
            respond_with(&s, 0, NULL, 0);
            assert_int_equal(audit_count(&s.r, COUNTER(rr_requests)), 1);
            close_scene(&s);
        }
    }
}

/* Where requests are not tracked such a message is one like any other. */
static void
without_tracking(void **state)
{
    struct settings settings = settings_default();
    struct scene s;
    struct wire_any packet;

    (void)state;
    settings.request_tracking = 0;
    open_scene(&s, 1, &settings);
    join(&s, 0, (struct kind){.qos = 1});
    ask(&s.asker, &(struct ask){.topic = TOPIC, USERS(USER("rr-op", "cancel"))});
    rig_expect_publish(&s.holder[0], "", &packet);
    close_scene(&s);
}

/* A word is as much a message as any other, but no request: what counts those does not count it. */
static void
no_quota_of_requests(void **state)
{
    struct settings settings = settings_default();
    struct scene s;

    (void)state;
    settings.requests_in_flight_max = 1;
    settings.requests_per_second_max = 1;
    open_scene(&s, 2, &settings);
    join(&s, 0, (struct kind){.takes_words = true, .qos = 1});
    ask_with(&s, NULL);
    expect_request(&s.holder[0], true, &s.request);
    for (unsigned i = 0; i < 10; i++) {
        say(&s, &(struct word){.op = "data", .payload = "piece", .qos = 1});
        hear(&s, 0, "data", "piece", 1);
    }
    respond_with(&s, 0, NULL, 0);
    close_scene(&s);
}

/* A will is no word about anything. */
static void
not_in_a_will(void **state)
{
    static const struct wire_user_property word = USER("rr-op", "cancel");
    struct wire_connect how = rig_lasting("willing", 0);
    struct rig_client c = {.rig = NULL};
    struct wire_any connack;
    struct rig r;

    (void)state;
    rig_open(&r, 1, NULL);
    how.has_will = true;
    how.will.topic = SPAN_LITERAL(TOPIC);
    how.will.properties.response_topic = SPAN_LITERAL("answer");
    how.will.properties.users = &word;
    how.will.properties.user_count = 1;
    wire_properties_set(&how.will.properties, WIRE_RESPONSE_TOPIC);
    wire_properties_set(&how.will.properties, WIRE_USER_PROPERTY);
    rig_connect(&r, &c, &how, &connack);
    assert_int_equal(connack.as.connack.reason_code, 0x83);
    rig_client_close(&c);
    rig_close(&r);
}

/* ---- the requester is lost ---- */

static const struct wire_user_property with_asker = USER("rr-on-loss", "cancel");

/* The requester again, with a session that ends `expiry_s` after its connection. */
static void
replace_asker(struct scene *s, uint32_t expiry_s)
{
    static const struct wire_user_property rr = USER("rr", "1");
    struct wire_connect how;
    struct wire_any connack;
    char name[RIG_NAME_BYTES];

    rig_client_close(&s->asker);
    rig_name_in(&s->r, 0, "leaver", name);
    how = rig_lasting(name, expiry_s);
    how.properties.request_response_information = 1;
    how.properties.users = &rr;
    how.properties.user_count = 1;
    wire_properties_set(&how.properties, WIRE_REQUEST_RESPONSE_INFORMATION);
    wire_properties_set(&how.properties, WIRE_USER_PROPERTY);
    rig_connect(&s->r, &s->asker, &how, &connack);
    memcpy(s->inbox, connack.as.connack.properties.response_information.data,
           connack.as.connack.properties.response_information.len);
}

/* The broker's own word, for a requester that is no more. */
static void
hear_of_loss(struct scene *s, unsigned i)
{
    struct wire_any packet;

    expect_request(&s->holder[i], false, &packet);
    assert_true(span_equal(packet.as.publish.topic, SPAN_LITERAL(TOPIC)));
    assert_true(span_equal(packet.as.publish.properties.correlation_data, SPAN_LITERAL("c")));
    assert_true(span_equal(user_of(&packet.as.publish, "rr-op"), SPAN_LITERAL("cancel")));
    assert_true(span_equal(user_of(&packet.as.publish, "rr-src"), SPAN_LITERAL("broker")));
    acknowledge(&s->holder[i], &packet.as.publish);
}

/* Its session ends, at once or in the end; with what was asked so its requests do, however many. */
static void
the_requester_is_lost(void **state)
{
    (void)state;
    for (unsigned row = 0; row < 6; row++) {
        uint32_t expiry_s = row < 3 ? 0 : 5;
        struct scene s;

        open_scene(&s, 1U << row % 3, NULL);
        replace_asker(&s, expiry_s);
        join(&s, 0, (struct kind){.takes_words = true, .qos = 1});
        join(&s, 1, (struct kind){.takes_words = false, .qos = 1});
        join(&s, 2, (struct kind){.takes_words = true, .qos = 1, .receive_max = 1});
        plug(&s, 2);
        for (unsigned n = 0; n < 3; n++) {
            ask_with(&s, n == 1 ? NULL : &with_asker);
            expect_request(&s.holder[0], true, &s.request);
            expect_request(&s.holder[1], true, &s.request);
        }
        rig_client_drop(&s.asker);
        if (expiry_s > 0) {
            rig_advance(&s.r, 4999);
            rig_expect_nothing(&s.holder[0]);
            rig_advance(&s.r, 1);
        }
        hear_of_loss(&s, 0);
        hear_of_loss(&s, 0);
        unplug(&s, 2);
        expect_request(&s.holder[2], true, &s.request); /* the one that did not say so */
        assert_int_equal(audit_count(&s.r, COUNTER(rr_in_flight)), 3);
        rig_advance(&s.r, 100000);
        close_scene(&s);
    }
}

/* The request was on its way from a member that was lost to another one when the requester left. */
static void
lost_while_it_moves(void **state)
{
    static const struct kind kind = {.takes_words = true, .qos = 1, .filter = "$share/g/service/#"};
    struct wire_any packet = rig_publish_packet(TOPIC, "", 0, 0);
    struct wire_properties *v = &packet.as.publish.properties;
    struct scene s;

    (void)state;
    open_scene(&s, 3, NULL);
    replace_asker(&s, 0);
    join(&s, 0, kind); /* in shard 1 */
    v->response_topic = span_of_text(s.inbox);
    v->users = &with_asker;
    v->user_count = 1;
    wire_properties_set(v, WIRE_RESPONSE_TOPIC);
    wire_properties_set(v, WIRE_USER_PROPERTY);
    rig_post(&s.asker, &packet);
    join(&s, 1, kind); /* in shard 2; this settles */
    expect_request(&s.holder[0], true, &s.request);
    rig_post(&s.asker, &packet); /* to holder 1, who has none */
    rig_client_cut(&s.holder[1]);
    rig_client_cut(&s.asker);
    rig_step(&s.r, 1, RIG_MAIL); /* the requester has gone */
    rig_step(&s.r, 2, RIG_MAIL); /* the member has gone; it goes to the other one */
    rig_settle(&s.r);
    expect_request(&s.holder[0], false, &s.request); /* the broker's cancel of the first */
    assert_true(span_equal(user_of(&s.request.as.publish, "rr-op"), SPAN_LITERAL("cancel")));
    close_scene(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cancelling),
        cmocka_unit_test(nothing_to_cancel),
        cmocka_unit_test(by_nobody_else),
        cmocka_unit_test(of_a_group_the_one_that_has_it),
        cmocka_unit_test(of_several_all),
        cmocka_unit_test(after_a_failover),
        cmocka_unit_test(more_responses),
        cmocka_unit_test(no_end_of_credit),
        cmocka_unit_test(heads),
        cmocka_unit_test(pieces_in_order),
        cmocka_unit_test(a_piece_is_lost),
        cmocka_unit_test(a_piece_is_lost_to_one),
        cmocka_unit_test(refused),
        cmocka_unit_test(without_tracking),
        cmocka_unit_test(no_quota_of_requests),
        cmocka_unit_test(not_in_a_will),
        cmocka_unit_test(the_requester_is_lost),
        cmocka_unit_test(lost_while_it_moves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
