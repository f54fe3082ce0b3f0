#include "cli/bench/figure.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct figure
three_figures(double number, const char *unit)
{
    struct figure f;
    int decimals = number < 9.995 ? 2 : number < 99.95 ? 1 : 0;

    (void)snprintf(f.text, sizeof(f.text), "%.*f %s", decimals, number, unit);
    return f;
}

struct figure
figure_us(double us)
{
    if (us < 999.5) {
        return three_figures(us, "us");
    }
    return us < 999.5e3 ? three_figures(us / 1e3, "ms") : three_figures(us / 1e6, "s");
}

struct figure
figure_seconds(double s)
{
    struct figure f;

    (void)snprintf(f.text, sizeof(f.text), "%.1f s", s);
    return f;
}

struct figure
figure_count(uint64_t count)
{
    struct figure f = {.text = ""};
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, count);
    char *to = f.text;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            *to++ = ' ';
        }
        *to++ = digits[i];
    }
    return f;
}

struct figure
figure_rough(double number)
{
    struct figure f;

    if (number >= 999.5e3) {
        return three_figures(number / 1e6, "M");
    }
    if (number >= 999.5) {
        return three_figures(number / 1e3, "k");
    }
    (void)snprintf(f.text, sizeof(f.text), "%.3g", number);
    return f;
}

struct figure
figure_percent(double number)
{
    struct figure f;

    (void)snprintf(f.text, sizeof(f.text), "%.7g %%", number);
    return f;
}
