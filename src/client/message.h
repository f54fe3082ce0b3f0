#ifndef WILCO_CLIENT_MESSAGE_H
#define WILCO_CLIENT_MESSAGE_H

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/span.h"
#include "client/event.h"
#include "wilco/wilco.h"
#include "wire/publish.h"

#include <stdatomic.h>

/* A PUBLISH that arrived, copied once into one counted block. What the application may see never
 * changes; the core keeps the rest: where it stands with handing the message out. The functions on
 * messages are those of wilco/wilco.h. */
struct wilco_message {
    atomic_size_t refs;
    const struct wilco_alloc *alloc;
    struct span topic;
    struct span payload;
    struct span properties; /* as on the wire */
    struct span content_type;
    struct span response_topic;
    struct span correlation_data;
    uint64_t received_ms;
    uint32_t expiry_s;
    bool has_expiry;
    bool is_utf8;
    bool retain;
    bool has_identifiers; /* the server says which subscriptions it is for */
    uint8_t qos;

    /* The core's. */
    uint16_t packet_id; /* 0: not to be acknowledged */
    bool is_dup;        /* it has been sent before, whether or not we have had it */
    uint32_t session;   /* of the core, in which it came */
    bool is_wanted;     /* something of ours matched it */
    size_t holds;       /* calls that hold back its acknowledgement */
    uint64_t
        part_call; /* the request that it is a part, or one of several responses, of; 0: none */
    wilco_message_fn *on_part; /* ... who gets it; NULL: nobody */
    void *part_context;
    bool is_status_response;              /* the server's word that there will be no response */
    uint64_t number;                      /* in the order of arrival, from 1 */
    struct wire_property_iterator cursor; /* over the subscription identifiers */
    struct event_node event;

    uint8_t *pieces; /* the payload, if it came in pieces; ours */
    uint8_t bytes[];
};

/* Copies `p`, whose topic was filled in if it came as an alias. NULL: out of memory. */
struct wilco_message *message_new(const struct wilco_alloc *a, const struct wire_publish *p,
                                  uint64_t now_ms);

/* `m` once more, with a payload that came in pieces, which it takes over. NULL: out of memory. */
struct wilco_message *message_with_payload(const struct wilco_message *m, struct buffer *payload);

/* Whether the server says that `m` is for the subscription `identifier`. */
bool message_names(const struct wilco_message *m, uint32_t identifier);

/* How long its sender waits from `now_ms` on; UINT64_MAX: it did not say. */
uint64_t message_remaining_ms(const struct wilco_message *m, uint64_t now_ms);

/* The major version of Azure mRPC that its sender speaks (`__protVer`); 1 where it does not say; 0:
 * that is no version. */
uint32_t message_protocol_major(const struct wilco_message *m);

/* A decimal number; false: it is none, or too large. */
bool message_number(struct span text, uint32_t *number);

static inline bool
message_is_status_response(const struct wilco_message *m) /* NULL is allowed */
{
    return m != NULL && m->is_status_response;
}

/* What its asker gets of the message that ended a request, or NULL: a status response explains, but
 * is no response, unless nothing else says what is the matter. */
static inline struct wilco_message *
message_as_response(struct wilco_message *m, enum wilco_status ended)
{
    return ended == WILCO_OK || ended == WILCO_EREMOTE || ended == WILCO_EPROTOCOL ? m : NULL;
}

static inline struct span
span_of_bytes(struct wilco_bytes bytes)
{
    return span_of(bytes.data, bytes.len);
}

#endif
