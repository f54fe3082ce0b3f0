#ifndef WILCO_LINK_SEND_WINDOW_H
#define WILCO_LINK_SEND_WINDOW_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* The QoS 1 and 2 PUBLISH packets that one end has sent and the other has not finished with, in the
 * order in which they were sent, found by packet identifier; and the send quota of MQTT 5.0, 4.9.
 * It is part of the session, so it outlives connections; the quota belongs to the connection. Each
 * entry carries an opaque `item` of its owner (a message and how it was sent). Identifiers that
 * other packets use (SUBSCRIBE, UNSUBSCRIBE) are taken from the same space, as items of stage
 * SEND_OTHER, which take no quota [MQTT-2.2.1-3], [MQTT-4.9.0-3]. All operations take the same time
 * whatever the window holds, but for the growing. A window owns no memory before its first entry,
 * and at most 1 KiB whenever it is empty. */
enum send_stage {
    SEND_FREE = 0,
    SEND_AWAITS_PUBACK,  /* QoS 1, PUBLISH sent */
    SEND_AWAITS_PUBREC,  /* QoS 2, PUBLISH sent */
    SEND_AWAITS_PUBCOMP, /* QoS 2, PUBREL sent */
    SEND_OTHER,          /* the identifier of another kind of packet */
};

struct send_entry {
    void *item;
    uint16_t packet_id;
    uint16_t prev;  /* slots, in order of sending; the ends are known by `first` and `last` */
    uint16_t next;  /* of a free slot: the one to use after it */
    uint8_t stage;  /* enum send_stage */
    uint8_t detail; /* the owner's: how it was sent */
};

struct send_window {
    struct send_entry *slots; /* slot = packet_id modulo the number of slots */
    const struct wilco_alloc *alloc;
    uint32_t slot_count; /* zero or a power of two, at most 65536 */
    uint16_t first;      /* the oldest entry's slot, when there are entries */
    uint16_t last;
    uint16_t free_first; /* the slot to use next, when there are free ones */
    uint16_t free_last;
    uint16_t count; /* entries, SEND_OTHER included: at most 65535, for there is no identifier 0 */
    uint16_t next_id;   /* the identifier after the last one given out */
    uint16_t quota;     /* QoS > 0 PUBLISH packets that may be sent now */
    uint16_t quota_max; /* the peer's Receive Maximum */
};

/* There is no quota before the first send_window_connect(). */
void send_window_init(struct send_window *w, const struct wilco_alloc *a);
void send_window_fini(struct send_window *w); /* the items are the caller's affair */

/* A new connection: its Receive Maximum, and the full quota [MQTT-4.9.0-1]. Entries that are still
 * in the window take quota again as they are sent again: call send_window_resend() for each. */
void send_window_connect(struct send_window *w, uint16_t receive_maximum);

/* Gives a new PUBLISH (QoS 1 or 2) or another packet (SEND_OTHER) the next free identifier, never 0
 * and never one in use [MQTT-2.2.1-4], [MQTT-4.3.2-1], [MQTT-4.3.3-1]. WILCO_AGAIN: no quota, or
 * all identifiers in use. WILCO_ENOMEM. `*out` is valid until the next add or remove. */
WILCO_MUST_CHECK enum wilco_status send_window_add(struct send_window *w, enum send_stage stage,
                                                   void *item, struct send_entry **out);
/* NULL when this identifier is not in use. */
struct send_entry *send_window_find(struct send_window *w, uint16_t packet_id);
/* Takes the entry out; what was a PUBLISH gives its quota back, never above quota_max [U-4.9-1]. */
void send_window_remove(struct send_window *w, struct send_entry *entry);
/* Takes quota for an entry that is sent again on a new connection. false: none is left. */
bool send_window_resend(struct send_window *w);

/* In order of sending; NULL at the end. The next one of a removed entry must be asked for before.
 */
struct send_entry *send_window_first(struct send_window *w);
struct send_entry *send_window_next(struct send_window *w, const struct send_entry *entry);

#endif
