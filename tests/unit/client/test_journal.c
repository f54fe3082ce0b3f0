#define _POSIX_C_SOURCE 200809L

#include "client/journal.h"

#include "client/journal_record.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HEADER_BYTES 16U

struct place {
    char folder[64];
    char path[80];
};

static void
place_init(struct place *p)
{
    (void)snprintf(p->folder, sizeof(p->folder), "/tmp/wilco_journal_XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->path, sizeof(p->path), "%s/journal", p->folder);
}

static void
place_fini(const struct place *p)
{
    (void)unlink(p->path);
    assert_int_equal(rmdir(p->folder), 0); /* nothing else was left in it */
}

static void
write_file(const struct place *p, struct span bytes)
{
    FILE *f = fopen(p->path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes.data, 1, bytes.len, f), bytes.len);
    assert_int_equal(fclose(f), 0);
}

static size_t
file_bytes(const struct place *p)
{
    struct stat s;

    assert_int_equal(stat(p->path, &s), 0);
    return (size_t)s.st_size;
}

static const struct journal_record samples[] = {
    {JOURNAL_STARTED, 1, 5000, SPAN_INIT("a/b"), SPAN_INIT("one"), {NULL, 0}},
    {JOURNAL_ANSWERED, 2, UINT64_MAX, SPAN_INIT("a"), SPAN_INIT("\0\1"), SPAN_INIT("packet")},
    {JOURNAL_SENT, 0, 0, SPAN_INIT("x"), SPAN_INIT(""), {NULL, 0}},
};
#define SAMPLE_COUNT (sizeof(samples) / sizeof(samples[0]))

static void
make_samples(struct buffer *b)
{
    buffer_init(b, alloc_system(), 100000);
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        assert_int_equal(journal_record_append(b, &samples[i]), WILCO_OK);
    }
}

/* How many records of `in` come out as they went in. */
static size_t
count_samples(struct span in)
{
    struct journal_record r;
    size_t count = 0;

    while (journal_record_next(&in, &r)) {
        const struct journal_record *want = &samples[count++ % SAMPLE_COUNT];

        assert_int_equal(r.kind, want->kind);
        assert_int_equal(r.qos, want->qos);
        assert_true(r.deadline_ms == want->deadline_ms);
        assert_true(span_equal(r.topic, want->topic));
        assert_true(span_equal(r.correlation, want->correlation));
        assert_true(span_equal(r.answer, want->answer));
    }
    return count;
}

static enum wilco_status
open_and_count(const struct place *p, size_t *count)
{
    struct journal *j = NULL;
    struct buffer records;
    enum wilco_status st;

    buffer_init(&records, alloc_system(), JOURNAL_BYTES_MAX);
    st = journal_open(&j, alloc_system(), p->path, &records);
    *count = st == WILCO_OK ? count_samples(buffer_span(&records)) : 0;
    buffer_fini(&records);
    journal_close(j);
    return st;
}

static struct journal *
must_open(const struct place *p)
{
    struct journal *j = NULL;
    struct buffer records;

    buffer_init(&records, alloc_system(), JOURNAL_BYTES_MAX);
    assert_int_equal(journal_open(&j, alloc_system(), p->path, &records), WILCO_OK);
    buffer_fini(&records);
    return j;
}

static void
what_was_appended_is_there(void **state)
{
    struct buffer b;
    struct place p;
    size_t count = 0;

    (void)state;
    place_init(&p);
    make_samples(&b);
    for (size_t times = 0; times < 3; times++) {
        struct journal *j = must_open(&p);

        assert_int_equal(journal_append(j, buffer_span(&b), times % 2 == 0), WILCO_OK);
        journal_close(j);
        assert_int_equal(open_and_count(&p, &count), WILCO_OK);
        assert_int_equal(count, SAMPLE_COUNT * (times + 1));
    }
    buffer_fini(&b);
    place_fini(&p);
}

