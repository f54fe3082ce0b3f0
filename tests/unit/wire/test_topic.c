#include "wire/topic.h"

#include "base/random.h"
#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
names(void **state)
{
    static const struct {
        const char *name;
        bool want;
    } rows[] = {
        {"a", true},      {"/", true},         {"a/b", true},          {"/a//b/", true},
        {"$SYS/x", true}, {" ", true},         {"r\u00E9ponse", true}, {"$share/g/a", true},
        {"", false},      {"+", false},        {"#", false},           {"a/+/b", false},
        {"a#b", false},   {"abcdefg+", false}, {"abcdefgh#", false},   {"a/b/#", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct span name = bytes_copy(span_of_text(rows[i].name));

        assert_int_equal(topic_name_is_valid(name), rows[i].want);
        bytes_free(name);
    }
}

/* Every byte at every place, so that the words read at once meet it everywhere. */
static void
wildcards_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < 20 * 20 * 256; i++) {
        size_t len = 1 + i / 256 / 20;
        size_t at = i / 256 % 20;
        uint8_t byte = (uint8_t)(i % 256);
        uint8_t text[20];
        struct span name;

        memset(text, 'x', sizeof(text));
        text[at] = byte;
        name = bytes_copy(span_of(text, len));
        assert_int_equal(topic_has_wildcard(name), at < len && (byte == '+' || byte == '#'));
        bytes_free(name);
    }
}

