#include "desk.h"

#include "client/journal_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* A responder with a journal whose file the test plays: nothing is written before it says so. */

#define ID "0123456789abcdef"

static int closed_count;

static void
close_file(void *file)
{
    assert_string_equal(file, "file");
    closed_count++;
}

/* Opens with what a journal has held. */
static enum wilco_status
open_with(struct peer *p, struct span records, const struct wilco_responder *more)
{
    static char file[] = "file";
    struct wilco_responder options = *more;
    struct core_journal journal = {.file = file, .close = close_file};
    const struct core_subscriber to = {.on_request = desk_on_request,
                                       .options = &options,
                                       .journal = &journal,
                                       .records = records};
    uint8_t reason_code = 0;
    enum wilco_status st;

    options.journal = file;
    closed_count = 0;
    peer_open(p, NULL, NULL);
    st = core_subscribe(p->core, &(struct wilco_subscription){.filter = "do", .qos = 1}, &to, p,
                        &reason_code);
    if (journal.file != NULL) {
        close_file(journal.file);
    }
    return st;
}

static void
must_open(struct peer *p, struct span records)
{
    const struct wilco_responder options = {.filter = "do"};
    struct core_event event;

    assert_int_equal(open_with(p, records, &options), WILCO_OK);
    (void)peer_grant(p, 1);
    peer_awaited(p, CORE_OPERATION, &event);
}

static void
close_all(struct peer *p)
{
    peer_close(p);
    assert_int_equal(closed_count, 1);
}

/* Takes what is to be written: these records in this order ("SA": started, answered). */
static struct core_log
take_log(struct peer *p, const char *kinds)
{
    struct journal_record r;
    struct core_log log;
    struct span rest;

    assert_true(core_has_log(p->core));
    assert_true(core_next_log(p->core, &log));
    rest = log.records;
    for (; *kinds != '\0'; kinds++) {
        assert_true(journal_record_next(&rest, &r));
        assert_int_equal(r.kind, *kinds == 'S'   ? JOURNAL_STARTED
                                 : *kinds == 'A' ? JOURNAL_ANSWERED
                                                 : JOURNAL_SENT);
        assert_true(span_equal(r.topic, SPAN_LITERAL("back")));
    }
    assert_int_equal(rest.len, 0);
    return log;
}

static void
say_written(struct peer *p, const struct core_log *log, bool is_written)
{
    core_logged(p->core, log->responder, &(struct core_logged){.is_written = is_written});
}

static void
write_log(struct peer *p, const char *kinds)
{
    struct core_log log = take_log(p, kinds);

    assert_true(log.must_sync);
    say_written(p, &log, true);
}

static void
nothing_happens_before_it_is_written(void **state)
{
    struct desk_answer answer;
    struct wilco_call *call = NULL;
    struct core_log log;
    struct peer p;

    (void)state;
    must_open(&p, SPAN_EMPTY);
    assert_false(core_has_log(p.core));
    desk_deliver(&p, &(struct desk_request){.correlation = ID, .packet_id = 1, .expiry_s = 60});
    peer_no_event(&p);
    log = take_log(&p, "S");
    peer_no_event(&p);
    peer_expect_nothing(&p); /* no PUBACK */
    assert_false(core_has_log(p.core));
    say_written(&p, &log, true);
    desk_expect_puback(&p, 1);
    call = desk_expect_call(&p, ID);
    desk_reply(&p, call, "done", WILCO_OK);
    peer_drop_call(&p, call);
    log = take_log(&p, "A");
    desk_deliver(&p, &(struct desk_request){.correlation = ID, .packet_id = 2, .expiry_s = 60});
    peer_no_event(&p);
    desk_expect_puback(&p, 2); /* it is known */
    peer_expect_nothing(&p);   /* but no answer leaves */
    say_written(&p, &log, true);
    desk_expect_answer(&p, &answer);
    assert_string_equal(answer.payload, "done");
    log = take_log(&p, ""); /* that for the repetition waits its turn */
    assert_false(log.must_sync);
    say_written(&p, &log, true);
    desk_expect_answer(&p, &answer);
    assert_string_equal(answer.payload, "done");
    assert_false(core_has_log(p.core));
    assert_int_equal(peer_counters(&p).calls, 1);
    close_all(&p);
}

