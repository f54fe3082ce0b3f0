#include "broker/core/service_event.h"

#include "base/json_text.h"
#include "broker/core/message.h"
#include "broker/core/service_terms.h"

#include <stdio.h>

#define TOPIC_BYTES                                                                                \
    (sizeof(SERVICE_EVENT_ROOT) + SERVICE_NAME_BYTES_MAX + sizeof("/") + SERVICE_ID_CHARS)

static enum wilco_status
write_payload(struct buffer *out, const struct service_instance *i)
{
    struct service_labels labels = service_instance_labels(i);
    struct json_text j = json_text_init(out);

    json_text_begin_object(&j);
    json_text_key(&j, "type");
    json_text_string(&j, SPAN_LITERAL("io.wilco.rr.v1.event"));
    json_text_key(&j, "event");
    json_text_string(&j, i->is_online ? SPAN_LITERAL("up") : SPAN_LITERAL("down"));
    json_text_key(&j, "name");
    json_text_string(&j, labels.name);
    json_text_key(&j, "id");
    json_text_string(&j, span_of_text(i->id));
    json_text_key(&j, "version");
    json_text_string(&j, labels.version);
    json_text_key(&j, "client_id");
    json_text_string(&j, labels.client_id);
    json_text_key(&j, "metadata");
    json_text_value(&j, buffer_span(&i->metadata));
    json_text_end_object(&j);
    return j.status;
}

static struct message *
make(struct shard *s, const struct service_instance *i, struct span payload)
{
    static const struct wire_user_property users[] = {{SPAN_INIT("rr-src"), SPAN_INIT("broker")}};
    struct span name = service_instance_labels(i).name;
    char topic[TOPIC_BYTES];
    struct wire_publish p = {
        .qos = s->broker->settings.maximum_qos > 0,
        .payload = payload,
        .properties = {.payload_format_indicator = 1,
                       .message_expiry_interval = SERVICE_EVENT_EXPIRY_S,
                       .content_type = SPAN_LITERAL("application/json"),
                       .users = users,
                       .user_count = 1},
    };

    (void)snprintf(topic, sizeof(topic), SERVICE_EVENT_ROOT "%.*s/%s", (int)name.len,
                   (const char *)name.data, i->id);
    p.topic = span_of_text(topic);
    wire_properties_set(&p.properties, WIRE_PAYLOAD_FORMAT_INDICATOR);
    wire_properties_set(&p.properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    wire_properties_set(&p.properties, WIRE_CONTENT_TYPE);
    wire_properties_set(&p.properties, WIRE_USER_PROPERTY);
    return message_new(s->broker->alloc, &p, SESSION_ID_NONE, s->now_ms);
}

void
service_event_publish(struct shard *s, const struct service_instance *i)
{
    struct buffer payload;
    struct message *m = NULL;

    if (s->is_stopping) {
        return;
    }
    buffer_init(&payload, s->broker->alloc, SIZE_MAX);
    if (write_payload(&payload, i) == WILCO_OK) {
        m = make(s, i, buffer_span(&payload));
    }
    buffer_fini(&payload);
    if (m == NULL) {
        s->stats.dropped_no_memory++;
        return;
    }
    shard_defer(s, m, SESSION_ID_NONE);
}
