/* What a requester hears when no response will come: always the truth, once, and only if it asked
 * to be told. Each row is a request in some stage and something that happens to who has it. */
#include "support/asking.h"
#include "support/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define ASKED   "service/x"
#define ANSWERS "answers/asker"
#define PLUG    "plug" /* what keeps a responder with Receive Maximum 1 from getting more */

/* How the requester introduces itself, and where it wants its response. */
static const struct voice {
    const char *name;
    unsigned kind;
    bool is_inbox;
    bool hears; /* takes status responses */
} voices[] = {
    {"opted in, inbox", ASKER_FULL, true, true},
    {"opted in, topic", ASKER_FULL, false, true},
    {"not opted in, inbox", ASKER_RRI, true, false},
    {"plain", ASKER_PLAIN, false, false},
};
#define VOICES (sizeof(voices) / sizeof(voices[0]))

struct scene {
    struct rig r;
    struct rig_client asker;
    struct rig_client responder;
    struct rig_client back; /* the responder, when it comes back */
    const struct voice *voice;
    char asker_name[RIG_NAME_BYTES];
    char responder_name[RIG_NAME_BYTES];
    char reply_to[INBOX_TEXT_BYTES];
    struct wire_any request; /* as the responder got it */
    uint16_t plug_id;
};

static void
open_scene(struct scene *s, unsigned shards, const struct settings *settings,
           const struct voice *voice)
{
    memset(s, 0, sizeof(*s));
    s->voice = voice;
    rig_open(&s->r, shards, settings);
    rig_name_in(&s->r, 0, "asker", s->asker_name);
    rig_name_in(&s->r, 1, "responder", s->responder_name);
    asker_connect(&s->r, &s->asker, s->asker_name, voice->kind, s->reply_to);
    if (!voice->is_inbox) {
        memcpy(s->reply_to, ANSWERS, sizeof(ANSWERS));
    }
    if (!voice->hears || !voice->is_inbox) {
        rig_subscribe(&s->asker, s->reply_to, 1);
    }
}

/* Nothing more has come to the requester than what was expected, and everything adds up. */
static void
close_scene(struct scene *s)
{
    rig_expect_nothing(&s->asker);
    rig_client_close(&s->responder);
    rig_client_close(&s->back);
    rig_advance(&s->r, 100000);
    rig_expect_nothing(&s->asker);
    audit_requests_ended(&s->r);
    rig_client_close(&s->asker);
    rig_close(&s->r);
}

static void
connect_responder(struct scene *s, struct rig_client *c, uint32_t expiry_s, bool clean_start)
{
    struct wire_connect how = rig_lasting(s->responder_name, expiry_s);
    struct wire_any connack;

    how.clean_start = clean_start;
    how.properties.receive_maximum = 1;
    wire_properties_set(&how.properties, WIRE_RECEIVE_MAXIMUM);
    rig_connect(&s->r, c, &how, &connack);
    assert_int_equal(connack.as.connack.reason_code, 0);
}

/* Asks at this QoS, and takes the PUBACK or PUBREC with this reason code. */
static void
ask_at(struct scene *s, struct ask a, uint8_t qos, uint8_t reason_code)
{
    a.topic = ASKED;
    a.response_topic = s->reply_to;
    a.correlation = "c1";
    a.qos = qos;
    a.packet_id = qos == 0 ? 0 : 5;
    ask(&s->asker, &a);
    if (qos > 0) {
        rig_expect_ack(&s->asker, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, 5, reason_code);
    }
}

static void
hear_status(struct scene *s, const char *status, const char *stage, const char *exec)
{
    if (s->voice->hears && status != NULL) {
        expect_status(&s->asker, "c1", status, stage, exec);
    }
    rig_expect_nothing(&s->asker);
}

/* Answers the request, whenever it got that. */
static void
answer(struct scene *s, struct rig_client *c, const char *payload, uint8_t qos, uint16_t packet_id)
{
    struct wire_publish request = {
        .properties = {.response_topic = span_of_text(s->reply_to),
                       .correlation_data = SPAN_LITERAL("c1")},
    };

    wire_properties_set(&request.properties, WIRE_CORRELATION_DATA);
    respond(c, &request, payload, qos, packet_id);
}

