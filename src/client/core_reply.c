#include "client/core_private.h"

#include <stdio.h>

/* Answers: those of handlers, and those that the library gives in their place. */

#define PROTOCOL_OF_OURS "1"
#define PROTOCOL_MAX     32U /* bytes of a requester's version that are shown to him */

static const struct draft_role ours = {.is_ours = true};

static uint64_t
until(uint64_t deadline_ms, uint64_t now_ms)
{
    if (deadline_ms == UINT64_MAX) {
        return UINT64_MAX;
    }
    return deadline_ms > now_ms ? deadline_ms - now_ms : 0;
}

static enum wilco_status
encode(struct core *c, const struct wilco_message *m, uint64_t deadline_ms,
       const struct wilco_reply *reply, const struct draft_role *role, struct outgoing **out)
{
    uint64_t remaining_ms = until(deadline_ms, c->now_ms);
    struct draft d;
    uint8_t reason_code = 0;
    enum wilco_status st = draft_reply(&d, m, reply, role, remaining_ms);

    if (st == WILCO_OK && remaining_ms == 0) {
        st = WILCO_ETIMEDOUT;
    }
    if (st == WILCO_OK && d.packet.qos > c->server.maximum_qos) { /* [MQTT-3.2.2-11] */
        d.packet.qos = c->server.maximum_qos;
    }
    if (st == WILCO_OK) {
        st = core_admit(c, &d, &reason_code);
    }
    return st == WILCO_OK ? core_encode(c, &d, out) : st;
}

enum wilco_status
core_encode_answer(struct core *c, const struct wilco_call *call, const struct wilco_reply *reply,
                   const struct draft_role *role, struct outgoing **out)
{
    enum wilco_status st;

    if (reply->payload.len > call->packet_bytes_max && until(call->deadline_ms, c->now_ms) > 0) {
        return WILCO_ELIMIT; /* no need to copy it */
    }
    st = encode(c, call->message, call->deadline_ms, reply, role, out);
    if (st == WILCO_OK && (*out)->len > call->packet_bytes_max) {
        outgoing_unref(*out);
        st = WILCO_ELIMIT;
    }
    return st;
}

/* Takes `o` over, whatever happens. */
static enum wilco_status
dispatch(struct core *c, struct outgoing *o)
{
    enum wilco_status st = core_dispatch(c, o);

    if (st != WILCO_OK) {
        outgoing_unref(o);
    }
    return st;
}

void
core_answer(struct core *c, const struct wilco_message *m, uint64_t deadline_ms,
            const struct wilco_reply *reply)
{
    struct outgoing *o = NULL;

    if (encode(c, m, deadline_ms, reply, &ours, &o) == WILCO_OK) {
        (void)dispatch(c, o);
    }
}

/* Sends it, or has it wait until what was answered is written down. Takes `o` over, whatever
 * happens. */
static enum wilco_status
pass_on(struct core *c, struct responder *r, struct outgoing *o)
{
    if (!responder_has_journal(r)) {
        return dispatch(c, o);
    }
    list_push_back(&r->log.answers, &o->event.link);
    return WILCO_OK;
}

void
core_answer_again(struct core *c, struct responder *r, struct span packet, uint64_t deadline_ms)
{
    struct outgoing *o = NULL;

    if (c->state == CORE_OPEN && c->account.bytes + c->output.bytes <= c->queue_bytes_max &&
        outgoing_copy(&o, &c->account, packet, until(deadline_ms, c->now_ms)) == WILCO_OK) {
        (void)pass_on(c, r, o);
    }
}

void
core_send_kept(struct core *c, struct repeat *r)
{
    struct outgoing *o = NULL;

    if (r->sending == NULL &&
        outgoing_copy(&o, &c->account, r->answer, until(r->deadline_ms, c->now_ms)) == WILCO_OK) {
        o->repeat = r;
        r->sending = o;
        (void)pass_on(c, r->responder, o);
    }
}

enum wilco_status
core_encode_status(struct core *c, const struct repeat *r, const struct wilco_reply *reply,
                   struct outgoing **out)
{
    const struct wilco_message request = {
        .response_topic = repeat_topic(r),
        .correlation_data = repeat_correlation(r),
        .qos = r->qos,
    };

    return encode(c, &request, r->deadline_ms, reply, &ours, out);
}

void
core_refuse_call(struct core *c, const struct wilco_message *m, uint64_t deadline_ms,
                 const struct call_terms *t, const struct call_refusal *refusal)
{
    char protocol[PROTOCOL_MAX + 1] = "";
    struct wilco_user_property users[2] = {{"__propName", refusal->property},
                                           {"__requestProtVer", protocol}};
    struct wilco_reply reply = {
        .status = refusal->status,
        .status_text = refusal->text,
        .user_properties = users,
        .user_property_count = refusal->property != NULL,
    };

    if (refusal->is_version) {
        users[0] = (struct wilco_user_property){"__supProtMajVer", PROTOCOL_OF_OURS};
        (void)snprintf(protocol, sizeof(protocol), "%.*s", (int)t->protocol.len,
                       (const char *)t->protocol.data);
        reply.user_property_count = t->protocol.len <= PROTOCOL_MAX ? 2 : 1;
    }
    core_answer(c, m, deadline_ms, &reply);
}

