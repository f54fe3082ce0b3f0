#include "load/responders.h"

void
responders_init(struct responders *r, struct run *run)
{
    unsigned count = run->options->responders;

    r->run = run;
    r->held = run_items(run, count, sizeof(*r->held));
    for (unsigned i = 0; r->held != NULL && i < count; i++) {
        buffer_init(&r->held[i], alloc_system(), SIZE_MAX);
    }
}

void
responders_fini(struct responders *r)
{
    for (unsigned i = 0; r->held != NULL && i < r->run->options->responders; i++) {
        buffer_fini(&r->held[i]);
    }
    free_items(r->held);
}

/* Moves what was put into `out` behind `from`. It counts as unacknowledged, so it is for each
 * acknowledgement to let one go. */
static void
hold(struct responders *r, struct buffer *held, size_t from)
{
    struct buffer *out = &r->run->crowd.out.bytes;

    if (buffer_append(held, span_skip(buffer_span(out), from)) != WILCO_OK) {
        crowd_fail(&r->run->crowd, WILCO_ENOMEM, "out of memory");
    }
    out->len = from;
}

void
responders_take_request(struct responders *r, struct peer *p, const struct arrival *a)
{
    struct crowd *c = &r->run->crowd;
    size_t from = c->out.bytes.len;
    bool may_send = peer_may_send(p, a->qos);

    if (a->word == NULL || a->reply_to.len == 0) {
        r->run->result->wrong++;
        return;
    }
    c->dialect->answer(&c->out, a, a->qos > 0 ? peer_next_packet_id(p) : 0);
    if (!may_send) {
        hold(r, &r->held[p->index], from);
    }
}

void
responders_take_ack(struct responders *r, const struct peer *p)
{
    struct buffer *held = &r->held[p->index];
    struct crowd *c = &r->run->crowd;
    struct span rest = buffer_span(held);
    struct arrival a;
    size_t len = 0;
    uint8_t *at = NULL;

    if (rest.len == 0 || c->dialect->cut(&rest, &a) != WILCO_OK) {
        return;
    }
    len = held->len - rest.len;
    at = outbox_claim(&c->out, len);
    if (at != NULL) {
        memcpy(at, held->data, len);
    }
    buffer_consume(held, len);
}
