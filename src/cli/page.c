#include "cli/page.h"

#include "cli/commands.h"
#include "cli/manual.h"
#include "cli/roff.h"

#include <string.h>

#define FILE_SECTION    5
#define PAGE_NAME_BYTES 64U

struct page {
    char name[PAGE_NAME_BYTES]; /* "wilco-request" */
    int section;
    const struct command *command;  /* whose page it is, or NULL: */
    const struct manual_file *file; /* of this one */
};

/* "wilco request" has the page "wilco-request". */
static struct page
page_of_command(const struct command *command)
{
    const struct manual *m = command->manual;
    struct page page = {.section = m->section == 0 ? 1 : m->section, .command = command};

    (void)snprintf(page.name, sizeof(page.name), "%s", m->name);
    for (char *at = strchr(page.name, ' '); at != NULL; at = strchr(at, ' ')) {
        *at = '-';
    }
    return page;
}

static struct page
page_of_file(const struct manual_file *file)
{
    struct page page = {.section = FILE_SECTION, .file = file};

    (void)snprintf(page.name, sizeof(page.name), "%s", file->name);
    return page;
}

/* Page `i` of all; false: there are no more. */
static bool
page_at(size_t i, struct page *out)
{
    if (i-- == 0) {
        *out = page_of_command(&command_wilco);
        return true;
    }
    for (const struct command *const *c = commands; *c != NULL; c++) {
        const struct manual_file *file = (*c)->manual->file;

        if (i-- == 0) {
            *out = page_of_command(*c);
            return true;
        }
        if (file != NULL && i-- == 0) {
            *out = page_of_file(file);
            return true;
        }
    }
    return false;
}

void
page_list(FILE *out)
{
    struct page page;

    for (size_t i = 0; page_at(i, &page); i++) {
        (void)fprintf(out, "%s.%d\n", page.name, page.section);
    }
}

static void
write_option(FILE *out, const struct option *row)
{
    char name[PAGE_NAME_BYTES];

    roff_item(out);
    if (row->letter != '\0') {
        (void)snprintf(name, sizeof(name), "-%c", row->letter);
        roff_bold(out, name);
        roff_plain(out, ", ");
    }
    (void)snprintf(name, sizeof(name), "--%s", row->name);
    roff_bold(out, name);
    if (row->argument != NULL) {
        roff_plain(out, " ");
        roff_italic(out, row->argument);
    }
    roff_meaning(out, row->help);
}

static void
write_options(FILE *out, const struct command *command)
{
    const struct option_group *group;

    roff_heading(out, "Options");
    for (size_t g = 0; (group = options_group(command, g)) != NULL; g++) {
        if (group->title != NULL) {
            roff_subheading(out, group->title);
        }
        for (const struct option *row = group->rows; row->name != NULL; row++) {
            write_option(out, row);
        }
    }
}

static void
write_commands(FILE *out)
{
    roff_heading(out, "Commands");
    for (const struct command *const *c = commands; *c != NULL; c++) {
        roff_item(out);
        roff_bold(out, (*c)->manual->name);
        roff_meaning(out, (*c)->summary);
    }
}

static void
write_variable(FILE *out, const struct manual_variable *v)
{
    roff_item(out);
    roff_bold(out, v->name);
    roff_meaning(out, v->text);
}

static void
write_environment(FILE *out, const struct manual_variable *v)
{
    static const struct manual_variable no_color = {"NO_COLOR", "if it is set, no colours"};

    roff_heading(out, "Environment");
    for (; v != NULL && v->name != NULL; v++) {
        write_variable(out, v);
    }
    write_variable(out, &no_color);
}

static void
write_exit_codes(FILE *out, const struct manual *m)
{
    char number[16];

    roff_heading(out, "Exit status");
    for (size_t i = 0; i < m->exit_code_count; i++) {
        (void)snprintf(number, sizeof(number), "%d", (int)m->exit_codes[i]);
        roff_item(out);
        roff_bold(out, number);
        roff_meaning(out, manual_exit_text(m, i));
    }
}

static void
write_see_also(FILE *out, const struct page *self)
{
    const char *separator = "";
    char section[16];
    struct page page;

    roff_heading(out, "See also");
    for (size_t i = 0; page_at(i, &page); i++) {
        if (strcmp(page.name, self->name) != 0) {
            (void)snprintf(section, sizeof(section), "(%d)", page.section);
            roff_plain(out, separator);
            roff_bold(out, page.name);
            roff_plain(out, section);
            separator = ",\n";
        }
    }
    roff_plain(out, "\n");
}

static void
write_command(FILE *out, const struct command *command)
{
    const struct manual *m = command->manual;

    roff_heading(out, "Synopsis");
    roff_verbatim(out, m->synopsis);
    roff_heading(out, "Description");
    roff_text(out, m->about);
    if (command == &command_wilco) {
        write_commands(out);
    }
    write_options(out, command);
    write_environment(out, m->environment);
    write_exit_codes(out, m);
    roff_heading(out, "Examples");
    roff_verbatim(out, m->examples);
}

/* With its section or without. */
static bool
is_named(const struct page *page, const char *name)
{
    char full[PAGE_NAME_BYTES + 16];

    (void)snprintf(full, sizeof(full), "%s.%d", page->name, page->section);
    return strcmp(name, full) == 0 || strcmp(name, page->name) == 0;
}

bool
page_write(FILE *out, const char *name)
{
    struct page page;

    for (size_t i = 0; page_at(i, &page); i++) {
        if (is_named(&page, name)) {
            const char *what = page.file != NULL ? page.file->summary : page.command->summary;

            roff_begin(out, page.name, page.section, what);
            if (page.file != NULL) {
                page.file->write(out);
            } else {
                write_command(out, page.command);
            }
            write_see_also(out, &page);
            return true;
        }
    }
    return false;
}
