#include "wire/topic.h"

#include "wire/word.h"

#include <assert.h>

#define SHARE       "$share/"
#define SHARE_BYTES (sizeof(SHARE) - 1)

static bool
short_has_wildcard(struct span filter)
{
    for (size_t i = 0; i < filter.len; i++) {
        if ((filter.data[i] | WORD_WILDCARD_BIT) == '+') {
            return true;
        }
    }
    return false;
}

bool
topic_has_wildcard(struct span filter)
{
    if (filter.len < WORD_BYTES) {
        return short_has_wildcard(filter);
    }
    for (size_t at = 0; at + WORD_BYTES < filter.len; at += WORD_BYTES) {
        if (word_wildcards(word_load(filter.data + at)) != 0) {
            return true;
        }
    }
    return word_wildcards(word_load(filter.data + filter.len - WORD_BYTES)) != 0;
}

bool
topic_name_is_valid(struct span name)
{
    return name.len > 0 && name.len <= TOPIC_BYTES_MAX && !topic_has_wildcard(name);
}

/* A Topic Filter that is not shared, or the inner one of a shared subscription. */
static bool
plain_filter_is_valid(struct span filter)
{
    struct topic_levels levels = topic_levels_of(filter);
    struct span level;

    if (filter.len == 0 || filter.len > TOPIC_BYTES_MAX) { /* [MQTT-4.7.3-1], [MQTT-4.7.3-3] */
        return false;
    }
    while (topic_level_next(&levels, &level)) {
        if (!topic_has_wildcard(level)) {
            continue;
        }
        if (level.len != 1 || (level.data[0] == '#' && !levels.done)) {
            return false; /* [MQTT-4.7.1-1], [MQTT-4.7.1-2] */
        }
    }
    return true;
}

bool
topic_filter_is_valid(struct span filter)
{
    struct span group;
    struct span inner;

    if (!topic_share_split(filter, &group, &inner)) {
        return plain_filter_is_valid(filter);
    }
    return filter.len <= TOPIC_BYTES_MAX && group.len > 0 /* [MQTT-4.8.2-1] */
           && !topic_has_wildcard(group)                  /* [MQTT-4.8.2-2] */
           && plain_filter_is_valid(inner);
}

size_t
topic_level_count(struct span topic)
{
    size_t count = 1;

    for (size_t i = 0; i < topic.len; i++) {
        count += topic.data[i] == '/';
    }
    return count;
}

bool
topic_share_split(struct span filter, struct span *group, struct span *inner)
{
    struct topic_levels levels;

    if (filter.len < SHARE_BYTES || memcmp(filter.data, SHARE, SHARE_BYTES) != 0) {
        return false;
    }
    levels = topic_levels_of(span_skip(filter, SHARE_BYTES));
    (void)topic_level_next(&levels, group);
    *inner = levels.rest;
    return true;
}

/* The end of the level that starts at `p`. */
static const uint8_t *
level_end(const uint8_t *p, const uint8_t *end)
{
    while (p < end && *p != '/') {
        p++;
    }
    return p;
}

bool
topic_matches(struct span filter, struct span name)
{
    const uint8_t *f = filter.data;
    const uint8_t *f_end = f + filter.len;
    const uint8_t *n = name.data;
    const uint8_t *n_end = n + name.len;

    assert(filter.len > 0 && name.len > 0);
    if (*n == '$' && *f != '$') {
        return false; /* [MQTT-4.7.2-1]; a first character that is no wildcard differs anyway */
    }
    for (;;) { /* both stand at the start of a level */
        if (f < f_end && *f == '#') {
            return true;
        }
        if (f < f_end && *f == '+') {
            f++;
            n = level_end(n, n_end);
        } else {
            while (f < f_end && n < n_end && *f == *n && *f != '/') {
                f++;
                n++;
            }
        }
        if (f == f_end || n == n_end) {
            break;
        }
        if (*f != '/' || *n != '/') {
            return false;
        }
        f++;
        n++;
    }
    /* The name may end one level before a "#". */
    return n == n_end && (f == f_end || (f_end - f == 2 && f[0] == '/' && f[1] == '#'));
}

bool
topic_level_next(struct topic_levels *levels, struct span *level)
{
    struct span rest = levels->rest;
    const uint8_t *slash;

    if (levels->done) {
        return false;
    }
    slash = rest.len == 0 ? NULL : memchr(rest.data, '/', rest.len);
    levels->done = slash == NULL;
    *level = slash == NULL ? rest : span_first(rest, (size_t)(slash - rest.data));
    levels->rest = slash == NULL ? span_skip(rest, rest.len) : span_skip(rest, level->len + 1);
    return true;
}
