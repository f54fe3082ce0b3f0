#include "broker/server/config/print.h"

#include "broker/server/config/describe.h"

#include <stddef.h>
#include <string.h>

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
print_syntax(FILE *out, const char *text)
{
    (void)fputs("#\n", out);
    print_prose(out, text);
}

static void
print_paragraph(FILE *out, const char *text)
{
    (void)fputc('\n', out);
    print_prose(out, text);
}

static void
print_directive(FILE *out, const char *name, const char *standard, const char *what)
{
    char text[700];

    if (standard != NULL) {
        print_paragraph(out, what);
        (void)fprintf(out, "#%s %s\n", name, standard);
    } else {
        (void)snprintf(text, sizeof(text), "%s: %s", name, what);
        print_paragraph(out, text);
    }
}

static void
print_line(FILE *out, const char *text)
{
    (void)fprintf(out, "#   %s\n", text);
}

void
config_print(FILE *out)
{
    static const struct config_writer writer = {
        .syntax = print_syntax,
        .title = print_title,
        .directive = print_directive,
        .paragraph = print_paragraph,
        .line = print_line,
    };

    print_prose(out,
                "The configuration of wilco broker --config FILE, and its manual: every "
                "setting with its default. wilco broker --print-config prints it, wilco broker "
                "--config FILE --check says what is wrong with one.");
    config_describe(out, &writer);
}
