#ifndef WILCO_NET_WEBSOCKET_INPUT_H
#define WILCO_NET_WEBSOCKET_INPUT_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wslay_frame_context;

/* Frames of one direction of a WebSocket (RFC 6455 section 5) become the bytes in them. What wslay
 * keeps of a frame, 4.2 KiB whatever length the frame announces, exists while one is not all here
 * (and comes from malloc(), which wslay calls by itself); a payload is handed on as it comes. */
#define WEBSOCKET_CONTROL_BYTES 125U /* the payload of a control frame */

enum websocket_close {
    WEBSOCKET_CLOSE_NORMAL = 1000,
    WEBSOCKET_CLOSE_GOING_AWAY = 1001,
    WEBSOCKET_CLOSE_PROTOCOL = 1002,
    WEBSOCKET_CLOSE_UNSUPPORTED = 1003, /* text */
    WEBSOCKET_CLOSE_INTERNAL = 1011,
};

struct websocket_control {
    uint8_t len;
    uint8_t bytes[WEBSOCKET_CONTROL_BYTES];
};

struct websocket_input {
    const struct wilco_alloc *alloc;
    struct wslay_frame_context *frames; /* NULL: no frame has begun */
    struct websocket_control *control;  /* what has come of one; NULL: nothing */
    struct span raw;                    /* during feed: what wslay has not taken yet */
    uint64_t left;                      /* of the payload of this frame */
    uint16_t held;                      /* bytes that wslay has taken and not given back */
    uint8_t opcode;
    bool is_masked;  /* frames must be: they come from a client */
    bool is_begun;   /* of this frame the head is known */
    bool is_final;   /* this frame */
    bool is_message; /* begun by an earlier frame */
};

/* What came beside the payload. */
struct websocket_news {
    size_t bytes;        /* of payload */
    bool has_ping;       /* the last one; earlier ones need no answer */
    bool has_close;      /* nothing comes after it */
    uint16_t close_code; /* what to answer to it, or to what is wrong */
    struct websocket_control ping;
};

/* `is_masked`: of the server, whose input comes from a client. */
void websocket_input_init(struct websocket_input *in, const struct wilco_alloc *a, bool is_masked);
void websocket_input_fini(struct websocket_input *in);
/* Takes `len` bytes as they came, and puts the payload in their place. WILCO_EPROTOCOL: no input
 * any more, and news->close_code says what to tell the peer; what was right before it counts.
 * WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status websocket_input_feed(struct websocket_input *in, uint8_t *bytes,
                                                        size_t len, struct websocket_news *news);

#endif
