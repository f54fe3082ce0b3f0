#include "client/core_private.h"

/* A request whose payload goes in pieces. Its head says how much is to come; whoever holds it asks
 * for so many pieces at a time, with parts (`rr-want`), and they go to him as words about the
 * request (`rr-op`=`data`). A broker that knows requests does that alone, and no other try may go
 * on beside it. */

/* Whether so much more may be kept to go in pieces: one payload always may. */
static bool
has_room(const struct core *c, size_t bytes)
{
    return c->pieces_bytes == 0 ||
           (bytes <= c->queue_bytes_max && c->pieces_bytes <= c->queue_bytes_max - bytes);
}

static bool
can_go(const struct core *c, const struct draft *d, const struct request_plan *plan)
{
    return c->state == CORE_OPEN && core_is_assigned(c, d->packet.properties.response_topic) &&
           d->packet.qos > 0 && plan->responses_max == 1 && d->packet.payload.len > 0 &&
           d->packet.payload.len < CHUNK_UNSAID && has_room(c, d->packet.payload.len);
}

/* Nothing of a head that a responder was lost with may go to another one: he would miss pieces. */
static void
drop_idempotence(struct draft *d)
{
    for (size_t i = 0; i < d->extra_count; i++) {
        if (span_equal(d->extras[i].name, SPAN_LITERAL("rr-idem"))) {
            d->extras[i].value = SPAN_LITERAL("0");
        }
    }
}

enum wilco_status
core_encode_head(struct core *c, struct draft *d, struct request_plan *plan, struct upload **upload,
                 struct outgoing **out)
{
    struct span payload = d->packet.payload;
    enum wilco_status st = WILCO_OK;

    if (!can_go(c, d, plan)) {
        return WILCO_ELIMIT;
    }
    if (plan->response_bytes_max == 0) {
        draft_take(d, 0, c->packet_bytes_max);
    }
    if (plan->parts_max == 0) {
        plan->parts_max = CHUNK_CREDIT;
        plan->on_part = NULL;
        plan->is_pulled = false;
        draft_pieces_only(d, CHUNK_CREDIT);
    }
    plan->hedge_after_ms = 0;
    drop_idempotence(d);
    draft_whole(d, payload);
    st = core_encode(c, d, out);
    if (st != WILCO_OK) {
        return st;
    }
    *upload = upload_new(c->alloc, payload, &c->pieces_bytes);
    if (*upload == NULL) {
        outgoing_unref(*out);
        return WILCO_ENOMEM;
    }
    return WILCO_OK;
}

/* ---- Pieces ---- */

static struct draft_chunk
next_piece(const struct core *c, const struct request *request)
{
    uint64_t deadline_ms = request->deadline.deadline_ms;

    return (struct draft_chunk){
        .topic = request_topic(request),
        .response_topic = span_of(request->inbox->filter, request->inbox->len),
        .correlation = request_correlation(request),
        .remaining_ms = deadline_ms > c->now_ms ? deadline_ms - c->now_ms : 1,
        .sequence = request->upload->sequence + 1,
        .qos = c->server.maximum_qos < 1 ? 0 : 1,
    };
}

/* Without its payload, but with a number as long as any. */
enum wilco_status
core_piece_bytes(struct core *c, const struct draft_chunk *chunk, size_t packet_bytes_max,
                 size_t *out)
{
    struct draft_chunk longest = *chunk;
    struct outgoing *o = NULL;
    struct draft d;
    enum wilco_status st = WILCO_OK;

    longest.payload = SPAN_EMPTY;
    longest.sequence = UINT32_MAX;
    longest.offset = UINT32_MAX;
    if (packet_bytes_max > c->server.packet_bytes_max) {
        packet_bytes_max = c->server.packet_bytes_max;
    }
    draft_chunk(&d, &longest);
    st = outgoing_new(&o, &c->account, &d, SIZE_MAX);
    if (st == WILCO_OK) {
        *out = chunk_bytes(packet_bytes_max, o->len);
        outgoing_unref(o);
    }
    return st;
}

enum wilco_status
core_send_chunk(struct core *c, const struct draft_chunk *chunk)
{
    struct outgoing *o = NULL;
    struct draft d;
    enum wilco_status st = WILCO_OK;

    draft_chunk(&d, chunk);
    st = outgoing_new(&o, &c->account, &d, c->server.packet_bytes_max);
    if (st != WILCO_OK) {
        return st;
    }
    st = core_dispatch(c, o);
    if (st != WILCO_OK) {
        outgoing_unref(o);
    }
    return st;
}

static enum wilco_status
send_next(struct core *c, struct request *request, size_t bytes)
{
    struct upload *u = request->upload;
    struct draft_chunk chunk = next_piece(c, request);
    size_t left = u->len - u->sent;
    enum wilco_status st = WILCO_OK;

    chunk.payload = span_of(u->bytes + u->sent, left < bytes ? left : bytes);
    st = core_send_chunk(c, &chunk);
    if (st == WILCO_OK) {
        u->sent += chunk.payload.len;
        u->sequence++;
    }
    return st;
}

void
core_send_pieces(struct core *c, struct request *request, const struct chunk_terms *t)
{
    const struct draft_chunk chunk = next_piece(c, request);
    size_t bytes = 0;
    enum wilco_status st = core_piece_bytes(c, &chunk, t->packet, &bytes);

    if (st == WILCO_OK && bytes == 0) {
        request->why = "the responder takes no packets that are large enough for a piece";
        st = WILCO_ELIMIT;
    }
    for (uint32_t i = 0;
         st == WILCO_OK && i < t->want && request->upload->sent < request->upload->len; i++) {
        st = send_next(c, request, bytes);
    }
    if (st != WILCO_OK) {
        core_stop_request(c, request, st);
    }
}
