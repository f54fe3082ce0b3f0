#include "broker/server/config/directive.h"

#include "base/nearest.h"

/* Of names that we support; those of foreign_directives are looked at last. */
static const struct directive *const tables[] = {
    access_directives,  credential_directives, general_directives, listening_directives,
    logging_directives, process_directives,    secure_directives,  limit_directives,
};
#define TABLE_COUNT (sizeof(tables) / sizeof(tables[0]))

static bool
is_called(struct span name, const char *pattern)
{
    size_t len = strlen(pattern);

    if (pattern[len - 1] == '*') {
        return name.len >= len - 1 && memcmp(name.data, pattern, len - 1) == 0;
    }
    return span_equal(name, span_of_text(pattern));
}

static bool
find_in(const struct directive *table, struct span name, struct directive *out)
{
    for (const struct directive *d = table; d->name != NULL; d++) {
        if (is_called(name, d->name)) {
            *out = *d;
            return true;
        }
    }
    return false;
}

static bool
find_setting(struct span name, struct directive *out)
{
    struct setting_row row = settings_row(0);

    for (size_t i = 1; row.name != NULL; row = settings_row(i++)) {
        if (is_called(name, row.name)) {
            *out = limit_directive(row);
            return true;
        }
    }
    return false;
}

bool
directive_find(struct span name, struct directive *out)
{
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        if (find_in(tables[t], name, out)) {
            return true;
        }
    }
    return find_setting(name, out) || find_in(foreign_directives, name, out);
}

static void
offer(struct nearest *nearest, const struct directive *table)
{
    for (const struct directive *d = table; d->name != NULL; d++) {
        if (!directive_is_refused(d)) {
            nearest_offer(nearest, d->name);
        }
    }
}

const char *
directive_nearest(const char *wrong)
{
    struct nearest nearest = nearest_init(wrong);
    struct setting_row row = settings_row(0);

    for (size_t t = 0; t < TABLE_COUNT; t++) {
        offer(&nearest, tables[t]);
    }
    offer(&nearest, foreign_directives);
    for (size_t i = 1; row.name != NULL; row = settings_row(i++)) {
        nearest_offer(&nearest, row.name);
    }
    return nearest.name;
}
