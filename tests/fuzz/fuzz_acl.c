#include "fuzz.h"

#include "broker/auth/acl.h"
#include "broker/auth/acl_filter.h"
#include "broker/auth/acl_parser.h"
#include "wire/topic.h"

#include <assert.h>
#include <string.h>

/* What mosquitto does with the lines, in its plainest form: the user's lines, then the patterns,
 * and of each those that deny first. */
struct model {
    const struct access_subject *who;
    struct span topic;
    bool is_write;
    bool denies[2], permits[2]; /* the user's lines, the patterns */
};

static bool
has_any(struct span name, const char *characters)
{
    for (const char *c = characters; *c != '\0'; c++) {
        if (name.len > 0 && memchr(name.data, *c, name.len) != NULL) {
            return true;
        }
    }
    return false;
}

/* What we say of names in patterns that permit (acl.h). */
static bool
is_safe(const struct model *m, const struct acl_line *line)
{
    struct acl_names_used used = acl_pattern_uses(line->name);
    const struct span *first = NULL;

    if (line->name.len >= 2 && line->name.data[0] == '%') {
        first = line->name.data[1] == 'c'   ? &m->who->client_id
                : line->name.data[1] == 'u' ? &m->who->user
                                            : NULL;
    }
    return !(used.client_id && has_any(m->who->client_id, "/")) &&
           !(used.user && has_any(m->who->user, "/")) &&
           !(first != NULL && first->len > 0 && first->data[0] == '$');
}

static bool
pattern_applies(const struct model *m, const struct acl_line *line)
{
    struct acl_names_used used = acl_pattern_uses(line->name);

    if (has_any(m->who->client_id, "+#") || has_any(m->who->user, "+#")) {
        return false;
    }
    if ((used.user && m->who->user.len == 0) || (used.client_id && m->who->client_id.len == 0)) {
        return false;
    }
    return line->is_deny || is_safe(m, line);
}

static void
consider(struct model *m, const struct acl_line *line)
{
    bool is_pattern = line->kind == ACL_LINE_PATTERN;
    bool matches =
        is_pattern ? pattern_applies(m, line) && acl_pattern_matches(line->name, m->who, m->topic)
                   : topic_matches(line->name, m->topic);

    m->denies[is_pattern] |= matches && line->is_deny;
    m->permits[is_pattern] |= matches && (m->is_write ? line->is_write : line->is_read);
}

static bool
model_says(struct model *m, struct span text)
{
    struct span user = SPAN_EMPTY;
    struct span rest = text;
    struct span raw = SPAN_EMPTY;
    struct acl_line line;
    const char *why = NULL;

    while (acl_line_next(&rest, &raw)) {
        assert(acl_line_read(&line, raw, &why) == WILCO_OK);
        if (line.kind == ACL_LINE_USER) {
            user = line.name;
        } else if (line.kind == ACL_LINE_PATTERN ||
                   (line.kind == ACL_LINE_TOPIC && span_equal(user, m->who->user))) {
            consider(m, &line);
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        if (m->denies[i] || m->permits[i]) {
            return !m->denies[i];
        }
    }
    return false;
}

static void
ask_about(const struct acl *acl, const struct access_subject *who, struct span topic,
          struct span text)
{
    for (unsigned is_write = 0; is_write < 2; is_write++) {
        struct model m = {.who = who, .topic = topic, .is_write = is_write != 0};
        const struct acl_verdict v =
            acl_judge(acl, who, is_write ? ACCESS_PUBLISH : ACCESS_RECEIVE, topic);

        assert(v.may == model_says(&m, text));
        assert(v.line == 0 || acl_line_text(acl, v.line).len > 0);
    }
    if (acl_judge(acl, who, ACCESS_RECEIVE, topic).may && topic.data[0] != '$') {
        assert(acl_judge(acl, who, ACCESS_SUBSCRIBE, SPAN_LITERAL("#")).may);
    }
}

/* A user, a Client Identifier and a topic, each with a byte 0 behind it, and the file. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char problem[ACL_PROBLEM_BYTES] = "";
    struct span words[3] = {SPAN_EMPTY, SPAN_EMPTY, SPAN_EMPTY};
    struct span text = span_of(data, size);
    struct access_subject who;
    struct acl *acl = NULL;

    for (size_t i = 0; i < 3; i++) {
        const uint8_t *cut = text.len == 0 ? NULL : memchr(text.data, '\0', text.len);

        if (cut == NULL) {
            return 0;
        }
        words[i] = span_first(text, (size_t)(cut - text.data));
        text = span_skip(text, words[i].len + 1);
    }
    who = (struct access_subject){.user = words[0], .client_id = words[1]};
    if (acl_new(&acl, alloc_system(), 1, text, problem) != WILCO_OK) {
        assert(strncmp(problem, "line ", 5) == 0);
        return 0;
    }
    if (topic_name_is_valid(words[2])) {
        ask_about(acl, &who, words[2], text);
    } else if (topic_filter_is_valid(words[2])) {
        (void)acl_judge(acl, &who, ACCESS_SUBSCRIBE, words[2]);
    }
    acl_free(acl);
    return 0;
}
