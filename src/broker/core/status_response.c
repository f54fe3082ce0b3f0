#include "broker/core/status_response.h"

#include "broker/core/message.h"

#include <stdio.h>

#define STATUS_DIGITS 4U
#define USERS_MAX     7U

/* Where it goes, and what it answers. */
struct address {
    uint64_t requester;
    struct span topic;
    struct span correlation;
};

/* How many there are. */
static size_t
describe(struct wire_user_property users[USERS_MAX], char digits[STATUS_DIGITS],
         const struct status_facts *facts)
{
    const char *words = facts->words == NULL ? request_failure_words(facts->why) : facts->words;
    const struct wire_user_property all[USERS_MAX] = {
        {SPAN_LITERAL("__stat"), span_of_text(digits)},
        {SPAN_LITERAL("__stMsg"), span_of_text(words)},
        {SPAN_LITERAL("__protVer"), SPAN_LITERAL("1.0")},
        {SPAN_LITERAL("rr-src"), SPAN_LITERAL("broker")},
        {SPAN_LITERAL("rr-stage"), span_of_text(request_stage_name(facts->stage))},
        {SPAN_LITERAL("rr-exec"), facts->maybe ? SPAN_LITERAL("maybe") : SPAN_LITERAL("no")},
        {SPAN_LITERAL("rr-fan"), SPAN_LITERAL("1")},
    };

    memcpy(users, all, sizeof(all));
    return facts->is_of_fan ? USERS_MAX : USERS_MAX - 1;
}

static void
send(struct shard *s, const struct address *to, const struct status_facts *facts)
{
    char digits[STATUS_DIGITS];
    struct wire_user_property users[USERS_MAX];
    struct wire_publish p = {
        .qos = s->broker->settings.maximum_qos > 0,
        .topic = to->topic,
        .properties = {.message_expiry_interval = STATUS_EXPIRY_S,
                       .correlation_data = to->correlation,
                       .users = users},
    };
    struct message *m = NULL;

    (void)snprintf(digits, sizeof(digits), "%u", request_failure_status(facts->why));
    p.properties.user_count = describe(users, digits, facts);
    wire_properties_set(&p.properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    wire_properties_set(&p.properties, WIRE_USER_PROPERTY);
    if (to->correlation.data != NULL) {
        wire_properties_set(&p.properties, WIRE_CORRELATION_DATA);
    }
    m = message_new(s->broker->alloc, &p, SESSION_ID_NONE, s->now_ms);
    if (m == NULL) {
        s->stats.dropped_no_memory++;
        return;
    }
    s->stats.rr_statuses++;
    shard_defer(s, m, to->requester);
}

void
status_respond(struct shard *s, const struct message *request, const struct status_facts *facts)
{
    const struct address to = {
        .requester = request->publisher,
        .topic = message_response_topic(request),
        .correlation =
            request->request.correlation_offset == 0 ? SPAN_EMPTY : message_correlation(request),
    };

    if (request->request.wants_status) {
        send(s, &to, facts);
    }
}

static void
send_to(uint64_t session_id, const struct session *requester, const struct wire_publish *request,
        const struct status_facts *facts)
{
    const struct address to = {
        .requester = session_id,
        .topic = request->properties.response_topic,
        .correlation = request->properties.correlation_data,
    };

    send(requester->shard, &to, facts);
}

void
status_refuse(struct session *requester, const struct wire_publish *request,
              const struct status_facts *facts)
{
    if (requester->wants_status) {
        send_to(requester->id, requester, request, facts);
    }
}

void
status_answer(struct session *requester, const struct wire_publish *request,
              const struct status_facts *facts)
{
    send_to(permission_reach(requester, request->properties.response_topic), requester, request,
            facts);
}

/* Of a message that is a response. */
static struct span
correlation_of(const struct message *response)
{
    struct wire_property_iterator it = wire_property_iterate(message_properties(response));
    struct wire_property property;

    while (wire_property_next(&it, &property)) {
        if (property.id == WIRE_CORRELATION_DATA) {
            return property.value;
        }
    }
    return SPAN_EMPTY;
}

void
status_replace(struct session *requester, const struct message *response,
               const struct status_facts *facts)
{
    const struct address to = {
        .requester = requester->id,
        .topic = message_topic(response),
        .correlation = correlation_of(response),
    };

    if (requester->wants_status) {
        send(requester->shard, &to, facts);
    }
}
