#ifndef WILCO_SOAK_MODEL_H
#define WILCO_SOAK_MODEL_H

#include "soak.h"
#include "wire/publish.h"

#include <stdbool.h>

/* Who is entitled to what, and what has arrived. The model sees only what clients send and get, so
 * it knows of each subscription a span of time for sure (from SUBACK to UNSUBSCRIBE) and a longer
 * one in which it may exist (from SUBSCRIBE to UNSUBACK), and of each message when it was sent
 * first and when the broker took responsibility. Times are soak.now. */
enum {
    CLIENTS = 16, /* live as they like */
    MEMBERS = 4,  /* share a subscription; their sessions last */
    PEOPLE = CLIENTS + MEMBERS,
    PLAIN_TOPICS = 6,
    RETAINED_TOPICS = 4, /* retained topic n belongs to client n */
    SHARED_TOPICS = 2,
    FIRST_RETAINED = PLAIN_TOPICS,
    FIRST_SHARED = FIRST_RETAINED + RETAINED_TOPICS,
    FIRST_WILL = FIRST_SHARED + SHARED_TOPICS, /* one a client */
    TOPICS = FIRST_WILL + CLIENTS,
    FILTERS = 10,
    SHARED_FILTER = FILTERS - 1, /* for members only */
    MESSAGES = 6000,
    WANTS = 256,
    PAYLOAD_MAX = 6000,
};

#define NEVER UINT64_MAX

extern const char *const topic_names[TOPICS];
extern const char *const filter_names[FILTERS];

struct message {
    uint8_t publisher;
    uint8_t topic;
    uint8_t qos;
    bool is_forbidden; /* a will that must not be published (as yet) */
    bool is_retained;
    uint16_t sends;
    uint16_t payload_bytes;
    uint64_t sent_at; /* first */
    uint64_t done_at; /* the broker has said so; NEVER: it has not */
};

struct want {
    unsigned filter;
    uint8_t qos;
    uint64_t sure_from;
    uint64_t sure_to;
    uint64_t maybe_from;
    uint64_t maybe_to;
};

/* What one of the people is due and has got. */
struct ledger {
    struct want wants[WANTS];
    unsigned want_count;
    uint16_t got[MESSAGES];
    uint16_t got_without_dup[MESSAGES];
    bool got_surely[MESSAGES]; /* at QoS 1 or 2 */
    unsigned last[CLIENTS][TOPICS][3];
};

struct model {
    struct soak *soak;
    unsigned message_count;
    struct message messages[MESSAGES];
    struct ledger ledgers[PEOPLE];
    uint64_t seed;
};

void model_init(struct model *m, struct soak *s, uint64_t seed);

/* A new message; its number. The payload is model_payload(), into PAYLOAD_MAX bytes. */
unsigned model_message(struct model *m, unsigned publisher, unsigned topic, uint8_t qos);
struct span model_payload(const struct model *m, unsigned number, uint8_t *room);
void model_sent(struct model *m, unsigned number); /* or sent again */
void model_done(struct model *m, unsigned number);
/* The broker must publish this will now, and will say no word to us about it. */
void model_will_is_due(struct model *m, unsigned number);

/* SUBSCRIBE and UNSUBSCRIBE of one of the people were sent, and answered. */
void model_subscribing(struct model *m, unsigned who, unsigned filter, uint8_t qos);
void model_subscribed(struct model *m, unsigned who, unsigned filter);
void model_unsubscribing(struct model *m, unsigned who, unsigned filter);
void model_unsubscribed(struct model *m, unsigned who, unsigned filter);
/* The session is about to be lost: nothing is due to it any more; and it is lost. */
void model_abandon(struct model *m, unsigned who);
void model_forget(struct model *m, unsigned who);

/* Somebody has got this, and not had it before as a QoS 2 message. Fails when it should not be. */
void model_got(struct model *m, unsigned who, const struct wire_publish *p);

/* Whether all have what is due to them; with `insist`, fails if not. */
bool model_is_fulfilled(const struct model *m, bool insist);
/* A retained message that somebody new has got is the last of its topic, or a later one that the
 * broker may have. */
void model_check_retained(const struct model *m, const struct wire_publish *p);
/* How many topics have one. All publishers have finished. */
unsigned model_retained_count(const struct model *m);

#endif
