#include "client/chunks.h"
#include "client/draft.h"

/* How it is said that a payload goes in pieces (docs/requests.md, Large payloads). */

void
draft_take(struct draft *d, uint32_t take, uint32_t packet)
{
    if (take != 0) {
        draft_add_number(d, SPAN_LITERAL("rr-take"), take);
    }
    draft_add_number(d, SPAN_LITERAL("rr-packet"), packet);
}

void
draft_pieces_only(struct draft *d, uint32_t more)
{
    draft_add_number(d, SPAN_LITERAL("rr-more"), more);
    draft_add(d, SPAN_LITERAL("rr-parts"), SPAN_LITERAL("0"));
}

void
draft_whole(struct draft *d, struct span whole)
{
    draft_add_number(d, SPAN_LITERAL("rr-size"), (uint32_t)whole.len);
    draft_add(d, SPAN_LITERAL("rr-hash"), hash_check(whole, d->hash));
    d->packet.payload = SPAN_EMPTY;
}

/* A response that others follow. */
static void
describe_part(struct draft *d, const struct draft_chunk *chunk)
{
    draft_add(d, SPAN_LITERAL("rr-more"), SPAN_LITERAL("1"));
    draft_add_number(d, SPAN_LITERAL("rr-seq"), chunk->sequence);
    if (chunk->want == 0) {
        draft_add_number(d, SPAN_LITERAL("rr-offset"), chunk->offset);
    } else {
        draft_add_number(d, SPAN_LITERAL("rr-want"), chunk->want);
        draft_add_number(d, SPAN_LITERAL("rr-packet"), chunk->packet);
    }
}

void
draft_chunk(struct draft *d, const struct draft_chunk *chunk)
{
    struct wire_properties *p = &d->packet.properties;

    *d = (struct draft){
        .packet = {.topic = chunk->topic, .payload = chunk->payload, .qos = chunk->qos},
    };
    p->correlation_data = chunk->correlation;
    wire_properties_set(p, WIRE_CORRELATION_DATA);
    if (chunk->remaining_ms != UINT64_MAX) {
        draft_set_expiry_ms(p, chunk->remaining_ms);
    }
    if (chunk->response_topic.len == 0) {
        describe_part(d, chunk);
        return;
    }
    p->response_topic = chunk->response_topic;
    wire_properties_set(p, WIRE_RESPONSE_TOPIC);
    draft_add(d, SPAN_LITERAL("rr-op"), SPAN_LITERAL("data"));
    draft_add_number(d, SPAN_LITERAL("rr-seq"), chunk->sequence);
}
