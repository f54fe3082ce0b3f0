#include "fuzz.h"

#include "wire/subscribe.h"

#include <assert.h>

#define SUBSCRIPTIONS_MAX 64

/* What the walk finds, encoded again, is the same packet. */
static void
check_walk(struct wire_subscribe *p, const struct fuzz_input *in)
{
    struct wire_subscription found[SUBSCRIPTIONS_MAX];
    struct span payload = p->payload;
    uint8_t bytes[4096];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    size_t count = 0;
    size_t len;

    while (count < SUBSCRIPTIONS_MAX && wire_subscribe_next(&payload, &found[count])) {
        count++;
    }
    if (count == SUBSCRIPTIONS_MAX) {
        return;
    }
    assert(count == p->count);
    p->subscriptions = found;
    wire_subscribe_encode(&w, p, in->version);
    if (wire_writer_finish(&w, &len) == WILCO_OK) {
        size_t header = len - in->body.len;

        assert(span_equal(span_of(bytes + header, len - header), in->body));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in;
    struct wire_subscribe p;

    if (fuzz_input_read(&in, data, size) &&
        fuzz_round_trip(WIRE_SUBSCRIBE, wire_type_flags(WIRE_SUBSCRIBE), &in)) {
        assert(wire_subscribe_decode(&p, in.body, in.version) == WILCO_OK);
        check_walk(&p, &in);
    }
    return 0;
}