/* Cut at every byte, it has the records that are whole, and goes on behind them. */
static void
a_torn_tail_is_cut_off(void **state)
{
    struct buffer file;
    struct buffer b;
    struct span last;
    struct place p;
    size_t whole[SAMPLE_COUNT + 1] = {HEADER_BYTES};

    (void)state;
    place_init(&p);
    make_samples(&b);
    last = buffer_span(&b);
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        struct journal_record r;

        assert_true(journal_record_next(&last, &r));
        whole[i + 1] = HEADER_BYTES + b.len - last.len;
    }
    buffer_init(&file, alloc_system(), 100000);
    assert_int_equal(buffer_append(&file, JOURNAL_HEADER), WILCO_OK);
    assert_int_equal(buffer_append(&file, buffer_span(&b)), WILCO_OK);
    for (size_t cut = 0; cut <= file.len; cut++) {
        struct journal *j = NULL;
        size_t want = 0;
        size_t count = 0;

        while (want < SAMPLE_COUNT && cut >= whole[want + 1]) {
            want++;
        }
        write_file(&p, span_first(buffer_span(&file), cut));
        assert_int_equal(open_and_count(&p, &count), WILCO_OK);
        assert_int_equal(count, want);
        assert_int_equal(file_bytes(&p), whole[want]);
        if (want == SAMPLE_COUNT) {
            j = must_open(&p);
            assert_int_equal(journal_append(j, buffer_span(&b), true), WILCO_OK);
            journal_close(j);
            assert_int_equal(open_and_count(&p, &count), WILCO_OK);
            assert_int_equal(count, 2 * SAMPLE_COUNT);
        }
    }
    buffer_fini(&file);
    buffer_fini(&b);
    place_fini(&p);
}

/* Any bit: what comes before is there, what is wrong never is. */
static void
a_flipped_bit_is_seen(void **state)
{
    struct buffer file;
    struct buffer b;
    struct place p;

    (void)state;
    place_init(&p);
    make_samples(&b);
    buffer_init(&file, alloc_system(), 100000);
    assert_int_equal(buffer_append(&file, JOURNAL_HEADER), WILCO_OK);
    assert_int_equal(buffer_append(&file, buffer_span(&b)), WILCO_OK);
    for (size_t bit = 0; bit < file.len * 8; bit++) {
        size_t count = 0;
        enum wilco_status st;

        file.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        write_file(&p, buffer_span(&file));
        st = open_and_count(&p, &count);
        file.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (bit < 8UL * HEADER_BYTES) {
            assert_int_equal(st, WILCO_EINVAL); /* not ours: not touched */
            assert_int_equal(file_bytes(&p), file.len);
        } else {
            assert_int_equal(st, WILCO_OK);
            assert_true(count < SAMPLE_COUNT);
        }
    }
    buffer_fini(&file);
    buffer_fini(&b);
    place_fini(&p);
}

static void
only_one_has_it(void **state)
{
    struct journal *j = NULL;
    struct buffer b;
    struct place p;
    size_t count = 0;

    (void)state;
    place_init(&p);
    make_samples(&b);
    j = must_open(&p);
    assert_int_equal(open_and_count(&p, &count), WILCO_EIO);
    assert_int_equal(journal_replace(j, buffer_span(&b)), WILCO_OK);
    assert_int_equal(open_and_count(&p, &count), WILCO_EIO);
    journal_close(j);
    assert_int_equal(open_and_count(&p, &count), WILCO_OK);
    assert_int_equal(count, SAMPLE_COUNT);
    buffer_fini(&b);
    place_fini(&p);
}

