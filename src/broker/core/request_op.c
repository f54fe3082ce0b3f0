#include "broker/core/request_op.h"

#include "broker/core/deliver.h"
#include "broker/core/mail.h"
#include "broker/core/request.h"

/* Gives it to the holder, behind the request: that may still wait, and one at QoS 0 would overtake
 * it. The request may have failed afterwards. */
static void
tell(const struct request *r, struct message *op)
{
    const struct delivery_terms terms = {.qos = op->qos < r->qos ? op->qos : r->qos};
    struct session *holder = r->holder;

    if (!holder->wants_status) {
        holder->shard->stats.rr_ops_not_taken++;
    } else if (r->stage == REQUEST_QUEUED) {
        deliver_behind(holder, op, &terms);
    } else {
        (void)!deliver(holder, op, &terms); /* a word is told of otherwise */
    }
}

/* A holder that has not been sent the request never hears of it. */
static void
cancel(struct request *r, struct message *op)
{
    if (r->stage != REQUEST_QUEUED) {
        tell(r, op);
    }
    request_cancel(r);
}

static void
credit(struct request *r, struct message *op)
{
    uint32_t room = UINT32_MAX - r->more;

    r->more += op->request.more < room ? op->request.more : room;
    tell(r, op);
}

/* Who does not take pieces has a request that he will never have all of. */
static void
add_data(struct request *r, struct message *op)
{
    bool is_taken = r->holder->wants_status;

    tell(r, op);
    if (!is_taken) {
        request_fail(r, REQUEST_NO_OPS);
    }
}

static void
apply(struct request *r, struct message *op)
{
    switch ((enum request_op)op->request.op) {
    case REQUEST_OP_NONE: break;
    case REQUEST_OP_CANCEL: cancel(r, op); break;
    case REQUEST_OP_CREDIT: credit(r, op); break;
    case REQUEST_OP_DATA: add_data(r, op); break;
    }
}

/* To all holders in this shard; how many there are. `*all`: there are none elsewhere. */
static size_t
apply_here(struct shard *s, struct message *op, bool *all)
{
    size_t copies = 0;
    struct request *r = request_asked_find(&s->asked, op, &copies);

    *all = r != NULL && copies == request_copies_left(r->message);
    for (size_t left = copies; r != NULL && left > 0; left--) {
        struct request *next = request_asked_next(r);

        apply(r, op);
        r = next;
    }
    return copies;
}

void
request_op_arrives(struct shard *s, struct message *op)
{
    bool all = false;

    (void)apply_here(s, op, &all);
}

/* One for each other shard. `op` NULL: the session has ended. */
static enum wilco_status
mail_all(struct shard *s, struct message *op, uint64_t asker)
{
    enum wilco_status status = WILCO_OK;

    for (unsigned i = 0; i < s->broker->shard_count; i++) {
        struct mail *mail = i == s->index ? NULL : mail_new(s->broker->alloc, op, 1, 0);

        if (mail != NULL) {
            mail->targets[0] = (struct target){.session_id = asker, .is_word = true};
            mailbox_push(&s->broker->shards[i]->inbox, &mail->node);
            s->kicks |= UINT64_C(1) << i;
        } else if (i != s->index) {
            s->stats.dropped_no_memory++;
            status = WILCO_ENOMEM;
        }
    }
    return status;
}

enum wilco_status
request_op_send(struct shard *s, struct message *op, size_t *reached)
{
    unsigned others = s->broker->shard_count - 1;
    bool all = false;

    s->stats.rr_ops++;
    *reached = apply_here(s, op, &all);
    if (all || others == 0) {
        return WILCO_OK;
    }
    *reached += others;
    return mail_all(s, op, op->publisher);
}

/* The broker's own word to the holder; NULL: no memory. */
static struct message *
make_cancel(const struct request *r)
{
    const struct broker *b = r->holder->shard->broker;
    const struct message *m = r->message;
    const struct wire_user_property users[] = {
        {SPAN_LITERAL("rr-op"), SPAN_LITERAL("cancel")},
        {SPAN_LITERAL("rr-src"), SPAN_LITERAL("broker")},
    };
    struct wire_publish p = {
        .qos = r->qos,
        .topic = message_topic(m),
        .properties = {.response_topic = message_response_topic(m),
                       .users = users,
                       .user_count = sizeof(users) / sizeof(users[0])},
    };

    wire_properties_set(&p.properties, WIRE_RESPONSE_TOPIC);
    wire_properties_set(&p.properties, WIRE_USER_PROPERTY);
    if (m->request.correlation_offset != 0) {
        p.properties.correlation_data = message_correlation(m);
        wire_properties_set(&p.properties, WIRE_CORRELATION_DATA);
    }
    return message_new(b->alloc, &p, SESSION_ID_NONE, r->holder->shard->now_ms);
}

static void
cancel_for_asker(struct request *r)
{
    struct message *op = make_cancel(r);

    if (op == NULL) {
        r->holder->shard->stats.dropped_no_memory++;
        request_cancel(r);
        return;
    }
    cancel(r, op);
    message_unref(op);
}

void
request_op_cancel_all(struct shard *s, uint64_t asker)
{
    struct request *r = request_asked_by(&s->asked, asker);

    while (r != NULL) {
        cancel_for_asker(r);
        r = request_asked_by(&s->asked, asker);
    }
}

void
request_op_asker_ended(struct shard *s, uint64_t asker)
{
    request_op_cancel_all(s, asker);
    (void)!mail_all(s, NULL, asker); /* what is not found ends at its deadline */
}

void
request_op_lost(struct session *holder, const struct message *op, enum request_failure why)
{
    size_t copies = 0;
    struct request *r = NULL;

    if (op->request.op == REQUEST_OP_DATA) {
        r = request_asked_find(&holder->shard->asked, op, &copies);
    }
    while (r != NULL && copies > 0 && r->holder != holder) {
        r = request_asked_next(r);
        copies--;
    }
    if (r != NULL && copies > 0) {
        request_fail(r, why);
    }
}
