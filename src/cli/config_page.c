#include "cli/config_page.h"

#include "broker/server/config/describe.h"
#include "cli/roff.h"

static void
write_title(FILE *out, const char *text)
{
    roff_subheading(out, text);
}

static void
write_directive(FILE *out, const char *name, const char *standard, const char *what)
{
    roff_item(out);
    roff_bold(out, name);
    if (standard != NULL) {
        roff_plain(out, " ");
        roff_italic(out, standard);
    }
    roff_meaning(out, what);
}

static void
write_line(FILE *out, const char *text)
{
    roff_verbatim(out, text);
}

static void
write_page(FILE *out)
{
    static const struct config_writer writer = {
        .syntax = roff_paragraph,
        .title = write_title,
        .directive = write_directive,
        .paragraph = roff_paragraph,
        .line = write_line,
    };

    roff_heading(out, "Synopsis");
    roff_verbatim(out, "wilco broker --config wilco.conf");
    roff_heading(out, "Description");
    roff_text(out, "Every line that a configuration file of the broker can hold, with its "
                   "default. The same as a file to begin with comes from wilco broker "
                   "--print-config, and wilco broker --config FILE --check says what is wrong "
                   "with one.");
    config_describe(out, &writer);
    roff_heading(out, "Examples");
    roff_verbatim(out, "listen mqtt://127.0.0.1\n"
                       "listen unix:/run/wilco.sock\n"
                       "queued_messages_max 1000\n"
                       "log_level warning\n");
}

const struct manual_file config_page = {
    .name = "wilco.conf",
    .summary = "the configuration file of wilco broker",
    .write = write_page,
};
