#include "broker/server/config/print.h"

#include "broker/server/config/directive.h"
#include "broker/server/config/quantity.h"
#include "broker/server/config/reload.h"

#include <inttypes.h>

#define COLUMNS 80U

/* One paragraph, in lines that begin with "# ". */
static void
print_prose(FILE *out, const char *text)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t len = strcspn(text, " ");

        if (column > 0 && column + 1 + len >= COLUMNS) {
            (void)fputc('\n', out);
            column = 0;
        }
        column += (size_t)fprintf(out, "%s%.*s", column == 0 ? "# " : " ", (int)len, text);
        text += len + (text[len] == ' ' ? 1 : 0);
    }
    (void)fputc('\n', out);
}

static void
print_title(FILE *out, const char *title)
{
    (void)fprintf(out, "\n# ---- %s ----\n", title);
}

static void
print_table(FILE *out, const struct directive *d)
{
    char text[600];

    for (; d->name != NULL; d++) {
        (void)fputc('\n', out);
        if (d->standard != NULL) {
            print_prose(out, d->what);
            (void)fprintf(out, "#%s %s\n", d->name, d->standard);
        } else {
            (void)snprintf(text, sizeof(text), "%s: %s", d->name, d->what);
            print_prose(out, text);
        }
    }
}

static void
print_setting(FILE *out, const struct setting_row *row)
{
    char text[700];
    const char *units = quantity_units(row->name);

    (void)snprintf(text, sizeof(text), "%s. From %" PRIu64 " to %" PRIu64 "%s%s.%s", row->what,
                   row->min, row->max, units == NULL ? "" : "; units: ", units == NULL ? "" : units,
                   reload_is_possible(row->name) ? "" : " A change needs a restart.");
    (void)fputc('\n', out);
    print_prose(out, text);
    (void)fprintf(out, "#%s %" PRIu64 "\n", row->name, row->standard);
}

static void
print_other_names(FILE *out)
{
    (void)fputc('\n', out);
    print_prose(out, "These names of mosquitto.conf set the same; what is no limit there (0 or -1) "
                     "is none here:");
    for (const struct directive *d = limit_directives; d->name != NULL; d++) {
        (void)fprintf(out, "#   %s: %s\n", d->name, d->sets);
    }
    (void)fputc('\n', out);
    print_prose(out, "These are accepted with the one value that is true here:");
    for (const struct directive *d = foreign_directives; d->name != NULL; d++) {
        if (!directive_is_refused(d)) {
            (void)fprintf(out, "#   %s %s\n", d->name, d->detail);
        }
    }
}

void
config_print(FILE *out)
{
    struct setting_row row = settings_row(0);

    print_prose(out,
                "The configuration of wilco broker --config FILE, and its manual: every "
                "setting with its default. wilco broker --print-config prints it, wilco broker "
                "--config FILE --check says what is wrong with one.");
    (void)fputs("#\n", out);
    print_prose(out,
                "A line is a name, a space and a value, as in mosquitto.conf. Lines that begin "
                "with # are comments. ${NAME} in a value stands for an environment variable. "
                "Within one file a name comes once, unless it says: one line for each. The "
                "command line prevails over the file. Where a number is 0 or 1, false and true do "
                "as well.");
    (void)fputs("#\n", out);
    print_prose(out, "A broker that gets SIGHUP reads its file again: all of it or, if anything is "
                     "wrong, nothing. It logs what has changed and what needs a restart.");
    print_title(out, "Where clients connect; a change needs a restart");
    print_table(out, listening_directives);
    print_title(out, "The broker; a change needs a restart");
    print_table(out, general_directives);
    print_title(out, "The log");
    print_table(out, logging_directives);
    print_title(out, "Limits");
    for (size_t i = 1; row.name != NULL; row = settings_row(i++)) {
        print_setting(out, &row);
    }
    print_title(out, "Names from mosquitto.conf");
    print_other_names(out);
}
