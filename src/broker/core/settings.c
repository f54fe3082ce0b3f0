#include "broker/core/settings.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    struct setting_row row;
    size_t offset;
} table[] = {
#define SETTING_ROW(name, standard, min, max, what)                                                \
    {{#name, UINT64_C(standard), UINT64_C(min), UINT64_C(max), what},                              \
     offsetof(struct settings, name)},
    SETTINGS(SETTING_ROW)
#undef SETTING_ROW
};

#define ROWS (sizeof(table) / sizeof(table[0]))

struct settings
settings_default(void)
{
    return (struct settings){
#define SETTING_DEFAULT(name, standard, min, max, what) .name = UINT64_C(standard),
        SETTINGS(SETTING_DEFAULT)
#undef SETTING_DEFAULT
    };
}

struct setting_row
settings_row(size_t index)
{
    return index < ROWS ? table[index].row : (struct setting_row){.name = NULL};
}

uint64_t
settings_value(const struct settings *s, size_t index)
{
    uint64_t value = 0;

    assert(index < ROWS);
    memcpy(&value, (const uint8_t *)s + table[index].offset, sizeof(value));
    return value;
}

void
settings_copy_value(struct settings *to, const struct settings *from, size_t index)
{
    uint64_t value = settings_value(from, index);

    memcpy((uint8_t *)to + table[index].offset, &value, sizeof(value));
}

/* Digits only: strtoull() alone would take signs and spaces. */
static bool
parse_number(const char *text, uint64_t *out)
{
    char *end = NULL;

    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static enum wilco_status
apply_row(struct settings *s, size_t row, const char *value, char reason[SETTINGS_REASON_BYTES])
{
    uint64_t number = 0;

    if (!parse_number(value, &number) || number < table[row].row.min ||
        number > table[row].row.max) {
        (void)snprintf(reason, SETTINGS_REASON_BYTES,
                       "%s takes a whole number from %" PRIu64 " to %" PRIu64 ", not \"%.40s\"",
                       table[row].row.name, table[row].row.min, table[row].row.max, value);
        return WILCO_EINVAL;
    }
    memcpy((uint8_t *)s + table[row].offset, &number, sizeof(number));
    return WILCO_OK;
}

enum wilco_status
settings_apply(struct settings *s, const char *assignment, char reason[SETTINGS_REASON_BYTES])
{
    size_t name_len = strcspn(assignment, "=");

    for (size_t i = 0; i < ROWS; i++) {
        if (strlen(table[i].row.name) == name_len &&
            strncmp(table[i].row.name, assignment, name_len) == 0 && assignment[name_len] == '=') {
            return apply_row(s, i, assignment + name_len + 1, reason);
        }
    }
    (void)snprintf(
        reason, SETTINGS_REASON_BYTES,
        "no setting called \"%.60s\": write name=value, with a name that --help-settings lists",
        assignment);
    return WILCO_ENOTFOUND;
}
