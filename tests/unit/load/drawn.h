#ifndef WILCO_TEST_LOAD_DRAWN_H
#define WILCO_TEST_LOAD_DRAWN_H

#include "load/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WORD      UINT64_C(0x1122334455667788)
#define PACKET_ID 0x0102U

/* A request for room 3 whose response goes to room 7. */
static inline struct wording
a_request(size_t payload_bytes, uint8_t qos)
{
    return (struct wording){.to = place_of("n", PLACE_ASK, 3),
                            .reply_to = place_of("n", PLACE_ANSWER, 7),
                            .payload_bytes = payload_bytes,
                            .qos = qos};
}

static inline struct wording
a_message(size_t payload_bytes, uint8_t qos)
{
    return (struct wording){.to = place_of("n", PLACE_FEED, 3),
                            .reply_to = place_of("n", PLACE_NONE, 0),
                            .payload_bytes = payload_bytes,
                            .qos = qos};
}

/* Puts it into `out`, stamped with WORD and PACKET_ID. */
static inline void
draw_into(struct outbox *out, const struct dialect *d, const struct wording *w)
{
    struct stencil s;

    assert_int_equal(d->draw(&s, w), WILCO_OK);
    stencil_stamp(&s, out, WORD, PACKET_ID);
    stencil_fini(&s);
}

/* What is in `out` is one packet; a part of it is none. */
static inline struct arrival
cut_whole(const struct outbox *out, const struct dialect *d)
{
    struct arrival a = {.word = NULL};
    struct span in = buffer_span(&out->bytes);

    for (size_t len = 0; len < out->bytes.len; len++) {
        in = span_first(buffer_span(&out->bytes), len);
        assert_int_equal(d->cut(&in, &a), WILCO_AGAIN);
        assert_int_equal(in.len, len);
    }
    in = buffer_span(&out->bytes);
    assert_int_equal(d->cut(&in, &a), WILCO_OK);
    assert_int_equal(in.len, 0);
    return a;
}

#endif
