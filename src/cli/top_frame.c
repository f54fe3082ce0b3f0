#include "cli/top_frame.h"

#include "cli/encoding.h"
#include "cli/latencies.h"
#include "cli/memory.h"
#include "cli/service_command.h"
#include "cli/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- Rows ---- */

static struct top_row *
find(const struct top_rows *r, const char *filter, const char *group)
{
    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->all[i].filter, filter) == 0 && strcmp(r->all[i].group, group) == 0) {
            return &r->all[i];
        }
    }
    return NULL;
}

static void
add(struct top_rows *r, const struct service *s, const struct service_endpoint *e)
{
    struct top_row *row = find(r, e->filter, e->group);

    if (row == NULL) {
        r->all = memory_grow(r->all, r->count + 1, sizeof(*r->all));
        row = &r->all[r->count++];
        *row = (struct top_row){
            .filter = memory_text("%s", e->filter),
            .group = memory_text("%s", e->group),
            .name = memory_text("%s", s->name),
        };
    }
    row->requests += e->requests;
    row->errors += e->errors;
    row->time_ns += e->average_ns * e->requests;
}

static uint64_t
risen(const struct top_row *row)
{
    return row->has_before && row->requests > row->requests_before
               ? row->requests - row->requests_before
               : 0;
}

static int
compare(const void *left, const void *right)
{
    const struct top_row *a = left, *b = right;

    if (risen(a) != risen(b)) {
        return risen(a) < risen(b) ? 1 : -1;
    }
    if (a->requests != b->requests) {
        return a->requests < b->requests ? 1 : -1;
    }
    return strcmp(a->filter, b->filter);
}

struct top_rows
top_rows_of(const struct services *s, const struct top_rows *before, uint64_t now_us)
{
    struct top_rows r = {.time_us = now_us};

    for (size_t i = 0; i < s->count; i++) {
        for (size_t n = 0; n < s->all[i].endpoint_count; n++) {
            add(&r, &s->all[i], &s->all[i].endpoints[n]);
        }
    }
    for (size_t i = 0; i < r.count; i++) {
        const struct top_row *was = find(before, r.all[i].filter, r.all[i].group);

        r.all[i].has_before = was != NULL;
        r.all[i].requests_before = was == NULL ? 0 : was->requests;
    }
    if (r.count > 0) {
        qsort(r.all, r.count, sizeof(*r.all), compare);
    }
    return r;
}

void
top_rows_fini(struct top_rows *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free(r->all[i].filter);
        free(r->all[i].group);
        free(r->all[i].name);
    }
    free(r->all);
    *r = (struct top_rows){0};
}

/* ---- Lines ---- */

static void
write_figure(const struct top_frame *f, FILE *out, const char *title, const char *topic)
{
    struct sys_number n = sys_figures_number(f->figures, topic, f->rows->time_us);

    (void)fprintf(out, "   %s ", title);
    if (n.is_known) {
        (void)fprintf(out, "%" PRIu64, n.value);
    } else {
        (void)fputs("-", out);
    }
}

static void
write_rising(const struct top_frame *f, FILE *out, const char *title, const char *topic)
{
    struct sys_number n = sys_figures_number(f->figures, topic, f->rows->time_us);

    write_figure(f, out, title, topic);
    if (n.per_second >= 0) {
        (void)fprintf(out, " (%.1f/s)", n.per_second);
    }
}

static void
write_server(const struct top_frame *f, FILE *out)
{
    char *version = sys_figures_text(f->figures, "$SYS/broker/version");
    char *uptime = sys_figures_text(f->figures, "$SYS/broker/uptime");
    char *line = memory_text("%s   %s   up %s", f->server, version == NULL ? "-" : version,
                             uptime == NULL ? "-" : uptime);

    encoding_make_harmless(line);
    (void)fputs(line, out);
    write_figure(f, out, "clients", "$SYS/broker/clients/connected");
    (void)fputc('\n', out);
    free(line);
    free(uptime);
    free(version);
}

static void
write_requests(const struct top_frame *f, FILE *out)
{
    static const struct {
        const char *title, *topic;
    } failures[] = {
        {"no responder", "$SYS/rr/no_responder"},
        {"offline", "$SYS/rr/offline"},
        {"refused", "$SYS/rr/refused"},
        {"not taken", "$SYS/rr/not_taken"},
        {"lost", "$SYS/rr/lost"},
        {"timed out", "$SYS/rr/timed_out"},
        {"response lost", "$SYS/rr/response_lost"},
    };

    (void)fputs("requests", out);
    write_rising(f, out, "all", "$SYS/rr/requests");
    write_rising(f, out, "answered", "$SYS/rr/answered");
    write_figure(f, out, "in flight", "$SYS/rr/in_flight");
    (void)fputs("\nfailed  ", out);
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        write_figure(f, out, failures[i].title, failures[i].topic);
    }
    (void)fputs("\n\n", out);
}

static void
add_time(struct table *t, bool is_known, uint64_t us)
{
    table_add(t, "%s", is_known ? latency_text(us).text : "-");
}

static void
add_row(struct table *t, const struct top_frame *f, const struct top_row *row)
{
    struct sys_latency latency = sys_figures_latency(f->figures, row->filter, row->group);
    uint64_t took_us = f->rows->time_us - f->before_us;

    table_add(t, "%s", row->filter);
    table_add(t, "%s", service_cell(row->group));
    table_add(t, "%s", service_cell(row->name));
    if (row->has_before && f->before_us != 0 && took_us > 0) {
        table_add(t, "%.1f", (double)risen(row) * 1e6 / (double)took_us);
    } else {
        table_add(t, "-");
    }
    table_add(t, "%" PRIu64, row->requests);
    table_add(t, "%" PRIu64, row->errors);
    add_time(t, row->requests > 0 && row->time_ns > 0,
             row->requests == 0 ? 0 : row->time_ns / row->requests / 1000);
    add_time(t, latency.is_known, latency.p50_us);
    add_time(t, latency.is_known, latency.p99_us);
}

void
top_frame_write(const struct top_frame *f, FILE *out)
{
    static const struct table_column columns[] = {
        {"ENDPOINT", TABLE_LEFT}, {"GROUP", TABLE_LEFT},     {"SERVICE", TABLE_LEFT},
        {"REQ/S", TABLE_RIGHT},   {"REQUESTS", TABLE_RIGHT}, {"ERRORS", TABLE_RIGHT},
        {"AVERAGE", TABLE_RIGHT}, {"P50", TABLE_RIGHT},      {"P99", TABLE_RIGHT},
    };
    struct table *t = table_new(columns, sizeof(columns) / sizeof(columns[0]));

    write_server(f, out);
    write_requests(f, out);
    for (size_t i = 0; i < f->rows->count; i++) {
        add_row(t, f, &f->rows->all[i]);
    }
    table_write(t, out, f->lines_max);
    table_free(t);
}
