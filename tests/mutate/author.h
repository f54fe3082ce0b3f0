#ifndef WILCO_MUTATE_AUTHOR_H
#define WILCO_MUTATE_AUTHOR_H

#include "dice.h"
#include "support/asking.h"

#define AUTHOR_ACKS_MAX  16U
#define AUTHOR_ITEMS_MAX 4U

/* Writes what a client of the broker may rightly send next, all kinds of packets in turn, in any of
 * the versions; with requests, and answers to what it was asked. */
struct author {
    enum wire_version version;
    bool is_connected;
    uint16_t last_id;
    size_t ack_count; /* answers that the broker waits for */
    struct wire_any acks[AUTHOR_ACKS_MAX];
    char inbox[INBOX_TEXT_BYTES];
    char asked_at[INBOX_TEXT_BYTES]; /* Response Topic and Correlation Data of the last request */
    char asked_as[INBOX_TEXT_BYTES];
    /* What the packet at hand borrows: */
    struct wire_subscription subscriptions[AUTHOR_ITEMS_MAX];
    struct span filters[AUTHOR_ITEMS_MAX];
    struct wire_user_property users[AUTHOR_ITEMS_MAX];
    char text[INBOX_TEXT_BYTES + 8];
};

/* A client that has yet to connect; what it knows of its inbox stays. */
void author_begin(struct author *a);
/* Remembers what the broker has said. */
void author_read(struct author *a, const struct wire_any *packet);
/* CONNECT, under one of a few names that `index` has a part in. */
void author_connect(struct author *a, struct dice *d, unsigned index, struct wire_any *out);
/* Any other packet; its spans live until the next one. */
void author_write(struct author *a, struct dice *d, const struct author *neighbour,
                  struct wire_any *out);

#endif
