#ifndef WILCO_NET_WEBSOCKET_OUTPUT_H
#define WILCO_NET_WEBSOCKET_OUTPUT_H

#include "base/random.h"
#include "net/stream.h"
#include "net/websocket_input.h"

/* Frames of the other direction: bytes are written to a stream as binary frames, each write one
 * frame where the stream takes it. Control frames go between them. Of what waits to be written
 * there is never more than one ping's answer and one Close. What wslay keeps of a frame exists
 * while one is not all written. */

#define WEBSOCKET_MASKS 16U /* asked for at a time, as each is a call of the system */

struct websocket_masks { /* of a client, RFC 6455 section 5.3 */
    const struct random_source *random;
    uint8_t bytes[4 * WEBSOCKET_MASKS];
    unsigned used; /* of these masks */
};

/* Control frames that wait. */
struct websocket_waiting {
    struct websocket_control pong;
    struct websocket_control now; /* the one being written */
    uint8_t opcode;               /* its; 0: none is */
    uint8_t at;                   /* bytes of its payload written */
    bool has_pong;
};

struct websocket_output {
    const struct wilco_alloc *alloc;
    struct wslay_frame_context *frames; /* NULL: no frame has begun */
    struct websocket_waiting *waiting;  /* NULL: nothing waits */
    struct websocket_masks *masks;      /* NULL: of a server, whose frames have none */
    struct websocket_turn *turn;        /* during a write */
    uint64_t left;                      /* of the payload of the data frame that is begun */
    uint16_t close_code;                /* 0: the end has not come */
    bool is_over;                       /* Close is written */
    uint8_t head_len;
    uint8_t head[14]; /* of a frame: what of it is not written */
};

/* `masks`: owned from now on, from `a`. */
void websocket_output_init(struct websocket_output *o, const struct wilco_alloc *a,
                           struct websocket_masks *masks);
void websocket_output_fini(struct websocket_output *o);

/* As stream_write(), to `below`. WILCO_ECLOSED after websocket_output_close(). WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status websocket_output_write(struct websocket_output *o,
                                                          struct stream *below,
                                                          const struct span *spans, size_t count,
                                                          size_t *len);
/* Writes control frames that wait. WILCO_OK: none waits. WILCO_AGAIN: the stream takes no more, or
 * a data frame must be ended first. WILCO_ENOMEM, and what the stream says. */
WILCO_MUST_CHECK enum wilco_status websocket_output_flush(struct websocket_output *o,
                                                          struct stream *below);
/* Whether a flush would find something to do. */
bool websocket_output_waits(const struct websocket_output *o);
/* Will answer a ping, in the place of one that is not answered yet. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status websocket_output_pong(struct websocket_output *o,
                                                         const struct websocket_control *ping);
/* Will say that nothing more comes; the first `code` counts. */
void websocket_output_close(struct websocket_output *o, uint16_t code);

#endif
