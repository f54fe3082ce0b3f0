#include "cli/view.h"

#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

static size_t
count_user_properties(const struct wilco_message *m)
{
    struct wilco_bytes name, value;
    size_t count = 0;

    while (wilco_message_user_property_at(m, count, &name, &value)) {
        count++;
    }
    return count;
}

struct view
view_of_message(const struct wilco_message *m)
{
    size_t count = count_user_properties(m);
    struct view v = {
        .topic = wilco_message_topic(m),
        .payload = wilco_message_payload(m),
        .content_type = wilco_message_content_type(m),
        .response_topic = wilco_message_response_topic(m),
        .correlation_data = wilco_message_correlation_data(m),
        .user_properties = memory_get(count, sizeof(*v.user_properties)),
        .user_property_count = count,
        .qos = wilco_message_qos(m),
        .retain = wilco_message_retain(m),
        .is_utf8 = wilco_message_is_utf8(m),
    };

    v.has_expiry = wilco_message_expiry_s(m, &v.expiry_s);
    for (size_t i = 0; i < count; i++) {
        (void)wilco_message_user_property_at(m, i, &v.user_properties[i].name,
                                             &v.user_properties[i].value);
    }
    return v;
}

struct view
view_of_response(const struct wilco_message *m)
{
    struct view v = view_of_message(m);

    v.status = wilco_message_status(m);
    v.is_part = wilco_message_is_part(m);
    v.has_progress = wilco_message_progress(m, &v.progress);
    return v;
}

static struct wilco_bytes
bytes_of(const char *text)
{
    return (struct wilco_bytes){text, text == NULL ? 0 : strlen(text)};
}

struct view
view_of_publish(const struct wilco_publish *p)
{
    struct view v = {
        .topic = bytes_of(p->topic),
        .payload = p->payload,
        .content_type = bytes_of(p->content_type),
        .response_topic = bytes_of(p->response_topic),
        .correlation_data = p->correlation_data,
        .user_properties = memory_get(p->user_property_count, sizeof(*v.user_properties)),
        .user_property_count = p->user_property_count,
        .qos = p->qos,
        .retain = p->retain,
        .is_utf8 = p->is_utf8,
        .has_expiry = p->has_expiry,
        .expiry_s = p->expiry_s,
    };

    for (size_t i = 0; i < p->user_property_count; i++) {
        v.user_properties[i] = (struct view_pair){bytes_of(p->user_properties[i].name),
                                                  bytes_of(p->user_properties[i].value)};
    }
    return v;
}

void
view_fini(struct view *v)
{
    free(v->user_properties);
    *v = (struct view){0};
}
