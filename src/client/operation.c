#include "client/operation.h"

#include "wire/any.h"

#include <assert.h>

/* An identifier that every encoder accepts, until the real one is known. */
#define ID_LATER 1

static enum wilco_status
encode(struct operation **out, const struct wilco_alloc *a, const struct wire_any *packet)
{
    struct wire_writer w = wire_writer_measure();
    struct wire_header header;
    size_t len = 0;
    enum wilco_status st;

    wire_any_encode(&w, packet, WIRE_V5);
    st = wire_writer_finish(&w, &len);
    if (st != WILCO_OK && st != WILCO_AGAIN) {
        return st;
    }
    *out = mem_alloc(a, sizeof(**out) + len);
    if (*out == NULL) {
        return WILCO_ENOMEM;
    }
    **out = (struct operation){.event.kind = EVENT_OPERATION, .alloc = a, .len = len};
    w = wire_writer_init((*out)->bytes, len);
    wire_any_encode(&w, packet, WIRE_V5);
    st = wire_header_decode(&header, span_of((*out)->bytes, len));
    assert(st == WILCO_OK && w.len == len);
    (*out)->id_offset = header.header_bytes;
    return WILCO_OK;
}

/* `tail` bytes are behind the filter, which is the last thing in the packet. */
static void
describe(struct operation *op, const struct subscription *s, enum wire_type answer, size_t tail)
{
    op->answer = answer;
    op->subscription_id = s->id;
    op->generation = s->generation + 1;
    op->before = s->to;
    (void)responder_ref(s->to.responder);
    op->filter_len = s->len;
    op->filter_offset = op->len - tail - s->len;
}

enum wilco_status
operation_subscribe(struct operation **out, const struct wilco_alloc *a,
                    const struct subscription *s, const struct wire_subscribe *packet)
{
    struct wire_any any = {.type = WIRE_SUBSCRIBE, .as.subscribe = *packet};
    enum wilco_status st;

    any.as.subscribe.packet_id = ID_LATER;
    st = encode(out, a, &any);
    if (st == WILCO_OK) {
        describe(*out, s, WIRE_SUBACK, 1);
        (*out)->has_identifier =
            wire_properties_has(&packet->properties, WIRE_SUBSCRIPTION_IDENTIFIER);
    }
    return st;
}

enum wilco_status
operation_unsubscribe(struct operation **out, const struct wilco_alloc *a,
                      const struct subscription *s)
{
    struct span filter = span_of(s->filter, s->len);
    struct wire_any any = {.type = WIRE_UNSUBSCRIBE};
    enum wilco_status st;

    any.as.unsubscribe.packet_id = ID_LATER;
    any.as.unsubscribe.filters = &filter;
    any.as.unsubscribe.count = 1;
    st = encode(out, a, &any);
    if (st == WILCO_OK) {
        describe(*out, s, WIRE_UNSUBACK, 0);
    }
    return st;
}

struct operation *
operation_renewal(const struct operation *op)
{
    struct operation *renewal = mem_alloc(op->alloc, sizeof(*op) + op->len);

    if (renewal != NULL) {
        memcpy(renewal, op, sizeof(*op) + op->len);
        renewal->event = (struct event_node){.kind = EVENT_OPERATION};
        renewal->done = NULL;
        renewal->context = NULL;
        renewal->is_renewal = true;
        renewal->before = (struct subscriber){.on_message = NULL};
    }
    return renewal;
}

void
operation_free(struct operation *op)
{
    if (op != NULL) {
        responder_unref(op->before.responder);
        mem_free(op->alloc, op);
    }
}

void
operation_set_id(struct operation *op, uint16_t packet_id)
{
    op->bytes[op->id_offset] = (uint8_t)(packet_id >> 8);
    op->bytes[op->id_offset + 1] = (uint8_t)packet_id;
}
