#include "base/random.h"
#include "link/send_window.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint16_t
must_add(struct send_window *w, enum send_stage stage)
{
    struct send_entry *e = NULL;

    assert_int_equal(send_window_add(w, stage, NULL, &e), WILCO_OK);
    assert_int_equal(e->stage, stage);
    assert_ptr_equal(send_window_find(w, e->packet_id), e);
    assert_int_not_equal(e->packet_id, 0); /* [MQTT-2.2.1-3] */
    return e->packet_id;
}

static void
must_remove(struct send_window *w, uint16_t packet_id)
{
    struct send_entry *e = send_window_find(w, packet_id);

    assert_non_null(e);
    send_window_remove(w, e);
    assert_null(send_window_find(w, packet_id));
}

/* Five in flight, over the end of the identifiers more than once: each new message gets one that is
 * not in use [MQTT-2.2.1-3], [MQTT-2.2.1-4], [MQTT-4.3.2-1], [MQTT-4.3.3-1]. */
static void
identifiers_count_upwards(void **state)
{
    struct send_window w;
    uint16_t in_flight[5];

    (void)state;
    send_window_init(&w, alloc_system());
    send_window_connect(&w, 10);
    for (uint32_t i = 0; i < 3 * 65535; i++) {
        uint16_t id = 0;

        if (i >= 5) {
            must_remove(&w, in_flight[i % 5]);
        }
        id = must_add(&w, SEND_AWAITS_PUBACK);
        if (i < 65535) {
            assert_int_equal(id, i + 1);
        }
        for (uint32_t j = 1; i >= 5 && j < 5; j++) {
            assert_int_not_equal(id, in_flight[(i + j) % 5]);
        }
        in_flight[i % 5] = id;
    }
    assert_int_equal(w.count, 5);
    assert_true(w.slot_count <= 8);
    send_window_fini(&w);
}

/* `before` identifiers have come and gone. */
static void
use_all_identifiers(uint32_t before)
{
    bool used[UINT16_MAX + 1] = {false};
    struct send_window w;
    struct send_entry *e = NULL;
    uint32_t n = 0;

    send_window_init(&w, alloc_system());
    send_window_connect(&w, UINT16_MAX);
    for (uint32_t i = 0; i < before; i++) {
        must_remove(&w, must_add(&w, SEND_AWAITS_PUBACK));
    }
    for (uint32_t i = 0; i < UINT16_MAX; i++) {
        uint16_t id = must_add(&w, i % 2 == 0 ? SEND_AWAITS_PUBREC : SEND_OTHER);

        assert_false(used[id]);
        used[id] = true;
    }
    assert_int_equal(w.count, UINT16_MAX);
    assert_int_equal(send_window_add(&w, SEND_AWAITS_PUBACK, NULL, &e), WILCO_AGAIN);
    assert_int_equal(send_window_add(&w, SEND_OTHER, NULL, &e), WILCO_AGAIN);
    for (e = send_window_first(&w); e != NULL; e = send_window_next(&w, e)) {
        n++;
    }
    assert_int_equal(n, UINT16_MAX);
    must_remove(&w, 40000);
    assert_int_equal(must_add(&w, SEND_AWAITS_PUBACK), 40000); /* the only one that is free */
    for (uint32_t id = UINT16_MAX; id > 0; id--) {
        must_remove(&w, (uint16_t)id);
    }
    assert_int_equal(w.quota, UINT16_MAX);
    assert_null(w.slots); /* a large table goes when it is empty */
    assert_non_null(send_window_find(&w, must_add(&w, SEND_OTHER)));
    send_window_fini(&w);
}

static void
all_identifiers_at_once(void **state)
{
    static const uint32_t before[] = {0, 1, 7, 8, 30000, 40000, 65534, 65535, 65536, 100000};

    (void)state;
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        use_all_identifiers(before[i]);
    }
}

