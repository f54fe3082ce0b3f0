#include "base/json_text.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ROOM 1000U

static void
assert_text(const struct buffer *b, const char *want)
{
    if (!span_equal(buffer_span(b), span_of_text(want))) {
        fail_msg("%.*s is not %s", (int)b->len, (const char *)b->data, want);
    }
}

static void
strings_are_escaped(void **state)
{
    static const struct {
        struct span text;
        const char *want;
    } rows[] = {
        {SPAN_INIT(""), "\"\""},
        {SPAN_INIT("plain"), "\"plain\""},
        {SPAN_INIT("a\"b"), "\"a\\\"b\""},
        {SPAN_INIT("\\"), "\"\\\\\""},
        {SPAN_INIT("\n"), "\"\\u000a\""},
        {SPAN_INIT("\x1F tail"), "\"\\u001f tail\""},
        {SPAN_INIT("\0"), "\"\\u0000\""},
        {SPAN_INIT("\"\\\""), "\"\\\"\\\\\\\"\""},
        {SPAN_INIT("\x7F/"), "\"\x7F/\""},
        {SPAN_INIT("gr\xC3\xBC\xC3\x9F"), "\"gr\xC3\xBC\xC3\x9F\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer out;
        struct json_text j;

        buffer_init(&out, alloc_system(), ROOM);
        j = json_text_init(&out);
        json_text_string(&j, rows[i].text);
        assert_int_equal(j.status, WILCO_OK);
        assert_text(&out, rows[i].want);
        buffer_fini(&out);
    }
}

/* One of everything, in everything. */
static enum wilco_status
write_all(struct buffer *out)
{
    struct json_text j = json_text_init(out);

    json_text_begin_object(&j);
    json_text_key(&j, "none");
    json_text_begin_object(&j);
    json_text_end_object(&j);
    json_text_key(&j, "k\"ey");
    json_text_begin_array(&j);
    json_text_integer(&j, 0);
    json_text_integer(&j, UINT64_MAX);
    json_text_begin_array(&j);
    json_text_end_array(&j);
    json_text_string(&j, SPAN_LITERAL("s"));
    json_text_begin_object(&j);
    json_text_key(&j, "yes");
    json_text_bool(&j, true);
    json_text_key(&j, "no");
    json_text_bool(&j, false);
    json_text_key_of(&j, SPAN_LITERAL("a\"b"));
    json_text_value(&j, SPAN_LITERAL("{\"c\":1}"));
    json_text_end_object(&j);
    json_text_end_array(&j);
    json_text_end_object(&j);
    return j.status;
}

static const char all[] = "{\"none\":{},\"k\\\"ey\":[0,18446744073709551615,[],\"s\","
                          "{\"yes\":true,\"no\":false,\"a\\\"b\":{\"c\":1}}]}";

static void
commas_and_colons_come_by_themselves(void **state)
{
    struct buffer out;

    (void)state;
    buffer_init(&out, alloc_system(), ROOM);
    assert_int_equal(write_all(&out), WILCO_OK);
    assert_text(&out, all);
    buffer_fini(&out);
}

static void
the_ceiling_of_the_buffer_bounds_it(void **state)
{
    (void)state;
    for (size_t ceiling = 0; ceiling <= sizeof(all) - 1; ceiling++) {
        struct buffer out;

        buffer_init(&out, alloc_system(), ceiling);
        assert_int_equal(write_all(&out), ceiling == sizeof(all) - 1 ? WILCO_OK : WILCO_ELIMIT);
        assert_true(span_equal(buffer_span(&out), span_of(all, out.len)));
        buffer_fini(&out);
    }
}

static void
without_memory_the_first_failure_sticks(void **state)
{
    struct failing_alloc f;
    struct buffer out;

    (void)state;
    failing_alloc_init(&f, 2);
    buffer_init(&out, &f.alloc, ROOM);
    assert_int_equal(write_all(&out), WILCO_ENOMEM);
    assert_true(out.len <= 64);
    assert_int_equal(f.attempts, 2);
    buffer_fini(&out);
    assert_int_equal(f.live, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(commas_and_colons_come_by_themselves),
        cmocka_unit_test(the_ceiling_of_the_buffer_bounds_it),
        cmocka_unit_test(without_memory_the_first_failure_sticks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
