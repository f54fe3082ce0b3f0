#define _POSIX_C_SOURCE 200809L

#include "net/websocket_output.h"

#include <assert.h>
#include <wslay/wslay.h>

/* wslay writes a frame in parts: its head, then its payload as it is given it. Small writes are
 * expensive, so the head is kept back and goes with the payload, and what a server sends goes in
 * one write with all spans that follow: when wslay comes with these, they are written already, and
 * are taken off `credit`.
 *
 * A client must mask what it sends, and therefore copy it: CHUNK bytes at most in a frame. */

#define SPANS_PER_WRITE 64U
#define CHUNK           4096U

/* One write: what it is about. */
struct websocket_turn {
    struct stream *below;
    const struct span *rest; /* a server's: the spans behind the one that wslay has */
    size_t rest_count;
    uint64_t rest_bytes;      /* that still belong to this frame */
    size_t credit;            /* payload bytes written that wslay does not know of */
    bool is_full;             /* no more for now, or */
    enum wilco_status status; /* broken */
};

void
websocket_output_init(struct websocket_output *o, const struct wilco_alloc *a,
                      struct websocket_masks *masks)
{
    *o = (struct websocket_output){.alloc = a, .masks = masks};
    if (masks != NULL) {
        masks->used = WEBSOCKET_MASKS;
    }
}

static void
drop_frames(struct websocket_output *o)
{
    if (o->frames != NULL) {
        wslay_frame_context_free(o->frames);
        o->frames = NULL;
    }
}

void
websocket_output_fini(struct websocket_output *o)
{
    drop_frames(o);
    mem_free(o->alloc, o->waiting);
    mem_free(o->alloc, o->masks);
    o->waiting = NULL;
    o->masks = NULL;
}

/* ---- What wslay calls ---- */

/* Writes what is left of the head, `data`, and what follows it; how many bytes of the payload. */
static size_t
write_gathered(struct websocket_output *o, struct span data)
{
    struct websocket_turn *turn = o->turn;
    struct span spans[SPANS_PER_WRITE] = {span_of(o->head, o->head_len), data};
    size_t count = 2;
    size_t wanted = o->head_len + data.len;
    size_t len = 0;
    bool has_head = o->head_len > 0;

    for (size_t i = 0; i < turn->rest_count && count < SPANS_PER_WRITE; i++) {
        uint64_t left = turn->rest_bytes + o->head_len + data.len - wanted;
        struct span s = turn->rest[i];

        spans[count] = s.len < left ? s : span_first(s, (size_t)left);
        wanted += spans[count].len;
        count++;
    }
    turn->status = stream_write(turn->below, has_head ? spans : spans + 1, count - !has_head, &len);
    turn->is_full = turn->status != WILCO_OK || len < wanted;
    if (turn->status != WILCO_OK) {
        return 0;
    }
    if (len < o->head_len) {
        memmove(o->head, o->head + len, o->head_len - len);
        o->head_len = (uint8_t)(o->head_len - len);
        return 0;
    }
    len -= o->head_len;
    o->head_len = 0;
    return len;
}

static ssize_t
take(const uint8_t *data, size_t len, int flags, void *context)
{
    struct websocket_output *o = context;
    struct websocket_turn *turn = o->turn;
    size_t taken = 0;

    if ((flags & WSLAY_MSG_MORE) != 0) {
        assert(o->head_len == 0 && len <= sizeof(o->head));
        memcpy(o->head, data, len);
        o->head_len = (uint8_t)len;
        return (ssize_t)len;
    }
    if (turn->credit == 0 && !turn->is_full) {
        turn->credit = write_gathered(o, span_of(data, len));
    }
    taken = turn->credit < len ? turn->credit : len;
    turn->credit -= taken;
    return taken > 0 ? (ssize_t)taken : -1;
}

static int
make_mask(uint8_t *out, size_t len, void *context)
{
    struct websocket_output *o = context;
    struct websocket_masks *m = o->masks;

    assert(len == 4);
    if (m->used == WEBSOCKET_MASKS) {
        if (random_bytes(m->random, m->bytes, sizeof(m->bytes)) != WILCO_OK) {
            o->turn->status = WILCO_EIO;
            return -1;
        }
        m->used = 0;
    }
    memcpy(out, m->bytes + (size_t)m->used * 4, 4);
    m->used++;
    return 0;
}

