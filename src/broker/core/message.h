#ifndef WILCO_BROKER_CORE_MESSAGE_H
#define WILCO_BROKER_CORE_MESSAGE_H

#include "base/alloc.h"
#include "base/span.h"
#include "broker/core/access.h"
#include "broker/core/request_terms.h"
#include "wire/publish.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What makes a message a request (MQTT 5.0, 4.10): where its Response Topic and Correlation Data
 * are in the packet, and how the broker is to treat it (request_terms.h). */
struct message_request {
    uint32_t response_topic_offset;
    uint32_t correlation_offset;
    uint16_t response_topic_bytes; /* 0: the message is no request */
    uint16_t correlation_bytes;
    uint32_t more;      /* responses that may come before the last one */
    uint64_t partition; /* hash of `$partition`; 0: it names none */
    bool is_idempotent : 1;
    bool fails_if_offline : 1; /* when it comes to a holder that is offline */
    bool fails_if_left : 1;    /* when its holder goes offline */
    bool wants_status : 1;     /* its publisher takes status responses (status_response.h) */
    bool is_counted : 1;       /* among its publisher's (requests_in_flight_max) */
    bool is_to_inbox : 1;      /* the Response Topic lies in the inbox of the publisher (inbox.h) */
    bool ends_with_asker : 1;
    bool is_fan : 1;
    bool is_head : 1;   /* its payload is to come in pieces, as words about it */
    bool is_traced : 1; /* its way is told to its publisher (request_trace.h) */
    uint8_t op;         /* enum request_op: it is a word about a request, not one itself */
    /* Copies that have not come to an end, and what has become of those that have (request.h);
     * shared by the shards that hold one. */
    atomic_uint copies;
};

/* An application message, once for all who get it: counted, immutable, one block of memory. It
 * holds the QoS 0 PUBLISH packet of MQTT 5.0 that forwards it, ready for the wire, without what
 * belongs to one hop (DUP [MQTT-3.3.1-3], Topic Alias, Subscription Identifiers): properties keep
 * their bytes and their order [MQTT-3.3.2-4], [MQTT-3.3.2-15], [MQTT-3.3.2-16], [MQTT-3.3.2-17],
 * [MQTT-3.3.2-20], those of wills too [MQTT-3.1.3-10], [U-3.1.3-3], and the payload is nobody's
 * business [U-3.3.2-3]. Senders copy what lies in front of the properties anew when their
 * subscriber's version, QoS or identifiers ask for it, and patch the remaining expiry.
 *
 * References are counted without locked instructions, which cost as much as fifty others, while all
 * of them are held in one shard, as nearly always. Before a reference goes where another shard may
 * use it, message_share() says so; from then on any thread may hold one. */
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
    uint64_t received_us;   /* the same moment, on a finer clock */
    uint64_t life_ms;       /* from `received_ms` on; UINT64_MAX: for ever */
    uint64_t publisher;     /* session id, for No Local; SESSION_ID_NONE: the broker itself */
    uint64_t responds_to;   /* of a response that was asked for: the requester's session id */
    uint32_t service;       /* of such a response: what was asked (service_table.h) */
    const struct wilco_alloc *alloc;
    uint16_t topic_bytes;
    uint16_t author_client_id_bytes; /* behind the packet (message_author()); 0: not remembered */
    uint16_t author_user_bytes;
    uint8_t qos;      /* as published */
    bool retain;      /* as published */
    bool in_exchange; /* a request or a response: has a Response Topic or Correlation Data */
    bool is_part;     /* of a response that was asked for: others are to follow it */
    bool is_of_fan;   /* likewise: others have been asked the same (`rr-fan`) */
    bool is_shared;   /* between shards; set before any other can see it, and never taken back */
    struct message_request request;
    uint8_t packet[];
};

/* Copies what `p` borrows. `p->topic` is the Topic Name itself, an alias resolved. NULL: out of
 * memory, or a message that no packet can carry. The caller holds the one reference. */
struct message *message_new(const struct wilco_alloc *a, const struct wire_publish *p,
                            uint64_t publisher, uint64_t now_ms);
/* The same; a message that is to be retained remembers who published it. */
struct message *message_new_by(const struct wilco_alloc *a, const struct wire_publish *p,
                               uint64_t publisher, uint64_t now_ms,
                               const struct access_subject *author);
/* Makes it a request, as `p` (what it was made of) and its terms say; before anybody else has a
 * reference. Nothing happens if `p` has no Response Topic. */
void message_ask(struct message *m, const struct wire_publish *p, const struct request_terms *terms,
                 uint64_t hash_seed);
struct message *message_ref(struct message *m);
struct message *message_share(struct message *m); /* by who holds a reference; that is the result */
void message_unref(struct message *m);            /* the last one frees; NULL is allowed */

struct span message_topic(const struct message *m);
/* Of one that is retained, and was not published by the broker itself. */
struct access_subject message_author(const struct message *m);
struct span message_properties(const struct message *m);
struct span message_payload(const struct message *m);

/* Never where requests are not tracked (settings.request_tracking). */
static inline bool
message_is_request(const struct message *m)
{
    return m->request.response_topic_bytes > 0;
}

/* Of a request. */
struct span message_response_topic(const struct message *m);
struct span message_correlation(const struct message *m); /* empty if it has none */

bool message_is_expired(const struct message *m, uint64_t now_ms);
/* Seconds of life left, rounded up [MQTT-3.3.2-6]; only for one that has an expiry. */
uint32_t message_expiry_left_s(const struct message *m, uint64_t now_ms);

#endif
