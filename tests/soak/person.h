#ifndef WILCO_SOAK_PERSON_H
#define WILCO_SOAK_PERSON_H

#include "line.h"
#include "model.h"

/* A valid client that lives at random: one of the people of the model. It publishes at all QoS,
 * subscribes, answers late, reads late, and connects, leaves, vanishes, comes back and takes its
 * own connection over. What it does and gets it tells the model. */
enum {
    IN_FLIGHT = 8,
    ANSWERS = 4096,
    IDS = 65536,
};

struct sent {
    unsigned message;
    uint16_t packet_id;
    bool is_released; /* PUBREC has come */
};

struct answer {
    enum wire_type type;
    uint16_t packet_id;
};

/* What a round has seen on the wire, to be compared with what the broker has counted. */
struct traffic {
    uint64_t connacks;
    uint64_t publish_sent; /* by people */
    uint64_t publish_done; /* of these, those that the broker has answered */
    uint64_t publish_got;
    bool is_calm; /* nobody leaves: then both sides count the same */
};

enum person_state {
    PERSON_AWAY,
    PERSON_CONNECTING, /* waits for the CONNACK */
    PERSON_HERE,
};

struct person {
    struct model *model;
    struct traffic *traffic;
    unsigned who;
    enum person_state state;
    struct line line;
    enum wire_version version;
    bool clean_start; /* of this connection */
    bool is_napping;  /* reads nothing */
    bool was_pinged;
    bool has_session; /* that must still be there */
    uint32_t expiry_s;
    uint16_t receive_maximum;
    unsigned will; /* its number; MESSAGES: none */
    uint32_t will_delay_s;
    struct sent sent[IN_FLIGHT]; /* in order */
    unsigned sent_count;
    uint16_t last_id;
    uint16_t asked_id; /* SUBSCRIBE or UNSUBSCRIBE under way; 0: none */
    unsigned asked_filter;
    struct answer answers[ANSWERS]; /* not yet sent */
    unsigned answer_count;
    unsigned open_count; /* PUBLISH packets that we have not finished with on this connection */
    bool open[IDS];
    bool held[IDS]; /* QoS 2: had, not released; part of the session */
};

void person_init(struct person *p, unsigned who, struct model *m, struct traffic *t);
/* Does something, or nothing. */
void person_step(struct person *p);
/* Reads, answers and writes what can be; with `all`, everything that is there. */
void person_pump(struct person *p, bool all);
/* Stays awake; comes back if its session waits for it. */
void person_settle(struct person *p);
/* Nothing of its own is under way. */
bool person_is_settled(const struct person *p);
/* Asks for a PINGRESP: when it has come, the broker has read all that was sent before. */
void person_ping(struct person *p);
/* Leaves, and ends its session. */
void person_end(struct person *p);

#endif
