#ifndef WILCO_CLIENT_OUTGOING_H
#define WILCO_CLIENT_OUTGOING_H

#include "client/draft.h"
#include "client/event.h"

struct repeat;
struct request;

/* A PUBLISH on its way out: encoded once, kept until it is acknowledged. Only its packet identifier
 * is filled in when it is sent. Its owner is the list, window or event queue it is in; the output
 * counts as a second one while it still refers to the bytes. */
struct outgoing {
    struct event_node event;
    struct outgoing_account *account;
    struct request *request;  /* whose try this is; NULL: none, or it is not open any more */
    struct list try_link;     /* with `request`: among its tries */
    struct repeat *repeat;    /* the answer to this one; NULL: none, or it is forgotten */
    wilco_published_fn *done; /* NULL with a `context`: somebody waits for it there */
    void *context;
    unsigned refs;
    enum wilco_status status; /* how it ended */
    uint8_t reason_code;
    uint8_t qos;
    bool is_request;
    bool is_sent;     /* at least once */
    bool is_resent;   /* a request: on a later connection, and not acknowledged since */
    bool is_judged;   /* a request: it has been said what became of this try */
    size_t id_offset; /* where the packet identifier goes; QoS 1 and 2 */
    size_t len;
    uint8_t bytes[];
};

/* What all of them hold together; it must outlive them. */
struct outgoing_account {
    const struct wilco_alloc *alloc;
    size_t bytes; /* of memory, so many small ones count too */
};

/* WILCO_ELIMIT: larger than `packet_bytes_max`, or than any packet. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status outgoing_new(struct outgoing **out,
                                                struct outgoing_account *account,
                                                const struct draft *d, size_t packet_bytes_max);
/* The same request once more, for `response_topic` and with `remaining_ms` left: otherwise byte for
 * byte what `o` is, as if it had never been sent. Errors as above. */
WILCO_MUST_CHECK enum wilco_status outgoing_again(struct outgoing **out, const struct outgoing *o,
                                                  struct span response_topic, uint64_t remaining_ms,
                                                  size_t packet_bytes_max);
/* One that sends the same again: `packet` is a PUBLISH as another one had it. Its Message Expiry
 * Interval, if it has one, becomes that of `remaining_ms`. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status outgoing_copy(struct outgoing **out,
                                                 struct outgoing_account *account,
                                                 struct span packet, uint64_t remaining_ms);
void outgoing_ref(struct outgoing *o);
void outgoing_unref(void *owner); /* a struct outgoing; the last one frees */
void outgoing_set_id(struct outgoing *o, uint16_t packet_id);
void outgoing_set_dup(struct outgoing *o, bool dup); /* not with QoS 0 [MQTT-3.3.1-2] */
bool outgoing_has_retain(const struct outgoing *o);
/* Its Response Topic begins with `from`: from now on with `to`, which is as long. */
void outgoing_move_response(struct outgoing *o, struct span from, struct span to);

/* Whether somebody wants to know how it ended. */
static inline bool
outgoing_is_awaited(const struct outgoing *o)
{
    return o->done != NULL || o->context != NULL;
}

#endif
