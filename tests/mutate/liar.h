#ifndef WILCO_MUTATE_LIAR_H
#define WILCO_MUTATE_LIAR_H

#include "customer.h"
#include "vandal.h"

#define LIAR_OWED_MAX   64U
#define LIAR_ASKED_MAX  32U
#define LIAR_TEXT_BYTES 100U
#define LIAR_BYTES_MAX  65536U

/* A request that has come. */
struct liar_request {
    char topic[LIAR_TEXT_BYTES]; /* of the request, and where to answer */
    char response_topic[LIAR_TEXT_BYTES];
    uint8_t correlation[16];
    size_t correlation_len;
};

/* A server that says what it likes: at times what is right, at times the same with something wrong
 * in it, or what nobody asked for, or without an end. What the client writes it holds to the
 * standard, and an assertion fails if it is not right. */
struct liar {
    struct dice *dice;
    struct customer *customer;
    bool is_connected;
    bool has_connect, has_disconnect; /* of the client's */
    unsigned lie_percent;             /* of what is said on this connection */
    unsigned flying;                  /* of the server's, and not acknowledged */
    uint64_t spoiled, packets, connections, endless;
    size_t endless_left; /* bytes of a packet that have to follow what is in `out` */
    size_t owed_count;
    struct wire_any owed[LIAR_OWED_MAX];
    uint8_t codes[LIAR_OWED_MAX]; /* of SUBACK */
    size_t asked_count;
    struct liar_request asked[LIAR_ASKED_MAX];
    uint32_t identifiers[LIAR_ASKED_MAX]; /* Subscription Identifiers */
    size_t identifier_count;
    uint16_t last_id;
    char inbox[LIAR_TEXT_BYTES];
    size_t out_len;
    uint8_t out[LIAR_BYTES_MAX]; /* to be read by the client */
    size_t in_len;
    uint8_t in[LIAR_BYTES_MAX]; /* written by the client, not a whole packet yet */
};

void liar_init(struct liar *l, struct dice *d, struct customer *c);
/* Makes a connection if one is wanted, takes what the client has written, writes something, and
 * lets the client read all of it or a part; or the connection breaks. */
void liar_act(struct liar *l);

/* The same step by step. */
void liar_listen(struct liar *l);                 /* the first two of these */
void liar_speak(struct liar *l);                  /* the third, once */
void liar_say(struct liar *l, struct span bytes); /* these bytes, whatever they mean */
void liar_feed(struct liar *l, size_t len);       /* at most so many of what was said */
void liar_hang_up(struct liar *l);

#endif
