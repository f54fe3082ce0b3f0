#include "fuzz.h"

#include "support/bytes.h"
#include "wire/any.h"

#include <assert.h>
#include <stdlib.h>

static struct span
packet_of(enum wire_type type, uint8_t flags, struct span body)
{
    size_t len = 1 + wire_varint_size((uint32_t)body.len) + body.len;
    uint8_t *block = malloc(len);
    struct wire_writer w = wire_writer_init(block, len);

    assert(block != NULL);
    wire_header_encode(&w, type, flags, body.len);
    wire_writer_bytes(&w, body);
    assert(wire_writer_finish(&w, &len) == WILCO_OK);
    return span_of(block, len);
}

/* Encodes into exactly as many bytes as are due. */
static struct span
encode(const struct wire_any *any, enum wire_version version, size_t len)
{
    uint8_t *block = malloc(len);
    struct wire_writer w = wire_writer_init(block, len);
    size_t written;

    assert(block != NULL);
    wire_any_encode(&w, any, version);
    assert(wire_writer_finish(&w, &written) == WILCO_OK && written == len);
    return span_of(block, len);
}

/* A reason code of 0 at the end of a packet may be left out, and then is. */
static size_t
canonical_len(enum wire_type type, const struct fuzz_input *in)
{
    bool is_ack = type >= WIRE_PUBACK && type <= WIRE_PUBCOMP;
    size_t code_at = is_ack ? 2 : 0;
    bool shrinks = in->version == WIRE_V5 && (is_ack || type == WIRE_DISCONNECT) &&
                   in->body.len == code_at + 1 && in->body.data[code_at] == 0;

    return shrinks ? code_at : in->body.len;
}

bool
fuzz_input_read(struct fuzz_input *in, const uint8_t *data, size_t size)
{
    static const enum wire_version versions[] = {WIRE_V5, WIRE_V311, WIRE_V31, WIRE_V5};

    if (size == 0) {
        return false;
    }
    in->version = versions[data[0] & 3U];
    in->choice = data[0] >> 2;
    in->body = span_of(data + 1, size - 1);
    return true;
}

bool
fuzz_round_trip(enum wire_type type, uint8_t flags, const struct fuzz_input *in)
{
    struct span packet = packet_of(type, flags, in->body);
    struct wire_any any;
    enum wilco_status st = wire_any_decode(&any, packet, in->version);

    if (st == WILCO_OK) {
        struct span want = packet_of(type, flags, span_first(in->body, canonical_len(type, in)));
        struct span first = encode(&any, in->version, want.len);
        struct span second;

        assert(span_equal(first, want));
        assert(wire_any_decode(&any, first, in->version) == WILCO_OK);
        second = encode(&any, in->version, want.len);
        assert(span_equal(second, first));
        bytes_free(second);
        bytes_free(first);
        bytes_free(want);
    }
    assert(st == WILCO_OK || st == WILCO_EMALFORMED || st == WILCO_EPROTOCOL ||
           (st == WILCO_ENOTFOUND && type == WIRE_CONNECT));
    bytes_free(packet);
    return st == WILCO_OK;
}
