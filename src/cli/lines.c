#define _POSIX_C_SOURCE 200809L

#include "cli/lines.h"

#include "cli/memory.h"
#include "cli/payload.h"
#include "cli/wake.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES 65536U

/* The first line of what was read, if it is whole. */
static bool
take_line(struct lines *l, struct wilco_bytes *line)
{
    char *found = NULL;
    size_t next = 0;

    if (l->searched < l->end) {
        found = memchr(l->bytes + l->searched, '\n', l->end - l->searched);
    }
    if (found == NULL) {
        l->searched = l->end;
        return false;
    }
    next = (size_t)(found - l->bytes) + 1;
    *line = (struct wilco_bytes){l->bytes + l->begin, next - 1 - l->begin};
    l->begin = next;
    l->searched = next;
    return true;
}

/* Moves what is left to the front, and makes room for more behind it. */
static void
make_room(struct lines *l)
{
    if (l->begin > 0) {
        memmove(l->bytes, l->bytes + l->begin, l->end - l->begin);
        l->end -= l->begin;
        l->searched -= l->begin;
        l->begin = 0;
    }
    if (l->capacity - l->end < READ_BYTES) {
        l->capacity = l->capacity * 2 + READ_BYTES;
        l->bytes = memory_grow(l->bytes, l->capacity, 1);
    }
}

/* False: `*error` says why. */
static bool
read_some(struct lines *l, int *error)
{
    ssize_t len;

    make_room(l);
    if (l->end > PAYLOAD_BYTES_MAX) {
        *error = EFBIG;
        return false;
    }
    len = read(l->fd, l->bytes + l->end, READ_BYTES);
    if (len < 0 && errno != EINTR && errno != EAGAIN) {
        *error = errno;
        return false;
    }
    l->end += len > 0 ? (size_t)len : 0;
    l->is_at_end = len == 0;
    return true;
}

/* Until there is something to read; false: woken before that. */
static bool
wait_for_input(const struct lines *l)
{
    struct pollfd polled[2] = {
        {.fd = l->fd, .events = POLLIN},
        {.fd = wake_descriptor(), .events = POLLIN},
    };

    if (poll(polled, 2, -1) < 0) {
        return false; /* a signal: its handler wakes the next time */
    }
    if (polled[1].revents != 0) {
        wake_clear();
        return false;
    }
    return polled[0].revents != 0;
}

static enum lines_outcome
take_rest(struct lines *l, struct wilco_bytes *line)
{
    if (l->begin == l->end) {
        return LINES_END;
    }
    *line = (struct wilco_bytes){l->bytes + l->begin, l->end - l->begin};
    l->begin = l->end;
    return LINES_READ;
}

enum lines_outcome
lines_next(struct lines *l, struct wilco_bytes *line, int *error)
{
    while (!take_line(l, line)) {
        if (l->is_at_end) {
            return take_rest(l, line);
        }
        if (!wait_for_input(l)) {
            return LINES_WOKEN;
        }
        if (!read_some(l, error)) {
            return LINES_FAILED;
        }
    }
    return LINES_READ;
}

void
lines_fini(struct lines *l)
{
    free(l->bytes);
    *l = (struct lines){.fd = -1};
}
