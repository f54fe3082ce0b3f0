#include "client/core_private.h"

#include <string.h>

/* A request whose payload comes in pieces. Its call begins as every other one does, but is handed
 * out only when all has come. Pieces are asked for when it has its turn, so that concurrency_max
 * holds for them, too: at first as many as may be on their way, then as many again whenever half of
 * them have come. What is put together grows as the pieces come, whatever was announced. */

#define ARRIVALS_MAX 16U

void
core_drop_arrival(struct core *c, struct wilco_call *call)
{
    if (call->arrival != NULL) {
        buffer_fini(&call->arrival->bytes);
        mem_free(c->alloc, call->arrival);
        call->arrival = NULL;
        c->calls.arriving_count--;
    }
}

enum wilco_status
core_expect_arrival(struct core *c, struct wilco_call *call, const struct chunk_terms *t)
{
    struct arrival *a = NULL;

    /* Without a place in the repeats nobody could say anything about it. */
    if (c->calls.arriving_count >= ARRIVALS_MAX || call->repeat == NULL) {
        return WILCO_ELIMIT;
    }
    a = mem_zalloc(c->alloc, sizeof(*a));
    if (a == NULL) {
        return WILCO_ENOMEM;
    }
    buffer_init(&a->bytes, c->alloc, t->size);
    a->size = t->size;
    if (t->hash.len == sizeof(a->hash)) { /* otherwise it is the hash of nothing */
        memcpy(a->hash, t->hash.data, t->hash.len);
    }
    call->arrival = a;
    c->calls.arriving_count++;
    return WILCO_OK;
}

/* It will not be served. */
static void
refuse(struct core *c, struct wilco_call *call, int status, const char *text)
{
    c->calls.refused_count++;
    core_answer_call(c, call, &(struct wilco_reply){.status = status, .status_text = text});
    core_end_call(c, call, WILCO_EINVAL);
}

/* All has come: the handler gets one message with the whole. */
static void
complete(struct core *c, struct wilco_call *call)
{
    struct arrival *a = call->arrival;
    const struct chunk_terms t = {.size = a->size, .hash = span_of(a->hash, sizeof(a->hash))};
    struct wilco_message *whole = NULL;
    bool is_garbled = false;
    const char *fault = chunk_fault(buffer_span(&a->bytes), &t, &is_garbled);

    if (fault != NULL) {
        refuse(c, call, 400, fault);
        return;
    }
    whole = message_with_payload(call->message, &a->bytes);
    if (whole == NULL) {
        refuse(c, call, 503, "no memory for the request");
        return;
    }
    wilco_message_unref(call->message);
    call->message = whole;
    core_drop_arrival(c, call);
    core_begin_call(c, call);
}

static enum wilco_status
ask_for(struct core *c, struct wilco_call *call, uint32_t want)
{
    const struct wilco_message *m = call->message;
    const struct draft_chunk chunk = {
        .topic = m->response_topic,
        .correlation = m->correlation_data,
        .remaining_ms =
            call->deadline_ms == UINT64_MAX ? UINT64_MAX : call->deadline_ms - c->now_ms,
        .sequence = call->part_count + 1,
        .want = want,
        .packet = c->packet_bytes_max,
        .qos = c->server.maximum_qos < 1 ? 0 : 1,
    };

    return core_send_chunk(c, &chunk);
}

void
core_ask_for_pieces(struct core *c, struct wilco_call *call)
{
    struct arrival *a = call->arrival;
    uint32_t want = CHUNK_WINDOW - a->awaited;
    enum wilco_status st = WILCO_OK;

    if (c->state == CORE_CLOSED) {
        return;
    }
    if (a->bytes.len == a->size) {
        complete(c, call);
        return;
    }
    if (want < CHUNK_WINDOW / 2 || call->credit == 0 || c->now_ms >= call->deadline_ms) {
        return;
    }
    st = ask_for(c, call, want);
    if (st != WILCO_OK) {
        core_fail(c, st); /* it would wait for ever */
        return;
    }
    call->credit--;
    call->part_count++;
    a->awaited += want;
}

void
core_take_piece(struct core *c, struct wilco_call *call, const struct wilco_message *m,
                const struct chunk_terms *t)
{
    struct arrival *a = call->arrival;

    if (a == NULL || t->sequence <= a->sequence) {
        return; /* it has come before */
    }
    if (t->sequence != a->sequence + 1 || a->awaited == 0) {
        refuse(c, call, 400, "a piece of the request is missing");
    } else if (m->payload.len > a->size - a->bytes.len) {
        refuse(c, call, 400, "the request is larger than it said");
    } else if (buffer_append(&a->bytes, m->payload) != WILCO_OK) {
        refuse(c, call, 503, "no memory for the request");
    } else {
        a->sequence++;
        a->awaited--;
        core_ask_for_pieces(c, call);
    }
}

void
core_restart_arrival(struct core *c, struct wilco_call *call, const struct wilco_message *m)
{
    struct arrival *a = call->arrival;
    const struct call_terms t = call_terms_of(m);

    buffer_fini(&a->bytes);
    a->sequence = 0;
    a->awaited = 0;
    call->part_count = 0;
    call->credit = t.more;
    if (call->place == CALL_ARRIVING) {
        core_ask_for_pieces(c, call);
    }
}

void
core_arrivals_after_loss(struct core *c)
{
    struct list *node = c->calls.all.next;

    while (node != &c->calls.all) {
        struct wilco_call *call = CONTAINER_OF(node, struct wilco_call, all);

        node = node->next;
        if (call->arrival != NULL) {
            core_end_call(c, call, WILCO_ECLOSED);
        }
    }
}
