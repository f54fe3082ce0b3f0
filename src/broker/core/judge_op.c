#include "broker/core/judge_op.h"

#include "broker/core/inbox.h"
#include "broker/core/message.h"
#include "broker/core/request_op.h"

#define ACCEPTED ((struct verdict){.reason_code = WIRE_REASON_SUCCESS})

static struct verdict
refuse(uint8_t reason_code, const char *why)
{
    return (struct verdict){.reason_code = reason_code, .why = why};
}

/* What keeps it from being a word about a request; NULL: nothing. */
static const char *
objection(const struct wire_publish *p, const struct request_terms *terms, const char *nonsense)
{
    if (!wire_properties_has(&p->properties, WIRE_CORRELATION_DATA)) {
        return JUDGE_OP_NEEDS;
    }
    if (nonsense != NULL) {
        return nonsense;
    }
    if (p->retain) {
        return "what says rr-op must not be retained";
    }
    return terms->op == REQUEST_OP_CREDIT && terms->more == 0
               ? "rr-op=credit needs rr-more, the number of responses"
               : NULL;
}

/* It is published where the request was, but goes to nobody by that. Inboxes need no permission:
 * what was asked there was permitted, and nothing else is reached. */
static bool
may_publish(struct session *s, struct span topic)
{
    return inbox_holds(topic) || (topic.data[0] != '$' && session_may(s, ACCESS_PUBLISH, topic));
}

static struct message *
make_message(const struct conn *c, const struct wire_publish *p, const struct request_terms *terms)
{
    const struct shard *s = c->shard;
    struct message *op = message_new(s->broker->alloc, p, c->session->id, s->now_ms);

    if (op != NULL) {
        message_ask(op, p, terms, s->broker->hash_seed);
    }
    return op;
}

static struct verdict
accept_op(struct conn *c, struct message *op)
{
    size_t reached = 0;

    conn_note_exchange(c);
    if (request_op_send(c->shard, op, &reached) != WILCO_OK) {
        return refuse(WIRE_REASON_QUOTA_EXCEEDED, NULL);
    }
    return reached == 0 &&
                   entrance_tells_no_matching_subscribers(c->entrance, &c->shard->broker->settings)
               ? refuse(WIRE_REASON_NO_MATCHING_SUBSCRIBERS, NULL)
               : ACCEPTED;
}

struct verdict
judge_op(struct conn *c, const struct wire_publish *p, const struct request_terms *terms,
         const char *nonsense)
{
    const struct broker *b = c->shard->broker;
    struct span client_id = session_client_id(c->session);
    const char *why = objection(p, terms, nonsense);
    struct verdict verdict = refuse(WIRE_REASON_QUOTA_EXCEEDED, NULL);
    struct message *op = NULL;

    if (why != NULL) {
        return refuse(WIRE_REASON_IMPLEMENTATION_SPECIFIC_ERROR, why);
    }
    if (!may_publish(c->session, p->topic)) {
        permission_denied(c->session, ACCESS_PUBLISH, p->topic);
        return refuse(WIRE_REASON_NOT_AUTHORIZED, "this client may not publish to this topic");
    }
    if (judge_is_forged(b, client_id, terms)) {
        return refuse(WIRE_REASON_NOT_AUTHORIZED, JUDGE_FORGED);
    }
    op = make_message(c, p, terms);
    if (op != NULL) {
        verdict = accept_op(c, op);
        message_unref(op);
    }
    return verdict;
}
