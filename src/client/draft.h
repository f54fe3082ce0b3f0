#ifndef WILCO_CLIENT_DRAFT_H
#define WILCO_CLIENT_DRAFT_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/hash.h"
#include "base/status.h"
#include "client/message.h"
#include "wilco/wilco.h"
#include "wire/connect.h"
#include "wire/publish.h"

/* What the application wants to publish, checked and put into the words of MQTT. A draft owns
 * nothing: it borrows the strings it was made from, and lives on the stack until it is encoded. */
#define DRAFT_EXTRAS_MAX  13
#define DRAFT_NUMBERS_MAX 6

/* A number as text. */
struct draft_digits {
    char text[10];
};
/* Valid while `d` stays where it is. */
struct span draft_digits(struct draft_digits *d, uint32_t number);

struct draft {
    struct wire_publish packet;                         /* without its User Properties */
    struct wire_user_property extras[DRAFT_EXTRAS_MAX]; /* ours; the application's follow */
    size_t extra_count;
    const struct wilco_user_property *users;
    size_t user_count;
    struct draft_digits numbers[DRAFT_NUMBERS_MAX]; /* what extras point to */
    size_t number_count;
    char hash[HASH_CHECK_CHARS]; /* likewise */
};

/* One more User Property of ours. */
void draft_add(struct draft *d, struct span name, struct span value);
void draft_add_number(struct draft *d, struct span name, uint32_t number);

/* Message Expiry Interval: rounded up to seconds. */
void draft_set_expiry_ms(struct wire_properties *p, uint64_t ms);

/* All of these: WILCO_EINVAL when a string is not well-formed or too long, a topic is no Topic
 * Name, or a QoS is above 2. */
WILCO_MUST_CHECK enum wilco_status draft_publish(struct draft *d, const struct wilco_publish *p);

/* A request as DESIGN.md section 3 wants it (profile P1, and of P2 what it needs). `timeout_ms` is
 * not 0. An empty `client_id` is left out. */
WILCO_MUST_CHECK enum wilco_status draft_request(struct draft *d, const struct wilco_request *r,
                                                 uint32_t timeout_ms, const char *client_id);
/* The Response Topic and Correlation Data of a request; the default ones or those it names. */
void draft_set_address(struct draft *d, struct span response_topic, struct span correlation);

/* A word about a request in progress: `op` is what `rr-op` says, and `more`, if it is not 0,
 * `rr-more`. */
void draft_op(struct draft *d, struct span topic, struct span op, uint32_t more,
              uint64_t remaining_ms);

/* What a response is among those to one request. */
struct draft_role {
    bool is_ours;         /* the library's own word, not the application's: no `__apErr` */
    bool has_more;        /* others are to follow: `rr-more` */
    uint32_t sequence;    /* `rr-seq`; 0: none */
    const char *progress; /* `rr-prog`; NULL: none */
    struct span whole; /* the payload, if it has gone before in pieces; data == NULL: it has not */
};

/* The answer to `request`, whose requester waits `remaining_ms` longer (UINT64_MAX: for ever). */
WILCO_MUST_CHECK enum wilco_status draft_reply(struct draft *d, const struct wilco_message *request,
                                               const struct wilco_reply *reply,
                                               const struct draft_role *role,
                                               uint64_t remaining_ms);

/* ---- Payloads in pieces (draft_chunk.c) ---- */

/* A request: its requester takes `take` bytes of a response (0: it does not say), in packets of
 * `packet` bytes. */
void draft_take(struct draft *d, uint32_t take, uint32_t packet);
/* A request: so many parts may come, but only such as are pieces. */
void draft_pieces_only(struct draft *d, uint32_t more);
/* A request or a response has no payload of its own, for `whole` goes in pieces. */
void draft_whole(struct draft *d, struct span whole);

/* A piece, or the wish for pieces. */
struct draft_chunk {
    struct span topic;
    struct span response_topic; /* of a piece of a request; empty: it is a response itself */
    struct span correlation;
    struct span payload;
    uint64_t remaining_ms; /* UINT64_MAX: it does not expire */
    uint32_t sequence;
    uint32_t offset; /* of a piece of a response */
    uint32_t want;   /* pieces of the request that may come; 0: it is a piece */
    uint32_t packet; /* with that: the largest packet that is taken */
    uint8_t qos;
};
void draft_chunk(struct draft *d, const struct draft_chunk *chunk);

/* Whether the application's User Properties are strings that can be sent. */
bool draft_users_are_valid(const struct draft *d);

/* The User Properties in one row, as the encoder wants them. */
#define DRAFT_USERS_FEW 16

struct draft_users {
    struct wire_user_property few[DRAFT_USERS_FEW];
    struct wire_user_property *many; /* NULL while `few` suffice */
    const struct wilco_alloc *alloc;
};

/* Points `properties` at them; they must not move until draft_users_fini(). WILCO_ENOMEM,
 * WILCO_ELIMIT. */
WILCO_MUST_CHECK enum wilco_status draft_users_init(struct draft_users *u,
                                                    const struct wilco_alloc *a,
                                                    const struct draft *d,
                                                    struct wire_properties *properties);
void draft_users_fini(struct draft_users *u);

/* A string of the application: well-formed UTF-8 that fits into a packet. */
bool draft_text_is_valid(const char *text);

#endif
