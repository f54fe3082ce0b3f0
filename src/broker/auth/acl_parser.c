#include "broker/auth/acl_parser.h"

#include "wire/topic.h"
#include "wire/utf8.h"

#include <string.h>

static bool
is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct span
trim(struct span text)
{
    while (text.len > 0 && is_blank(text.data[text.len - 1])) {
        text.len--;
    }
    while (text.len > 0 && is_blank(text.data[0])) {
        text = span_skip(text, 1);
    }
    return text;
}

/* The first word of the text, which is cut off; blanks are spaces only, so that a tab is seen. */
static struct span
take_word(struct span *text)
{
    size_t len = 0;
    struct span word;

    while (len < text->len && text->data[len] != ' ') {
        len++;
    }
    word = span_first(*text, len);
    *text = trim(span_skip(*text, len));
    return word;
}

bool
acl_line_next(struct span *rest, struct span *line)
{
    const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->data, '\n', rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);

    if (rest->len == 0) {
        return false;
    }
    *line = span_first(*rest, len);
    *rest = span_skip(*rest, len + (end != NULL));
    return true;
}

static bool
read_access(struct acl_line *out, struct span word)
{
    static const struct {
        struct span word;
        bool is_read, is_write, is_deny;
    } rows[] = {
        {SPAN_INIT("read"), .is_read = true},
        {SPAN_INIT("write"), .is_write = true},
        {SPAN_INIT("readwrite"), .is_read = true, .is_write = true},
        {SPAN_INIT("deny"), .is_deny = true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (span_equal(rows[i].word, word)) {
            out->is_read = rows[i].is_read;
            out->is_write = rows[i].is_write;
            out->is_deny = rows[i].is_deny;
            return true;
        }
    }
    return false;
}

static enum wilco_status
wrong(const char **why, const char *words)
{
    *why = words;
    return WILCO_EINVAL;
}

/* What stands behind "topic" and "pattern": a filter alone, or what may be done and a filter. */
static enum wilco_status
read_rule(struct acl_line *out, struct span rest, const char **why)
{
    struct span filter = rest;
    struct span word = take_word(&rest);

    out->is_read = true;
    out->is_write = true;
    if (rest.len > 0) {
        if (!read_access(out, word)) {
            return wrong(why, "what may be done is read, write, readwrite or deny");
        }
        filter = rest;
    }
    if (filter.len == 0) {
        return wrong(why, "a topic filter is missing");
    }
    if (!utf8_is_valid(filter) || !topic_filter_is_valid(filter)) {
        return wrong(why, "this is no valid topic filter");
    }
    out->name = filter;
    return WILCO_OK;
}

static enum wilco_status
read_user(struct acl_line *out, struct span name, const char **why)
{
    if (name.len == 0) {
        return wrong(why, "the name of the user is missing");
    }
    if (name.len > TOPIC_BYTES_MAX || !utf8_is_valid(name)) {
        return wrong(why, "no user can have this name");
    }
    out->name = name;
    return WILCO_OK;
}

enum wilco_status
acl_line_read(struct acl_line *out, struct span line, const char **why)
{
    struct span rest = trim(line);
    struct span word;

    *out = (struct acl_line){.kind = ACL_LINE_NOTHING};
    if (rest.len == 0 || rest.data[0] == '#') {
        return WILCO_OK;
    }
    word = take_word(&rest);
    if (span_equal(word, SPAN_LITERAL("user"))) {
        out->kind = ACL_LINE_USER;
        return read_user(out, rest, why);
    }
    if (span_equal(word, SPAN_LITERAL("topic"))) {
        out->kind = ACL_LINE_TOPIC;
        return read_rule(out, rest, why);
    }
    if (span_equal(word, SPAN_LITERAL("pattern"))) {
        out->kind = ACL_LINE_PATTERN;
        return read_rule(out, rest, why);
    }
    return wrong(why, "a line begins with user, topic, pattern or #");
}
