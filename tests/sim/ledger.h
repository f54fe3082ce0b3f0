#ifndef WILCO_SIM_LEDGER_H
#define WILCO_SIM_LEDGER_H

#include "sim.h"
#include "support/asking.h"

/* The model: every request of a run, what its handlers have seen of it and what its requester has
 * heard. It checks what it is told at once, and in the end what has not come.
 *
 * A request ends for its requester in the last response of a responder or in one status response.
 * What may be in the way of that is an excuse, which whoever brought it about notes in the request;
 * there is no other. */
enum {
    LEDGER_MAX = 128,
    CORRELATION_MAX = 24,
};

/* How many may be asked at once by the topic of a request. */
enum reach {
    REACH_NOBODY,
    REACH_ONE,   /* one client, who alone has this topic */
    REACH_GROUP, /* one group: one member has it, and another may get it when that one is lost */
    REACH_FAN,   /* several clients, each by one subscription */
    REACH_MIX,   /* a group, and clients beside it, who may be its members as well */
};

/* Why a request may have ended in nothing. */
enum excuse {
    EXCUSE_GONE = 1,        /* the session that asked has ended */
    EXCUSE_LOST = 2,        /* a QoS 0 response was in the connection when that broke */
    EXCUSE_OVERDUE = 4,     /* the requester was away, or did not read, for longer than a status
                               waits */
    EXCUSE_CROWDED_OUT = 8, /* as much waited for the requester as the broker keeps */
};

struct inquiry {
    struct sim *sim;
    unsigned number; /* its place in the ledger, and in its payload */
    unsigned requester;
    unsigned session; /* of the requester: which of those that it had */
    enum reach reach;
    char topic[16];
    char response_topic[INBOX_TEXT_BYTES];
    char correlation[CORRELATION_MAX];
    bool is_to_inbox;
    bool wants_status;
    bool is_idempotent;
    bool fails_if_offline;
    bool ends_with_asker; /* `rr-on-loss`: it ends with the requester's session */
    uint8_t qos;
    unsigned more; /* responses allowed before the last one */
    uint16_t packet_id;
    uint64_t asked_ms;
    uint64_t deadline_ms; /* its own; UINT64_MAX: it has none */
    bool is_refused;      /* its acknowledgement said that nobody will have it */

    /* What its handlers have seen. */
    unsigned handings;
    unsigned holder; /* who had it last, in which session and connection */
    unsigned holder_session;
    unsigned holder_connection;
    bool is_bound;     /* no other member of the group may have it */
    bool was_answered; /* a last response was accepted: nor then */
    bool was_lost;     /* its only holder has gone, and it was to fail then */
    bool is_uncertain; /* one came from who may or may not have been the holder */
    bool is_cancelled; /* the requester has said so: the broker may have heard it, or may hear it */

    /* What the requester has heard. */
    unsigned parts;
    unsigned lasts;
    unsigned statuses; /* those that stand for the request */
    unsigned replaced; /* those that stand for a response that it could not be given */
    bool was_told_no;  /* it has not been executed, and will not be */
    bool was_told_cancelled;

    bool may_have_expired; /* a response to it had an expiry of its own */
    unsigned excuses;      /* enum excuse */
};

struct ledger {
    struct sim *sim;
    struct inquiry asks[LEDGER_MAX];
    unsigned count;
};

/* A handler: which client, which of its sessions, which of its connections. */
struct handler {
    unsigned number;
    unsigned session;
    unsigned connection;
};

void ledger_init(struct ledger *l, struct sim *s);
/* A new one, in which the caller fills in what is asked; NULL: there are enough. */
struct inquiry *ledger_new(struct ledger *l);
/* NULL: there is none with this number. */
struct inquiry *ledger_at(struct ledger *l, unsigned number);
struct inquiry *ledger_by_correlation(struct ledger *l, struct span correlation);
/* NULL: the requester did not send it, in this session, under this packet identifier. */
struct inquiry *ledger_by_packet(struct ledger *l, unsigned requester, unsigned session,
                                 uint16_t packet_id);

/* A handler is given it (for the first time, not again). `written_ms`: the broker has written it
 * then or later. */
void inquiry_handed(struct inquiry *a, const struct handler *to, uint8_t qos, uint64_t written_ms);
/* The handler has accepted or refused it in its acknowledgement. */
void inquiry_acknowledged(struct inquiry *a, bool is_refused);
/* The requester was told in PUBACK or PUBREC that nobody will have it. */
void inquiry_refused(struct inquiry *a);
/* The requester has got a response, or a status response. */
void inquiry_answered(struct inquiry *a, bool is_last);
void inquiry_status(struct inquiry *a, const struct wire_publish *p);

/* In the end. */
void inquiry_judge(const struct inquiry *a);

/* How much has happened, to see that a campaign comes by everything. */
struct tally {
    uint64_t asks;
    uint64_t handed;
    uint64_t moved; /* from one member of a group to another */
    uint64_t answered;
    uint64_t statuses;
    uint64_t told_no;
    uint64_t cancelled; /* told so */
    uint64_t excused;   /* ended in nothing, for a reason that the model accepts */
};
void ledger_tally(const struct ledger *l, struct tally *sum);

#endif