static void
an_empty_window_owns_little(void **state)
{
    struct send_window w;

    (void)state;
    send_window_init(&w, alloc_system());
    send_window_connect(&w, UINT16_MAX);
    assert_null(w.slots);
    for (uint32_t n = 1; n < 3000; n = n * 2 + 1) {
        uint32_t first = must_add(&w, SEND_OTHER);

        for (uint32_t i = 1; i < n; i++) {
            assert_int_equal(must_add(&w, SEND_OTHER), first + i);
        }
        for (uint32_t i = 0; i < n; i++) {
            must_remove(&w, (uint16_t)(first + i));
        }
        assert_true(w.slot_count * sizeof(w.slots[0]) <= 1024);
        assert_null(send_window_first(&w));
        assert_null(send_window_find(&w, 1));
    }
    send_window_fini(&w);
}

/* MQTT 5.0, 4.9. A letter is a step: 1 and 2 add a PUBLISH of that QoS, o another packet, x removes
 * the oldest entry, c connects anew with a Receive Maximum of 3, r takes quota to send again; an
 * upper-case R or a trailing ! says that the step must be refused for want of quota. */
static const struct {
    const char *name;
    const char *script;
    uint16_t quota;
} rows[] = {
    {"full at first [MQTT-4.9.0-1]", "c", 3},
    {"each PUBLISH takes one [MQTT-4.9.0-2]", "c12", 1},
    {"none left",
     "c121"
     "1!2!",
     0},
    {"other packets take none [MQTT-4.9.0-3]", "c121ooo", 0},
    {"removal gives back", "c121x1", 0},
    {"never above the initial quota [U-4.9-1]", "c12cxx", 3},
    {"removing another packet gives nothing back", "co1x", 2},
    {"sent again takes quota", "c12crr1", 0},
    {"sending again needs quota",
     "c12crr1"
     "R",
     0},
    {"nothing before the first connection", "1!2!o", 0},
};

static bool
refused(enum wilco_status st)
{
    assert_true(st == WILCO_OK || st == WILCO_AGAIN);
    return st == WILCO_AGAIN;
}

static void
step(struct send_window *w, char c, bool is_refused)
{
    struct send_entry *e = NULL;

    switch (c) {
    case '1':
        assert_int_equal(refused(send_window_add(w, SEND_AWAITS_PUBACK, NULL, &e)), is_refused);
        break;
    case '2':
        assert_int_equal(refused(send_window_add(w, SEND_AWAITS_PUBREC, NULL, &e)), is_refused);
        break;
    case 'o':
        assert_int_equal(refused(send_window_add(w, SEND_OTHER, NULL, &e)), is_refused);
        break;
    case 'x': send_window_remove(w, send_window_first(w)); break;
    case 'c': send_window_connect(w, 3); break;
    case 'r': assert_true(send_window_resend(w)); break;
    case 'R': assert_false(send_window_resend(w)); break;
    default: break;
    }
}

static void
send_quota(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct send_window w;

        send_window_init(&w, alloc_system());
        for (const char *s = rows[i].script; *s != '\0'; s++) {
            step(&w, *s, s[1] == '!');
        }
        if (w.quota != rows[i].quota) {
            fail_msg("%s: quota %u", rows[i].name, (unsigned)w.quota);
        }
        send_window_fini(&w);
    }
}

/* The entries of a model, in order of sending. */
struct model {
    uint16_t ids[2000];
    uint8_t stages[2000];
    size_t count;
    uint16_t quota;
};

static void
assert_as_model(struct send_window *w, const struct model *m)
{
    struct send_entry *e = send_window_first(w);

    for (size_t i = 0; i < m->count; i++) {
        assert_non_null(e);
        assert_int_equal(e->packet_id, m->ids[i]);
        assert_int_equal(e->stage, m->stages[i]);
        assert_int_equal((uintptr_t)e->item, m->ids[i]);
        assert_ptr_equal(send_window_find(w, e->packet_id), e);
        e = send_window_next(w, e);
    }
    assert_null(e);
    assert_int_equal(w->count, m->count);
    assert_int_equal(w->quota, m->quota);
}

static void
model_add(struct model *m, struct send_window *w, enum send_stage stage)
{
    struct send_entry *e = NULL;
    enum wilco_status want = stage != SEND_OTHER && m->quota == 0 ? WILCO_AGAIN : WILCO_OK;

    assert_int_equal(send_window_add(w, stage, NULL, &e), want);
    if (want != WILCO_OK) {
        return;
    }
    for (size_t i = 0; i < m->count; i++) {
        assert_int_not_equal(m->ids[i], e->packet_id);
    }
    e->item = (void *)(uintptr_t)e->packet_id; /* NOLINT: a number stands for an item */
    m->ids[m->count] = e->packet_id;
    m->stages[m->count] = (uint8_t)stage;
    m->count++;
    m->quota = (uint16_t)(m->quota - (stage != SEND_OTHER));
}

