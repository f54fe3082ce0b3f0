#include "broker/server/config/quantity.h"

#include <stddef.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit byte_units[] = {
    {"", 1}, {"KiB", 1U << 10}, {"MiB", 1U << 20}, {"GiB", 1U << 30}, {NULL, 0}};
static const struct unit ms_units[] = {{"", 1},        {"ms", 1},       {"s", 1000}, {"min", 60000},
                                       {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit second_units[] = {{"", 1},     {"s", 1},     {"min", 60},
                                           {"h", 3600}, {"d", 86400}, {NULL, 0}};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

static const struct {
    const char *suffix;
    const struct unit *units;
    const char *names;
} kinds[] = {
    {"_bytes_max", byte_units, "KiB, MiB, GiB"},
    {"_ms", ms_units, "ms, s, min, h, d"},
    {"_s", second_units, "s, min, h, d"},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

/* Which of `kinds` a setting is; KIND_COUNT: none. */
static size_t
kind_of(const char *setting)
{
    size_t len = strlen(setting);
    size_t kind = 0;

    for (; kind < KIND_COUNT; kind++) {
        size_t suffix_len = strlen(kinds[kind].suffix);

        if (len > suffix_len && strcmp(setting + len - suffix_len, kinds[kind].suffix) == 0) {
            break;
        }
    }
    return kind;
}

const char *
quantity_units(const char *setting)
{
    size_t kind = kind_of(setting);

    return kind < KIND_COUNT ? kinds[kind].names : NULL;
}

/* Moves *text behind the digits. */
static bool
parse_digits(const char **text, uint64_t *out)
{
    const char *at = *text;
    uint64_t number = 0;

    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');

        if (number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *out = number;
    if (at == *text) {
        return false;
    }
    *text = at;
    return true;
}

bool
quantity_parse(const char *text, const char *setting, uint64_t *out)
{
    size_t kind = kind_of(setting);
    const struct unit *units = kind < KIND_COUNT ? kinds[kind].units : no_units;
    uint64_t number = 0;

    if (!parse_digits(&text, &number)) {
        return false;
    }
    if (*text == ' ' && text[1] != '\0') {
        text++;
    }
    for (; units->name != NULL; units++) {
        if (strcmp(text, units->name) == 0) {
            *out = number * units->factor;
            return number <= UINT64_MAX / units->factor;
        }
    }
    return false;
}