/* Sends `o`, once more for each time that the request has come again, and remembers it. */
static enum wilco_status
send_answer(struct core *c, struct wilco_call *call, struct outgoing *o)
{
    struct span packet = span_of(o->bytes, o->len);
    enum wilco_status st = WILCO_OK;

    outgoing_ref(o);
    st = pass_on(c, call->responder, o);
    if (st == WILCO_OK) {
        for (uint32_t i = 0; i < call->repeated; i++) {
            core_answer_again(c, call->responder, packet, call->deadline_ms);
        }
        core_keep_answer(c, call, o);
    }
    outgoing_unref(o);
    return st;
}

static enum wilco_status
answer(struct core *c, struct wilco_call *call, const struct wilco_reply *reply,
       const struct draft_role *role)
{
    struct outgoing *o = NULL;
    enum wilco_status st = core_encode_answer(c, call, reply, role, &o);

    return st == WILCO_OK ? send_answer(c, call, o) : st;
}

/* Of an answer: a single one has no number. */
static uint32_t
last_sequence(const struct wilco_call *call)
{
    return call->part_count > 0 ? call->part_count + 1 : 0;
}

void
core_answer_call(struct core *c, struct wilco_call *call, const struct wilco_reply *reply)
{
    const struct draft_role role = {.is_ours = true, .sequence = last_sequence(call)};

    (void)answer(c, call, reply, &role);
}

void
core_answer_overdue(struct core *c, struct wilco_call *call)
{
    uint32_t ms = call->responder->execution_timeout_ms;
    char duration[32];
    const struct wilco_user_property users[] = {{"__propName", "ExecutionTimeout"},
                                                {"__propVal", duration}};

    (void)snprintf(duration, sizeof(duration), "PT%u.%03uS", (unsigned)(ms / 1000),
                   (unsigned)(ms % 1000));
    core_answer_call(c, call,
                     &(struct wilco_reply){
                         .status = 408,
                         .status_text = "the handler took too long",
                         .user_properties = users,
                         .user_property_count = sizeof(users) / sizeof(users[0]),
                     });
}

/* What a reply to a call that is over returns. The handler is through with it now. */
static enum wilco_status
refuse_reply(struct core *c, struct wilco_call *call)
{
    enum wilco_status over = call->over;

    if (call->responder != NULL) {
        core_leave_call(c, call);
    }
    return over;
}

enum wilco_status
core_reply(struct core *c, struct wilco_call *call, const struct wilco_reply *reply,
           uint64_t now_ms)
{
    const struct draft_role role = {.sequence = last_sequence(call)};
    enum wilco_status st = WILCO_OK;

    c->now_ms = now_ms;
    if (call->over != WILCO_OK) {
        return refuse_reply(c, call);
    }
    st = answer(c, call, reply, &role);
    if (st == WILCO_ELIMIT) {
        return core_answer_in_pieces(c, call, reply);
    }
    if (st == WILCO_OK) {
        core_end_call(c, call, WILCO_EINVAL);
    } else if (st == WILCO_ETIMEDOUT) {
        core_end_call(c, call, WILCO_ETIMEDOUT);
        (void)refuse_reply(c, call);
    }
    return st;
}

bool
core_has_credits(const struct core *c)
{
    return c->assigned_inbox.len > 0;
}

enum wilco_status
core_reply_part(struct core *c, struct wilco_call *call, const struct wilco_reply *reply,
                const char *progress, uint64_t now_ms)
{
    const struct draft_role role = {
        .has_more = true,
        .sequence = call->part_count + 1,
        .progress = progress,
    };
    struct outgoing *o = NULL;
    enum wilco_status st = WILCO_OK;

    c->now_ms = now_ms;
    if (!call->takes_parts || call->over != WILCO_OK) {
        return call->over != WILCO_OK ? call->over : WILCO_EINVAL;
    }
    if (core_has_credits(c) && call->credit == 0) {
        return WILCO_AGAIN;
    }
    st = core_encode_answer(c, call, reply, &role, &o);
    if (st == WILCO_AGAIN && !call->wants_room) {
        call->wants_room = true;
        c->calls.stalled++;
    }
    if (st == WILCO_OK) {
        st = dispatch(c, o);
    }
    if (st == WILCO_OK) {
        call->credit -= core_has_credits(c);
        call->part_count++;
    }
    return st;
}
