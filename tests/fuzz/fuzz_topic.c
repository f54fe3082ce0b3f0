#include "fuzz.h"

#include "wire/topic.h"

#include <assert.h>

static void
check_levels(struct span topic)
{
    struct topic_levels levels = topic_levels_of(topic);
    struct span level;
    size_t count = 0;
    size_t bytes = 0;

    while (topic_level_next(&levels, &level)) {
        assert(level.len == 0 || memchr(level.data, '/', level.len) == NULL);
        bytes += level.len;
        count++;
    }
    assert(count == topic_level_count(topic) && bytes + count - 1 == topic.len);
}

/* A valid shared subscription comes apart without a byte lost. */
static void
check_share(struct span filter)
{
    struct span group;
    struct span inner;

    if (topic_share_split(filter, &group, &inner) && topic_filter_is_valid(filter)) {
        assert(filter.len == sizeof("$share//") - 1 + group.len + inner.len);
        assert(inner.data + inner.len == filter.data + filter.len);
        assert(group.len > 0 && inner.len > 0 && !topic_has_wildcard(group));
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
        if (!topic_level_next(&n, &have) ||
            (!span_equal(want, SPAN_LITERAL("+")) && !span_equal(want, have))) {
            return false;
        }
    }
    return !topic_level_next(&n, &have);
}

/* A filter and a name with a line feed between them. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *cut = size == 0 ? NULL : memchr(data, '\n', size);
    size_t len = cut == NULL ? size : (size_t)(cut - data);
    struct span filter = span_of(data, len);
    struct span name = cut == NULL ? SPAN_EMPTY : span_of(cut + 1, size - len - 1);

    check_levels(filter);
    check_levels(name);
    check_share(filter);
    if (topic_filter_is_valid(filter) && topic_name_is_valid(name)) {
        assert(topic_matches(filter, name) == model_matches(filter, name));
        assert(topic_matches(name, name));
        assert(topic_matches(SPAN_LITERAL("#"), name) == (name.data[0] != '$'));
    }
    return 0;
}
