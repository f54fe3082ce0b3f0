/* Each user has a section, and so have those without a user name, and the patterns. A section keeps
 * its rules twice: in a tree of levels, which says what is permitted for one topic; and as a list,
 * which is gone through for subscriptions with wildcards alone. Patterns whose names are not whole
 * levels, and those that deny, are in the list only. */
#include "broker/auth/acl.h"

#include "base/hash.h"
#include "base/list.h"
#include "base/log.h"
#include "broker/auth/acl_filter.h"
#include "broker/auth/acl_parser.h"
#include "broker/auth/acl_tree.h"
#include "wire/topic.h"

#include <stdio.h>

struct rule {
    struct rule *next;
    struct span filter;
    struct acl_names_used uses; /* of a pattern */
    struct acl_lines lines;     /* the same line, for what it says */
    bool is_in_tree;
};

struct section {
    struct map_node by_user;
    struct section *next;
    struct span user;
    struct acl_node *root;
    struct rule *rules;
    struct rule **last;
    bool has_loose; /* rules that are not in the tree */
};

struct acl {
    struct access_policy policy;
    const struct wilco_alloc *alloc;
    uint64_t hash_seed;
    struct acl_tree tree;
    struct map users;
    struct section *sections; /* all that have been made */
    struct section *general;  /* of those without a user name */
    struct section *patterns;
    struct acl_size size;
    size_t text_bytes;
    uint8_t text[];
};

static struct acl_verdict
by_line(bool may, uint32_t line)
{
    return (struct acl_verdict){.may = may, .line = line};
}

static struct acl_verdict
denied(const char *words)
{
    return (struct acl_verdict){.may = false, .words = words};
}

static struct section *
find_section(const struct acl *acl, struct span user)
{
    struct map_node *at = map_first(&acl->users, hash_bytes(user, acl->hash_seed));

    for (; at != NULL; at = map_next(at)) {
        struct section *s = CONTAINER_OF(at, struct section, by_user);

        if (span_equal(s->user, user)) {
            return s;
        }
    }
    return NULL;
}

static struct section *
new_section(struct acl *acl, struct span user)
{
    struct section *s = mem_zalloc(acl->alloc, sizeof(*s));

    if (s == NULL) {
        return NULL;
    }
    s->next = acl->sections;
    acl->sections = s;
    s->user = user;
    s->last = &s->rules;
    s->root = acl_tree_root(&acl->tree);
    return s->root == NULL ? NULL : s;
}

static enum wilco_status
section_of_user(struct acl *acl, struct span user, struct section **out)
{
    *out = find_section(acl, user);
    if (*out != NULL) {
        return WILCO_OK;
    }
    *out = new_section(acl, user);
    if (*out == NULL) {
        return WILCO_ENOMEM;
    }
    acl->size.users++;
    return map_add(&acl->users, &(*out)->by_user, hash_bytes(user, acl->hash_seed));
}

/* A name that is a whole level of a line that permits is compared by the tree, level by level. */
static bool
fits_tree(const struct rule *r)
{
    struct topic_levels levels = topic_levels_of(r->filter);
    struct span level = SPAN_EMPTY;
    bool has_names = r->uses.client_id || r->uses.user;

    if (r->lines.deny != 0) {
        return !has_names;
    }
    while (has_names && topic_level_next(&levels, &level)) {
        struct acl_names_used used = acl_pattern_uses(level);

        if ((used.client_id || used.user) && level.len > 2) {
            return false;
        }
    }
    return true;
}

