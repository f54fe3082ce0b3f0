#include "cli/roff.h"

#include "wilco/wilco.h"

#include <string.h>

/* What would be something else on a terminal, or a command of roff's. */
static const char *
escape_of(char c)
{
    switch (c) {
    case '\\': return "\\e";
    case '-': return "\\-"; /* otherwise a hyphen, which is no option when it is pasted */
    case '\'': return "\\(aq";
    case '`': return "\\(ga";
    case '^': return "\\(ha";
    case '~': return "\\(ti";
    default: return NULL;
    }
}

void
roff_plain(FILE *out, const char *text)
{
    char last = '\n';

    for (; *text != '\0'; text++) {
        const char *escape = escape_of(*text);

        if (last == '\n' && *text == '.') {
            (void)fputs("\\&", out);
        }
        if (escape != NULL) {
            (void)fputs(escape, out);
        } else {
            (void)fputc(*text, out);
        }
        last = *text;
    }
}

static void
write_in_font(FILE *out, char font, const char *text)
{
    (void)fprintf(out, "\\f%c", font);
    roff_plain(out, text);
    (void)fputs("\\fR", out);
}

void
roff_bold(FILE *out, const char *text)
{
    write_in_font(out, 'B', text);
}

void
roff_italic(FILE *out, const char *text)
{
    write_in_font(out, 'I', text);
}

static void
end_line(FILE *out, const char *text)
{
    if (*text == '\0' || text[strlen(text) - 1] != '\n') {
        (void)fputc('\n', out);
    }
}

static void
write_capitals(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        (void)fputc(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text, out);
    }
}

void
roff_begin(FILE *out, const char *name, int section, const char *what)
{
    (void)fputs(".TH ", out);
    write_capitals(out, name);
    (void)fprintf(out, " %d \"\" \"Wilco %s\" \"Wilco\"\n", section, wilco_version());
    roff_heading(out, "Name");
    roff_plain(out, name);
    (void)fputs(" \\- ", out);
    roff_plain(out, what);
    (void)fputc('\n', out);
}

void
roff_heading(FILE *out, const char *text)
{
    (void)fputs(".SH ", out);
    write_capitals(out, text);
    (void)fputc('\n', out);
}

void
roff_subheading(FILE *out, const char *text)
{
    (void)fputs(".SS ", out);
    roff_plain(out, text);
    (void)fputc('\n', out);
}

void
roff_text(FILE *out, const char *text)
{
    roff_plain(out, text);
    end_line(out, text);
}

void
roff_paragraph(FILE *out, const char *text)
{
    (void)fputs(".PP\n", out);
    roff_text(out, text);
}

void
roff_verbatim(FILE *out, const char *lines)
{
    (void)fputs(".nf\n", out);
    roff_text(out, lines);
    (void)fputs(".fi\n", out);
}

void
roff_item(FILE *out)
{
    (void)fputs(".TP\n", out);
}

void
roff_meaning(FILE *out, const char *text)
{
    (void)fputc('\n', out);
    roff_text(out, text);
}
