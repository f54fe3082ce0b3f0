#include "client/message.h"

#include <assert.h>

#define STATUS_ERROR       400 /* and above */
#define STATUS_DEFAULT     200
#define PROGRESS_CHARS_MAX 18U
#define STATUS_GARBLED     500 /* a `__stat` that is not a number of three digits */

/* Copies `bytes` to `*at` and moves it on; the copy. */
static struct span
append(uint8_t **at, struct span bytes)
{
    struct span copy = span_of(*at, bytes.len);

    if (bytes.len > 0) {
        memcpy(*at, bytes.data, bytes.len);
        *at += bytes.len;
    }
    return copy;
}

/* The place of `field`, which lies in `from`, in the copy `to`. */
static struct span
moved(struct span field, struct span from, struct span to)
{
    return span_of(to.data + (field.data - from.data), field.len);
}

static void
set_properties(struct wilco_message *m, const struct wire_properties *p)
{
    if (wire_properties_has(p, WIRE_CONTENT_TYPE)) {
        m->content_type = moved(p->content_type, p->block, m->properties);
    }
    if (wire_properties_has(p, WIRE_RESPONSE_TOPIC)) {
        m->response_topic = moved(p->response_topic, p->block, m->properties);
    }
    if (wire_properties_has(p, WIRE_CORRELATION_DATA)) {
        m->correlation_data = moved(p->correlation_data, p->block, m->properties);
    }
    m->has_expiry = wire_properties_has(p, WIRE_MESSAGE_EXPIRY_INTERVAL);
    m->expiry_s = p->message_expiry_interval;
    m->is_utf8 = p->payload_format_indicator != 0;
    m->has_identifiers = wire_properties_has(p, WIRE_SUBSCRIPTION_IDENTIFIER);
    m->cursor = wire_property_iterate(m->properties);
}

struct wilco_message *
message_new(const struct wilco_alloc *a, const struct wire_publish *p, uint64_t now_ms)
{
    size_t bytes = p->topic.len + p->properties.block.len + p->payload.len;
    struct wilco_message *m = mem_alloc(a, sizeof(*m) + bytes);
    uint8_t *at = NULL;

    if (m == NULL) {
        return NULL;
    }
    *m = (struct wilco_message){
        .alloc = a,
        .received_ms = now_ms,
        .retain = p->retain,
        .qos = p->qos,
        .packet_id = p->packet_id,
        .is_dup = p->dup,
        .event.kind = EVENT_MESSAGE,
    };
    atomic_init(&m->refs, 1);
    at = m->bytes;
    m->topic = append(&at, p->topic);
    m->properties = append(&at, p->properties.block);
    m->payload = append(&at, p->payload);
    set_properties(m, &p->properties);
    return m;
}

/* The same of a field that may not be there. */
static struct span
moved_if_any(struct span field, struct span from, struct span to)
{
    return field.data == NULL ? field : moved(field, from, to);
}

struct wilco_message *
message_with_payload(const struct wilco_message *m, struct buffer *payload)
{
    struct wilco_message *whole =
        mem_alloc(m->alloc, sizeof(*whole) + m->topic.len + m->properties.len);
    uint8_t *at = NULL;

    if (whole == NULL) {
        return NULL;
    }
    *whole = (struct wilco_message){
        .alloc = m->alloc,
        .payload = buffer_span(payload),
        .received_ms = m->received_ms,
        .expiry_s = m->expiry_s,
        .has_expiry = m->has_expiry,
        .is_utf8 = m->is_utf8,
        .retain = m->retain,
        .has_identifiers = m->has_identifiers,
        .qos = m->qos,
        .event.kind = EVENT_MESSAGE,
        .pieces = payload->data,
    };
    atomic_init(&whole->refs, 1);
    at = whole->bytes;
    whole->topic = append(&at, m->topic);
    whole->properties = append(&at, m->properties);
    whole->content_type = moved_if_any(m->content_type, m->properties, whole->properties);
    whole->response_topic = moved_if_any(m->response_topic, m->properties, whole->properties);
    whole->correlation_data = moved_if_any(m->correlation_data, m->properties, whole->properties);
    buffer_init(payload, payload->alloc, payload->bytes_max);
    return whole;
}

bool
message_names(const struct wilco_message *m, uint32_t identifier)
{
    struct wire_property_iterator it = wire_property_iterate(m->properties);
    struct wire_property property;

    while (wire_property_next(&it, &property)) {
        if (property.id == WIRE_SUBSCRIPTION_IDENTIFIER && property.number == identifier) {
            return true;
        }
    }
    return false;
}

uint64_t
message_remaining_ms(const struct wilco_message *m, uint64_t now_ms)
{
    uint64_t end_ms = m->received_ms + (uint64_t)m->expiry_s * 1000;

    if (!m->has_expiry) {
        return UINT64_MAX;
    }
    return end_ms > now_ms ? end_ms - now_ms : 0;
}

static struct wilco_bytes
bytes_of(struct span s)
{
    return (struct wilco_bytes){.data = s.data, .len = s.len};
}

