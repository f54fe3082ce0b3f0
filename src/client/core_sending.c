#include "client/core_private.h"

/* Answers that do not fit into a packet: pieces of them go as parts, as the requester gives credit
 * and as there is room in the queue, and then the last response, which says what they make. The
 * call is over for the application at once; what is left to do is a struct sending, found by what
 * is remembered of the request. */

#define STATUS_SUCCESS 200
#define IDLE_MS        60000U /* a requester that says nothing for so long has gone */

static const struct wilco_reply too_large = {
    .status = 413,
    .status_text = "the response is larger than the requester takes",
};

static void
start_timer(struct core *c, struct sending *s)
{
    uint64_t until_ms = c->now_ms + IDLE_MS;

    s->timer.kind = TIMER_SENDING;
    wheel_start(&c->calls.timers, &s->timer, s->deadline_ms < until_ms ? s->deadline_ms : until_ms);
}

/* Takes it from everything the core knows. */
static void
end(struct core *c, struct sending *s)
{
    struct responder *r = s->responder;

    list_remove(&s->link);
    wheel_stop(&c->calls.timers, &s->timer);
    c->calls.stalled -= s->wants_room;
    if (s->repeat != NULL) {
        s->repeat->pieces = NULL;
    }
    if (s->last != NULL) {
        outgoing_unref(s->last);
    }
    upload_free(s->payload);
    wilco_message_unref(s->request);
    mem_free(c->alloc, s);
    r->active_count--;
    core_start_waiting(c, r);
    responder_unref(r);
}

void
core_drop_sending(struct core *c, struct sending *s)
{
    if (s->repeat != NULL) {
        core_forget(c, s->repeat);
    }
    end(c, s);
}

void
core_drop_sendings(struct core *c)
{
    while (!list_is_empty(&c->calls.sendings)) {
        core_drop_sending(c, CONTAINER_OF(c->calls.sendings.next, struct sending, link));
    }
}

bool
core_end_sendings(struct core *c, const struct responder *r, const struct wilco_reply *leaving)
{
    struct list *node = c->calls.sendings.next;
    bool is_any = false;

    while (node != &c->calls.sendings) {
        struct sending *s = CONTAINER_OF(node, struct sending, link);

        node = node->next;
        if (s->responder == r) {
            is_any = true;
            core_answer(c, s->request, s->deadline_ms, leaving);
            core_drop_sending(c, s);
        }
    }
    return is_any;
}

/* ---- Sending ---- */

static struct draft_chunk
next_piece(const struct core *c, const struct sending *s)
{
    const struct wilco_message *m = s->request;
    uint64_t left_ms = s->deadline_ms > c->now_ms ? s->deadline_ms - c->now_ms : 1;

    return (struct draft_chunk){
        .topic = m->response_topic,
        .correlation = m->correlation_data,
        .remaining_ms = s->deadline_ms == UINT64_MAX ? UINT64_MAX : left_ms,
        .sequence = s->payload->sequence + 1,
        .offset = (uint32_t)s->payload->sent,
        .qos = m->qos < c->server.maximum_qos ? m->qos : c->server.maximum_qos,
    };
}

static enum wilco_status
send_piece(struct core *c, struct sending *s)
{
    struct upload *p = s->payload;
    struct draft_chunk chunk = next_piece(c, s);
    size_t left = p->len - p->sent;
    enum wilco_status st = WILCO_OK;

    chunk.payload = span_of(p->bytes + p->sent, left < s->piece_bytes ? left : s->piece_bytes);
    st = core_send_chunk(c, &chunk);
    if (st == WILCO_OK) {
        p->sent += chunk.payload.len;
        p->sequence++;
        s->credit -= core_has_credits(c);
    }
    return st;
}

/* All pieces have gone. What is known of the request stays, without the answer. */
static enum wilco_status
send_last(struct core *c, struct sending *s)
{
    struct outgoing *last = s->last;
    struct repeat *r = s->repeat;
    enum wilco_status st = core_dispatch(c, last);

    if (st != WILCO_OK) {
        return st;
    }
    s->last = NULL;
    if (r != NULL && r->responder->repeat_off) {
        core_forget(c, r);
    } else if (r != NULL) {
        (void)repeats_answer(&c->calls.repeats, r, SPAN_EMPTY);
        core_keep_until_deadline(c, r);
    }
    end(c, s);
    return WILCO_OK;
}

static bool
has_room(const struct core *c)
{
    return c->account.bytes + c->output.bytes <= c->queue_bytes_max;
}

/* The server may take less than the one we had when the first piece went. */
static void
fail(struct core *c, struct sending *s, enum wilco_status st)
{
    if (st == WILCO_ELIMIT) {
        core_answer(c, s->request, s->deadline_ms, &too_large);
    }
    core_drop_sending(c, s);
    if (st != WILCO_ELIMIT) {
        core_fail(c, st);
    }
}

