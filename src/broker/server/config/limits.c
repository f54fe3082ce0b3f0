#include "broker/server/config/directive.h"
#include "broker/server/config/quantity.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static struct setting_row
row_of(const struct directive *d)
{
    struct setting_row row = settings_row(0);

    for (size_t i = 1; row.name != NULL && strcmp(row.name, d->sets) != 0; i++) {
        row = settings_row(i);
    }
    return row;
}

static void
set(struct config_reader *r, const struct setting_row *row, uint64_t number)
{
    char assignment[128];
    char reason[SETTINGS_REASON_BYTES];
    enum wilco_status st = WILCO_OK;

    (void)snprintf(assignment, sizeof(assignment), "%s=%" PRIu64, row->name, number);
    st = settings_apply(&r->config->settings, assignment, reason);
    assert(st == WILCO_OK); /* the caller has compared it with the row's bounds */
    (void)st;
}

/* "true" and "false" for what is on or off. */
static bool
parse(const char *value, const struct setting_row *row, uint64_t *out)
{
    bool is_switch = row->min == 0 && row->max == 1;

    if (is_switch && (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)) {
        *out = value[0] == 't';
        return true;
    }
    return quantity_parse(value, row->name, out) && *out >= row->min && *out <= row->max;
}

static void
take_limit(struct config_reader *r, const struct directive *d, const char *value)
{
    struct setting_row row = row_of(d);
    const char *units = quantity_units(row.name);
    uint64_t number = 0;

    if (parse(value, &row, &number)) {
        set(r, &row, number);
        return;
    }
    reader_wrong(r, "%s: %s is not a whole number from %" PRIu64 " to %" PRIu64 "%s%s", d->name,
                 LOG_TEXT(span_of_text(value)), row.min, row.max,
                 units == NULL ? "" : ", which may be followed by one of ",
                 units == NULL ? "" : units);
}

/* `detail` is what mosquitto writes where there shall be no limit. */
static void
take_limit_or_none(struct config_reader *r, const struct directive *d, const char *value)
{
    struct setting_row row = row_of(d);

    if (strcmp(value, d->detail) == 0) {
        set(r, &row, row.max);
    } else {
        take_limit(r, d, value);
    }
}

/* A number with the first letter of hour, day, week, month or year. */
static void
take_expiration(struct config_reader *r, const struct directive *d, const char *value)
{
    static const struct {
        char letter;
        uint64_t seconds;
    } units[] = {
        {'h', 3600}, {'d', 86400}, {'w', 604800}, {'m', 2592000}, {'y', 31536000},
    };
    struct setting_row row = row_of(d);
    size_t len = strspn(value, "0123456789");
    uint64_t number = 0;

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && len > 0 && len < 10; i++) {
        if (value[len] == units[i].letter && value[len + 1] == '\0') {
            for (size_t j = 0; j < len; j++) {
                number = number * 10 + (uint64_t)(value[j] - '0');
            }
            number *= units[i].seconds;
        }
    }
    if (number == 0 || number > row.max) {
        reader_wrong(r,
                     "%s: %s is not a number with h, d, w, m or y behind it (hours, days, weeks, "
                     "months, years)",
                     d->name, LOG_TEXT(span_of_text(value)));
        return;
    }
    set(r, &row, number);
}

struct directive
limit_directive(struct setting_row row)
{
    return (struct directive){.name = row.name, .take = take_limit, .sets = row.name};
}

const struct directive limit_directives[] = {
    {.name = "global_max_connections",
     .take = take_limit_or_none,
     .detail = "-1",
     .sets = "connections_max"},
    {.name = "max_connections",
     .take = take_limit_or_none,
     .detail = "-1",
     .sets = "connections_max"},
    {.name = "max_inflight_messages",
     .take = take_limit_or_none,
     .detail = "0",
     .sets = "inflight_max"},
    {.name = "max_keepalive", .take = take_limit, .sets = "keep_alive_max_s"},
    {.name = "max_packet_size",
     .take = take_limit_or_none,
     .detail = "0",
     .sets = "packet_bytes_max"},
    {.name = "max_qos", .take = take_limit, .sets = "maximum_qos"},
    {.name = "max_queued_bytes",
     .take = take_limit_or_none,
     .detail = "0",
     .sets = "queued_bytes_max"},
    {.name = "max_queued_messages",
     .take = take_limit_or_none,
     .detail = "0",
     .sets = "queued_messages_max"},
    {.name = "max_topic_alias", .take = take_limit, .sets = "topic_alias_maximum"},
    {.name = "max_topic_alias_broker", .take = take_limit, .sets = "topic_alias_out_max"},
    {.name = "persistent_client_expiration",
     .take = take_expiration,
     .sets = "session_expiry_max_s"},
    {.name = "sys_interval", .take = take_limit, .sets = "sys_interval_s"},
    {.name = NULL},
};
