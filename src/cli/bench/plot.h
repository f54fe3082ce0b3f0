#ifndef WILCO_CLI_BENCH_PLOT_H
#define WILCO_CLI_BENCH_PLOT_H

#include "cli/bench/axis.h"

#include <stdio.h>

/* A plot as SVG within a page of HTML: lines whose points say what they are under the mouse. The
 * page's style has the colours: .line1, .line2, ... */
struct plot_line {
    const char *name;
    const double *x, *y; /* where y is not a number there is a gap */
    size_t count;
};

struct plot {
    const char *title;
    const char *note; /* a sentence below */
    struct axis x, y;
    const struct plot_line *lines;
    size_t line_count;
};

void plot_write(FILE *out, const struct plot *p);

/* Text of any kind as HTML. */
void plot_text(FILE *out, const char *text);

#endif
