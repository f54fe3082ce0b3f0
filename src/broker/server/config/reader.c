#include "broker/server/config/reader.h"

#include "broker/server/config/directive.h"
#include "broker/server/config/lexer.h"

#include <stdarg.h>
#include <stdio.h>

void
reader_wrong(struct config_reader *r, const char *format, ...)
{
    char text[PROBLEM_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    problems_add(r->problems, "%s:%zu: %s", r->file, r->line, text);
}

static void
unknown(struct config_reader *r, struct span name)
{
    /* Guessing takes time, and of many problems most are only counted. */
    bool is_counted = problems_kept(r->problems) == PROBLEMS_MAX;
    const char *nearest = is_counted ? NULL : directive_nearest(r->name);

    if (memchr(name.data, '=', name.len) != NULL) {
        reader_wrong(
            r, "unknown name %s; a line is a name, a space and a value, without =", LOG_TEXT(name));
    } else if (nearest != NULL) {
        reader_wrong(r, "unknown name %s; did you mean %s?", LOG_TEXT(name), nearest);
    } else {
        reader_wrong(r, "unknown name %s; wilco broker --print-config lists all", LOG_TEXT(name));
    }
}

/* Two names of the same thing count as one: it is what they set that may be set once. */
static const char *
what_it_sets(const struct directive *d)
{
    return d->sets != NULL ? d->sets : d->name;
}

/* False: this file has set it already. */
static bool
check_is_first(struct config_reader *r, const struct directive *d)
{
    const char *name = what_it_sets(d);
    size_t listener = d->is_of_listener ? r->listeners : 0;

    for (size_t i = 0; i < r->seen_count; i++) {
        if (r->seen[i].listener == listener && strcmp(r->seen[i].name, name) == 0) {
            reader_wrong(r, "%s: line %zu says this already", d->name, r->seen[i].line);
            return false;
        }
    }
    if (r->seen_count < READER_SEEN_MAX) {
        (void)snprintf(r->seen[r->seen_count].name, sizeof(r->seen[0].name), "%s", name);
        r->seen[r->seen_count].listener = listener;
        r->seen[r->seen_count].line = r->line;
        r->seen_count++;
    }
    return true;
}

/* False: not here, or not again. */
static bool
may_stand_here(struct config_reader *r, const struct directive *d)
{
    if (d->is_of_listener && r->listeners == 0) {
        reader_wrong(r, "%s: no listen or listener line of this file stands above it", d->name);
        return false;
    }
    return d->is_repeatable || check_is_first(r, d);
}

static void
set_name(struct config_reader *r, struct span name)
{
    size_t len = name.len < READER_NAME_BYTES ? name.len : READER_NAME_BYTES - 1;

    if (len > 0) {
        memcpy(r->name, name.data, len);
    }
    r->name[len] = '\0';
    for (char *at = r->name; *at != '\0'; at++) {
        if (*at <= ' ' || *at >= 0x7f) {
            *at = '?';
        }
    }
}

/* What follows about it goes nowhere until its line has turned out to be right. */
static void
begin_listener(struct config_reader *r)
{
    r->listeners++;
    r->entrance = &r->nowhere;
    r->transport = &r->no_transport;
    r->follows_certificate = false;
}

static void
read_directive(struct config_reader *r, const struct directive *d, struct span written)
{
    char value[EXPANDED_BYTES];
    char reason[EXPAND_REASON_BYTES];

    if (d->is_listener) {
        begin_listener(r);
    }
    if (expand(value, written, r->environment, reason) != WILCO_OK) {
        reader_wrong(r, "%s: %s", d->name, reason);
    } else if (value[0] == '\0') {
        reader_wrong(r, "%s: the value is missing", d->name);
    } else if (may_stand_here(r, d)) {
        d->take(r, d, value);
        if (d->is_path && !config_add_file(r->config, value)) {
            reader_wrong(r, "%s: too many files are named: their paths have more than %u bytes",
                         d->name, CONFIG_FILES_BYTES);
        }
    }
}

static void
read_line(struct config_reader *r, const struct config_line *line)
{
    struct directive d;

    r->line = line->number;
    set_name(r, line->name);
    if (line->problem != NULL) {
        reader_wrong(r, "%s", line->problem);
    } else if (!directive_find(line->name, &d)) {
        unknown(r, line->name);
    } else {
        read_directive(r, &d, line->value);
    }
}

void
reader_read(struct config_reader *r, const char *file, struct span text)
{
    struct lexer lexer = lexer_init(text);
    struct config_line line;

    r->file = file;
    r->has_log_type = false;
    r->listeners = 0;
    r->entrance = NULL;
    r->transport = NULL;
    r->seen_count = 0;
    while (lexer_next(&lexer, &line)) {
        read_line(r, &line);
    }
}
