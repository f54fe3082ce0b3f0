#include "broker/core/request_trace.h"

#include "base/clock.h"
#include "base/json_text.h"

#define STATUS_OK 200U /* of a response that says none */

/* What is told. */
struct trace {
    const struct message *request;
    const struct request *r; /* NULL: it never got to a holder */
    bool is_answered;
    bool was_forwarded;
    unsigned status;
    const char *executed;
};

/* Where to; the last one counts, as for all User Properties of a request. */
static struct span
topic_of(const struct message *request)
{
    struct wire_property_iterator it = wire_property_iterate(message_properties(request));
    struct wire_property property;
    struct span topic = SPAN_EMPTY;

    while (wire_property_next(&it, &property)) {
        if (property.id == WIRE_USER_PROPERTY &&
            span_equal(property.name, SPAN_LITERAL("rr-trace"))) {
            topic = property.value;
        }
    }
    return topic;
}

static void
write_text(struct json_text *j, const char *key, struct span text)
{
    if (text.len > 0) {
        json_text_key(j, key);
        json_text_string(j, text);
    }
}

static void
write_time(struct json_text *j, const char *key, uint64_t us)
{
    json_text_key(j, key);
    json_text_integer(j, us);
}

static uint64_t
since_us(const struct message *m, uint64_t us)
{
    return us > m->received_us ? us - m->received_us : 0;
}

/* Those that are known. */
static void
write_times(struct json_text *j, const struct shard *s, const struct trace *t)
{
    const struct message *m = t->request;

    json_text_key(j, "times_us");
    json_text_begin_object(j);
    write_time(j, "received", 0);
    if (t->r != NULL && t->r->stage >= REQUEST_DELIVERED) {
        write_time(j, "delivered", since_us(m, t->r->sent_us));
    }
    if (t->r != NULL && t->r->stage >= REQUEST_ACKED) {
        write_time(j, "acknowledged", since_us(m, t->r->acked_us));
    }
    if (t->is_answered) {
        write_time(j, "responded", since_us(m, s->now_us));
    }
    if (t->was_forwarded) {
        write_time(j, "forwarded", since_us(m, s->now_us));
    }
    json_text_end_object(j);
}

static void
write_holder(struct json_text *j, const struct shard *s, const struct request *r)
{
    const struct service_name name = service_table_name(s->broker->services, r->service);

    write_text(j, "filter", name.filter);
    write_text(j, "group", name.group);
    write_text(j, "holder", session_client_id(r->holder));
}

static enum wilco_status
write_all(struct buffer *out, const struct shard *s, const struct trace *t)
{
    struct json_text j = json_text_init(out);
    char wall[CLOCK_TEXT_BYTES];

    clock_write_time(s->broker->unix_offset_ms + t->request->received_ms, wall);
    json_text_begin_object(&j);
    write_text(&j, "topic", message_topic(t->request));
    if (t->r != NULL) {
        write_holder(&j, s, t->r);
    }
    write_text(&j, "outcome", span_of_text(t->is_answered ? "answered" : "failed"));
    json_text_key(&j, "status");
    json_text_integer(&j, t->status);
    write_text(&j, "executed", span_of_text(t->executed));
    write_times(&j, s, t);
    write_text(&j, "wall", span_of_text(wall));
    json_text_end_object(&j);
    return j.status;
}

static struct message *
make_message(const struct shard *s, const struct message *request, struct span json)
{
    struct wire_user_property source = {SPAN_LITERAL("rr-src"), SPAN_LITERAL("broker")};
    struct wire_publish p = {
        .qos = s->broker->settings.maximum_qos > 0,
        .topic = topic_of(request),
        .payload = json,
        .properties = {.payload_format_indicator = 1,
                       .message_expiry_interval = STATUS_EXPIRY_S,
                       .content_type = SPAN_LITERAL("application/json"),
                       .users = &source,
                       .user_count = 1},
    };

    wire_properties_set(&p.properties, WIRE_PAYLOAD_FORMAT_INDICATOR);
    wire_properties_set(&p.properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    wire_properties_set(&p.properties, WIRE_CONTENT_TYPE);
    wire_properties_set(&p.properties, WIRE_USER_PROPERTY);
    if (request->request.correlation_offset != 0) {
        p.properties.correlation_data = message_correlation(request);
        wire_properties_set(&p.properties, WIRE_CORRELATION_DATA);
    }
    return message_new(s->broker->alloc, &p, SESSION_ID_NONE, s->now_ms);
}

/* The text is as long as the topic and the names in it make it. */
static void
send(struct shard *s, const struct trace *t)
{
    struct message *m = NULL;
    struct buffer json;

    buffer_init(&json, s->broker->alloc, SIZE_MAX);
    if (write_all(&json, s, t) == WILCO_OK) {
        m = make_message(s, t->request, buffer_span(&json));
    }
    buffer_fini(&json);
    if (m == NULL) {
        s->stats.dropped_no_memory++;
        return;
    }
    s->stats.rr_traces++;
    shard_defer(s, m, t->request->publisher);
}

void
request_trace_write_failure(struct shard *s, const struct message *m, const struct request *r,
                            const struct status_facts *facts)
{
    const struct trace t = {
        .request = m,
        .r = r,
        .status = request_failure_status(facts->why),
        .executed = facts->maybe ? "maybe" : "no",
    };

    send(s, &t);
}

void
request_trace_write_answer(struct shard *s, const struct request *r, const struct response_terms *t,
                           bool was_forwarded)
{
    const struct trace trace = {
        .request = r->message,
        .r = r,
        .is_answered = true,
        .was_forwarded = was_forwarded,
        .status = t->status == 0 ? STATUS_OK : t->status,
        .executed = "yes",
    };

    send(s, &trace);
}
