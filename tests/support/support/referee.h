#ifndef WILCO_SUPPORT_REFEREE_H
#define WILCO_SUPPORT_REFEREE_H

#include "support/rig.h"

/* Watches everything that goes between a broker and its clients, whatever these send, and holds the
 * broker to the standard: each packet decodes, is one that a server may send, and in its turn; is
 * the answer to something, and everything is answered; has an identifier that is free, a quota
 * that is not used up, a topic that the client has subscribed to, a size that it takes. Who breaks
 * the rules is shown the door.
 *
 * It knows of a client what was sent, not what the broker made of it; where that is not the same it
 * lets pass. A foul is printed and ends the program. */
enum {
    REFEREE_TEXT_BYTES = 48,
    REFEREE_SESSIONS = 24,
    REFEREE_FILTERS = 64,
    REFEREE_IDENTIFIERS = 32,
    REFEREE_OWED = 128,
    REFEREE_FLYING = 64,
    REFEREE_ALIASES = 16,
};

struct referee_text {
    size_t len; /* above REFEREE_TEXT_BYTES: too long to be kept */
    uint8_t bytes[REFEREE_TEXT_BYTES];
};

/* What a session has subscribed to; `is_dead`: refused. */
struct referee_filter {
    struct referee_text text;
    bool is_dead;
};

struct referee_session {
    struct referee_text client_id;
    const struct shard *shard; /* a session is of one shard; tests may put it into any */
    bool is_used;
    bool may_exist;    /* in the broker */
    bool is_lost;      /* too much happened to remember all */
    unsigned life;     /* counted up with every new session of this name */
    unsigned connects; /* and this with every CONNECT */
    size_t filter_count;
    struct referee_filter filters[REFEREE_FILTERS];
    size_t identifier_count;
    uint32_t identifiers[REFEREE_IDENTIFIERS];
    struct referee_text inbox;
};

struct referee {
    struct referee_session sessions[REFEREE_SESSIONS];
    bool has_forgotten; /* there were more sessions than that */
};

/* What the broker owes a client, or a client has of it. */
struct referee_owed {
    enum wire_type type;
    uint16_t packet_id;
    uint16_t count;        /* SUBACK, UNSUBACK: reason codes */
    uint16_t first_filter; /* SUBACK: where they are in the session; UINT16_MAX: nowhere */
    uint32_t qos;          /* SUBACK: two bits each of the first sixteen */
};

enum referee_stage {
    REFEREE_AWAITS_CONNECT,
    REFEREE_AWAITS_CONNACK,
    REFEREE_OPEN,
    REFEREE_OVER,
};

/* One connection. */
struct referee_line {
    struct referee *referee;
    struct rig_client *client;
    const struct shard *shard;
    enum referee_stage stage;
    enum wire_version version;
    bool is_condemned; /* the client has broken a rule */
    bool is_connect_broken;
    bool is_blind; /* what it has sent cannot be followed */
    bool is_clean, wants_assigned_id, wants_inbox, wants_reasons;
    bool may_be_present; /* a session of this name was asked for before */
    bool is_resumed;     /* the session may be older than the connection */
    bool is_early;       /* has subscribed before it knew of its session */
    bool has_guessed;
    bool has_left;
    uint16_t receive_maximum, alias_maximum;
    uint32_t packet_bytes_max;
    struct referee_text client_id;
    struct referee_session *session; /* NULL: not known */
    unsigned connect;                /* its number, of those of the session */
    unsigned life;
    uint64_t packets; /* looked at, of both sides */
    size_t owed_count;
    struct referee_owed owed[REFEREE_OWED];
    size_t flying_count;
    uint16_t flying[REFEREE_FLYING];
    struct referee_text aliases[REFEREE_ALIASES];
    size_t partial_len, partial_capacity;
    uint8_t *partial;
};

void referee_init(struct referee *r);
/* A connection, which is open, begins and ends; harmless twice. From now on the rig tells what its
 * client sends. */
void referee_open(struct referee_line *l, struct referee *r, struct rig_client *c);
void referee_close(struct referee_line *l);
/* Just before the broker is fed these bytes of the client's; the rig calls it. */
void referee_sent(struct referee_line *l, struct span bytes);
/* The next packet that the broker has written, looked at; as rig_next(). */
bool referee_next(struct referee_line *l, struct wire_any *out);
/* Everything the broker has written was looked at, and nothing moves any more. */
void referee_settled(struct referee_line *l);

#endif
