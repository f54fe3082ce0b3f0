#include "client/core_private.h"

/* A message with a Response Topic, for a responder: whether it is a request that is served, one
 * that is answered at once, or a word about one. */

/* Of what comes in pieces the first must not hold back the others. */
static bool
ack_waits(const struct responder *r, const struct call_terms *t)
{
    return t->chunk.size == CHUNK_UNSAID && (r->ack_late || responder_has_journal(r));
}

static struct wilco_call *
new_call(struct core *c, struct wilco_message *m, struct responder *r, const struct call_terms *t)
{
    struct wilco_call *call = call_new(c->alloc, m, r);

    if (call == NULL) {
        return NULL;
    }
    list_push_back(&c->calls.all, &call->all);
    call->deadline_ms = call_terms_deadline_ms(t, m);
    call->takes_parts = t->takes_parts && !t->pieces_only;
    call->credit = t->more;
    call->take = t->chunk.take == CHUNK_UNSAID ? 0 : t->chunk.take;
    call->packet_bytes_max = t->chunk.packet;
    call->holds_ack = ack_waits(r, t);
    m->holds += call->holds_ack;
    return call;
}

static enum wilco_status
take_on(struct core *c, struct wilco_message *m, struct responder *r, const struct call_terms *t)
{
    struct wilco_call *call = new_call(c, m, r, t);
    enum wilco_status st = WILCO_ENOMEM;

    if (call == NULL) {
        return st;
    }
    st = core_remember(c, call);
    if (st == WILCO_OK && t->chunk.size != CHUNK_UNSAID) {
        st = core_expect_arrival(c, call, &t->chunk);
    }
    if (st == WILCO_OK && !core_place_call(c, call)) {
        st = WILCO_ELIMIT;
    }
    if (st != WILCO_OK) {
        core_end_call(c, call, WILCO_ECLOSED); /* nobody was given it */
    }
    return st;
}

/* What is said to be not executed is not, also when the server sends it again for lack of our
 * PUBACK. */
static void
decline(struct core *c, const struct wilco_message *m, const struct call_terms *t)
{
    static const struct wilco_reply busy = {.status = 429, .status_text = "the responder is busy"};

    c->calls.busy_count++;
    repeats_decline(&c->calls.repeats, m->response_topic, m->correlation_data, m->packet_id);
    core_answer(c, m, call_terms_deadline_ms(t, m), &busy);
}

/* A request that is new, in time, and as it should be. */
static enum wilco_status
serve(struct core *c, struct wilco_message *m, struct responder *r, const struct call_terms *t)
{
    enum wilco_status st = WILCO_ELIMIT;

    if (!m->is_dup || !repeats_declined(&c->calls.repeats, m->response_topic, m->correlation_data,
                                        m->packet_id)) {
        st = take_on(c, m, r, t);
    }
    if (st == WILCO_ELIMIT) {
        decline(c, m, t);
        st = WILCO_OK;
    }
    return st;
}

/* Of a request in pieces. */
static bool
has_wrong_size(const struct responder *r, const struct call_terms *t, struct call_refusal *out)
{
    if (t->chunk.size == 0) {
        *out = (struct call_refusal){400, "there is nothing to come in pieces", "rr-size", false};
        return true;
    }
    if (t->chunk.size == CHUNK_UNSAID || t->chunk.size <= r->request_bytes_max) {
        return false;
    }
    *out =
        (struct call_refusal){413, "the request is larger than the responder takes", NULL, false};
    return true;
}

enum wilco_status
core_offer_call(struct core *c, struct wilco_message *m, struct responder *r)
{
    struct call_terms t = call_terms_of(m);
    uint64_t deadline_ms = call_terms_deadline_ms(&t, m);
    struct call_refusal refusal;

    if (t.op != CALL_REQUEST) {
        core_control_call(c, m, &t);
        return WILCO_OK;
    }
    if (deadline_ms <= c->now_ms) {
        c->calls.expired_count++;
        return WILCO_OK;
    }
    if (call_terms_refuse(&t, m, &refusal) || has_wrong_size(r, &t, &refusal)) {
        c->calls.refused_count++;
        core_refuse_call(c, m, deadline_ms, &t, &refusal);
        return WILCO_OK;
    }
    if (core_repeat_call(c, m, r, deadline_ms)) {
        return WILCO_OK;
    }
    return serve(c, m, r, &t);
}