/* ---- nobody takes it ---- */

static const struct absence {
    const char *name;
    int8_t sub_qos; /* of a responder that is away; -1: there is none */
    const char *if_offline;
    uint8_t qos;
    uint8_t reason_code;
    const char *status, *stage; /* NULL: it waits, and is answered in the end */
} absences[] = {
    {"nobody", -1, NULL, 0, 0, "503", "rejected"},
    {"nobody", -1, NULL, 1, 0x10, "503", "rejected"},
    {"nobody", -1, NULL, 2, 0x10, "503", "rejected"},
    {"nobody, wait", -1, "wait", 1, 0x10, "503", "rejected"},
    {"away, fail", 1, "fail", 0, 0, "503", "rejected"},
    {"away, refuse", 1, "refuse", 1, 0x10, "503", "rejected"},
    {"away, fail", 1, "fail", 1, 0x10, "503", "rejected"},
    {"away, fail", 2, "fail", 2, 0x10, "503", "rejected"},
    {"away, wait", 1, "wait", 1, 0, NULL, NULL},
    {"away, wait", 2, "wait", 2, 0, NULL, NULL},
    {"away, nothing said", 1, NULL, 1, 0, NULL, NULL},
    {"away, QoS 0", 1, NULL, 0, 0, "503", "queued"},
    {"away, QoS 0 to it", 0, "wait", 1, 0, "503", "queued"},
};

/* The responder comes back: it gets the request if that waited for it, and answers. */
static void
come_back(struct scene *s, const struct absence *row)
{
    connect_responder(s, &s->back, UINT32_MAX, false);
    if (row->status == NULL) {
        expect_request(&s->back, true, &s->request);
        answer(s, &s->back, "answer", 0, 0);
        expect_response(&s->asker, "c1", "answer");
    }
    rig_expect_nothing(&s->back);
}

static void
play_absence(const struct absence *row, unsigned shards, const struct voice *voice)
{
    struct wire_user_property user = USER("rr-if-offline", "");
    struct ask a = {.users = &user, .user_count = row->if_offline != NULL};
    struct scene s;

    print_message("%s, QoS %u, %u shards, %s\n", row->name, row->qos, shards, voice->name);
    open_scene(&s, shards, NULL, voice);
    if (row->sub_qos >= 0) {
        connect_responder(&s, &s.responder, UINT32_MAX, true);
        rig_subscribe(&s.responder, "service/+", (uint8_t)row->sub_qos);
        rig_client_drop(&s.responder);
    }
    if (row->if_offline != NULL) {
        user.value = span_of_text(row->if_offline);
    }
    ask_at(&s, a, row->qos, row->reason_code);
    hear_status(&s, row->status, row->stage, "no");
    rig_advance(&s.r, 1000);
    come_back(&s, row);
    close_scene(&s);
}

static void
test_nobody_takes_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(absences) / sizeof(absences[0]); i++) {
        for (size_t v = 0; v < VOICES; v++) {
            play_absence(&absences[i], 1, &voices[v]);
            play_absence(&absences[i], 4, &voices[v]);
        }
    }
}

/* ---- somebody has it ---- */

/* How far the request has come. */
enum come { QUEUED, DELIVERED, ACKED };

enum event {
    DROP,
    DISCONNECT,
    EXPIRE,      /* the connection breaks, and 5 seconds later the session ends */
    TAKEOVER,    /* it connects again */
    CLEAN_START, /* and wants to know of nothing */
    DECLINE,     /* PUBACK or PUBREC with 0x97 */
    WAIT,        /* until the deadline */
};

enum end {
    OVER,      /* nobody will ever get it, or answer it any more */
    ANSWERED,  /* the responder comes back (if it was away), and answers after all */
    TOO_LATE,  /* it still gets it, as MQTT wants it, but its answer is refused */
    FORGOTTEN, /* it comes back and answers what it had got before: refused */
};

