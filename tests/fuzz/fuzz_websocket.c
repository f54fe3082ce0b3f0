#include "fuzz.h"

#include "base/buffer.h"
#include "net/websocket_input.h"

#include <assert.h>

/* The first byte says whose frames these are (a client's with 1) and is the seed of where they are
 * cut; they are the rest. In pieces they give the same bytes, the same answers and the same end as
 * in one, and nothing that is kept is larger than a ping. */

#define PAYLOAD_BYTES_MAX 65536U

struct outcome {
    uint8_t payload[PAYLOAD_BYTES_MAX];
    size_t bytes;
    struct websocket_control ping;
    bool has_ping;
    bool has_close;
    uint16_t close_code;
    enum wilco_status status;
};

static void
feed(struct websocket_input *in, struct span piece, struct outcome *out)
{
    struct buffer copy; /* of its exact size */
    struct websocket_news news;

    buffer_init(&copy, alloc_system(), piece.len);
    assert(buffer_append(&copy, piece) == WILCO_OK);
    out->status = websocket_input_feed(in, copy.data, copy.len, &news);
    assert(out->status == WILCO_OK || out->status == WILCO_EPROTOCOL);
    assert((out->status == WILCO_EPROTOCOL || news.has_close) == (news.close_code != 0));
    assert(news.bytes <= piece.len);
    memcpy(out->payload + out->bytes, copy.data, news.bytes);
    out->bytes += news.bytes;
    if (news.has_ping) {
        assert(news.ping.len <= WEBSOCKET_CONTROL_BYTES);
        out->has_ping = true;
        out->ping = news.ping;
    }
    out->has_close = news.has_close;
    out->close_code = news.close_code;
    buffer_fini(&copy);
}

/* Pieces of 1 to 64 bytes; seed 0: all in one. */
static void
run(struct span frames, bool is_masked, unsigned seed, struct outcome *out)
{
    struct websocket_input in;
    uint32_t state = seed;

    out->bytes = 0;
    out->has_ping = false;
    out->has_close = false;
    out->status = WILCO_OK;
    websocket_input_init(&in, alloc_system(), is_masked);
    while (frames.len > 0 && out->status == WILCO_OK && !out->has_close) {
        size_t len = frames.len;

        if (seed != 0) {
            state = state * 1664525 + 1013904223;
            len = 1 + (state >> 24) % (state >> 31 == 0 ? 4 : 64);
        }
        len = len < frames.len ? len : frames.len;
        feed(&in, span_first(frames, len), out);
        frames = span_skip(frames, len);
    }
    websocket_input_fini(&in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome whole;
    static struct outcome pieces;
    struct span frames;

    if (size < 2 || size > PAYLOAD_BYTES_MAX) {
        return 0;
    }
    frames = span_of(data + 1, size - 1);
    run(frames, (data[0] & 1) != 0, 0, &whole);
    run(frames, (data[0] & 1) != 0, data[0] | 2U, &pieces);
    assert(whole.status == pieces.status);
    assert(whole.bytes == pieces.bytes);
    assert(memcmp(whole.payload, pieces.payload, whole.bytes) == 0);
    assert(whole.has_close == pieces.has_close);
    assert((!whole.has_close && whole.status == WILCO_OK) || whole.close_code == pieces.close_code);
    assert(whole.has_ping == pieces.has_ping);
    assert(!whole.has_ping || (whole.ping.len == pieces.ping.len &&
                               memcmp(whole.ping.bytes, pieces.ping.bytes, whole.ping.len) == 0));
    return 0;
}