static void
filters(void **state)
{
    static const struct {
        const char *filter;
        bool want;
    } rows[] = {
        {"a", true},
        {"/", true},
        {"#", true},
        {"+", true},
        {"/#", true},
        {"a/#", true},
        {"+/+", true},
        {"/+", true},
        {"+/b/#", true},
        {"a//b", true},
        {"$SYS/#", true},
        {"$share", true},
        {"$shared/a", true},
        {"", false},
        {"a#", false},
        {"#a", false},
        {"##", false},
        {"#/", false},
        {"a/#/b", false},
        {"a+", false},
        {"+a/b", false},
        {"a/b+", false},
        {"a/++", false},
        {"+#", false},
        /* [MQTT-4.8.2-1], [MQTT-4.8.2-2] */
        {"$share/g/a", true},
        {"$share/g/#", true},
        {"$share/g//", true},
        {"$share/g/+/a", true},
        {"$share/g/$share/h/a", true},
        {"$share/", false},
        {"$share//a", false},
        {"$share/g", false},
        {"$share/g/", false},
        {"$share/+/a", false},
        {"$share/#/a", false},
        {"$share/a#/b", false},
        {"$share/g+/b", false},
        {"$share/g/a#", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct span filter = bytes_copy(span_of_text(rows[i].filter));

        if (topic_filter_is_valid(filter) != rows[i].want) {
            fail_msg("%s", rows[i].filter);
        }
        bytes_free(filter);
    }
}

/* [MQTT-4.7.3-3] */
static void
the_longest(void **state)
{
    static uint8_t text[TOPIC_BYTES_MAX + 1];

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_true(topic_name_is_valid(span_of(text, TOPIC_BYTES_MAX)));
    assert_true(topic_filter_is_valid(span_of(text, TOPIC_BYTES_MAX)));
    assert_false(topic_name_is_valid(span_of(text, sizeof(text))));
    assert_false(topic_filter_is_valid(span_of(text, sizeof(text))));
    memcpy(text, "$share/g/", 9);
    assert_true(topic_filter_is_valid(span_of(text, TOPIC_BYTES_MAX)));
    assert_false(topic_filter_is_valid(span_of(text, sizeof(text))));
}

static void
shares_come_apart(void **state)
{
    static const struct {
        const char *filter;
        bool want;
        const char *group;
        const char *inner;
    } rows[] = {
        {"$share/g/a/b", true, "g", "a/b"},
        {"$share/g//", true, "g", "/"},
        {"$share/g/", true, "g", ""},
        {"$share/g", true, "g", ""},
        {"$share//a", true, "", "a"},
        {"$share/", true, "", ""},
        {"$share", false, NULL, NULL},
        {"$shar/g/a", false, NULL, NULL},
        {"$SHARE/g/a", false, NULL, NULL},
        {"a/$share/g/a", false, NULL, NULL},
        {"", false, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct span filter = bytes_copy(span_of_text(rows[i].filter));
        struct span group;
        struct span inner;

        assert_int_equal(topic_share_split(filter, &group, &inner), rows[i].want);
        if (rows[i].want) {
            assert_true(span_equal(group, span_of_text(rows[i].group)));
            assert_true(span_equal(inner, span_of_text(rows[i].inner)));
        }
        bytes_free(filter);
    }
}

static void
levels(void **state)
{
    static const struct {
        const char *topic;
        const char *levels; /* each in brackets */
        size_t count;
    } rows[] = {
        {"a", "[a]", 1},    {"a/b", "[a][b]", 2}, {"a//b", "[a][][b]", 3}, {"/", "[][]", 2},
        {"/a", "[][a]", 2}, {"a/", "[a][]", 2},   {"", "[]", 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct span topic = bytes_copy(span_of_text(rows[i].topic));
        struct topic_levels left = topic_levels_of(topic);
        struct span level;
        char seen[32] = "";
        size_t len = 0;
        size_t count = 0;

        while (topic_level_next(&left, &level)) {
            seen[len++] = '[';
            if (level.len > 0) {
                memcpy(seen + len, level.data, level.len);
            }
            len += level.len;
            seen[len++] = ']';
            count++;
        }
        assert_string_equal(seen, rows[i].levels);
        assert_int_equal(count, rows[i].count);
        assert_int_equal(topic_level_count(topic), rows[i].count);
        assert_false(topic_level_next(&left, &level));
        bytes_free(topic);
    }
}

static void
matches(void **state)
{
    static const struct {
        const char *filter;
        const char *name;
        bool want;
    } rows[] = {
        {"a/b", "a/b", true},
        {"a/b", "a/bc", false},
        {"a/bc", "a/b", false},
        {"a/b", "a/B", false}, /* [MQTT-4.7.3-4] */
        {"a", "a/", false},
        {"a/", "a", false},
        {"/a", "a", false},
        {"a//b", "a/b", false},
        {"#", "a", true},
        {"#", "/", true},
        {"#", "a/b/c", true},
        {"a/#", "a", true},
        {"a/#", "a/", true},
        {"a/#", "a/b/c", true},
        {"a/#", "ab", false},
        {"a/#", "ab/c", false},
        {"/#", "/", true},
        {"/#", "/a", true},
        {"/#", "a", false},
        {"+", "a", true},
        {"+", "/a", false},
        {"+", "a/b", false},
        {"+/+", "/a", true},
        {"/+", "/a", true},
        {"/+", "/", true},
        {"a/+", "a/", true},
        {"a/+", "a", false},
        {"a/+/c", "a/b/c", true},
        {"a/+/c", "a//c", true},
        {"a/+/c", "a/b/b/c", false},
        {"a/+/#", "a/b", true},
        {"a/+/#", "a", false},
        {"+/#", "a", true},
        /* [MQTT-4.7.2-1] */
        {"#", "$SYS/a", false},
        {"+/a", "$SYS/a", false},
        {"+", "$SYS", false},
        {"$SYS/#", "$SYS/a", true},
        {"$SYS/#", "$SYS", true},
        {"$SYS/+", "$SYS/a", true},
        {"a/+", "a/$b", true},
        {"a", "$SYS", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct span filter = bytes_copy(span_of_text(rows[i].filter));
        struct span name = bytes_copy(span_of_text(rows[i].name));

        if (topic_matches(filter, name) != rows[i].want) {
            fail_msg("%s against %s", rows[i].filter, rows[i].name);
        }
        bytes_free(name);
        bytes_free(filter);
    }
}

/* The rules of 4.7 in their plainest form: level by level. */
static bool
model_matches(struct span filter, struct span name)
{
    struct topic_levels f = topic_levels_of(filter);
    struct topic_levels n = topic_levels_of(name);
    struct span want;
    struct span have;

    if (name.data[0] == '$' && (filter.data[0] == '+' || filter.data[0] == '#')) {
        return false;
    }
    while (topic_level_next(&f, &want)) {
        if (span_equal(want, SPAN_LITERAL("#"))) {
            return true;
        }
        if (!topic_level_next(&n, &have)) {
            return false;
        }
        if (!span_equal(want, SPAN_LITERAL("+")) && !span_equal(want, have)) {
            return false;
        }
    }
    return !topic_level_next(&n, &have);
}

static struct span
random_topic(const struct random_source *r, const char *alphabet)
{
    char text[8];
    uint64_t bits;
    size_t len;

    assert_int_equal(random_u64(r, &bits), WILCO_OK);
    len = 1 + bits % sizeof(text);
    for (size_t i = 0; i < len; i++) {
        bits >>= 5;
        text[i] = alphabet[bits % strlen(alphabet)];
    }
    return bytes_copy(span_of(text, len));
}

static void
matches_like_the_model(void **state)
{
    struct random_seeded r;
    size_t matched = 0;

    (void)state;
    random_seeded_init(&r, 7);
    for (size_t i = 0; i < 300000; i++) {
        struct span filter = random_topic(&r.source, "a//+#$");
        struct span name = random_topic(&r.source, "a//$");

        if (topic_filter_is_valid(filter) && topic_name_is_valid(name)) {
            bool got = topic_matches(filter, name);

            assert_int_equal(got, model_matches(filter, name));
            matched += got;
        }
        bytes_free(name);
        bytes_free(filter);
    }
    assert_true(matched > 1000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(wildcards_anywhere),
        cmocka_unit_test(filters),
        cmocka_unit_test(the_longest),
        cmocka_unit_test(shares_come_apart),
        cmocka_unit_test(levels),
        cmocka_unit_test(matches),
        cmocka_unit_test(matches_like_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