#define FAIL   USERS(USER("rr-if-offline", "fail"))
#define REFUSE USERS(USER("rr-if-offline", "refuse"))
#define TTL    USERS(USER("rr-ttl", "250"))

static const struct fate {
    const char *name;
    uint8_t qos;
    enum come come;
    bool lasts; /* the session, without a connection */
    struct ask ask;
    enum event event;
    const char *status, *stage, *exec; /* NULL: nothing */
    enum end end;
} fates[] = {
    {"lost", 0, DELIVERED, false, {0}, DROP, "503", "delivered", "maybe", FORGOTTEN},
    {"lost", 1, QUEUED, false, {0}, DROP, "503", "queued", "no", OVER},
    {"lost", 1, DELIVERED, false, {0}, DROP, "503", "delivered", "maybe", FORGOTTEN},
    {"lost", 1, ACKED, false, {0}, DROP, "503", "acked", "maybe", FORGOTTEN},
    {"lost", 2, QUEUED, false, {0}, DROP, "503", "queued", "no", OVER},
    {"lost", 2, DELIVERED, false, {0}, DROP, "503", "delivered", "maybe", FORGOTTEN},
    {"lost", 2, ACKED, false, {0}, DROP, "503", "acked", "maybe", FORGOTTEN},
    {"bye", 1, QUEUED, false, {0}, DISCONNECT, "503", "queued", "no", OVER},
    {"bye", 1, DELIVERED, false, {0}, DISCONNECT, "503", "delivered", "maybe", FORGOTTEN},
    {"bye", 0, DELIVERED, false, {0}, DISCONNECT, "503", "delivered", "maybe", FORGOTTEN},
    {"expires", 1, QUEUED, true, {0}, EXPIRE, "503", "queued", "no", OVER},
    {"expires", 2, DELIVERED, true, {0}, EXPIRE, "503", "delivered", "maybe", FORGOTTEN},
    {"expires", 1, ACKED, true, {0}, EXPIRE, "503", "acked", "maybe", FORGOTTEN},
    {"clean start", 1, QUEUED, true, {0}, CLEAN_START, "503", "queued", "no", OVER},
    {"clean start", 1, DELIVERED, true, {0}, CLEAN_START, "503", "delivered", "maybe", FORGOTTEN},
    {"clean start", 2, ACKED, true, {0}, CLEAN_START, "503", "acked", "maybe", FORGOTTEN},
    {"away", 1, QUEUED, true, {0}, DROP, NULL, NULL, NULL, ANSWERED},
    {"away", 1, DELIVERED, true, {0}, DROP, NULL, NULL, NULL, ANSWERED},
    {"away", 1, ACKED, true, {0}, DROP, NULL, NULL, NULL, ANSWERED},
    {"away", 2, DELIVERED, true, {0}, DROP, NULL, NULL, NULL, ANSWERED},
    {"away", 2, ACKED, true, {0}, DISCONNECT, NULL, NULL, NULL, ANSWERED},
    {"away", 0, DELIVERED, true, {0}, DROP, NULL, NULL, NULL, ANSWERED},
    {"away, fail", 1, QUEUED, true, {FAIL}, DROP, "503", "queued", "no", OVER},
    {"away, fail", 2, QUEUED, true, {FAIL}, DISCONNECT, "503", "queued", "no", OVER},
    {"away, fail", 1, DELIVERED, true, {FAIL}, DROP, "503", "delivered", "maybe", FORGOTTEN},
    {"away, fail", 2, ACKED, true, {FAIL}, DROP, "503", "acked", "maybe", FORGOTTEN},
    {"away, fail", 0, DELIVERED, true, {FAIL}, DROP, "503", "delivered", "maybe", FORGOTTEN},
    {"away, refuse", 1, QUEUED, true, {REFUSE}, DROP, NULL, NULL, NULL, ANSWERED},
    {"away, refuse", 1, ACKED, true, {REFUSE}, DROP, NULL, NULL, NULL, ANSWERED},
    {"taken over", 1, QUEUED, true, {0}, TAKEOVER, NULL, NULL, NULL, ANSWERED},
    {"taken over", 1, DELIVERED, true, {0}, TAKEOVER, NULL, NULL, NULL, ANSWERED},
    {"taken over", 2, ACKED, true, {0}, TAKEOVER, NULL, NULL, NULL, ANSWERED},
    {"taken over", 1, QUEUED, false, {0}, TAKEOVER, "503", "queued", "no", OVER},
    {"taken over", 1, ACKED, false, {0}, TAKEOVER, "503", "acked", "maybe", FORGOTTEN},
    {"declined", 1, DELIVERED, false, {0}, DECLINE, "503", "delivered", "maybe", FORGOTTEN},
    {"declined", 2, DELIVERED, false, {0}, DECLINE, "503", "delivered", "maybe", FORGOTTEN},
    {"late", 0, DELIVERED, false, {TTL}, WAIT, "504", "delivered", "maybe", FORGOTTEN},
    {"late", 1, QUEUED, false, {TTL}, WAIT, "504", "queued", "no", OVER},
    {"late", 1, DELIVERED, false, {TTL}, WAIT, "504", "delivered", "maybe", FORGOTTEN},
    {"late", 2, ACKED, false, {TTL}, WAIT, "504", "acked", "maybe", FORGOTTEN},
    {"expiry", 1, QUEUED, false, {.expiry_s = 1}, WAIT, "504", "queued", "no", OVER},
    {"expiry", 2, QUEUED, false, {.expiry_s = 1}, WAIT, "504", "queued", "no", OVER},
    {"expiry", 1, DELIVERED, false, {.expiry_s = 1}, WAIT, "504", "delivered", "maybe", FORGOTTEN},
    {"both", 1, QUEUED, false, {.expiry_s = 60, TTL}, WAIT, "504", "queued", "no", OVER},
    {"both",
     1,
     QUEUED,
     false,
     {.expiry_s = 1, USERS(USER("rr-ttl", "2000"))},
     WAIT,
     "504",
     "queued",
     "no",
     OVER},
    {"no deadline", 1, QUEUED, false, {0}, WAIT, "504", "queued", "maybe", TOO_LATE},
    {"no deadline", 2, QUEUED, false, {0}, WAIT, "504", "queued", "maybe", TOO_LATE},
    {"no deadline", 1, ACKED, false, {0}, WAIT, "504", "acked", "maybe", FORGOTTEN},
};