static enum wilco_status
add_rule(struct acl *acl, struct section *s, const struct acl_line *line, uint32_t number)
{
    struct rule *r = mem_zalloc(acl->alloc, sizeof(*r));

    if (r == NULL) {
        return WILCO_ENOMEM;
    }
    *s->last = r;
    s->last = &r->next;
    acl->size.rules++;
    r->filter = line->name;
    r->lines = (struct acl_lines){
        .deny = line->is_deny ? number : 0,
        .read = line->is_read ? number : 0,
        .write = line->is_write ? number : 0,
    };
    if (s == acl->patterns) {
        r->uses = acl_pattern_uses(r->filter);
    }
    r->is_in_tree = fits_tree(r);
    s->has_loose = s->has_loose || !r->is_in_tree;
    return r->is_in_tree
               ? acl_tree_put(&acl->tree, s->root, r->filter, s == acl->patterns, &r->lines)
               : WILCO_OK;
}

static enum wilco_status
add_line(struct acl *acl, struct section **section, const struct acl_line *line, uint32_t number)
{
    switch (line->kind) {
    case ACL_LINE_NOTHING: break;
    case ACL_LINE_USER: return section_of_user(acl, line->name, section);
    case ACL_LINE_TOPIC: return add_rule(acl, *section, line, number);
    case ACL_LINE_PATTERN: return add_rule(acl, acl->patterns, line, number);
    }
    return WILCO_OK;
}

static enum wilco_status
read_lines(struct acl *acl, char problem[ACL_PROBLEM_BYTES])
{
    struct span rest = span_of(acl->text, acl->text_bytes);
    struct section *section = acl->general;
    struct span text = SPAN_EMPTY;
    struct acl_line line;
    const char *why = NULL;
    enum wilco_status status = WILCO_OK;

    for (uint32_t number = 1; status == WILCO_OK && acl_line_next(&rest, &text); number++) {
        status = acl_line_read(&line, text, &why);
        if (status != WILCO_OK) {
            (void)snprintf(problem, ACL_PROBLEM_BYTES, "line %u: %s: %s", (unsigned)number,
                           LOG_TEXT(text), why);
        } else {
            status = add_line(acl, &section, &line, number);
        }
    }
    return status;
}

static enum wilco_status
compile(struct acl *acl, char problem[ACL_PROBLEM_BYTES])
{
    acl->general = new_section(acl, SPAN_EMPTY);
    acl->patterns = new_section(acl, SPAN_EMPTY);
    return acl->general == NULL || acl->patterns == NULL ? WILCO_ENOMEM : read_lines(acl, problem);
}

static bool
may(void *context, const struct access_subject *who, enum access_action action, struct span topic)
{
    return acl_judge(context, who, action, topic).may;
}

enum wilco_status
acl_new(struct acl **out, const struct wilco_alloc *a, uint64_t hash_seed, struct span text,
        char problem[ACL_PROBLEM_BYTES])
{
    struct acl *acl = NULL;
    enum wilco_status status = WILCO_OK;

    (void)snprintf(problem, ACL_PROBLEM_BYTES, "%s", status_text(WILCO_ENOMEM));
    if (text.len > ACL_TEXT_BYTES_MAX) {
        (void)snprintf(problem, ACL_PROBLEM_BYTES, "larger than %u bytes", ACL_TEXT_BYTES_MAX);
        return WILCO_EINVAL;
    }
    acl = mem_zalloc(a, sizeof(*acl) + text.len);
    if (acl == NULL) {
        return WILCO_ENOMEM;
    }
    acl->policy = (struct access_policy){.may = may, .context = acl};
    acl->alloc = a;
    acl->hash_seed = hash_seed;
    acl->text_bytes = text.len;
    if (text.len > 0) {
        memcpy(acl->text, text.data, text.len);
    }
    acl_tree_init(&acl->tree, a, hash_seed);
    map_init(&acl->users, a);
    status = compile(acl, problem);
    if (status != WILCO_OK) {
        acl_free(acl);
        return status;
    }
    *out = acl;
    return WILCO_OK;
}

static void
free_section(struct acl *acl, struct section *s)
{
    while (s->rules != NULL) {
        struct rule *r = s->rules;

        s->rules = r->next;
        mem_free(acl->alloc, r);
    }
    mem_free(acl->alloc, s);
}