static void
one_write_serves_many(void **state)
{
    struct wilco_call *calls[3];
    struct peer p;
    char name[8];

    (void)state;
    must_open(&p, SPAN_EMPTY);
    for (unsigned i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        desk_deliver(&p, &(struct desk_request){.correlation = name});
    }
    peer_no_event(&p);
    write_log(&p, "SSS");
    for (unsigned i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        calls[i] = desk_expect_call(&p, name);
        desk_reply(&p, calls[i], "done", WILCO_OK);
        peer_drop_call(&p, calls[i]);
    }
    write_log(&p, "AAA");
    for (unsigned i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        desk_expect_status(&p, "200", name);
    }
    close_all(&p);
}

static void
what_cannot_be_written_is_not_executed(void **state)
{
    struct wilco_call *call = NULL;
    struct core_log log;
    struct peer p;

    (void)state;
    must_open(&p, SPAN_EMPTY);
    desk_deliver(&p, &(struct desk_request){.correlation = "a", .packet_id = 1});
    peer_no_event(&p);
    log = take_log(&p, "S");
    say_written(&p, &log, false);
    desk_expect_status(&p, "503", "a");
    desk_expect_puback(&p, 1);
    peer_no_event(&p);
    assert_int_equal(peer_counters(&p).calls, 0);
    desk_deliver(&p, &(struct desk_request){.correlation = "a", .packet_id = 2}); /* a retry */
    peer_no_event(&p);
    write_log(&p, "S");
    call = desk_expect_call(&p, "a");
    desk_reply(&p, call, "done", WILCO_OK);
    peer_drop_call(&p, call);
    log = take_log(&p, "A");
    say_written(&p, &log, false); /* what was executed is answered nevertheless */
    desk_expect_puback(&p, 2);
    desk_expect_status(&p, "200", "a");
    close_all(&p);
}

/* Makes a journal with one record after the other, for "back" and `ID`. */
static void
put(struct buffer *b, enum journal_kind kind, const char *correlation, uint64_t deadline_ms,
    struct span answer)
{
    const struct journal_record r = {
        .kind = kind,
        .qos = 1,
        .deadline_ms = deadline_ms,
        .topic = SPAN_LITERAL("back"),
        .correlation = span_of_text(correlation),
        .answer = answer,
    };

    assert_int_equal(journal_record_append(b, &r), WILCO_OK);
}

#define WALL_MS UINT64_C(1700000000000)

