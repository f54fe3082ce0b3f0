#include "broker/auth/acl_filter.h"

#include "wire/topic.h"

/* The filter that matches what two filters have in common, level by level: there is always just
 * one, or none. */
struct common {
    struct topic_levels a;
    struct topic_levels b;
    bool a_is_open; /* its "#" has come */
    bool b_is_open;
    bool is_over;
};

enum step {
    STEP_LEVEL,
    STEP_END,
    STEP_NOTHING, /* they have nothing in common */
};

static bool
is_word(struct span level, char word)
{
    return level.len == 1 && level.data[0] == (uint8_t)word;
}

static bool
starts_with_dollar(struct span filter)
{
    return filter.len > 0 && filter.data[0] == '$';
}

static struct common
common_of(struct span a, struct span b)
{
    return (struct common){.a = topic_levels_of(a), .b = topic_levels_of(b)};
}

/* The next level of one of them; false: it has none, or an open end. */
static bool
take(struct topic_levels *levels, bool *is_open, struct span *out)
{
    if (*is_open || !topic_level_next(levels, out)) {
        return false;
    }
    *is_open = is_word(*out, '#');
    return !*is_open;
}

static enum step
end_openly(struct common *c, struct span *out)
{
    bool was_over = c->is_over;

    c->is_over = true;
    *out = SPAN_LITERAL("#");
    return was_over ? STEP_END : STEP_LEVEL;
}

static enum step
next(struct common *c, struct span *out)
{
    struct span a = SPAN_EMPTY;
    struct span b = SPAN_EMPTY;
    bool has_a = take(&c->a, &c->a_is_open, &a);
    bool has_b = take(&c->b, &c->b_is_open, &b);

    if (c->a_is_open && c->b_is_open) {
        return end_openly(c, out);
    }
    if ((!has_a && !c->a_is_open && has_b) || (!has_b && !c->b_is_open && has_a)) {
        return STEP_NOTHING;
    }
    if (!has_a && !has_b) {
        return STEP_END;
    }
    *out = !has_a || (has_b && is_word(a, '+')) ? b : a;
    return !has_a || !has_b || is_word(a, '+') || is_word(b, '+') || span_equal(a, b)
               ? STEP_LEVEL
               : STEP_NOTHING;
}

/* Wildcards do not stand for what begins with "$" [MQTT-4.7.2-1]. */
static bool
differ_in_dollar(struct span a, struct span b)
{
    return starts_with_dollar(a) != starts_with_dollar(b);
}

bool
acl_filters_overlap(struct span a, struct span b)
{
    struct common c = common_of(a, b);
    struct span level = SPAN_EMPTY;
    enum step step = STEP_LEVEL;

    if (differ_in_dollar(a, b)) {
        return false;
    }
    while (step == STEP_LEVEL) {
        step = next(&c, &level);
    }
    return step == STEP_END;
}

bool
acl_filter_covers(struct span cover, struct span a, struct span b)
{
    struct common c = common_of(a, b);
    struct topic_levels covering = topic_levels_of(cover);
    struct span level = SPAN_EMPTY;
    struct span over = SPAN_EMPTY;

    if (differ_in_dollar(cover, a) || differ_in_dollar(cover, b)) {
        return false;
    }
    while (next(&c, &level) == STEP_LEVEL) {
        if (!topic_level_next(&covering, &over)) {
            return false;
        }
        if (is_word(over, '#')) {
            return true;
        }
        if (!span_equal(over, level) && (!is_word(over, '+') || is_word(level, '#'))) {
            return false;
        }
    }
    return !topic_level_next(&covering, &over) || is_word(over, '#');
}

/* The name that stands at this place of a pattern; NULL: it is no such place. */
static const struct span *
name_at(struct span pattern, size_t i, const struct access_subject *who)
{
    if (pattern.data[i] != '%' || i + 1 == pattern.len) {
        return NULL;
    }
    if (pattern.data[i + 1] == 'c') {
        return &who->client_id;
    }
    return pattern.data[i + 1] == 'u' ? &who->user : NULL;
}

struct acl_names_used
acl_pattern_uses(struct span pattern)
{
    static const struct access_subject nobody;
    struct acl_names_used used = {.client_id = false};

    for (size_t i = 0; i < pattern.len; i++) {
        const struct span *name = name_at(pattern, i, &nobody);

        used.client_id = used.client_id || name == &nobody.client_id;
        used.user = used.user || name == &nobody.user;
    }
    return used;
}

static size_t
level_end(struct span topic, size_t at)
{
    while (at < topic.len && topic.data[at] != '/') {
        at++;
    }
    return at;
}

static bool
is_wildcard_level(struct span pattern, size_t i, char word)
{
    return pattern.data[i] == (uint8_t)word && (i == 0 || pattern.data[i - 1] == '/') &&
           (i + 1 == pattern.len || pattern.data[i + 1] == '/');
}

/* Behind this place there is nothing but "/#". */
static bool
is_open_end(struct span pattern, size_t i)
{
    return i + 2 == pattern.len && pattern.data[i] == '/' && pattern.data[i + 1] == '#';
}

bool
acl_pattern_matches(struct span pattern, const struct access_subject *who, struct span topic)
{
    size_t at = 0; /* in the topic */
    size_t i = 0;

    if (starts_with_dollar(topic) && (pattern.data[0] == '+' || pattern.data[0] == '#')) {
        return false;
    }
    for (; i < pattern.len && !is_wildcard_level(pattern, i, '#'); i++) {
        const struct span *name = name_at(pattern, i, who);

        if (is_wildcard_level(pattern, i, '+')) {
            at = level_end(topic, at);
        } else if (name != NULL) {
            if (topic.len - at < name->len ||
                !span_equal(span_of(topic.data + at, name->len), *name)) {
                return false;
            }
            at += name->len;
            i++;
        } else if (at < topic.len && topic.data[at] == pattern.data[i]) {
            at++;
        } else {
            return at == topic.len && is_open_end(pattern, i);
        }
    }
    return i < pattern.len || at == topic.len;
}

enum wilco_status
acl_pattern_expand(struct buffer *out, struct span pattern, const struct access_subject *who)
{
    enum wilco_status status = WILCO_OK;

    for (size_t i = 0; i < pattern.len && status == WILCO_OK; i++) {
        const struct span *name = name_at(pattern, i, who);

        status = buffer_append(out, name == NULL ? span_of(pattern.data + i, 1) : *name);
        i += name != NULL;
    }
    return status;
}
