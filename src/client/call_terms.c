#include "client/call_terms.h"

#define TTL_MAX_MS    (UINT64_C(365) * 24 * 3600 * 1000)
#define MORE_MAX      UINT64_C(1000000000)
#define MAJOR_MAX     UINT64_C(65535)
#define MAJOR_OF_OURS 1U

/* A whole number up to `max`; false: it is none. */
static bool
read_number(struct span text, uint64_t max, uint64_t *out)
{
    uint64_t number = 0;

    if (text.len == 0) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(text.data[i] - '0');
        if (number > max) {
            return false;
        }
    }
    *out = number;
    return true;
}

static enum call_op
op_of(struct span word)
{
    if (span_equal(word, SPAN_LITERAL("cancel"))) {
        return CALL_CANCEL;
    }
    if (span_equal(word, SPAN_LITERAL("credit"))) {
        return CALL_CREDIT;
    }
    return span_equal(word, SPAN_LITERAL("data")) ? CALL_DATA : CALL_OTHER;
}

static void
read_term(struct call_terms *t, struct span name, struct span value)
{
    uint64_t number = 0;

    if (span_equal(name, SPAN_LITERAL("rr-op")) && t->op == CALL_REQUEST) {
        t->op = op_of(value);
    } else if (span_equal(name, SPAN_LITERAL("rr-ttl")) && t->ttl_ms == UINT64_MAX) {
        t->ttl_ms = read_number(value, TTL_MAX_MS, &number) ? number : UINT64_MAX;
    } else if (span_equal(name, SPAN_LITERAL("rr-more")) && !t->takes_parts) {
        t->takes_parts = read_number(value, MORE_MAX, &number);
        t->more = t->takes_parts ? (uint32_t)number : 0;
    } else if (span_equal(name, SPAN_LITERAL("rr-parts"))) {
        t->pieces_only = t->pieces_only || span_equal(value, SPAN_LITERAL("0"));
    } else if (span_equal(name, SPAN_LITERAL("__protVer")) && t->protocol.data == NULL) {
        t->protocol = value;
    } else {
        chunk_terms_read(&t->chunk, name, value);
    }
}

struct call_terms
call_terms_of(const struct wilco_message *m)
{
    struct wire_property_iterator it = wire_property_iterate(m->properties);
    struct call_terms t = {.op = CALL_REQUEST, .ttl_ms = UINT64_MAX, .chunk = chunk_terms_unsaid()};
    struct wire_property p;

    while (wire_property_next(&it, &p)) {
        if (p.id == WIRE_USER_PROPERTY) {
            read_term(&t, p.name, p.value);
        }
    }
    return t;
}

uint64_t
call_terms_deadline_ms(const struct call_terms *t, const struct wilco_message *m)
{
    uint64_t remaining_ms = message_remaining_ms(m, m->received_ms);

    remaining_ms = t->ttl_ms < remaining_ms ? t->ttl_ms : remaining_ms;
    return remaining_ms == UINT64_MAX ? UINT64_MAX : m->received_ms + remaining_ms;
}

/* "1.0": the number before the point; false: there is none. */
static bool
major_version(struct span protocol, uint64_t *out)
{
    size_t len = 0;

    while (len < protocol.len && protocol.data[len] != '.') {
        len++;
    }
    return read_number(span_first(protocol, len), MAJOR_MAX, out);
}

bool
call_terms_refuse(const struct call_terms *t, const struct wilco_message *m,
                  struct call_refusal *out)
{
    uint64_t major = 0;

    if (t->protocol.data == NULL) {
        return false; /* plain MQTT, which asks for nothing */
    }
    if (!major_version(t->protocol, &major) || major != MAJOR_OF_OURS) {
        *out = (struct call_refusal){505, "the protocol version is not supported", NULL, true};
    } else if (m->correlation_data.len == 0) {
        *out = (struct call_refusal){400, "no Correlation Data", "Correlation Data", false};
    } else if (!m->has_expiry) {
        *out = (struct call_refusal){400, "no Message Expiry Interval", "Message Expiry", false};
    } else {
        return false;
    }
    return true;
}
