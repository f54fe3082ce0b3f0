#include "fuzz.h"

#include "link/framer.h"

#include <assert.h>

/* The first byte says how large packets may be, the second is the seed of where the stream is cut;
 * the stream is the rest. In pieces it gives the same packets and the same end as in one. */

/* A running sum over everything that came out (FNV-1a). */
struct digest {
    uint64_t sum;
};

static void
digest_bytes(struct digest *d, const void *data, size_t len)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < len; i++) {
        d->sum = (d->sum ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
}

static void
digest_frame(struct digest *d, const struct frame *f)
{
    const uint64_t numbers[] = {(uint64_t)f->type, f->flags, f->body.len, f->packet_bytes};

    digest_bytes(d, numbers, sizeof(numbers));
    digest_bytes(d, f->body.data, f->body.len);
}

/* Takes all packets out of one piece, which lies in a block of its own. */
static enum wilco_status
feed(struct framer *f, struct span piece, struct digest *d)
{
    struct buffer copy;
    struct span in;
    struct frame frame;
    enum wilco_status st = WILCO_OK;

    buffer_init(&copy, alloc_system(), piece.len);
    st = buffer_append(&copy, piece);
    assert(st == WILCO_OK);
    in = buffer_span(&copy);
    for (st = framer_next(f, &in, &frame); st == WILCO_OK; st = framer_next(f, &in, &frame)) {
        assert(frame.packet_bytes <= f->packet_bytes_max);
        assert(frame.body.len < frame.packet_bytes);
        assert(!framer_is_partial(f));
        digest_frame(d, &frame);
    }
    assert(st != WILCO_AGAIN || in.len == 0);
    buffer_fini(&copy);
    return st;
}

/* Pieces of 1 to 256 bytes as `seed` has it; seed 0: all in one piece. */
static enum wilco_status
run(struct span stream, size_t packet_bytes_max, uint8_t seed, struct digest *d)
{
    struct framer f;
    enum wilco_status st = WILCO_AGAIN;
    uint32_t state = seed;

    framer_init(&f, alloc_system(), packet_bytes_max);
    while (st == WILCO_AGAIN && stream.len > 0) {
        size_t len = stream.len;

        if (seed != 0) {
            state = state * 1664525 + 1013904223;
            len = state >> 31 == 0 ? 1 + (state >> 28) % 8 : 1 + (state >> 23) % 256;
        }
        len = len < stream.len ? len : stream.len;
        st = feed(&f, span_first(stream, len), d);
        stream = span_skip(stream, len);
        assert(f.tail == NULL || f.tail->len <= packet_bytes_max || f.tail->len <= 5);
    }
    framer_fini(&f);
    return st;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct digest whole = {.sum = 1};
    struct digest pieces = {.sum = 1};
    struct span stream;
    enum wilco_status want;
    enum wilco_status got;

    if (size < 2) {
        return 0;
    }
    stream = span_of(data + 2, size - 2);
    want = run(stream, (size_t)data[0] * 16, 0, &whole);
    got = run(stream, (size_t)data[0] * 16, (uint8_t)(data[1] | 1), &pieces);
    assert(got == want);
    assert(pieces.sum == whole.sum);
    return 0;
}
