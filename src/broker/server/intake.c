#include "broker/server/intake.h"

#include "broker/server/driver.h"
#include "broker/server/lane.h"
#include "broker/server/peer.h"

/* With less room than this in the buffer what was read is handed over first. */
#define ROOM_MIN 16384U

void
intake_add(struct driver *d, struct peer *p)
{
    struct intake *in = &d->intake;
    size_t wanted = lane_first_read_bytes(d, p);
    struct intake_read *read = NULL;

    if (in->count == INTAKE_READS || sizeof(in->buffer) - in->used < ROOM_MIN) {
        intake_run(d);
    }
    read = &in->reads[in->count];
    *read = (struct intake_read){.peer = p, .asked = sizeof(in->buffer) - in->used};
    if (read->asked > wanted) {
        read->asked = wanted;
    }
    read->status = stream_read(p->stream, in->buffer + in->used, read->asked, &read->len);
    if (read->status == WILCO_AGAIN) {
        peer_read_later(d, p);
    } else {
        in->used += read->len;
        in->count++;
    }
}

/* First everybody's packets, out of the buffer; then those who have more are read again. */
void
intake_run(struct driver *d)
{
    struct intake *in = &d->intake;
    size_t count = in->count;
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        struct intake_read *read = &in->reads[i];

        peer_take(d, read->peer, read->status, span_of(in->buffer + at, read->len));
        at += read->len;
    }
    in->count = 0;
    in->used = 0;
    for (size_t i = 0; i < count; i++) {
        struct peer *p = in->reads[i].peer;

        if (in->reads[i].len == in->reads[i].asked ||
            (p->stream != NULL && stream_has_pending(p->stream))) {
            peer_read_on(d, p);
        }
    }
}
