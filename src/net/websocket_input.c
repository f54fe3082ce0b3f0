#define _POSIX_C_SOURCE 200809L

#include "net/websocket_input.h"

#include <assert.h>
#include <wslay/wslay.h>

#define RESERVED_CLOSE_CODES 1004 /* to 1006: never in a frame */

void
websocket_input_init(struct websocket_input *in, const struct wilco_alloc *a, bool is_masked)
{
    *in = (struct websocket_input){.alloc = a, .is_masked = is_masked};
}

static void
drop_frames(struct websocket_input *in)
{
    if (in->frames != NULL) {
        wslay_frame_context_free(in->frames);
        in->frames = NULL;
    }
}

static void
drop_control(struct websocket_input *in)
{
    mem_free(in->alloc, in->control);
    in->control = NULL;
}

void
websocket_input_fini(struct websocket_input *in)
{
    drop_frames(in);
    drop_control(in);
}

/* wslay wants more. */
static ssize_t
give(uint8_t *buffer, size_t capacity, int flags, void *context)
{
    struct websocket_input *in = context;
    size_t len = capacity < in->raw.len ? capacity : in->raw.len;

    (void)flags;
    if (len == 0) {
        return -1;
    }
    memcpy(buffer, in->raw.data, len);
    in->raw = span_skip(in->raw, len);
    in->held = (uint16_t)(in->held + len);
    return (ssize_t)len;
}

static bool
make_frames(struct websocket_input *in)
{
    const struct wslay_frame_callbacks callbacks = {.recv_callback = give};

    return in->frames != NULL || wslay_frame_context_init(&in->frames, &callbacks, in) == 0;
}

static size_t
head_bytes(const struct wslay_frame_iocb *f)
{
    size_t length = f->payload_length > UINT16_MAX ? 8 : f->payload_length > 125 ? 2 : 0;

    return 2 + length + (f->mask != 0 ? 4 : 0);
}

/* Whether a frame with this head may come now; otherwise the close code. */
static uint16_t
judge_head(const struct websocket_input *in, const struct wslay_frame_iocb *f)
{
    bool is_control = wslay_is_ctrl_frame(f->opcode) != 0;
    bool is_data = f->opcode == WSLAY_BINARY_FRAME || f->opcode == WSLAY_TEXT_FRAME;
    bool is_known =
        is_data || f->opcode == WSLAY_CONTINUATION_FRAME || (is_control && f->opcode <= WSLAY_PONG);

    if (f->rsv != 0 || !is_known || (f->mask != 0) != in->is_masked ||
        (!is_control && is_data == in->is_message)) { /* goes on while nothing has begun, or not */
        return WEBSOCKET_CLOSE_PROTOCOL;
    }
    return f->opcode == WSLAY_TEXT_FRAME ? WEBSOCKET_CLOSE_UNSUPPORTED : 0; /* [MQTT-6.0.0-1] */
}

static uint16_t
begin(struct websocket_input *in, const struct wslay_frame_iocb *f)
{
    in->is_begun = true;
    in->is_final = f->fin != 0;
    in->opcode = f->opcode;
    in->left = f->payload_length;
    in->held = (uint16_t)(in->held - head_bytes(f));
    return judge_head(in, f);
}

/* The codes that may come in a frame, of RFC 6455 section 7.4 and the registry. */
static bool
close_code_is_valid(unsigned code)
{
    bool is_registered = code >= 1000 && code <= 1014;
    bool is_reserved = code >= RESERVED_CLOSE_CODES && code <= RESERVED_CLOSE_CODES + 2;

    return (is_registered && !is_reserved) || (code >= 3000 && code <= 4999);
}

static void
take_close(struct websocket_news *news, const struct websocket_control *c)
{
    unsigned code = c->len < 2 ? WEBSOCKET_CLOSE_NORMAL : c->bytes[0] * 256U + c->bytes[1];

    news->has_close = true;
    news->close_code = c->len == 1 || !close_code_is_valid(code)
                           ? (uint16_t)WEBSOCKET_CLOSE_PROTOCOL
                           : (uint16_t)code;
}

/* A control frame is all here. */
static void
end_control(struct websocket_input *in, struct websocket_news *news)
{
    const struct websocket_control nothing = {.len = 0};
    const struct websocket_control *c = in->control == NULL ? &nothing : in->control;

    if (in->opcode == WSLAY_CONNECTION_CLOSE) {
        take_close(news, c);
    } else if (in->opcode == WSLAY_PING) {
        news->has_ping = true;
        news->ping = *c;
    }
    drop_control(in);
}

static enum wilco_status
take_control(struct websocket_input *in, const struct wslay_frame_iocb *f)
{
    struct websocket_control *c = in->control;

    if (c == NULL) {
        c = mem_zalloc(in->alloc, sizeof(*c));
        if (c == NULL) {
            return WILCO_ENOMEM;
        }
        in->control = c;
    }
    assert(c->len + f->data_length <= sizeof(c->bytes)); /* wslay has looked */
    memcpy(c->bytes + c->len, f->data, f->data_length);
    c->len = (uint8_t)(c->len + f->data_length);
    return WILCO_OK;
}

static enum wilco_status
take_part(struct websocket_input *in, const struct wslay_frame_iocb *f, uint8_t *out,
          struct websocket_news *news)
{
    bool is_control = wslay_is_ctrl_frame(in->opcode) != 0;
    enum wilco_status st = WILCO_OK;

    in->held = (uint16_t)(in->held - f->data_length);
    in->left -= f->data_length;
    if (is_control && f->data_length > 0) {
        st = take_control(in, f);
    } else if (f->data_length > 0) {
        memcpy(out + news->bytes, f->data, f->data_length);
        news->bytes += f->data_length;
    }
    if (st == WILCO_OK && in->left == 0) {
        in->is_begun = false;
        if (is_control) {
            end_control(in, news);
        } else {
            in->is_message = !in->is_final;
        }
    }
    return st;
}

/* One step of wslay. WILCO_AGAIN: it wants more. */
static enum wilco_status
step(struct websocket_input *in, uint8_t *out, struct websocket_news *news)
{
    struct wslay_frame_iocb f;
    ssize_t n = wslay_frame_recv(in->frames, &f);

    if (n == WSLAY_ERR_WANT_READ) {
        return WILCO_AGAIN;
    }
    news->close_code = n < 0 ? (uint16_t)WEBSOCKET_CLOSE_PROTOCOL : 0;
    if (n >= 0 && !in->is_begun) {
        news->close_code = begin(in, &f);
    }
    return news->close_code != 0 ? WILCO_EPROTOCOL : take_part(in, &f, out, news);
}

/* The payload is never longer than what it came in, and wslay has a copy of that: so it can be put
 * over it. */
enum wilco_status
websocket_input_feed(struct websocket_input *in, uint8_t *bytes, size_t len,
                     struct websocket_news *news)
{
    enum wilco_status st = WILCO_OK;

    *news = (struct websocket_news){.bytes = 0};
    if (!make_frames(in)) {
        return WILCO_ENOMEM;
    }
    in->raw = span_of(bytes, len);
    while (st == WILCO_OK && !news->has_close) {
        st = step(in, bytes, news);
    }
    in->raw = SPAN_EMPTY;
    if (!in->is_begun && in->held == 0) {
        drop_frames(in);
    }
    return st == WILCO_AGAIN ? WILCO_OK : st;
}
