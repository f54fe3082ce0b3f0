#include "cli/bench/report.h"

#include "cli/bench/figure.h"
#include "cli/bench/plot.h"
#include "cli/memory.h"
#include "wilco/wilco.h"

#include <math.h>
#include <stdlib.h>

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>wilco bench</title>\n"
    "<style>\n"
    ":root { color-scheme: light dark; --ground: #fff; --text: #1c2128; --quiet: #5f6b7a;\n"
    "  --grid: #e3e6ea; --one: #0b62b8; --two: #c2410c; --three: #6b7280; }\n"
    "@media (prefers-color-scheme: dark) { :root { --ground: #14171c; --text: #e3e7ec;\n"
    "  --quiet: #98a3b1; --grid: #2a313a; --one: #5db2ff; --two: #ff9a5c; --three: #a3adba; } }\n"
    "body { margin: 0 auto; padding: 1.5rem; max-width: 60rem; background: var(--ground);\n"
    "  color: var(--text); font: 15px/1.5 system-ui, sans-serif; }\n"
    "h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 0; display: inline; }\n"
    "figure { margin: 2rem 0; } p, figcaption { color: var(--quiet); margin: .3rem 0; }\n"
    "h2 { color: var(--text); margin-right: 1rem; }\n"
    "table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 1rem 0; }\n"
    "th, td { padding: .25rem 1rem .25rem 0; text-align: right; font-weight: normal;\n"
    "  border-bottom: 1px solid var(--grid); } th { text-align: left; color: var(--quiet); }\n"
    "svg { width: 100%; } svg text { fill: var(--quiet); font-size: 12px; }\n"
    ".grid { stroke: var(--grid); } .line { fill: none; stroke: currentColor; stroke-width: 2; }\n"
    "circle { fill: transparent; } circle:hover { fill: currentColor; }\n"
    ".line1 { color: var(--one); } .line2 { color: var(--two); } .line3 { color: var(--three); }\n"
    "</style>\n";

static void
write_row(FILE *out, const char *name, struct figure f)
{
    (void)fprintf(out, "<tr><th>%s<td>%s\n", name, f.text);
}

static void
write_figures(FILE *out, const struct outcome *o)
{
    const struct load_latency *l = &o->result->latency;

    (void)fputs("<table>\n", out);
    write_row(out, outcome_noun(o->options), figure_count(o->result->count));
    write_row(out, "seconds", figure_seconds(o->result->seconds));
    write_row(out, "per second", figure_count((uint64_t)outcome_per_second(o)));
    write_row(out, "errors", figure_count(outcome_errors(o)));
    if (l->count > 0) {
        write_row(out, "p50", figure_us(l->p50_us));
        write_row(out, "p90", figure_us(l->p90_us));
        write_row(out, "p99", figure_us(l->p99_us));
        write_row(out, "p99.9", figure_us(l->p999_us));
        write_row(out, "p99.99", figure_us(l->p9999_us));
        write_row(out, "max", figure_us(l->max_us));
    }
    write_row(out, "generator, of a core", figure_percent(round(o->result->generator_load * 100)));
    if (o->result->has_server) {
        write_row(out, "server, of a core", figure_percent(round(o->result->server_load * 100)));
        write_row(out, "server, CPU each", figure_us(o->result->server_cpu_us));
    }
    (void)fputs("</table>\n", out);
}

/* Of a percentile that less than one in all is above nothing is known. */
static size_t
known_percentiles(const struct load_latency *l)
{
    size_t n = 0;

    while (n < l->percentile_count &&
           (100 - l->percentiles[n].percent) / 100 * (double)l->count >= 1) {
        n++;
    }
    return n;
}

static void
plot_percentiles(FILE *out, const struct load_latency *l)
{
    double x[LOAD_PERCENTILES];
    double y[LOAD_PERCENTILES];
    struct plot_line line = {.name = "latency", .x = x, .y = y, .count = known_percentiles(l)};
    struct plot plot = {
        .title = "Latency by percentile",
        .note = "How rare: 99 % is one in a hundred, 99.9 % one in a thousand. Lower is better.",
        .lines = &line,
        .line_count = 1,
    };

    if (line.count == 0) {
        return;
    }
    for (size_t i = 0; i < line.count; i++) {
        x[i] = l->percentiles[i].percent;
        y[i] = l->percentiles[i].us;
    }
    plot.x = axis_rarity(x[line.count - 1]);
    plot.y = axis_log(y[0], y[line.count - 1], figure_us);
    plot_write(out, &plot);
}

/* The points of a series as lines. */
struct lines {
    double at[SERIES_POINTS_MAX];
    double per_second[SERIES_POINTS_MAX];
    double p50[SERIES_POINTS_MAX], p99[SERIES_POINTS_MAX], max[SERIES_POINTS_MAX];
    double lowest_us, highest_us, most_per_second;
};

static void
fill_lines(struct lines *l, const struct series *s)
{
    l->lowest_us = HUGE_VAL;
    for (size_t i = 0; i < s->count; i++) {
        const struct load_moment *m = &s->points[i];
        bool is_empty = m->count == 0;

        l->at[i] = m->at;
        l->per_second[i] = (double)m->count / m->seconds;
        l->p50[i] = is_empty ? nan("") : m->p50_us;
        l->p99[i] = is_empty ? nan("") : m->p99_us;
        l->max[i] = is_empty ? nan("") : m->max_us;
        l->lowest_us = fmin(l->lowest_us, is_empty ? HUGE_VAL : m->p50_us);
        l->highest_us = fmax(l->highest_us, m->max_us);
        l->most_per_second = fmax(l->most_per_second, l->per_second[i]);
    }
}

static void
plot_throughput(FILE *out, const struct lines *l, size_t count)
{
    const struct plot_line line = {"per second", l->at, l->per_second, count};
    const struct plot plot = {
        .title = "Throughput over time",
        .note = "Where it falls to nothing, nothing came. Higher is better.",
        .x = axis_span(l->at[count - 1], figure_seconds),
        .y = axis_linear(l->most_per_second, figure_rough),
        .lines = &line,
        .line_count = 1,
    };

    plot_write(out, &plot);
}

static void
plot_latency(FILE *out, const struct lines *l, size_t count)
{
    const struct plot_line lines[] = {
        {"p50", l->at, l->p50, count},
        {"p99", l->at, l->p99, count},
        {"max", l->at, l->max, count},
    };
    const struct plot plot = {
        .title = "Latency over time",
        .note = "Of each piece of the time by itself. Lower is better.",
        .x = axis_span(l->at[count - 1], figure_seconds),
        .y = axis_log(l->lowest_us, l->highest_us, figure_us),
        .lines = lines,
        .line_count = sizeof(lines) / sizeof(lines[0]),
    };

    plot_write(out, &plot);
}

void
report_write(FILE *out, const struct outcome *o)
{
    struct lines *lines = memory_get(1, sizeof(*lines));

    fill_lines(lines, o->series);
    (void)fprintf(out, "%s<h1>wilco bench %s</h1>\n<p>", head, o->options->mode);
    plot_text(out, outcome_load(o->options).text);
    (void)fputs("<br>at ", out);
    plot_text(out, o->server);
    (void)fprintf(out, ", by wilco %s</p>\n", wilco_version());
    write_figures(out, o);
    plot_percentiles(out, &o->result->latency);
    if (o->series->count > 0) {
        plot_throughput(out, lines, o->series->count);
    }
    if (o->result->latency.count > 0 && o->series->count > 0) {
        plot_latency(out, lines, o->series->count);
    }
    (void)fputs("</html>\n", out);
    free(lines);
}
