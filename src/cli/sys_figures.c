#define _POSIX_C_SOURCE 200809L

#include "cli/sys_figures.h"

#include "cli/memory.h"
#include "cli/pair_map.h"

#include <assert.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct figure {
    char *text;
    uint64_t value, time_us;
    uint64_t value_before, time_before_us; /* time 0: said once */
};

struct sys_figures {
    pthread_mutex_t lock;
    struct pair_map *by_topic; /* places in `all` */
    struct figure *all;
    size_t count;
};

struct sys_figures *
sys_figures_new(void)
{
    struct sys_figures *f = memory_get(1, sizeof(*f));

    (void)pthread_mutex_init(&f->lock, NULL);
    f->by_topic = pair_map_new(0);
    return f;
}

void
sys_figures_free(struct sys_figures *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->all[i].text);
    }
    free(f->all);
    pair_map_free(f->by_topic);
    (void)pthread_mutex_destroy(&f->lock);
    free(f);
}

static struct figure *
find(const struct sys_figures *f, struct wilco_bytes topic)
{
    uint64_t place = 0;

    return pair_map_get(f->by_topic, topic, (struct wilco_bytes){NULL, 0}, &place) ? &f->all[place]
                                                                                   : NULL;
}

static struct figure *
add(struct sys_figures *f, struct wilco_bytes topic)
{
    if (f->count == SYS_FIGURES_MAX) {
        return NULL;
    }
    if (f->count % 64 == 0) {
        f->all = memory_grow(f->all, f->count + 64, sizeof(*f->all));
    }
    assert(f->all != NULL);
    pair_map_put(f->by_topic, topic, (struct wilco_bytes){NULL, 0}, f->count);
    f->all[f->count] = (struct figure){0};
    return &f->all[f->count++];
}

void
sys_figures_put(struct sys_figures *f, struct wilco_bytes topic, struct wilco_bytes value,
                uint64_t now_us)
{
    struct figure *figure;

    (void)pthread_mutex_lock(&f->lock);
    figure = find(f, topic);
    if (figure == NULL) {
        figure = add(f, topic);
    } else {
        figure->value_before = figure->value;
        figure->time_before_us = figure->time_us;
    }
    if (figure != NULL) {
        free(figure->text);
        figure->text = memory_text("%.*s", WILCO_PRINTF_BYTES(value));
        figure->value = strtoull(figure->text, NULL, 10);
        figure->time_us = now_us;
    }
    (void)pthread_mutex_unlock(&f->lock);
}

static struct wilco_bytes
bytes_of(const char *text)
{
    return (struct wilco_bytes){text, strlen(text)};
}

char *
sys_figures_text(struct sys_figures *f, const char *topic)
{
    const struct figure *figure;
    char *text;

    (void)pthread_mutex_lock(&f->lock);
    figure = find(f, bytes_of(topic));
    text = figure == NULL ? NULL : memory_text("%s", figure->text);
    (void)pthread_mutex_unlock(&f->lock);
    return text;
}

/* A number that is not said again does not rise any more. */
static double
rate_of(const struct figure *figure, uint64_t now_us)
{
    uint64_t took_us = figure->time_us - figure->time_before_us;

    if (figure->time_before_us == 0 || took_us == 0) {
        return -1;
    }
    if (figure->value < figure->value_before || now_us - figure->time_us > 2 * took_us) {
        return 0;
    }
    return (double)(figure->value - figure->value_before) * 1e6 / (double)took_us;
}

struct sys_number
sys_figures_number(struct sys_figures *f, const char *topic, uint64_t now_us)
{
    struct sys_number number = {.per_second = -1};
    const struct figure *figure;

    (void)pthread_mutex_lock(&f->lock);
    figure = find(f, bytes_of(topic));
    if (figure != NULL) {
        number = (struct sys_number){true, figure->value, rate_of(figure, now_us)};
    }
    (void)pthread_mutex_unlock(&f->lock);
    return number;
}

/* A filter as part of a Topic Name, which has no wildcards. */
static char *
escape(const char *filter)
{
    char *out = memory_get(strlen(filter) + 1, 3), *to = out;

    for (const char *at = filter; *at != '\0'; at++) {
        const char *escaped = *at == '+' ? "%2B" : *at == '#' ? "%23" : *at == '%' ? "%25" : NULL;

        if (escaped == NULL) {
            *to++ = *at;
        } else {
            memcpy(to, escaped, 3);
            to += 3;
        }
    }
    return out;
}

struct sys_latency
sys_figures_latency(struct sys_figures *f, const char *filter, const char *group)
{
    struct sys_latency latency = {0};
    char *escaped = escape(filter);
    char *topic = *group == '\0' ? memory_text("$SYS/rr/filters/%s", escaped)
                                 : memory_text("$SYS/rr/groups/%s/%s", group, escaped);
    char *text = sys_figures_text(f, topic);
    json_t *object = text == NULL ? NULL : json_loads(text, 0, NULL);
    const json_t *service = json_object_get(object, "service_us");

    if (json_integer_value(json_object_get(service, "count")) > 0) {
        latency = (struct sys_latency){
            .is_known = true,
            .p50_us = (uint64_t)json_integer_value(json_object_get(service, "p50")),
            .p99_us = (uint64_t)json_integer_value(json_object_get(service, "p99")),
        };
    }
    json_decref(object);
    free(text);
    free(topic);
    free(escaped);
    return latency;
}
