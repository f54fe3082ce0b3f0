#include "cli/table.h"

#include "cli/colour.h"
#include "cli/encoding.h"
#include "cli/memory.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct table {
    const struct table_column *columns;
    size_t column_count;
    size_t *widths;
    char **cells;
    size_t cell_count;
};

#define GAP 2

/* How many columns of the terminal it takes, if no character is wider than one. */
static size_t
width_of(const char *text)
{
    size_t width = 0;

    for (const char *at = text; *at != '\0'; at++) {
        width += ((unsigned char)*at & 0xc0) != 0x80;
    }
    return width;
}

struct table *
table_new(const struct table_column *columns, size_t count)
{
    struct table *t = memory_get(1, sizeof(*t));

    t->columns = columns;
    t->column_count = count;
    t->widths = memory_get(count, sizeof(*t->widths));
    for (size_t i = 0; i < count; i++) {
        t->widths[i] = width_of(columns[i].title);
    }
    return t;
}

void
table_free(struct table *t)
{
    for (size_t i = 0; i < t->cell_count; i++) {
        free(t->cells[i]);
    }
    free(t->cells);
    free(t->widths);
    free(t);
}

void
table_add(struct table *t, const char *format, ...)
{
    size_t *widest = &t->widths[t->cell_count % t->column_count], width;
    va_list arguments;
    char *cell;

    va_start(arguments, format);
    cell = memory_text_of(format, arguments);
    va_end(arguments);
    encoding_make_harmless(cell);
    width = width_of(cell);
    *widest = width > *widest ? width : *widest;
    t->cells = memory_grow(t->cells, t->cell_count + 1, sizeof(*t->cells));
    t->cells[t->cell_count++] = cell;
}

size_t
table_lines(const struct table *t)
{
    return t->cell_count / t->column_count;
}

static void
write_cell(const struct table *t, FILE *out, size_t column, const char *text)
{
    bool is_last = column + 1 == t->column_count;
    size_t room = t->widths[column] - width_of(text);
    bool is_right = t->columns[column].side == TABLE_RIGHT;

    (void)fprintf(out, "%*s%s%*s", is_right ? (int)room : 0, "", text,
                  is_last    ? 0
                  : is_right ? GAP
                             : (int)room + GAP,
                  "");
}

void
table_write(const struct table *t, FILE *out, size_t lines_max)
{
    size_t lines = table_lines(t);

    (void)fputs(colour_begin(out, COLOUR_TITLE), out);
    for (size_t i = 0; i < t->column_count; i++) {
        write_cell(t, out, i, t->columns[i].title);
    }
    (void)fprintf(out, "%s\n", colour_end(out));
    for (size_t line = 0; line < lines && line < lines_max; line++) {
        for (size_t i = 0; i < t->column_count; i++) {
            write_cell(t, out, i, t->cells[line * t->column_count + i]);
        }
        (void)fputc('\n', out);
    }
}
