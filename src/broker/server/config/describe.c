#include "broker/server/config/describe.h"

#include "broker/server/config/directive.h"
#include "broker/server/config/quantity.h"
#include "broker/server/config/reload.h"

#include <inttypes.h>

static void
describe_table(FILE *out, const struct config_writer *w, const struct directive *d)
{
    for (; d->name != NULL; d++) {
        w->directive(out, d->name, d->standard, d->what);
    }
}

static void
describe_setting(FILE *out, const struct config_writer *w, const struct setting_row *row)
{
    char standard[32];
    char text[700];
    const char *units = quantity_units(row->name);

    (void)snprintf(text, sizeof(text), "%s. From %" PRIu64 " to %" PRIu64 "%s%s.%s", row->what,
                   row->min, row->max, units == NULL ? "" : "; units: ", units == NULL ? "" : units,
                   reload_is_possible(row->name) ? "" : " A change needs a restart.");
    (void)snprintf(standard, sizeof(standard), "%" PRIu64, row->standard);
    w->directive(out, row->name, standard, text);
}

static void
describe_other_names(FILE *out, const struct config_writer *w)
{
    char text[200];

    w->paragraph(out,
                 "These names of mosquitto.conf set the same; what is no limit there (0 or -1) "
                 "is none here:");
    for (const struct directive *d = limit_directives; d->name != NULL; d++) {
        (void)snprintf(text, sizeof(text), "%s: %s", d->name, d->sets);
        w->line(out, text);
    }
    w->paragraph(out, "These are accepted with the one value that is true here:");
    for (const struct directive *d = foreign_directives; d->name != NULL; d++) {
        if (!directive_is_refused(d)) {
            (void)snprintf(text, sizeof(text), "%s %s", d->name, d->detail);
            w->line(out, text);
        }
    }
}

void
config_describe(FILE *out, const struct config_writer *w)
{
    struct setting_row row = settings_row(0);

    w->syntax(out, "A line is a name, a space and a value, as in mosquitto.conf. Lines that begin "
                   "with # are comments. ${NAME} in a value stands for an environment variable. "
                   "Within one file a name comes once, unless it says: one line for each. The "
                   "command line prevails over the file. Where a number is 0 or 1, false and true "
                   "do as well.");
    w->syntax(out, "A broker that gets SIGHUP reads its file again: all of it or, if anything is "
                   "wrong, nothing. It logs what has changed and what needs a restart.");
    w->title(out, "Where clients connect; a change needs a restart");
    describe_table(out, w, listening_directives);
    describe_table(out, w, secure_directives);
    w->title(out, "The broker; a change needs a restart");
    describe_table(out, w, general_directives);
    w->title(out, "Who clients are, beside passwords");
    describe_table(out, w, credential_directives);
    w->title(out, "Who may do what");
    describe_table(out, w, access_directives);
    w->title(out, "The process; a change needs a restart");
    describe_table(out, w, process_directives);
    w->title(out, "The log");
    describe_table(out, w, logging_directives);
    w->title(out, "Limits");
    for (size_t i = 1; row.name != NULL; row = settings_row(i++)) {
        describe_setting(out, w, &row);
    }
    w->title(out, "Names from mosquitto.conf");
    describe_other_names(out, w);
}
