#include "cli/service_list.h"

#include "cli/memory.h"
#include "cli/service_command.h"
#include "cli/table.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_of(const struct service_kind *kind, const struct service *s)
{
    return *s->name != '\0' && strcmp(kind->first->name, s->name) == 0 &&
           strcmp(kind->first->version, s->version) == 0;
}

static struct service_kind *
kind_of(struct service_list *l, const struct service *s)
{
    for (size_t i = 0; i < l->count; i++) {
        if (is_of(&l->kinds[i], s)) {
            return &l->kinds[i];
        }
    }
    l->kinds = memory_grow(l->kinds, l->count + 1, sizeof(*l->kinds));
    l->kinds[l->count] = (struct service_kind){.first = s};
    return &l->kinds[l->count++];
}

struct service_list
service_list_of(const struct services *s)
{
    struct service_list l = {0};

    for (size_t i = 0; i < s->count; i++) {
        struct service_kind *kind = kind_of(&l, &s->all[i]);

        kind->instances =
            memory_grow(kind->instances, kind->instance_count + 1, sizeof(const struct service *));
        kind->instances[kind->instance_count++] = &s->all[i];
        kind->members += s->all[i].members;
        kind->online += s->all[i].online;
    }
    return l;
}

void
service_list_fini(struct service_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->kinds[i].instances);
    }
    free(l->kinds);
    *l = (struct service_list){0};
}

static bool
is_same(const struct service_endpoint *a, const struct service_endpoint *b)
{
    return strcmp(a->filter, b->filter) == 0 && strcmp(a->group, b->group) == 0;
}

/* Whether an instance before number `i`, or the instance itself before `e`, has the same. */
static bool
has_come(const struct service_kind *kind, size_t i, const struct service_endpoint *e)
{
    for (size_t k = 0; k <= i; k++) {
        const struct service *s = kind->instances[k];

        for (size_t n = 0; n < s->endpoint_count && &s->endpoints[n] != e; n++) {
            if (is_same(&s->endpoints[n], e)) {
                return true;
            }
        }
    }
    return false;
}

typedef void endpoint_fn(void *context, const struct service_endpoint *e);

/* Each endpoint that any instance has, once. */
static void
each_endpoint(const struct service_kind *kind, endpoint_fn *visit, void *context)
{
    for (size_t i = 0; i < kind->instance_count; i++) {
        const struct service *s = kind->instances[i];

        for (size_t n = 0; n < s->endpoint_count; n++) {
            if (!has_come(kind, i, &s->endpoints[n])) {
                visit(context, &s->endpoints[n]);
            }
        }
    }
}

static void
append_endpoint(void *context, const struct service_endpoint *e)
{
    char **text = context;
    char *longer =
        memory_text("%s%s%s%s%s%s", *text, **text == '\0' ? "" : ", ", e->filter,
                    *e->group == '\0' ? "" : " (", e->group, *e->group == '\0' ? "" : ")");

    free(*text);
    *text = longer;
}

void
service_list_write(const struct service_list *l)
{
    static const struct table_column columns[] = {
        {"NAME", TABLE_LEFT},
        {"VERSION", TABLE_LEFT},
        {"INSTANCES", TABLE_RIGHT},
        {"ENDPOINTS", TABLE_LEFT},
    };
    struct table *t = table_new(columns, sizeof(columns) / sizeof(columns[0]));

    for (size_t i = 0; i < l->count; i++) {
        const struct service_kind *kind = &l->kinds[i];
        char *endpoints = memory_text("%s", "");

        each_endpoint(kind, append_endpoint, &endpoints);
        table_add(t, "%s", service_cell(kind->first->name));
        table_add(t, "%s", service_cell(kind->first->version));
        if (kind->online < kind->members) {
            table_add(t, "%" PRIu64 " of %" PRIu64, kind->online, kind->members);
        } else {
            table_add(t, "%" PRIu64, kind->members);
        }
        table_add(t, "%s", service_cell(endpoints));
        free(endpoints);
    }
    table_write(t, stdout, SIZE_MAX);
    table_free(t);
}

static void
append_endpoint_json(void *context, const struct service_endpoint *e)
{
    json_t *endpoints = context;
    json_t *object = json_pack("{s:s, s:s}", "subject", e->filter, "queue_group", e->group);

    if (json_array_append_new(endpoints, memory_sure(object)) != 0) {
        (void)memory_sure(NULL);
    }
}

void
service_list_write_json(const struct service_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        const struct service_kind *kind = &l->kinds[i];
        json_t *endpoints = memory_sure(json_array()), *object;
        char *text;

        each_endpoint(kind, append_endpoint_json, endpoints);
        object = json_pack("{s:s, s:s, s:I, s:I, s:o}", "name", kind->first->name, "version",
                           kind->first->version, "instances", (json_int_t)kind->members, "online",
                           (json_int_t)kind->online, "endpoints", endpoints);
        text = memory_sure(json_dumps(memory_sure(object), JSON_COMPACT));
        (void)printf("%s\n", text);
        free(text);
        json_decref(object);
    }
}
