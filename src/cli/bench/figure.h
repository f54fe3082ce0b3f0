#ifndef WILCO_CLI_BENCH_FIGURE_H
#define WILCO_CLI_BENCH_FIGURE_H

#include <stdint.h>

/* Numbers as people read them, to three figures where that is all they say. */
struct figure {
    char text[32];
};

struct figure figure_us(double us);          /* "0.52 ms", from microseconds */
struct figure figure_seconds(double s);      /* "1.5 s" */
struct figure figure_count(uint64_t count);  /* "1 234 567" */
struct figure figure_rough(double number);   /* "1.23 M" */
struct figure figure_percent(double number); /* "99.9 %" */

#endif