static bool
make_frames(struct websocket_output *o)
{
    const struct wslay_frame_callbacks callbacks = {.send_callback = take,
                                                    .genmask_callback = make_mask};

    return o->frames != NULL || wslay_frame_context_init(&o->frames, &callbacks, o) == 0;
}

/* Gives wslay bytes of a frame with `total` bytes of payload; how many were written. */
static size_t
send_part(struct websocket_output *o, uint8_t opcode, uint64_t total, struct span part)
{
    struct wslay_frame_iocb f = {
        .fin = 1,
        .opcode = opcode,
        .payload_length = total,
        .mask = o->masks != NULL,
        .data = part.data,
        .data_length = part.len,
    };
    ssize_t n = wslay_frame_send(o->frames, &f);

    assert(n >= 0 || n == WSLAY_ERR_WANT_WRITE || n == WSLAY_ERR_INVALID_CALLBACK);
    return n > 0 ? (size_t)n : 0;
}

/* ---- Data ---- */

/* Where in the caller's spans we are. */
struct cursor {
    const struct span *spans;
    size_t count;
    struct span first; /* what is left of spans[0] */
    uint64_t bytes;    /* of all */
};

static void
advance(struct cursor *c, size_t n)
{
    c->first = span_skip(c->first, n);
    c->bytes -= n;
    while (c->count > 1 && c->first.len == 0) {
        c->spans++;
        c->count--;
        c->first = c->spans[0];
    }
}

/* A server's: as much of the frame as the spans hold. */
static void
write_plain(struct websocket_output *o, struct cursor *c, uint64_t total)
{
    size_t n = 1;

    while (n > 0 && o->left > 0 && c->bytes > 0) {
        struct span part =
            span_first(c->first, c->first.len < o->left ? c->first.len : (size_t)o->left);

        o->turn->rest = c->spans + 1;
        o->turn->rest_count = c->count - 1;
        o->turn->rest_bytes = o->left - part.len;
        n = send_part(o, WSLAY_BINARY_FRAME, total, part);
        o->left -= n;
        advance(c, n);
    }
}

/* A client's: the same, out of a copy, in which small spans lie together. */
static void
write_masked(struct websocket_output *o, struct cursor *c, uint64_t total)
{
    uint8_t bytes[CHUNK];
    struct cursor ahead = *c;
    size_t len = 0;
    size_t n = 0;

    while (len < o->left && ahead.bytes > 0) { /* a frame is a CHUNK at most */
        size_t room = (size_t)o->left - len;
        size_t part = ahead.first.len < room ? ahead.first.len : room;

        memcpy(bytes + len, ahead.first.data, part);
        len += part;
        advance(&ahead, part);
    }
    n = send_part(o, WSLAY_BINARY_FRAME, total, span_of(bytes, len));
    o->left -= n;
    while (n > 0) {
        size_t part = n < c->first.len ? n : c->first.len;

        advance(c, part);
        n -= part;
    }
}

/* The rest of the frame that is begun, or a new one. */
static void
write_frame(struct websocket_output *o, struct cursor *c)
{
    if (o->left == 0) {
        o->left = o->masks != NULL && c->bytes > CHUNK ? CHUNK : c->bytes;
    }
    if (o->masks != NULL) {
        write_masked(o, c, o->left);
    } else {
        write_plain(o, c, o->left);
    }
}

static struct cursor
cursor_of(const struct span *spans, size_t count)
{
    struct cursor c = {.spans = spans, .count = count, .first = count > 0 ? spans[0] : SPAN_EMPTY};

    for (size_t i = 0; i < count; i++) {
        c.bytes += spans[i].len;
    }
    advance(&c, 0);
    return c;
}

/* Frees what is not needed between frames. */
static void
rest(struct websocket_output *o)
{
    o->turn = NULL;
    if (o->left == 0 && (o->waiting == NULL || o->waiting->opcode == 0)) {
        drop_frames(o);
    }
    if (o->waiting != NULL && o->waiting->opcode == 0 && !o->waiting->has_pong &&
        (o->close_code == 0 || o->is_over)) {
        mem_free(o->alloc, o->waiting);
        o->waiting = NULL;
    }
}

