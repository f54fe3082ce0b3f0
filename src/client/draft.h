#ifndef WILCO_CLIENT_DRAFT_H
#define WILCO_CLIENT_DRAFT_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/status.h"
#include "client/message.h"
#include "wilco/wilco.h"
#include "wire/connect.h"
#include "wire/publish.h"

/* What the application wants to publish, checked and put into the words of MQTT. A draft owns
 * nothing: it borrows the strings it was made from, and lives on the stack until it is encoded. */
#define DRAFT_EXTRAS_MAX  8
#define DRAFT_NUMBERS_MAX 4

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
};

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
};

/* The answer to `request`, whose requester waits `remaining_ms` longer (UINT64_MAX: for ever). */
WILCO_MUST_CHECK enum wilco_status draft_reply(struct draft *d, const struct wilco_message *request,
                                               const struct wilco_reply *reply,
                                               const struct draft_role *role,
                                               uint64_t remaining_ms);

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
