#ifndef WILCO_SOAK_LINE_H
#define WILCO_SOAK_LINE_H

#include "base/buffer.h"
#include "net/address.h"
#include "wire/any.h"

#include <stdbool.h>

/* A connection to the broker: a socket that does not block, and packets. What the kernel refuses
 * fails the soak; that the broker ends the connection does not. Zero-filled it is closed. */
struct line {
    int fd;
    bool is_open;
    bool is_ended; /* the broker has closed; what came before can still be taken */
    enum wire_version version;
    struct buffer in;
    struct buffer out;
    size_t used; /* of `in`, by the packet taken last */
};

void line_open(struct line *l, const struct address *a, enum wire_version version);
void line_close(struct line *l); /* without another word; harmless when closed */
/* Queues a packet; line_write() or line_wait() sends. */
void line_send(struct line *l, const struct wire_any *packet);
/* Sends and reads what can be done at once. */
void line_write(struct line *l);
void line_read(struct line *l);
/* The next packet, which lives until the next call; false: none is complete. */
bool line_next(struct line *l, struct wire_any *out);
/* Waits for the next packet, and sends what is queued meanwhile; false: the broker has closed. */
bool line_wait(struct line *l, struct wire_any *out);

/* Waits until one of `count` lines can be read or, if it has output, be written; false: the time is
 * up. */
bool lines_wait(struct line *const *lines, size_t count, int timeout_ms);

#endif