static void
is_replaced_as_a_whole(void **state)
{
    struct journal *j = NULL;
    struct buffer b;
    struct place p;
    size_t count = 0;

    (void)state;
    place_init(&p);
    make_samples(&b);
    j = must_open(&p);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(journal_append(j, buffer_span(&b), false), WILCO_OK);
    }
    assert_int_equal(journal_replace(j, buffer_span(&b)), WILCO_OK);
    assert_int_equal(file_bytes(&p), HEADER_BYTES + b.len);
    assert_int_equal(journal_append(j, buffer_span(&b), true), WILCO_OK);
    journal_close(j);
    assert_int_equal(open_and_count(&p, &count), WILCO_OK);
    assert_int_equal(count, 2 * SAMPLE_COUNT);
    buffer_fini(&b);
    place_fini(&p);
}

/* A disk that is full leaves no half record, and may have room later. */
static void
a_full_disk_does_no_harm(void **state)
{
    struct rlimit before;
    struct rlimit small;
    struct journal *j = NULL;
    struct buffer b;
    struct place p;
    size_t count = 0;

    (void)state;
    place_init(&p);
    make_samples(&b);
    j = must_open(&p);
    assert_int_equal(journal_append(j, buffer_span(&b), true), WILCO_OK);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = HEADER_BYTES + b.len + 10;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(journal_append(j, buffer_span(&b), true), WILCO_EIO);
    assert_int_equal(file_bytes(&p), HEADER_BYTES + b.len);
    small.rlim_cur = 10;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(journal_replace(j, buffer_span(&b)), WILCO_EIO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(journal_append(j, buffer_span(&b), true), WILCO_OK);
    journal_close(j);
    assert_int_equal(open_and_count(&p, &count), WILCO_OK);
    assert_int_equal(count, 2 * SAMPLE_COUNT);
    buffer_fini(&b);
    place_fini(&p);
}

static void
says_what_it_cannot_use(void **state)
{
    struct place p;
    size_t count = 0;

    (void)state;
    place_init(&p);
    write_file(&p, SPAN_LITERAL("something else, and longer"));
    assert_int_equal(open_and_count(&p, &count), WILCO_EINVAL);
    assert_int_equal(file_bytes(&p), 26);
    (void)unlink(p.path);
    {
        struct place folder = p;
        struct place nowhere = p;

        (void)snprintf(folder.path, sizeof(folder.path), "%s", p.folder);
        assert_int_equal(open_and_count(&folder, &count), WILCO_EIO);
        (void)snprintf(nowhere.path, sizeof(nowhere.path), "%s/no/where", p.folder);
        assert_int_equal(open_and_count(&nowhere, &count), WILCO_EIO);
    }
    place_fini(&p);
}

static void
survives_every_failure(void **state)
{
    bool is_done = false;
    struct buffer b;
    struct place p;

    (void)state;
    place_init(&p);
    make_samples(&b);
    for (size_t fail_at = 1; !is_done; fail_at++) {
        struct failing_alloc alloc;
        struct journal *j = NULL;
        struct buffer records;

        failing_alloc_init(&alloc, fail_at);
        buffer_init(&records, &alloc.alloc, JOURNAL_BYTES_MAX);
        if (journal_open(&j, &alloc.alloc, p.path, &records) == WILCO_OK &&
            journal_append(j, buffer_span(&b), false) == WILCO_OK) {
            enum wilco_status st = journal_replace(j, buffer_span(&b));

            is_done = alloc.attempts < fail_at;
            assert_int_equal(st, is_done ? WILCO_OK : WILCO_ENOMEM);
        }
        journal_close(j);
        buffer_fini(&records);
        assert_int_equal(alloc.live, 0);
        assert_true(fail_at < 100);
    }
    buffer_fini(&b);
    place_fini(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_appended_is_there), cmocka_unit_test(a_torn_tail_is_cut_off),
        cmocka_unit_test(a_flipped_bit_is_seen),      cmocka_unit_test(only_one_has_it),
        cmocka_unit_test(is_replaced_as_a_whole),     cmocka_unit_test(a_full_disk_does_no_harm),
        cmocka_unit_test(says_what_it_cannot_use),    cmocka_unit_test(survives_every_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