static void
model_remove(struct model *m, struct send_window *w, size_t at, uint16_t quota_max)
{
    if (m->stages[at] != SEND_OTHER && m->quota < quota_max) {
        m->quota++;
    }
    must_remove(w, m->ids[at]);
    m->count--;
    for (size_t i = at; i < m->count; i++) {
        m->ids[i] = m->ids[i + 1];
        m->stages[i] = m->stages[i + 1];
    }
}

/* Grows and shrinks by turns, removes from anywhere. */
static void
behaves_as_an_ordered_list(void **state)
{
    static struct model m;
    const uint16_t quota_max = 700;
    struct random_seeded random;
    struct send_window w;

    (void)state;
    random_seeded_init(&random, 11);
    send_window_init(&w, alloc_system());
    send_window_connect(&w, quota_max);
    m.quota = quota_max;
    for (size_t i = 0; i < 60000; i++) {
        uint64_t r = 0;
        bool is_growing = (i / 3000) % 2 == 0;

        assert_int_equal(random_u64(&random.source, &r), WILCO_OK);
        if (m.count == 0 || (m.count < 1500 && r % 100 < (is_growing ? 70 : 30))) {
            model_add(&m, &w, (enum send_stage)(1 + (r >> 32) % 4));
        } else {
            model_remove(&m, &w, (r >> 32) % m.count, quota_max);
        }
        if (i % 50 == 0) {
            assert_as_model(&w, &m);
        }
    }
    send_window_fini(&w);
}

static void
the_next_one_survives_a_removal(void **state)
{
    struct send_window w;
    struct send_entry *e = NULL;
    uint16_t want = 2;

    (void)state;
    send_window_init(&w, alloc_system());
    for (size_t i = 0; i < 9; i++) {
        (void)must_add(&w, SEND_OTHER);
    }
    e = send_window_first(&w);
    while (e != NULL) { /* every odd one goes */
        struct send_entry *next = send_window_next(&w, e);

        if (e->packet_id % 2 == 1) {
            send_window_remove(&w, e);
        }
        e = next;
    }
    for (e = send_window_first(&w); e != NULL; e = send_window_next(&w, e)) {
        assert_int_equal(e->packet_id, want);
        want = (uint16_t)(want + 2);
    }
    assert_int_equal(want, 10);
    send_window_fini(&w);
}

static void
every_allocation_may_fail(void **state)
{
    struct failing_alloc a;
    size_t fail_at = 0;

    (void)state;
    do {
        struct send_window w;
        struct send_entry *e = NULL;
        uint32_t failures = 0;

        failing_alloc_init(&a, fail_at);
        send_window_init(&w, &a.alloc);
        send_window_connect(&w, 100);
        for (uint16_t i = 1; i <= 100; i++) {
            enum wilco_status st = send_window_add(&w, SEND_AWAITS_PUBACK, NULL, &e);

            if (st == WILCO_ENOMEM) {
                failures++;
                assert_int_equal(w.count, i - 1);
                assert_int_equal(w.quota, 100 - (i - 1));
                st = send_window_add(&w, SEND_AWAITS_PUBACK, NULL, &e);
            }
            assert_int_equal(st, WILCO_OK);
            assert_int_equal(e->packet_id, i);
        }
        assert_int_equal(failures, fail_at > 0 && fail_at <= a.attempts);
        send_window_fini(&w);
        assert_int_equal(a.live, 0);
        fail_at++;
    } while (fail_at <= a.attempts);
    assert_true(fail_at > 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identifiers_count_upwards),
        cmocka_unit_test(all_identifiers_at_once),
        cmocka_unit_test(an_empty_window_owns_little),
        cmocka_unit_test(send_quota),
        cmocka_unit_test(behaves_as_an_ordered_list),
        cmocka_unit_test(the_next_one_survives_a_removal),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
