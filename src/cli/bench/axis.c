#include "cli/bench/axis.h"

#include <math.h>

#define LINEAR_TICKS 5.0

static void
add_tick(struct axis *a, double value)
{
    if (a->tick_count < AXIS_TICKS_MAX) {
        a->ticks[a->tick_count++] = value;
    }
}

/* 1, 2 or 5 with zeros, so that some five of them make `max`. */
static double
step_of(double max)
{
    double decade = pow(10, floor(log10(max / LINEAR_TICKS)));
    double steps = max / LINEAR_TICKS / decade;

    return decade * (steps <= 1 ? 1 : steps <= 2 ? 2 : steps <= 5 ? 5 : 10);
}

struct axis
axis_linear(double max, struct figure (*text)(double))
{
    struct axis a = {.scale = AXIS_LINEAR, .text = text};
    double end = max > 0 ? max : 1;
    double step = step_of(end);

    add_tick(&a, 0);
    while (a.max < end) {
        a.max = step * (double)a.tick_count;
        add_tick(&a, a.max);
    }
    return a;
}

struct axis
axis_span(double max, struct figure (*text)(double))
{
    struct axis a = axis_linear(max, text);

    if (max > 0) {
        a.max = max;
        a.tick_count -= a.ticks[a.tick_count - 1] > max;
    }
    return a;
}

struct axis
axis_log(double min, double max, struct figure (*text)(double))
{
    double low = floor(log10(min > 0 ? min : 1));
    double high = fmax(ceil(log10(max > 0 ? max : 1)), low + 1);
    struct axis a = {.scale = AXIS_LOG, .min = pow(10, low), .max = pow(10, high), .text = text};

    for (int i = 0; i <= (int)(high - low); i++) {
        add_tick(&a, pow(10, low + i));
    }
    return a;
}

struct axis
axis_rarity(double max_percent)
{
    static const double percents[] = {0, 50, 90, 99, 99.9, 99.99, 99.999};
    struct axis a = {.scale = AXIS_RARITY, .max = fmax(max_percent, 90), .text = figure_percent};

    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        if (percents[i] <= a.max) {
            add_tick(&a, percents[i]);
        }
    }
    return a;
}

static double
stretch(enum axis_scale scale, double value)
{
    switch (scale) {
    case AXIS_LINEAR: break;
    case AXIS_LOG: return log10(fmax(value, 1e-9));
    case AXIS_RARITY: return -log10(1 - fmin(value, 99.99999) / 100);
    }
    return value;
}

double
axis_place(const struct axis *a, double value)
{
    double from = stretch(a->scale, a->min);
    double place = (stretch(a->scale, value) - from) / (stretch(a->scale, a->max) - from);

    return fmin(fmax(place, 0), 1);
}
