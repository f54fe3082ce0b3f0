/* Frames: `u32 length, u32 room, payload`, little-endian, where the length is the payload's. The
 * first frame of a connection is empty and names the room that it listens to; the relay sends it
 * back when it has understood. A request's payload begins with the room that the response goes to
 * and with the word, a response's and a plain message's with the word. */
#include "load/dialect.h"

#define HEAD_BYTES 8U
#define ROOM_BYTES 4U

/* Frames stay on one machine, and so do these loads and stores: little-endian machines only. */
static uint32_t
u32_at(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static uint8_t *
put_u32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static void
hello(struct outbox *out, const struct introduction *who)
{
    uint8_t *at = outbox_claim(out, HEAD_BYTES);

    if (at != NULL) {
        (void)put_u32(put_u32(at, 0), who->listens.room);
    }
}

static enum wilco_status
greet(struct outbox *out, const struct introduction *who, const struct arrival *a,
      struct terms *terms)
{
    (void)out;
    (void)terms;
    return a->kind == ARRIVAL_WELCOME && who->inbox == NULL ? WILCO_OK : WILCO_EREFUSED;
}

static enum wilco_status
open_payload(struct arrival *a, uint32_t room, struct span payload)
{
    size_t skip = place_kind_of(room) == PLACE_ASK ? ROOM_BYTES : 0;

    *a = (struct arrival){.kind = payload.len == 0 ? ARRIVAL_WELCOME : ARRIVAL_MESSAGE};
    if (payload.len == 0) {
        return WILCO_OK;
    }
    if (payload.len < skip + WORD_BYTES) {
        return WILCO_EMALFORMED;
    }
    a->reply_to = span_first(payload, skip);
    a->word = payload.data + skip;
    a->payload = span_skip(payload, skip + WORD_BYTES);
    return WILCO_OK;
}

static enum wilco_status
cut(struct span *in, struct arrival *a)
{
    uint32_t len = 0;
    struct span frame = *in;

    if (in->len < HEAD_BYTES) {
        return WILCO_AGAIN;
    }
    len = u32_at(frame.data);
    if (in->len - HEAD_BYTES < len) {
        return WILCO_AGAIN;
    }
    *in = span_skip(*in, HEAD_BYTES + len);
    return open_payload(a, u32_at(frame.data + ROOM_BYTES), span_of(frame.data + HEAD_BYTES, len));
}

static enum wilco_status
draw(struct stencil *s, const struct wording *w)
{
    bool is_request = w->reply_to.room != PLACE_ROOM_NONE;
    size_t payload = is_request ? ROOM_BYTES + WORD_BYTES + w->payload_bytes : w->payload_bytes;
    enum wilco_status status = WILCO_EINVAL;

    if (w->qos > 0 || w->retain || payload < WORD_BYTES) {
        return status;
    }
    status = stencil_init(s, HEAD_BYTES + payload);
    if (status == WILCO_OK) {
        s->word_at = HEAD_BYTES;
        (void)put_u32(put_u32(s->bytes, (uint32_t)payload), w->to.room);
        if (is_request) {
            (void)put_u32(s->bytes + HEAD_BYTES, w->reply_to.room);
            s->word_at += ROOM_BYTES;
        }
    }
    return status;
}

static void
answer(struct outbox *out, const struct arrival *a, uint16_t packet_id)
{
    size_t payload = WORD_BYTES + a->payload.len;
    uint8_t *at = outbox_claim(out, HEAD_BYTES + payload);

    (void)packet_id;
    if (at != NULL) {
        at = put_u32(put_u32(at, (uint32_t)payload), u32_at(a->reply_to.data));
        memcpy(at, a->word, payload); /* the payload lies behind the word */
    }
}

static void
acknowledge(struct outbox *out, const struct arrival *a)
{
    (void)out;
    (void)a;
}

static void
pong(struct outbox *out)
{
    (void)out;
}

const struct dialect dialect_frames = {
    .name = "frames",
    .hello = hello,
    .greet = greet,
    .cut = cut,
    .draw = draw,
    .answer = answer,
    .acknowledge = acknowledge,
    .pong = pong,
};
