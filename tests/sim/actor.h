#ifndef WILCO_SIM_ACTOR_H
#define WILCO_SIM_ACTOR_H

#include "ledger.h"

/* A client of a simulated run: its connection, what it knows of its session, and what it has been
 * sent and not acknowledged. Requesters and responders begin with one. */
enum {
    TAKEN_MAX = 256,
    NAME_MAX_BYTES = 8,
};

/* A PUBLISH at QoS 1 or 2 that is not acknowledged to its end. */
struct taken {
    uint16_t packet_id;
    uint8_t qos;
    bool is_received;  /* QoS 2: PUBREC is sent */
    bool is_of_before; /* QoS 1, not sent again on this connection: it may be another's by now */
    unsigned number;   /* of the request that it is, or answers */
};

struct actor;

/* What requesters and responders do differently. */
struct actor_role {
    /* The number of the request that a PUBLISH is or answers. */
    unsigned (*number)(struct actor *a, const struct wire_publish *p);
    /* A PUBLISH that has not come before. */
    void (*publish)(struct actor *a, const struct wire_publish *p);
    /* One at QoS 0 was lost with the connection. */
    void (*lost)(struct actor *a, const struct wire_publish *p);
    /* PUBACK or PUBREC of what it has published. */
    void (*acknowledged)(struct actor *a, const struct wire_ack *p);
    /* A connection with a new session: subscribes. */
    void (*begin)(struct actor *a);
    /* It has lost its connection. */
    void (*left)(struct actor *a);
};

struct actor {
    const struct actor_role *role;
    struct sim *sim;
    struct ledger *ledger;
    unsigned number;
    char name[NAME_MAX_BYTES];
    bool is_requester;
    bool wants_status; /* CONNECT with rr=1 */
    bool wants_inbox;  /* and with Request Response Information 1 */
    uint32_t expiry_s;
    bool has_small_quota;       /* a small Receive Maximum on most connections, another on each */
    bool has_small_packets;     /* a small Maximum Packet Size; responders: on some connections */
    struct rig_client lines[2]; /* a second one to take over the first */
    struct rig_client *line;    /* the present one */
    bool is_connected;
    bool has_session;
    unsigned session;       /* goes up with each new one */
    unsigned connection;    /* likewise */
    uint64_t expires_at_ms; /* the session, when not connected */
    uint16_t last_id;
    uint64_t read_ms;   /* it had read everything that was written before */
    uint64_t behind_ms; /* since when it could not read, or had not acknowledged, everything */
    char inbox[INBOX_TEXT_BYTES];
    struct taken taken[TAKEN_MAX];
    unsigned taken_count;
};

/* May it send something now? A client that does not read is not read from. */
bool actor_can_send(struct actor *a);
void actor_send(struct actor *a, const struct wire_any *packet);
uint16_t actor_next_id(struct actor *a);

/* Connects, or takes over its own connection. */
void actor_connect(struct actor *a, bool clean_start);
void actor_subscribe(struct actor *a, const char *filter, uint8_t qos);
/* The transport breaks; `reads` what has arrived before. */
void actor_drop(struct actor *a, bool reads);
/* DISCONNECT, with which the session may end; if it can send. */
void actor_leave(struct actor *a, bool session_ends);
/* Reads what has arrived. False: nothing has. */
bool actor_read(struct actor *a);
/* Acknowledges what is at this place, a step, if it can. `reason_code`: for PUBACK or PUBREC.
 * False: it was done, or it cannot. */
bool actor_acknowledge(struct actor *a, unsigned at, uint8_t reason_code);
/* It stops reading, or begins again. */
void actor_be_stuck(struct actor *a, bool is_stuck);
/* The clock has moved. True: it has been away, or has not read or acknowledged everything, for so
 * long that a status that waited for it may be gone. */
bool actor_time_passed(struct actor *a);
/* Whether its session is over, if it is not connected. */
void actor_check_expiry(struct actor *a);
void actor_end(struct actor *a);

#endif