/* The PUBLISH that answers `correlation`. */
static struct span
packet_for(const char *correlation, uint8_t bytes[128])
{
    struct wire_publish p = {.qos = 1, .packet_id = 9, .topic = SPAN_LITERAL("back")};
    struct wire_writer w = wire_writer_init(bytes, 128);
    const struct wire_user_property status = {SPAN_LITERAL("__stat"), SPAN_LITERAL("200")};
    size_t len = 0;

    p.payload = span_of_text(correlation);
    p.properties.correlation_data = span_of_text(correlation);
    wire_properties_set(&p.properties, WIRE_CORRELATION_DATA);
    p.properties.message_expiry_interval = 99;
    wire_properties_set(&p.properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    p.properties.users = &status;
    p.properties.user_count = 1;
    wire_publish_encode(&w, &p, WIRE_V5);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    return span_of(bytes, len);
}

static void
goes_on_where_the_journal_ends(void **state)
{
    static const struct {
        const char *name;
        bool is_answered, is_sent;
        uint64_t deadline_ms;
        const char *at_once; /* the status that is published unasked; NULL: none */
        const char *again;   /* and when the request comes again; NULL: it is executed */
    } rows[] = {
        {"started", false, false, WALL_MS + 10000, "500", "500"},
        {"started, no deadline", false, false, UINT64_MAX, "500", "500"},
        {"started, expired", false, false, WALL_MS, NULL, NULL},
        {"answered", true, false, WALL_MS + 10000, "200", "200"},
        {"answered, expired", true, false, WALL_MS - 1, NULL, NULL},
        {"sent", true, true, WALL_MS + 10000, NULL, "200"},
        {"sent, expired", true, true, WALL_MS - 100000, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t bytes[128];
        struct desk_answer answer;
        struct buffer b;
        struct peer p;

        print_message("%s\n", rows[i].name);
        buffer_init(&b, alloc_system(), 100000);
        put(&b, JOURNAL_STARTED, ID, rows[i].deadline_ms, SPAN_EMPTY);
        if (rows[i].is_answered) {
            put(&b, JOURNAL_ANSWERED, ID, rows[i].deadline_ms, packet_for(ID, bytes));
        }
        if (rows[i].is_sent) {
            put(&b, JOURNAL_SENT, ID, rows[i].deadline_ms, SPAN_EMPTY);
        }
        must_open(&p, buffer_span(&b));
        buffer_fini(&b);
        if (rows[i].at_once != NULL) {
            struct core_log log = take_log(&p, rows[i].is_answered ? "" : "A");

            peer_expect_nothing(&p);
            say_written(&p, &log, true);
            desk_expect_answer(&p, &answer);
            assert_string_equal(answer.status, rows[i].at_once);
            assert_string_equal(answer.correlation, ID);
            assert_int_equal(answer.packet.as.publish.properties.message_expiry_interval, 10);
            assert_int_equal(answer.packet.as.publish.qos, 1);
        }
        assert_false(core_has_log(p.core));
        desk_deliver(&p, &(struct desk_request){.correlation = ID, .packet_id = 1, .expiry_s = 5});
        peer_no_event(&p);
        if (rows[i].again != NULL) {
            struct core_log log = take_log(&p, "");

            say_written(&p, &log, true);
            desk_expect_puback(&p, 1);
            desk_expect_answer(&p, &answer);
            assert_string_equal(answer.status, rows[i].again);
            assert_int_equal(answer.packet.as.publish.properties.message_expiry_interval, 5);
            if (rows[i].is_answered) {
                assert_string_equal(answer.payload, ID);
            } else {
                assert_string_equal(answer.text, "interrupted: may have been executed");
            }
            assert_int_equal(peer_counters(&p).calls_repeated, 1);
        } else {
            write_log(&p, "S");
            peer_drop_call(&p, desk_expect_call(&p, ID));
        }
        close_all(&p);
    }
}

static void
a_journal_that_has_grown_is_replaced(void **state)
{
    static const char bytes[2048];
    const struct wilco_reply reply = {.payload = {bytes, sizeof(bytes)}};
    struct journal_record r;
    struct core_log log = {.file = NULL};
    struct wilco_call *running = NULL;
    struct span rest;
    struct peer p;
    char name[8];
    unsigned i = 0;

    (void)state;
    must_open(&p, SPAN_EMPTY);
    desk_deliver(&p, &(struct desk_request){.correlation = "runs", .expiry_s = 3600});
    peer_no_event(&p);
    write_log(&p, "S");
    running = desk_expect_call(&p, "runs");
    do { /* a second each, so that the last ten or so count */
        struct wilco_call *call = NULL;
        struct wire_any packet;

        (void)snprintf(name, sizeof(name), "%u", i++);
        desk_deliver(&p, &(struct desk_request){.correlation = name, .expiry_s = 10});
        peer_no_event(&p);
        assert_true(core_next_log(p.core, &log));
        if (log.has_whole) {
            break;
        }
        say_written(&p, &log, true);
        call = desk_expect_call(&p, name);
        assert_int_equal(core_reply(p.core, call, &reply, p.now_ms), WILCO_OK);
        peer_drop_call(&p, call);
        write_log(&p, "A");
        peer_expect(&p, WIRE_PUBLISH, &packet);
        peer_advance(&p, 1000);
        assert_true(i < 200);
    } while (true);
    assert_true(i > 30); /* 64 KiB */
    rest = log.whole;
    assert_true(rest.len < 30000);
    assert_true(journal_record_next(&rest, &r));
    assert_int_equal(r.kind, JOURNAL_STARTED);
    assert_true(span_equal(r.correlation, SPAN_LITERAL("runs")));
    assert_true(journal_record_next(&rest, &r));
    assert_int_equal(r.kind, JOURNAL_STARTED); /* the one that is about to start */
    assert_true(span_equal(r.correlation, span_of_text(name)));
    assert_true(journal_record_next(&rest, &r));
    assert_int_equal(r.kind, JOURNAL_ANSWERED);
    core_logged(p.core, log.responder, &(struct core_logged){.is_replaced = true});
    peer_drop_call(&p, desk_expect_call(&p, name));
    assert_true(core_next_log(p.core, &log));
    assert_false(log.has_whole); /* it is small again */
    say_written(&p, &log, true);
    peer_drop_call(&p, running);
    close_all(&p);
}

/* That an answer has arrived is written with what comes next, or at the end. */
static void
notes_what_has_arrived(void **state)
{
    struct desk_answer answer;
    struct wilco_call *call = NULL;
    struct core_log log;
    struct peer p;

    (void)state;
    must_open(&p, SPAN_EMPTY);
    desk_deliver(&p, &(struct desk_request){.correlation = "a", .packet_id = 1});
    peer_no_event(&p);
    write_log(&p, "S");
    call = desk_expect_call(&p, "a");
    desk_expect_puback(&p, 1);
    desk_reply(&p, call, "done", WILCO_OK);
    peer_drop_call(&p, call);
    write_log(&p, "A");
    desk_expect_answer(&p, &answer);
    peer_ack(&p, WIRE_PUBACK, answer.packet.as.publish.packet_id, 0);
    assert_false(core_has_log(p.core));
    core_close(p.core);
    log = take_log(&p, "s");
    say_written(&p, &log, true);
    close_all(&p);
}

static void
refuses_what_makes_no_sense(void **state)
{
    const struct wilco_responder options = {.repeat_off = true};
    struct peer p;

    (void)state;
    assert_int_equal(open_with(&p, SPAN_EMPTY, &options), WILCO_EINVAL);
    close_all(&p);
}

static void
reading_survives_every_failure(void **state)
{
    const struct wilco_responder options = {.filter = "do"};
    uint8_t bytes[128];
    struct buffer b;
    bool is_done = false;

    (void)state;
    buffer_init(&b, alloc_system(), 100000);
    put(&b, JOURNAL_STARTED, "a", WALL_MS + 1000, SPAN_EMPTY);
    put(&b, JOURNAL_ANSWERED, "b", WALL_MS + 1000, packet_for("b", bytes));
    for (size_t fail_at = 1; !is_done; fail_at++) {
        static char file[] = "file";
        struct wilco_responder with = options;
        struct core_journal journal = {.file = file, .close = close_file};
        const struct core_subscriber to = {.on_request = desk_on_request,
                                           .options = &with,
                                           .journal = &journal,
                                           .records = buffer_span(&b)};
        struct core_log log;
        struct peer p;
        uint8_t reason_code = 0;
        enum wilco_status st;

        with.journal = file;
        closed_count = 0;
        peer_open(&p, NULL, NULL);
        p.alloc.attempts = 0;
        p.alloc.fail_at = fail_at;
        st = core_subscribe(p.core, &(struct wilco_subscription){.filter = "do"}, &to, &p,
                            &reason_code);
        while (core_next_log(p.core, &log)) {
            say_written(&p, &log, true);
        }
        is_done = p.alloc.attempts < fail_at;
        assert_true(st == WILCO_ENOMEM || st == WILCO_OK);
        assert_true(!is_done || st == WILCO_OK);
        if (journal.file != NULL) {
            close_file(journal.file);
        }
        close_all(&p);
        assert_true(fail_at < 100);
    }
    buffer_fini(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_happens_before_it_is_written),
        cmocka_unit_test(one_write_serves_many),
        cmocka_unit_test(what_cannot_be_written_is_not_executed),
        cmocka_unit_test(goes_on_where_the_journal_ends),
        cmocka_unit_test(a_journal_that_has_grown_is_replaced),
        cmocka_unit_test(notes_what_has_arrived),
        cmocka_unit_test(refuses_what_makes_no_sense),
        cmocka_unit_test(reading_survives_every_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
