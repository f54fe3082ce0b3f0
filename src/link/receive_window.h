#ifndef WILCO_LINK_RECEIVE_WINDOW_H
#define WILCO_LINK_RECEIVE_WINDOW_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* The packet identifiers of QoS 2 PUBLISH packets received and not yet released, and of QoS 1 ones
 * not yet acknowledged: what makes QoS 2 exactly once, and what Receive Maximum counts. Part of the
 * session. A window owns no memory before the first identifier, and at most 64 bytes whenever it is
 * empty. */
struct receive_window {
    uint16_t *ids; /* sorted */
    const struct wilco_alloc *alloc;
    uint16_t count;
    uint16_t capacity;
    uint16_t receive_maximum; /* what we announced; may be changed for a new connection */
};

void receive_window_init(struct receive_window *w, const struct wilco_alloc *a,
                         uint16_t receive_maximum);
void receive_window_fini(struct receive_window *w);

/* WILCO_OK: new, now held. WILCO_AGAIN: held already, a duplicate [MQTT-4.3.3-10]. WILCO_ELIMIT:
 * more than Receive Maximum (DISCONNECT 0x93) [U-3.3.4-2]. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status receive_window_add(struct receive_window *w, uint16_t packet_id);
/* false: it was not held (PUBCOMP 0x92). */
bool receive_window_remove(struct receive_window *w, uint16_t packet_id);
bool receive_window_has(const struct receive_window *w, uint16_t packet_id);

#endif
