#ifndef WILCO_BROKER_CORE_MESSAGE_H
#define WILCO_BROKER_CORE_MESSAGE_H

#include "base/alloc.h"
#include "base/span.h"
#include "wire/publish.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* An application message, once for all who get it: counted, immutable, one block of memory. It
 * holds the QoS 0 PUBLISH packet of MQTT 5.0 that forwards it, ready for the wire, without what
 * belongs to one hop (DUP [MQTT-3.3.1-3], Topic Alias, Subscription Identifiers): properties keep
 * their bytes and their order [MQTT-3.3.2-4], [MQTT-3.3.2-15], [MQTT-3.3.2-16], [MQTT-3.3.2-17],
 * [MQTT-3.3.2-20], those of wills too [MQTT-3.1.3-10], [U-3.1.3-3], and the payload is nobody's
 * business [U-3.3.2-3]. Senders copy what lies in front of the properties anew when their
 * subscriber's version, QoS or identifiers ask for it, and patch the remaining expiry. Any thread
 * may hold a reference.
 */
struct message {
    atomic_uint references;
    uint32_t packet_bytes;      /* all of `packet` */
    uint32_t topic_offset;      /* of the topic's two bytes of length */
    uint32_t properties_offset; /* behind the Property Length */
    uint32_t properties_bytes;
    uint32_t payload_offset;
    uint32_t expiry_offset; /* of the four bytes of the Message Expiry Interval; 0: it has none */
    uint32_t expiry_s;      /* as received */
    uint64_t received_ms;   /* on the broker's monotonic clock; of a will, when it is published
                               [U-3.1.3-2] */
    uint64_t publisher;     /* session id, for No Local; SESSION_ID_NONE: the broker itself */
    const struct wilco_alloc *alloc;
    uint16_t topic_bytes;
    uint8_t qos; /* as published */
    bool retain; /* as published */
    uint8_t packet[];
};

/* Copies what `p` borrows. `p->topic` is the Topic Name itself, an alias resolved. NULL: out of
 * memory, or a message that no packet can carry. The caller holds the one reference. */
struct message *message_new(const struct wilco_alloc *a, const struct wire_publish *p,
                            uint64_t publisher, uint64_t now_ms);
struct message *message_ref(struct message *m);
void message_unref(struct message *m); /* the last one frees; NULL is allowed */

struct span message_topic(const struct message *m);
struct span message_properties(const struct message *m);
struct span message_payload(const struct message *m);

bool message_is_expired(const struct message *m, uint64_t now_ms);
/* Seconds of life left, rounded up [MQTT-3.3.2-6]; only for one that has an expiry. */
uint32_t message_expiry_left_s(const struct message *m, uint64_t now_ms);

#endif
