#include "cli/bench/plot.h"

#include <math.h>

#define WIDTH  720.0
#define HEIGHT 280.0
#define LEFT   70.0
#define RIGHT  32.0
#define TOP    12.0
#define BOTTOM 30.0

void
plot_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&': (void)fputs("&amp;", out); break;
        case '<': (void)fputs("&lt;", out); break;
        case '>': (void)fputs("&gt;", out); break;
        case '"': (void)fputs("&quot;", out); break;
        default: (void)fputc(*text, out); break;
        }
    }
}

static double
x_of(const struct plot *p, double value)
{
    return LEFT + axis_place(&p->x, value) * (WIDTH - LEFT - RIGHT);
}

static double
y_of(const struct plot *p, double value)
{
    return HEIGHT - BOTTOM - axis_place(&p->y, value) * (HEIGHT - TOP - BOTTOM);
}

static void
write_grid(FILE *out, const struct plot *p)
{
    for (size_t i = 0; i < p->x.tick_count; i++) {
        double x = x_of(p, p->x.ticks[i]);

        (void)fprintf(out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>", x, TOP, HEIGHT - BOTTOM);
        (void)fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n", x,
                      HEIGHT - BOTTOM + 18, p->x.text(p->x.ticks[i]).text);
    }
    for (size_t i = 0; i < p->y.tick_count; i++) {
        double y = y_of(p, p->y.ticks[i]);

        (void)fprintf(out, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>", LEFT, y, WIDTH - RIGHT);
        (void)fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT - 8,
                      y + 4, p->y.text(p->y.ticks[i]).text);
    }
}

static void
write_line(FILE *out, const struct plot *p, const struct plot_line *line)
{
    char command = 'M';

    (void)fputs("<path class=\"line\" d=\"", out);
    for (size_t i = 0; i < line->count; i++) {
        if (isnan(line->y[i])) {
            command = 'M';
            continue;
        }
        (void)fprintf(out, "%c%.1f %.1f", command, x_of(p, line->x[i]), y_of(p, line->y[i]));
        command = 'L';
    }
    (void)fputs("\"/>\n", out);
}

/* Nothing is seen of a point but what is under the mouse. */
static void
write_points(FILE *out, const struct plot *p, const struct plot_line *line)
{
    for (size_t i = 0; i < line->count; i++) {
        if (isnan(line->y[i])) {
            continue;
        }
        (void)fprintf(
            out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\"><title>%s, %s: %s</title></circle>\n",
            x_of(p, line->x[i]), y_of(p, line->y[i]), line->name, p->x.text(line->x[i]).text,
            p->y.text(line->y[i]).text);
    }
}

void
plot_write(FILE *out, const struct plot *p)
{
    (void)fprintf(out, "<figure>\n<figcaption><h2>%s</h2>", p->title);
    for (size_t i = 0; i < p->line_count; i++) {
        (void)fprintf(out, " <span class=\"line%zu\">&#9632;</span> %s", i + 1, p->lines[i].name);
    }
    (void)fprintf(out,
                  "</figcaption>\n<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\">\n",
                  WIDTH, HEIGHT, p->title);
    write_grid(out, p);
    for (size_t i = 0; i < p->line_count; i++) {
        (void)fprintf(out, "<g class=\"line%zu\">\n", i + 1);
        write_line(out, p, &p->lines[i]);
        write_points(out, p, &p->lines[i]);
        (void)fputs("</g>\n", out);
    }
    (void)fprintf(out, "</svg>\n<p>%s</p>\n</figure>\n", p->note);
}