struct wilco_message *
wilco_message_ref(const struct wilco_message *m)
{
    /* The count is not part of what "const" promises. */
    struct wilco_message *counted = (struct wilco_message *)(uintptr_t)m;
    size_t before = atomic_fetch_add_explicit(&counted->refs, 1, memory_order_relaxed);

    assert(before > 0);
    (void)before;
    return counted;
}

void
wilco_message_unref(struct wilco_message *m)
{
    if (m != NULL && atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) == 1) {
        mem_free(m->alloc, m->pieces);
        mem_free(m->alloc, m);
    }
}

struct wilco_bytes
wilco_message_topic(const struct wilco_message *m)
{
    return bytes_of(m->topic);
}

struct wilco_bytes
wilco_message_payload(const struct wilco_message *m)
{
    return bytes_of(m->payload);
}

struct wilco_bytes
wilco_message_content_type(const struct wilco_message *m)
{
    return bytes_of(m->content_type);
}

struct wilco_bytes
wilco_message_response_topic(const struct wilco_message *m)
{
    return bytes_of(m->response_topic);
}

struct wilco_bytes
wilco_message_correlation_data(const struct wilco_message *m)
{
    return bytes_of(m->correlation_data);
}

/* The next User Property; false when there is none left. */
static bool
next_user(struct wire_property_iterator *it, struct wire_property *out)
{
    while (wire_property_next(it, out)) {
        if (out->id == WIRE_USER_PROPERTY) {
            return true;
        }
    }
    return false;
}

struct wilco_bytes
wilco_message_user_property(const struct wilco_message *m, const char *name)
{
    struct wire_property_iterator it = wire_property_iterate(m->properties);
    struct span wanted = span_of_text(name);
    struct wire_property p;

    while (next_user(&it, &p)) {
        if (span_equal(p.name, wanted)) {
            return bytes_of(p.value);
        }
    }
    return bytes_of(SPAN_EMPTY);
}

bool
wilco_message_user_property_at(const struct wilco_message *m, size_t index,
                               struct wilco_bytes *name, struct wilco_bytes *value)
{
    struct wire_property_iterator it = wire_property_iterate(m->properties);
    struct wire_property p;

    while (next_user(&it, &p)) {
        if (index == 0) {
            *name = bytes_of(p.name);
            *value = bytes_of(p.value);
            return true;
        }
        index--;
    }
    return false;
}

uint8_t
wilco_message_qos(const struct wilco_message *m)
{
    return m->qos;
}

bool
wilco_message_retain(const struct wilco_message *m)
{
    return m->retain;
}

bool
wilco_message_is_utf8(const struct wilco_message *m)
{
    return m->is_utf8;
}

bool
wilco_message_expiry_s(const struct wilco_message *m, uint32_t *seconds)
{
    *seconds = m->expiry_s;
    return m->has_expiry;
}

bool
message_number(struct span text, uint32_t *number)
{
    uint64_t value = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || value > UINT32_MAX) {
            return false;
        }
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (text.len == 0 || value > UINT32_MAX) {
        return false;
    }
    *number = (uint32_t)value;
    return true;
}

int
wilco_message_status(const struct wilco_message *m)
{
    struct span text = span_of_bytes(wilco_message_user_property(m, "__stat"));
    uint32_t status = 0;

    if (text.data == NULL) {
        return STATUS_DEFAULT;
    }
    if (text.len != 3 || !message_number(text, &status) || status < 100) {
        return STATUS_GARBLED;
    }
    return (int)status;
}

bool
wilco_message_is_application_error(const struct wilco_message *m)
{
    struct span text = span_of_bytes(wilco_message_user_property(m, "__apErr"));

    return wilco_message_status(m) >= STATUS_ERROR && text.len > 0 &&
           !span_equal(text, SPAN_LITERAL("false"));
}

/* The first number of `__protVer`, which is 1 where it is absent; 0: it is none. */
uint32_t
message_protocol_major(const struct wilco_message *m)
{
    struct span text = span_of_bytes(wilco_message_user_property(m, "__protVer"));
    const uint8_t *point = text.len == 0 ? NULL : memchr(text.data, '.', text.len);
    uint32_t major = 0;

    if (text.data == NULL) {
        return 1;
    }
    if (point != NULL) {
        text.len = (size_t)(point - text.data);
    }
    return message_number(text, &major) ? major : 0;
}

bool
wilco_message_is_part(const struct wilco_message *m)
{
    struct wilco_bytes more = wilco_message_user_property(m, "rr-more");

    return span_equal(span_of_bytes(more), SPAN_LITERAL("1")) ||
           wilco_message_user_property(m, "rr-prog").data != NULL;
}

/* "0.25": digits, and digits behind a point; the locale has no say in it. */
bool
wilco_message_progress(const struct wilco_message *m, double *done)
{
    struct span text = span_of_bytes(wilco_message_user_property(m, "rr-prog"));
    double value = 0;
    double place = 1;
    bool is_fraction = false;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '.' && !is_fraction) {
            is_fraction = true;
        } else if (text.data[i] >= '0' && text.data[i] <= '9') {
            value = value * 10 + (text.data[i] - '0');
            place *= is_fraction ? 10 : 1;
        } else {
            return false;
        }
    }
    if (text.len == 0 || text.len > PROGRESS_CHARS_MAX || value > place) {
        return false;
    }
    *done = value / place;
    return true;
}
