#include "broker/core/service_report.h"

#include "base/clock.h"
#include "base/json_text.h"

#define NS_PER_US 1000U

/* How requests were answered. */
struct figures {
    uint64_t requests; /* that have come to their end */
    uint64_t answered; /* of these */
    uint64_t errors;   /* answered so, or not at all */
    uint64_t took_us;
    struct span last_error; /* data NULL: not known */
};

static uint64_t
get(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static void
write_text(struct json_text *j, const char *key, struct span text)
{
    json_text_key(j, key);
    json_text_string(j, text);
}

static void
write_number(struct json_text *j, const char *key, uint64_t number)
{
    json_text_key(j, key);
    json_text_integer(j, number);
}

static void
write_empty_object(struct json_text *j, const char *key)
{
    json_text_key(j, key);
    json_text_value(j, SPAN_LITERAL("{}"));
}

/* What all reports begin with. */
static void
begin(struct json_text *j, enum service_question_kind kind, struct span name, struct span id,
      struct span version)
{
    static const struct span types[] = {
        [SERVICE_PING] = SPAN_INIT("io.wilco.rr.v1.ping_response"),
        [SERVICE_INFO] = SPAN_INIT("io.wilco.rr.v1.info_response"),
        [SERVICE_STATS] = SPAN_INIT("io.wilco.rr.v1.stats_response"),
    };

    json_text_begin_object(j);
    write_text(j, "type", types[kind]);
    write_text(j, "name", name);
    write_text(j, "id", id);
    write_text(j, "version", version);
}

static void
write_figures(struct json_text *j, const struct figures *f)
{
    uint64_t took_ns = f->took_us * NS_PER_US;

    write_number(j, "num_requests", f->requests);
    write_number(j, "num_errors", f->errors);
    if (f->last_error.data != NULL) {
        write_text(j, "last_error", f->last_error);
    }
    write_number(j, "processing_time", took_ns);
    write_number(j, "average_processing_time", f->answered == 0 ? 0 : took_ns / f->answered);
}

/* `f` NULL: without figures. */
static void
write_endpoint(struct json_text *j, struct span group, struct span filter, const struct figures *f)
{
    json_text_begin_object(j);
    write_text(j, "name", filter);
    write_text(j, "subject", filter);
    write_text(j, "queue_group", group);
    write_empty_object(j, "metadata");
    if (f != NULL) {
        write_figures(j, f);
    }
    json_text_end_object(j);
}

static struct figures
figures_of(const struct service_endpoint *e)
{
    return (struct figures){
        .requests = get(&e->answered) + get(&e->failed),
        .answered = get(&e->answered),
        .errors = get(&e->errors) + get(&e->failed),
        .took_us = get(&e->took_us),
        .last_error = span_of_text(e->last_error),
    };
}

static void
write_endpoints(struct json_text *j, enum service_question_kind kind,
                const struct service_instance *i)
{
    json_text_key(j, "endpoints");
    json_text_begin_array(j);
    LIST_EACH(link, &i->endpoints)
    {
        const struct service_endpoint *e = CONTAINER_OF(link, struct service_endpoint, of_instance);
        const struct figures figures = figures_of(e);

        write_endpoint(j, service_endpoint_group(e), service_endpoint_filter(e),
                       kind == SERVICE_STATS ? &figures : NULL);
    }
    json_text_end_array(j);
}

enum wilco_status
service_report(struct buffer *out, enum service_question_kind kind,
               const struct service_instance *i)
{
    struct json_text j = json_text_init(out);
    struct service_labels labels = service_instance_labels(i);
    char started[CLOCK_TEXT_BYTES];

    begin(&j, kind, labels.name, span_of_text(i->id), labels.version);
    json_text_key(&j, "metadata");
    json_text_value(&j, buffer_span(&i->metadata));
    if (kind == SERVICE_INFO) {
        write_text(&j, "description", buffer_span(&i->description));
        json_text_key(&j, "online");
        json_text_bool(&j, i->is_online);
        write_text(&j, "client_id", labels.client_id);
    }
    if (kind == SERVICE_STATS) {
        clock_write_time(i->started_ms, started);
        write_text(&j, "started", span_of_text(started));
    }
    if (kind != SERVICE_PING) {
        write_endpoints(&j, kind, i);
    }
    json_text_end_object(&j);
    return j.status;
}

static struct figures
figures_of_all(const struct request_stats *s)
{
    return (struct figures){
        .requests = get(&s->answered) + get(&s->failed),
        .answered = get(&s->answered),
        .errors = get(&s->errors) + get(&s->failed),
        .took_us = get(&s->service.sum),
    };
}

enum wilco_status
service_report_strangers(struct buffer *out, enum service_question_kind kind,
                         const struct service_strangers *s)
{
    struct json_text j = json_text_init(out);
    struct figures figures;

    begin(&j, kind, SPAN_EMPTY, SPAN_EMPTY, SPAN_EMPTY);
    write_empty_object(&j, "metadata");
    if (kind == SERVICE_INFO) {
        write_text(&j, "description", SPAN_EMPTY);
        json_text_key(&j, "online");
        json_text_bool(&j, s->online > 0);
        write_number(&j, "members", s->members);
        write_number(&j, "members_online", s->online);
    }
    if (kind == SERVICE_STATS) {
        figures = figures_of_all(s->stats);
    }
    json_text_key(&j, "endpoints");
    json_text_begin_array(&j);
    write_endpoint(&j, s->at.group, s->at.filter, kind == SERVICE_STATS ? &figures : NULL);
    json_text_end_array(&j);
    json_text_end_object(&j);
    return j.status;
}
