#ifndef WILCO_CLI_TOP_FRAME_H
#define WILCO_CLI_TOP_FRAME_H

#include "cli/service_query.h"
#include "cli/sys_figures.h"

#include <stdio.h>

/* What `wilco top` shows, as plain lines. */

/* Requests to a filter in a group, of all instances that answer them; where they stood at the frame
 * before, they have a rate. */
struct top_row {
    char *filter, *group, *name;
    uint64_t requests, errors;
    uint64_t time_ns; /* spent on all that were answered, to the average's accuracy */
    uint64_t requests_before;
    bool has_before;
};

struct top_rows {
    struct top_row *all; /* the busiest first */
    size_t count;
    uint64_t time_us; /* when they were so */
};

/* `before` is that of the frame before, or empty. */
struct top_rows top_rows_of(const struct services *s, const struct top_rows *before,
                            uint64_t now_us);
void top_rows_fini(struct top_rows *r);

struct top_frame {
    const char *server; /* its address */
    struct sys_figures *figures;
    const struct top_rows *rows;
    uint64_t before_us; /* when the rows before were so; 0: there are none */
    size_t lines_max;   /* of the table */
};
void top_frame_write(const struct top_frame *f, FILE *out);

#endif
