#include "client/draft.h"

#include "client/chunks.h"
#include "wire/topic.h"
#include "wire/utf8.h"

#include <assert.h>

#define USERS_MAX      100000U /* more do not fit into any sensible packet */
#define STATUS_MIN     100
#define STATUS_MAX     999
#define STATUS_ERROR   400 /* and above */
#define STATUS_SUCCESS 200
#define STATUS_EMPTY   204

static bool
span_is_text(struct span text)
{
    return text.len <= UINT16_MAX && utf8_is_valid(text);
}

bool
draft_text_is_valid(const char *text)
{
    return span_is_text(span_of_text(text));
}

static bool
is_topic(struct span topic)
{
    return span_is_text(topic) && topic_name_is_valid(topic);
}

bool
draft_users_are_valid(const struct draft *d)
{
    for (size_t i = 0; i < d->user_count; i++) {
        const struct wilco_user_property *u = &d->users[i];

        if (u->name == NULL || u->value == NULL || !draft_text_is_valid(u->name) ||
            !draft_text_is_valid(u->value)) {
            return false;
        }
    }
    return true;
}

/* What can be wrong in any publication. */
static enum wilco_status
check(const struct draft *d)
{
    const struct wire_properties *p = &d->packet.properties;

    if (d->packet.qos > 2 || !is_topic(d->packet.topic) || !span_is_text(p->content_type) ||
        p->correlation_data.len > UINT16_MAX || !draft_users_are_valid(d)) {
        return WILCO_EINVAL;
    }
    if (wire_properties_has(p, WIRE_RESPONSE_TOPIC) && !is_topic(p->response_topic)) {
        return WILCO_EINVAL; /* [MQTT-3.3.2-14] */
    }
    return WILCO_OK;
}

void
draft_add(struct draft *d, struct span name, struct span value)
{
    assert(d->extra_count < DRAFT_EXTRAS_MAX);
    d->extras[d->extra_count] = (struct wire_user_property){.name = name, .value = value};
    d->extra_count++;
}

void
draft_add_number(struct draft *d, struct span name, uint32_t number)
{
    assert(d->number_count < DRAFT_NUMBERS_MAX);
    draft_add(d, name, draft_digits(&d->numbers[d->number_count], number));
    d->number_count++;
}

/* Content Type and Payload Format Indicator, where there are any. */
static void
describe_payload(struct wire_properties *p, bool is_utf8, const char *content_type)
{
    if (is_utf8) {
        p->payload_format_indicator = 1;
        wire_properties_set(p, WIRE_PAYLOAD_FORMAT_INDICATOR);
    }
    if (content_type != NULL) {
        p->content_type = span_of_text(content_type);
        wire_properties_set(p, WIRE_CONTENT_TYPE);
    }
}

void
draft_set_expiry_ms(struct wire_properties *p, uint64_t ms)
{
    uint64_t seconds = ms / 1000 + (ms % 1000 != 0);

    p->message_expiry_interval = seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX;
    wire_properties_set(p, WIRE_MESSAGE_EXPIRY_INTERVAL);
}