static uint32_t
expiry_of(const struct fate *row)
{
    return row->event == EXPIRE ? 5 : row->lasts ? UINT32_MAX : 0;
}

static struct rig_client *
current(struct scene *s)
{
    return s->back.rig == NULL ? &s->responder : &s->back;
}

static void
plug(struct scene *s)
{
    struct wire_any packet;

    rig_publish_qos(&s->asker, PLUG, "p", 1, 9);
    rig_expect_ack(&s->asker, WIRE_PUBACK, 9, 0);
    rig_expect_publish(&s->responder, "p", &packet);
    s->plug_id = packet.as.publish.packet_id;
}

/* The request is asked, and comes as far as the row says. */
static void
bring(struct scene *s, const struct fate *row)
{
    connect_responder(s, &s->responder, expiry_of(row), true);
    rig_subscribe(&s->responder, "service/+", row->qos);
    rig_subscribe(&s->responder, PLUG, 1);
    if (row->come == QUEUED) {
        plug(s);
    }
    ask_at(s, row->ask, row->qos, 0);
    if (row->come != QUEUED) {
        expect_request(&s->responder, row->come == ACKED, &s->request);
    }
    rig_expect_nothing(&s->responder);
    rig_expect_nothing(&s->asker);
    assert_int_equal(audit_count(&s->r, COUNTER(rr_in_flight)), 1);
}

/* A moment before the deadline nothing has happened. */
static void
wait_for_deadline(struct scene *s, const struct fate *row)
{
    uint64_t ms = row->ask.user_count > 0 && row->ask.expiry_s != 1 ? 250
                  : row->ask.expiry_s > 0                           ? 1000
                                          : s->r.broker.settings.request_deadline_ms;

    rig_advance(&s->r, ms - 1);
    rig_expect_nothing(&s->asker);
    rig_advance(&s->r, 1);
}

