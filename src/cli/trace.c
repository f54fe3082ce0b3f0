#include "cli/trace.h"

#include "cli/colour.h"
#include "cli/encoding.h"
#include "cli/latencies.h"
#include "cli/memory.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

struct trace {
    json_t *object;
};

struct trace *
trace_parse(struct wilco_bytes json)
{
    json_t *object = json_loadb(json.data, json.len, 0, NULL);
    struct trace *t;

    if (!json_is_string(json_object_get(object, "outcome")) ||
        !json_is_object(json_object_get(object, "times_us"))) {
        json_decref(object);
        return NULL;
    }
    t = memory_get(1, sizeof(*t));
    t->object = object;
    return t;
}

void
trace_free(struct trace *t)
{
    if (t != NULL) {
        json_decref(t->object);
        free(t);
    }
}

static const char *
text_of(const struct trace *t, const char *key)
{
    const char *text = json_string_value(json_object_get(t->object, key));

    return text == NULL ? "" : text;
}

/* False: it did not get there. */
static bool
time_of(const struct trace *t, const char *station, uint64_t *us)
{
    const json_t *time = json_object_get(json_object_get(t->object, "times_us"), station);

    *us = (uint64_t)json_integer_value(time);
    return json_is_integer(time);
}

static void
write_station(const struct trace *t, FILE *out, const char *station, char *words)
{
    uint64_t us = 0;

    if (time_of(t, station, &us)) {
        encoding_make_harmless(words);
        (void)fprintf(out, "%10s  %s\n", latency_text(us).text, words);
    }
    free(words);
}

/* "calc-1 (calc/+, group w)" */
static char *
holder_of(const struct trace *t)
{
    const char *group = text_of(t, "group");

    return memory_text("%s (%s%s%s)", text_of(t, "holder"), text_of(t, "filter"),
                       *group == '\0' ? "" : ", group ", group);
}

static void
write_title(const struct trace *t, FILE *out)
{
    char *title = memory_text(
        "%s: %s with status %" PRId64 ", executed: %s", text_of(t, "topic"), text_of(t, "outcome"),
        (int64_t)json_integer_value(json_object_get(t->object, "status")), text_of(t, "executed"));

    encoding_make_harmless(title);
    (void)fprintf(out, "%s%s%s\n", colour_begin(out, COLOUR_TITLE), title, colour_end(out));
    free(title);
}

static void
write_end(const struct trace *t, FILE *out, uint64_t round_trip_us)
{
    uint64_t us = 0;
    bool is_answered = time_of(t, "forwarded", &us) || time_of(t, "responded", &us);

    if (is_answered && round_trip_us > us) {
        (void)fprintf(out, "%10s  the requester had it, %s of that between it and the broker\n",
                      latency_text(round_trip_us).text, latency_text(round_trip_us - us).text);
    } else {
        (void)fprintf(out, "%10s  the requester knew\n", latency_text(round_trip_us).text);
    }
}

void
trace_write(const struct trace *t, FILE *out, uint64_t round_trip_us)
{
    char *holder = holder_of(t);

    write_title(t, out);
    write_station(t, out, "received",
                  memory_text("the broker received it, at %s", text_of(t, "wall")));
    write_station(t, out, "delivered", memory_text("delivered to %s", holder));
    write_station(t, out, "acknowledged", memory_text("acknowledged by %s", text_of(t, "holder")));
    write_station(t, out, "responded", memory_text("%s responded", text_of(t, "holder")));
    write_station(t, out, "forwarded", memory_text("%s", "forwarded to the requester"));
    write_end(t, out, round_trip_us);
    free(holder);
}

char *
trace_json(const struct trace *t, uint64_t round_trip_us)
{
    json_t *all = memory_sure(json_copy(t->object));
    char *text;

    if (json_object_set_new(all, "round_trip_us", json_integer((json_int_t)round_trip_us)) != 0) {
        (void)memory_sure(NULL);
    }
    text = memory_sure(json_dumps(all, JSON_COMPACT));
    json_decref(all);
    return text;
}