enum wilco_status
websocket_output_write(struct websocket_output *o, struct stream *below, const struct span *spans,
                       size_t count, size_t *len)
{
    struct cursor c = cursor_of(spans, count);
    uint64_t total = c.bytes;
    struct websocket_turn turn = {.below = below, .status = WILCO_OK};
    enum wilco_status st = WILCO_OK;

    *len = 0;
    if (total == 0 || o->close_code != 0) {
        return total == 0 ? WILCO_OK : WILCO_ECLOSED;
    }
    if (o->left == 0) {
        st = websocket_output_flush(o, below);
    }
    if (st == WILCO_OK && !make_frames(o)) {
        st = WILCO_ENOMEM;
    }
    if (st != WILCO_OK) {
        return st;
    }
    /* cppcheck-suppress autoVariables ; rest() forgets it */
    o->turn = &turn;
    while (c.bytes > 0 && !turn.is_full && turn.status == WILCO_OK) {
        write_frame(o, &c);
    }
    rest(o);
    *len = (size_t)(total - c.bytes);
    if (*len > 0) {
        return WILCO_OK;
    }
    return turn.status == WILCO_OK ? WILCO_AGAIN : turn.status;
}

/* ---- Control frames ---- */

static struct websocket_waiting *
need_waiting(struct websocket_output *o)
{
    if (o->waiting == NULL) {
        o->waiting = mem_zalloc(o->alloc, sizeof(*o->waiting));
    }
    return o->waiting;
}

bool
websocket_output_waits(const struct websocket_output *o)
{
    bool is_closing = o->close_code != 0 && !o->is_over;

    return is_closing || (o->waiting != NULL && (o->waiting->opcode != 0 || o->waiting->has_pong));
}

enum wilco_status
websocket_output_pong(struct websocket_output *o, const struct websocket_control *ping)
{
    if (o->close_code != 0) {
        return WILCO_OK;
    }
    if (need_waiting(o) == NULL) {
        return WILCO_ENOMEM;
    }
    o->waiting->has_pong = true;
    o->waiting->pong = *ping;
    return WILCO_OK;
}

void
websocket_output_close(struct websocket_output *o, uint16_t code)
{
    if (o->close_code == 0) {
        o->close_code = code;
    }
}

/* The next control frame becomes the present one; false: there is none. */
static bool
next_control(struct websocket_output *o)
{
    struct websocket_waiting *w = o->waiting;

    if (w->opcode != 0) {
        return true;
    }
    w->at = 0;
    if (w->has_pong) {
        w->has_pong = false;
        w->opcode = WSLAY_PONG;
        w->now = w->pong;
    } else if (o->close_code != 0 && !o->is_over) {
        w->opcode = WSLAY_CONNECTION_CLOSE;
        w->now = (struct websocket_control){
            .len = 2, .bytes = {(uint8_t)(o->close_code >> 8), (uint8_t)(o->close_code & 0xFF)}};
    }
    return w->opcode != 0;
}

/* False: not all of it. */
static bool
write_control(struct websocket_output *o)
{
    struct websocket_waiting *w = o->waiting;
    bool is_empty = w->now.len == 0;
    size_t n =
        send_part(o, w->opcode, w->now.len, span_of(w->now.bytes + w->at, w->now.len - w->at));

    w->at = (uint8_t)(w->at + n);
    if (w->at < w->now.len || (is_empty && o->turn->is_full)) {
        return false;
    }
    o->is_over = o->is_over || w->opcode == WSLAY_CONNECTION_CLOSE;
    w->opcode = 0;
    return true;
}

enum wilco_status
websocket_output_flush(struct websocket_output *o, struct stream *below)
{
    struct websocket_turn turn = {.below = below, .status = WILCO_OK};
    bool is_done = true;

    if (!websocket_output_waits(o)) {
        return WILCO_OK;
    }
    if (o->left > 0) {
        return WILCO_AGAIN;
    }
    if (need_waiting(o) == NULL || !make_frames(o)) {
        return WILCO_ENOMEM;
    }
    /* cppcheck-suppress autoVariables ; rest() forgets it */
    o->turn = &turn;
    while (is_done && next_control(o)) {
        is_done = write_control(o);
    }
    rest(o);
    if (is_done) {
        return WILCO_OK;
    }
    return turn.status == WILCO_OK ? WILCO_AGAIN : turn.status;
}
