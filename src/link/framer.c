#include "link/framer.h"

#include "base/compiler.h"

/* The longest fixed header: the type, and four bytes of Remaining Length. */
#define HEADER_BYTES_MAX 5U
#define DUP_FLAG         0x08

/* A header must be read before it can be refused. */
static size_t
tail_bytes_max(size_t packet_bytes_max)
{
    return packet_bytes_max < HEADER_BYTES_MAX ? HEADER_BYTES_MAX : packet_bytes_max;
}

static uint32_t
within_range(size_t packet_bytes_max)
{
    return packet_bytes_max < UINT32_MAX ? (uint32_t)packet_bytes_max : UINT32_MAX;
}

void
framer_init(struct framer *f, const struct wilco_alloc *a, size_t packet_bytes_max)
{
    *f = (struct framer){.alloc = a, .packet_bytes_max = within_range(packet_bytes_max)};
}

void
framer_limit(struct framer *f, size_t packet_bytes_max)
{
    f->packet_bytes_max = within_range(packet_bytes_max);
    if (f->tail != NULL) { /* the packet that is being handled */
        f->tail->bytes_max = tail_bytes_max(packet_bytes_max);
    }
}

void
framer_fini(struct framer *f)
{
    if (f->tail != NULL) {
        buffer_fini(f->tail);
        mem_free(f->alloc, f->tail);
        f->tail = NULL;
    }
    f->is_handed_out = false;
}

static bool
is_sent_again(uint8_t first)
{
    uint8_t flags = wire_type_flags((enum wire_type)(first >> 4));

    return flags != 0 && (first & 0x0F) == (DUP_FLAG | flags);
}

/* MQTT 3.1 lets a client set DUP when it sends these packets again (3.1, 2.1); later versions
 * forbid it. */
static enum wilco_status
decode_header(const struct framer *f, struct wire_header *header, struct span bytes)
{
    uint8_t copy[HEADER_BYTES_MAX];

    if (f->ignores_dup && bytes.len > 0 && is_sent_again(bytes.data[0])) {
        bytes.len = bytes.len < sizeof(copy) ? bytes.len : sizeof(copy);
        memcpy(copy, bytes.data, bytes.len);
        copy[0] = (uint8_t)(copy[0] ^ DUP_FLAG);
        bytes = span_of(copy, bytes.len);
    }
    return wire_header_decode(header, bytes);
}

/* How long the packet at the start of `bytes` is; WILCO_AGAIN: the header is incomplete. */
static enum wilco_status
measure(const struct framer *f, struct span bytes, struct wire_header *header, size_t *packet_bytes)
{
    enum wilco_status st = decode_header(f, header, bytes);

    if (st != WILCO_OK) {
        return st;
    }
    *packet_bytes = header->header_bytes + header->remaining; /* below 2^28 + 5 */
    return *packet_bytes > f->packet_bytes_max ? WILCO_ELIMIT : WILCO_OK;
}

static void
hand_out(struct frame *out, const struct wire_header *header, struct span packet)
{
    *out = (struct frame){
        .type = header->type,
        .flags = header->flags,
        .body = span_skip(packet, header->header_bytes),
        .packet_bytes = packet.len,
    };
}

/* NULL: out of memory. */
static struct buffer *
tail_of(struct framer *f)
{
    if (f->tail == NULL) {
        f->tail = mem_alloc(f->alloc, sizeof(*f->tail));
        if (f->tail != NULL) {
            buffer_init(f->tail, f->alloc, tail_bytes_max(f->packet_bytes_max));
        }
    }
    return f->tail;
}

/* Moves the first `n` bytes of the input into the tail. */
static enum wilco_status
keep(struct framer *f, struct span *in, size_t n)
{
    struct buffer *tail = tail_of(f);
    enum wilco_status st = tail == NULL ? WILCO_ENOMEM : buffer_append(tail, span_first(*in, n));

    if (st == WILCO_OK) {
        *in = span_skip(*in, n);
    }
    return st;
}

static enum wilco_status
keep_all(struct framer *f, struct span *in)
{
    enum wilco_status st = keep(f, in, in->len);

    return st == WILCO_OK ? WILCO_AGAIN : st;
}

/* The hot path: a whole PUBLISH or PUBACK whose Remaining Length takes one or two bytes. false: it
 * is not that, or something is wrong with it. */
static inline bool
next_whole(const struct framer *f, struct span *in, struct frame *out)
{
    const uint8_t *at = in->data;
    size_t header_bytes = 2;
    size_t remaining = 0;

    if (in->len < 3) {
        return false;
    }
    remaining = at[1];
    if (remaining > 0x7F) {
        if (at[2] == 0 || at[2] > 0x7F) {
            return false;
        }
        remaining = (remaining & 0x7F) | (size_t)at[2] << 7;
        header_bytes = 3;
    }
    out->type = (enum wire_type)(at[0] >> 4);
    out->flags = at[0] & 0x0F;
    out->packet_bytes = header_bytes + remaining;
    out->body = span_of(at + header_bytes, remaining);
    if (out->packet_bytes > in->len || out->packet_bytes > f->packet_bytes_max ||
        (out->type != WIRE_PUBLISH && (out->type != WIRE_PUBACK || out->flags != 0))) {
        return false;
    }
    *in = span_skip(*in, out->packet_bytes);
    return true;
}

static enum wilco_status
next_in_place(struct framer *f, struct span *in, struct frame *out)
{
    struct wire_header header;
    size_t packet_bytes = 0;
    enum wilco_status st = WILCO_OK;

    if (WILCO_LIKELY(next_whole(f, in, out))) {
        return WILCO_OK;
    }
    st = measure(f, *in, &header, &packet_bytes);
    if (st == WILCO_AGAIN || (st == WILCO_OK && in->len < packet_bytes)) {
        return keep_all(f, in);
    }
    if (st == WILCO_OK) {
        hand_out(out, &header, span_first(*in, packet_bytes));
        *in = span_skip(*in, packet_bytes);
    }
    return st;
}

/* Completes the header of the tail, byte by byte so as not to take more than the header. */
static enum wilco_status
complete_header(struct framer *f, struct span *in, struct wire_header *header, size_t *packet_bytes)
{
    enum wilco_status st = measure(f, buffer_span(f->tail), header, packet_bytes);

    while (st == WILCO_AGAIN && in->len > 0) {
        st = keep(f, in, 1);
        if (st == WILCO_OK) {
            st = measure(f, buffer_span(f->tail), header, packet_bytes);
        }
    }
    return st;
}

static enum wilco_status
next_from_tail(struct framer *f, struct span *in, struct frame *out)
{
    struct wire_header header;
    size_t packet_bytes = 0;
    enum wilco_status st = complete_header(f, in, &header, &packet_bytes);

    if (st != WILCO_OK) {
        return st;
    }
    if (in->len < packet_bytes - f->tail->len) {
        return keep_all(f, in);
    }
    st = keep(f, in, packet_bytes - f->tail->len);
    if (st == WILCO_OK) {
        hand_out(out, &header, buffer_span(f->tail));
        f->is_handed_out = true;
    }
    return st;
}

enum wilco_status
framer_next(struct framer *f, struct span *in, struct frame *out)
{
    if (f->is_handed_out) {
        framer_fini(f);
    }
    if (in->len == 0) {
        return WILCO_AGAIN;
    }
    return f->tail == NULL ? next_in_place(f, in, out) : next_from_tail(f, in, out);
}

bool
framer_is_partial(const struct framer *f)
{
    return f->tail != NULL && !f->is_handed_out;
}