void
acl_free(struct acl *acl)
{
    if (acl == NULL) {
        return;
    }
    map_fini(&acl->users);
    while (acl->sections != NULL) {
        struct section *s = acl->sections;

        acl->sections = s->next;
        free_section(acl, s);
    }
    acl_tree_fini(&acl->tree);
    mem_free(acl->alloc, acl);
}

const struct access_policy *
acl_policy(const struct acl *acl)
{
    return &acl->policy;
}

static bool
has_any(struct span name, const char *characters)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] != '\0' && strchr(characters, name.data[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool
starts_with_dollar(struct span text)
{
    return text.len > 0 && text.data[0] == '$';
}

/* Whether a pattern is for a client of these names at all. One that denies is if the names can be
 * put in; one that permits must not become wider by what a client has chosen to be called. */
static bool
is_for(const struct rule *r, const struct access_subject *who)
{
    const struct span *first = NULL;

    if (!r->uses.client_id && !r->uses.user) {
        return true;
    }
    if ((r->uses.user && who->user.len == 0) || (r->uses.client_id && who->client_id.len == 0)) {
        return false;
    }
    if (r->lines.deny != 0) {
        return true;
    }
    if (r->filter.len >= 2 && r->filter.data[0] == '%') {
        first = r->filter.data[1] == 'c'   ? &who->client_id
                : r->filter.data[1] == 'u' ? &who->user
                                           : NULL;
    }
    return !(r->uses.client_id && has_any(who->client_id, "/")) &&
           !(r->uses.user && has_any(who->user, "/")) &&
           !(first != NULL && starts_with_dollar(*first));
}

static void
collect(const struct acl *acl, const struct section *s, const struct access_subject *who,
        struct span topic, struct acl_lines *found)
{
    if (s == NULL) {
        return;
    }
    acl_tree_collect(&acl->tree, s->root, topic, who, found);
    for (const struct rule *r = s->has_loose ? s->rules : NULL; r != NULL; r = r->next) {
        if (!r->is_in_tree && is_for(r, who) && acl_pattern_matches(r->filter, who, topic)) {
            acl_lines_add(found, &r->lines);
        }
    }
}

/* NULL: the user has no lines. */
static const struct section *
section_of(const struct acl *acl, const struct access_subject *who)
{
    return who->user.len == 0 ? acl->general : find_section(acl, who->user);
}

#define NO_PATTERNS "no line of the user permits it, and no pattern is for a name with + or # in it"
#define NO_LINE     "no line permits it"

/* Whether the patterns are for this client. */
static bool
has_patterns(const struct acl *acl, const struct access_subject *who)
{
    return acl->patterns->rules != NULL && !has_any(who->client_id, "+#") &&
           !has_any(who->user, "+#");
}

static struct acl_verdict
denied_at_last(const struct acl *acl, const struct access_subject *who)
{
    return denied(acl->patterns->rules != NULL && !has_patterns(acl, who) ? NO_PATTERNS : NO_LINE);
}

/* One topic. */
static struct acl_verdict
judge_topic(const struct acl *acl, const struct access_subject *who, bool is_write,
            struct span topic)
{
    const struct section *sections[] = {section_of(acl, who),
                                        has_patterns(acl, who) ? acl->patterns : NULL};

    for (size_t i = 0; i < 2; i++) {
        struct acl_lines found = {0};
        uint32_t line = 0;

        collect(acl, sections[i], who, topic, &found);
        line = is_write ? found.write : found.read;
        if (found.deny != 0 || line != 0) {
            return by_line(found.deny == 0, found.deny != 0 ? found.deny : line);
        }
    }
    return denied_at_last(acl, who);
}

/* The filter that a rule is for this client. `scratch` holds it. Empty: none. */
static struct span
filter_for(const struct rule *r, const struct access_subject *who, struct buffer *scratch)
{
    if (!r->uses.client_id && !r->uses.user) {
        return r->filter;
    }
    scratch->len = 0;
    return is_for(r, who) && acl_pattern_expand(scratch, r->filter, who) == WILCO_OK
               ? buffer_span(scratch)
               : SPAN_EMPTY;
}

/* What is looked for: a rule that permits something of a filter that nothing denies wholly. */
struct search {
    const struct acl *acl;
    const struct access_subject *who;
    struct span filter;
    const struct section *denying[2]; /* whose denials count; NULL: none */
    struct buffer scratch;
    struct buffer scratch_of_denial;
};

/* The line that denies all that the two filters have in common; 0: none does so alone. */
static uint32_t
denial_of(struct search *f, struct span common)
{
    for (size_t i = 0; i < 2; i++) {
        for (const struct rule *r = f->denying[i] == NULL ? NULL : f->denying[i]->rules; r != NULL;
             r = r->next) {
            struct span cover =
                r->lines.deny == 0 ? SPAN_EMPTY : filter_for(r, f->who, &f->scratch_of_denial);

            if (cover.len > 0 && acl_filter_covers(cover, f->filter, common)) {
                return r->lines.deny;
            }
        }
    }
    return 0;
}

/* The first line of the section that permits some of it, and nothing denies that; 0: none. */
static uint32_t
permission_of(struct search *f, const struct section *s)
{
    for (const struct rule *r = s == NULL ? NULL : s->rules; r != NULL; r = r->next) {
        struct span filter = r->lines.read == 0 ? SPAN_EMPTY : filter_for(r, f->who, &f->scratch);

        if (filter.len > 0 && acl_filters_overlap(filter, f->filter) && denial_of(f, filter) == 0) {
            return r->lines.read;
        }
    }
    return 0;
}

static struct acl_verdict
search_sections(struct search *f, const struct section *own, const struct section *patterns)
{
    uint32_t line = 0;

    f->denying[0] = own;
    line = denial_of(f, f->filter);
    if (line != 0) {
        return by_line(false, line);
    }
    line = permission_of(f, own);
    if (line == 0) {
        f->denying[1] = patterns;
        line = permission_of(f, patterns);
    }
    if (line != 0) {
        return by_line(true, line);
    }
    line = denial_of(f, f->filter);
    return line != 0 ? by_line(false, line) : denied_at_last(f->acl, f->who);
}

/* A filter with wildcards. */
static struct acl_verdict
judge_filter(const struct acl *acl, const struct access_subject *who, struct span filter)
{
    struct search f = {.acl = acl, .who = who, .filter = filter};
    struct acl_verdict verdict;

    buffer_init(&f.scratch, acl->alloc, ACL_TEXT_BYTES_MAX);
    buffer_init(&f.scratch_of_denial, acl->alloc, ACL_TEXT_BYTES_MAX);
    verdict =
        search_sections(&f, section_of(acl, who), has_patterns(acl, who) ? acl->patterns : NULL);
    buffer_fini(&f.scratch);
    buffer_fini(&f.scratch_of_denial);
    return verdict;
}

struct acl_verdict
acl_judge(const struct acl *acl, const struct access_subject *who, enum access_action action,
          struct span topic)
{
    return action == ACCESS_SUBSCRIBE && topic_has_wildcard(topic)
               ? judge_filter(acl, who, topic)
               : judge_topic(acl, who, action == ACCESS_PUBLISH, topic);
}

struct span
acl_line_text(const struct acl *acl, uint32_t line)
{
    struct span rest = span_of(acl->text, acl->text_bytes);
    struct span text = SPAN_EMPTY;

    for (uint32_t i = 0; i < line; i++) {
        if (!acl_line_next(&rest, &text)) {
            return SPAN_EMPTY;
        }
    }
    return line == 0 ? SPAN_EMPTY : text;
}

struct acl_size
acl_size(const struct acl *acl)
{
    return acl->size;
}