struct span
draft_digits(struct draft_digits *d, uint32_t number)
{
    size_t at = sizeof(d->text);

    do {
        at--;
        d->text[at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return span_of(d->text + at, sizeof(d->text) - at);
}

static void
set_correlation(struct wire_properties *p, struct span correlation)
{
    p->correlation_data = correlation;
    wire_properties_set(p, WIRE_CORRELATION_DATA);
}

static void
set_response_topic(struct wire_properties *p, struct span topic)
{
    p->response_topic = topic;
    wire_properties_set(p, WIRE_RESPONSE_TOPIC);
}

enum wilco_status
draft_publish(struct draft *d, const struct wilco_publish *p)
{
    struct wire_properties *properties = &d->packet.properties;

    *d = (struct draft){.users = p->user_properties, .user_count = p->user_property_count};
    d->packet.topic = span_of_text(p->topic);
    d->packet.payload = span_of_bytes(p->payload);
    d->packet.qos = p->qos;
    d->packet.retain = p->retain;
    describe_payload(properties, p->is_utf8, p->content_type);
    if (p->has_expiry) {
        properties->message_expiry_interval = p->expiry_s;
        wire_properties_set(properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    }
    if (p->response_topic != NULL) {
        set_response_topic(properties, span_of_text(p->response_topic));
    }
    if (p->correlation_data.data != NULL) {
        set_correlation(properties, span_of_bytes(p->correlation_data));
    }
    return check(d);
}

void
draft_set_address(struct draft *d, struct span response_topic, struct span correlation)
{
    set_response_topic(&d->packet.properties, response_topic);
    set_correlation(&d->packet.properties, correlation);
}

/* What our broker knows beyond MQTT, and others pass on. */
static void
set_wishes(struct draft *d, const struct wilco_request *r, uint32_t timeout_ms)
{
    if (timeout_ms % 1000 != 0) { /* Message Expiry has rounded that up */
        draft_add_number(d, SPAN_LITERAL("rr-ttl"), timeout_ms);
    }
    if (r->idempotent) {
        draft_add(d, SPAN_LITERAL("rr-idem"), SPAN_LITERAL("1"));
    }
    if (r->fail_if_offline) {
        draft_add(d, SPAN_LITERAL("rr-if-offline"), SPAN_LITERAL("fail"));
    } else if (!r->wait_if_offline || r->responder_wait_ms != 0) {
        draft_add(d, SPAN_LITERAL("rr-if-offline"), SPAN_LITERAL("refuse"));
    }
    if (r->scatter) {
        draft_add(d, SPAN_LITERAL("rr-fan"), SPAN_LITERAL("1"));
    }
    if (r->parts_max != 0) {
        draft_add_number(d, SPAN_LITERAL("rr-more"), r->parts_max);
    } else if (r->response_bytes_max != 0) {
        draft_pieces_only(d, CHUNK_CREDIT);
    }
}

static void
set_identity(struct draft *d, const struct wilco_request *r, const char *client_id)
{
    const char *partition = r->partition != NULL ? r->partition : client_id;

    draft_add(d, SPAN_LITERAL("__protVer"), SPAN_LITERAL("1.0"));
    if (client_id[0] != '\0') {
        draft_add(d, SPAN_LITERAL("__srcId"), span_of_text(client_id));
    }
    if (partition[0] != '\0') {
        draft_add(d, SPAN_LITERAL("$partition"), span_of_text(partition));
    }
}

enum wilco_status
draft_request(struct draft *d, const struct wilco_request *r, uint32_t timeout_ms,
              const char *client_id)
{
    *d = (struct draft){.users = r->user_properties, .user_count = r->user_property_count};
    d->packet.topic = span_of_text(r->topic);
    d->packet.payload = span_of_bytes(r->payload);
    d->packet.qos = r->qos_0 ? 0 : r->qos == 0 ? 1 : r->qos;
    describe_payload(&d->packet.properties, r->is_utf8, r->content_type);
    draft_set_expiry_ms(&d->packet.properties, timeout_ms);
    set_identity(d, r, client_id);
    set_wishes(d, r, timeout_ms);
    if (r->partition != NULL && !draft_text_is_valid(r->partition)) {
        return WILCO_EINVAL;
    }
    if (r->correlation_data.data != NULL && r->correlation_data.len > UINT16_MAX) {
        return WILCO_EINVAL;
    }
    if (r->response_topic != NULL && !is_topic(span_of_text(r->response_topic))) {
        return WILCO_EINVAL; /* [MQTT-3.3.2-14] */
    }
    return check(d);
}

void
draft_op(struct draft *d, struct span topic, struct span op, uint32_t more, uint64_t remaining_ms)
{
    *d = (struct draft){.packet.topic = topic, .packet.qos = 1};
    draft_set_expiry_ms(&d->packet.properties, remaining_ms);
    draft_add(d, SPAN_LITERAL("rr-op"), op);
    if (more != 0) {
        draft_add_number(d, SPAN_LITERAL("rr-more"), more);
    }
}

/* The status of an answer and what goes with it, as Azure mRPC 1.0 has them. */
static enum wilco_status
describe_outcome(struct draft *d, const struct wilco_reply *reply, const struct draft_role *role)
{
    int status = reply->status;

    if (status == 0) {
        status = reply->payload.len == 0 ? STATUS_EMPTY : STATUS_SUCCESS;
    }
    if (status < STATUS_MIN || status > STATUS_MAX ||
        (reply->status_text != NULL && !draft_text_is_valid(reply->status_text))) {
        return WILCO_EINVAL;
    }
    draft_add_number(d, SPAN_LITERAL("__stat"), (uint32_t)status);
    if (reply->status_text != NULL) {
        draft_add(d, SPAN_LITERAL("__stMsg"), span_of_text(reply->status_text));
    }
    if (reply->status >= STATUS_ERROR && !role->is_ours) {
        draft_add(d, SPAN_LITERAL("__apErr"), SPAN_LITERAL("true"));
    }
    draft_add(d, SPAN_LITERAL("__protVer"), SPAN_LITERAL("1.0"));
    return WILCO_OK;
}

/* Which of several responses it is. */
static void
describe_role(struct draft *d, const struct draft_role *role)
{
    if (role->has_more) {
        draft_add(d, SPAN_LITERAL("rr-more"), SPAN_LITERAL("1"));
    }
    if (role->sequence > 0) {
        draft_add_number(d, SPAN_LITERAL("rr-seq"), role->sequence);
    }
    if (role->progress != NULL) {
        draft_add(d, SPAN_LITERAL("rr-prog"), span_of_text(role->progress));
    }
}

enum wilco_status
draft_reply(struct draft *d, const struct wilco_message *request, const struct wilco_reply *reply,
            const struct draft_role *role, uint64_t remaining_ms)
{
    enum wilco_status st = WILCO_OK;

    *d = (struct draft){.users = reply->user_properties, .user_count = reply->user_property_count};
    d->packet.topic = request->response_topic;
    d->packet.payload = span_of_bytes(reply->payload);
    d->packet.qos = request->qos;
    describe_payload(&d->packet.properties, reply->is_utf8, reply->content_type);
    if (remaining_ms != UINT64_MAX) {
        draft_set_expiry_ms(&d->packet.properties, remaining_ms);
    }
    if (request->correlation_data.data != NULL) {
        set_correlation(&d->packet.properties, request->correlation_data);
    }
    st = describe_outcome(d, reply, role);
    describe_role(d, role);
    if (role->whole.data != NULL) {
        draft_whole(d, role->whole);
    }
    return st == WILCO_OK ? check(d) : st;
}

enum wilco_status
draft_users_init(struct draft_users *u, const struct wilco_alloc *a, const struct draft *d,
                 struct wire_properties *properties)
{
    struct wire_user_property *to = &u->few[0];

    u->many = NULL;
    u->alloc = a;
    if (d->user_count > USERS_MAX) {
        return WILCO_ELIMIT;
    }
    if (d->extra_count + d->user_count > DRAFT_USERS_FEW) {
        u->many = mem_alloc(a, (d->extra_count + d->user_count) * sizeof(*u->many));
        if (u->many == NULL) {
            return WILCO_ENOMEM;
        }
        to = u->many;
    }
    properties->users = to;
    properties->user_count = d->extra_count + d->user_count;
    for (size_t i = 0; i < d->extra_count; i++) {
        *to++ = d->extras[i];
    }
    for (size_t i = 0; i < d->user_count; i++) {
        *to++ = (struct wire_user_property){
            .name = span_of_text(d->users[i].name),
            .value = span_of_text(d->users[i].value),
        };
    }
    return WILCO_OK;
}

void
draft_users_fini(struct draft_users *u)
{
    mem_free(u->alloc, u->many);
}
