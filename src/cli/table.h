#ifndef WILCO_CLI_TABLE_H
#define WILCO_CLI_TABLE_H

#include <stddef.h>
#include <stdio.h>

/* Lines of cells for people: as wide as the widest cell of each column needs it. Cells are UTF-8;
 * what could move a terminal's cursor becomes a question mark. */
struct table;

struct table_column {
    const char *title;
    enum table_side {
        TABLE_LEFT,
        TABLE_RIGHT, /* for numbers */
    } side;
};

struct table *table_new(const struct table_column *columns, size_t count); /* which are borrowed */
void table_free(struct table *t);

/* The next cell, line by line. */
void table_add(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
size_t table_lines(const struct table *t); /* that are complete */

/* The titles, and at most `lines_max` lines. Each ends where its last cell ends. */
void table_write(const struct table *t, FILE *out, size_t lines_max);

#endif