/* Sends what may go now. */
static void
pump(struct core *c, struct sending *s)
{
    enum wilco_status st = c->state == CORE_CLOSED ? WILCO_ECLOSED : WILCO_OK;

    while (st == WILCO_OK && s->payload->sent < s->payload->len && has_room(c) &&
           (s->credit > 0 || !core_has_credits(c))) {
        st = send_piece(c, s);
    }
    if (st == WILCO_OK && s->payload->sent == s->payload->len) {
        st = send_last(c, s);
    } else if (st == WILCO_OK && !has_room(c) && !s->wants_room) {
        s->wants_room = true;
        c->calls.stalled++;
    }
    if (st != WILCO_OK && st != WILCO_ECLOSED) {
        fail(c, s, st);
    }
}

void
core_credit_sending(struct core *c, struct sending *s, uint32_t more)
{
    s->credit = more < UINT32_MAX - s->credit ? s->credit + more : UINT32_MAX;
    start_timer(c, s);
    pump(c, s);
}

void
core_sendings_resume(struct core *c)
{
    struct list *node = c->calls.sendings.next;

    LIST_EACH(all, &c->calls.sendings)
    {
        CONTAINER_OF(all, struct sending, link)->wants_room = false;
    }
    while (node != &c->calls.sendings) {
        struct sending *s = CONTAINER_OF(node, struct sending, link);

        node = node->next;
        start_timer(c, s);
        pump(c, s);
    }
}

/* ---- Beginning ---- */

/* Whether its requester can have `bytes` in pieces. */
static bool
can_go(const struct wilco_call *call, size_t bytes)
{
    return bytes > 0 && bytes <= call->take && call->repeat != NULL &&
           !responder_has_journal(call->responder) && call->take != CHUNK_UNSAID;
}

/* The last response, which is known before the first piece goes. */
static enum wilco_status
encode_last(struct core *c, const struct wilco_call *call, const struct wilco_reply *reply,
            struct sending *s)
{
    struct wilco_reply last = *reply;
    size_t pieces = (reply->payload.len + s->piece_bytes - 1) / s->piece_bytes;
    const struct draft_role role = {
        .sequence = call->part_count + (uint32_t)pieces + 1,
        .whole = span_of_bytes(reply->payload),
    };

    last.payload = (struct wilco_bytes){.data = NULL, .len = 0};
    last.status = reply->status == 0 ? STATUS_SUCCESS : reply->status;
    return core_encode_answer(c, call, &last, &role, &s->last);
}

/* Fills in what is to be sent of it. */
static enum wilco_status
prepare(struct core *c, const struct wilco_call *call, const struct wilco_reply *reply,
        struct sending *s)
{
    struct draft_chunk chunk;
    enum wilco_status st = WILCO_ENOMEM;

    s->deadline_ms = call->deadline_ms;
    s->request = call->message;
    s->payload = upload_new(c->alloc, span_of_bytes(reply->payload), &c->pieces_bytes);
    if (s->payload == NULL) {
        return st;
    }
    s->payload->sequence = call->part_count;
    chunk = next_piece(c, s);
    st = core_piece_bytes(c, &chunk, call->packet_bytes_max, &s->piece_bytes);
    if (st == WILCO_OK && s->piece_bytes == 0) {
        st = WILCO_ELIMIT;
    }
    return st == WILCO_OK ? encode_last(c, call, reply, s) : st;
}

/* From now on the answer is on its way, and the call is over. */
static void
begin(struct core *c, struct wilco_call *call, struct sending *s)
{
    (void)wilco_message_ref(s->request);
    s->responder = responder_ref(call->responder);
    s->responder->active_count++;
    s->credit = call->credit;
    s->repeat = call->repeat;
    s->repeat->pieces = s;
    s->repeat->call = NULL;
    call->repeat = NULL;
    list_push_back(&c->calls.sendings, &s->link);
    start_timer(c, s);
    core_end_call(c, call, WILCO_EINVAL);
    pump(c, s);
}

static enum wilco_status
send_in_pieces(struct core *c, struct wilco_call *call, const struct wilco_reply *reply)
{
    size_t bytes = reply->payload.len;
    struct sending *s = NULL;
    enum wilco_status st = WILCO_OK;

    if (c->pieces_bytes > 0 &&
        (bytes > c->queue_bytes_max || c->pieces_bytes > c->queue_bytes_max - bytes)) {
        return WILCO_AGAIN;
    }
    s = mem_zalloc(c->alloc, sizeof(*s));
    if (s == NULL) {
        return WILCO_ENOMEM;
    }
    st = prepare(c, call, reply, s);
    if (st != WILCO_OK) {
        upload_free(s->payload);
        mem_free(c->alloc, s);
        return st;
    }
    begin(c, call, s);
    return WILCO_OK;
}

enum wilco_status
core_answer_in_pieces(struct core *c, struct wilco_call *call, const struct wilco_reply *reply)
{
    enum wilco_status st = WILCO_ELIMIT;

    if (can_go(call, reply->payload.len)) {
        st = send_in_pieces(c, call, reply);
    }
    if (st == WILCO_ELIMIT) {
        core_answer_call(c, call, &too_large);
        core_end_call(c, call, WILCO_EINVAL);
    }
    return st;
}