static void
decline(struct scene *s)
{
    const struct wire_publish *p = &s->request.as.publish;
    const struct wire_any packet = {
        .type = p->qos == 1 ? WIRE_PUBACK : WIRE_PUBREC,
        .as.ack = {.packet_id = p->packet_id, .reason_code = 0x97},
    };

    rig_send(&s->responder, &packet);
}

static void
happen(struct scene *s, const struct fate *row)
{
    switch (row->event) {
    case DROP: rig_client_drop(&s->responder); break;
    case DISCONNECT: rig_disconnect(&s->responder, 0); break;
    case EXPIRE:
        rig_client_drop(&s->responder);
        rig_advance(&s->r, 4999);
        rig_expect_nothing(&s->asker);
        rig_advance(&s->r, 1);
        break;
    case TAKEOVER:
    case CLEAN_START: connect_responder(s, &s->back, UINT32_MAX, row->event == CLEAN_START); break;
    case DECLINE: decline(s); break;
    case WAIT: wait_for_deadline(s, row); break;
    }
}

/* What waited behind the plug is let out. */
static void
unplug(struct scene *s, struct rig_client *c, const struct fate *row)
{
    struct wire_any packet;

    if (row->come != QUEUED || (c == &s->back && !row->lasts)) {
        return;
    }
    if (c == &s->back) {
        rig_expect_publish(c, "p", &packet);
        assert_int_equal(packet.as.publish.packet_id, s->plug_id);
    }
    rig_ack(c, WIRE_PUBACK, s->plug_id);
}

/* QoS 1 and 2 that was not acknowledged is sent again, QoS 2 that was is released. */
static void
take_again(struct rig_client *c, const struct fate *row)
{
    struct wire_any packet;

    if (row->qos == 2 && row->come == ACKED) {
        return; /* expect_request() has brought it to its end */
    }
    if (row->qos > 0 && row->come == DELIVERED) {
        expect_request(c, true, &packet);
        assert_true(packet.as.publish.dup);
    }
}

/* The end of it, as the responder sees it. */
static void
conclude(struct scene *s, const struct fate *row)
{
    bool is_new = row->event == EXPIRE || row->event == CLEAN_START || !row->lasts;
    struct rig_client *c = current(s);

    if (!c->is_open) {
        connect_responder(s, &s->back, UINT32_MAX, false);
        c = &s->back;
    }
    if (!(c == &s->back && is_new)) {
        unplug(s, c, row);
    }
    if (c == &s->back && !is_new) {
        take_again(c, row);
    }
    if (row->come == QUEUED && (row->end == ANSWERED || row->end == TOO_LATE)) {
        expect_request(c, true, &s->request);
    }
    rig_expect_nothing(c);
    if (row->end == ANSWERED) {
        answer(s, c, "answer", 0, 0);
        expect_response(&s->asker, "c1", "answer");
    } else if (row->end != OVER && s->voice->is_inbox) {
        answer(s, c, "too late", 1, 9);
        rig_expect_ack(c, WIRE_PUBACK, 9, 0x87);
    }
}

static void
play_fate(const struct fate *row, unsigned shards, const struct voice *voice)
{
    struct settings settings = settings_default();
    struct scene s;

    settings.request_deadline_ms = 20000;
    print_message("%s, QoS %u, stage %d, %u shards, %s\n", row->name, row->qos, (int)row->come,
                  shards, voice->name);
    open_scene(&s, shards, &settings, voice);
    bring(&s, row);
    happen(&s, row);
    hear_status(&s, row->status, row->stage, row->exec);
    if (row->end == ANSWERED) {
        rig_advance(&s.r, 1000);
        rig_expect_nothing(&s.asker);
    }
    conclude(&s, row);
    close_scene(&s);
}

static void
test_somebody_has_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fates) / sizeof(fates[0]); i++) {
        for (size_t v = 0; v < VOICES; v++) {
            play_fate(&fates[i], 1, &voices[v]);
            play_fate(&fates[i], 4, &voices[v]);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_takes_it),
        cmocka_unit_test(test_somebody_has_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
