#include "cli/duration.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    double milliseconds;
} units[] = {
    {"", 1e3}, {"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3},
};

/* False when it does not fit. */
static bool
round_up(double number, uint32_t *out)
{
    if (number > UINT32_MAX) {
        return false;
    }
    *out = (uint32_t)number;
    if ((double)*out < number) {
        *out += 1; /* no overflow: UINT32_MAX itself has no fraction */
    }
    return true;
}

bool
duration_parse(const char *text, uint32_t *milliseconds)
{
    size_t digits = strspn(text, "0123456789.");
    char *end = NULL;
    double number = strtod(text, &end);

    /* What strtod() takes beyond digits, such as a sign, inf or 1e3, is not for people. */
    if (digits == 0 || end != text + digits) {
        return false;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].name) == 0) {
            return round_up(number * units[i].milliseconds, milliseconds);
        }
    }
    return false;
}
