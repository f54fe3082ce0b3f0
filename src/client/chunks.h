#ifndef WILCO_CLIENT_CHUNKS_H
#define WILCO_CLIENT_CHUNKS_H

#include "base/alloc.h"
#include "client/message.h"

/* Payloads that are larger than a packet go in pieces, of which each fits (docs/requests.md, Large
 * payloads). This is what both ends know of that: the words in which it is said, how large a piece
 * may be, and whether what was put together is what was taken apart. */

#define CHUNK_BYTES_MAX 65536U /* of a piece */
#define CHUNK_CREDIT    8U     /* parts on their way where the application says no number */
#define CHUNK_WINDOW    16U    /* pieces of a request on their way: 1 MiB at most */

/* A number that was not said. No payload is so large. */
#define CHUNK_UNSAID UINT32_MAX

/* What a message says about a payload in pieces. Of properties that come twice the first counts;
 * what is garbled is as if it were not there. */
struct chunk_terms {
    uint32_t take;     /* `rr-take`: bytes of a response that its requester takes */
    uint32_t packet;   /* `rr-packet`: the sender's Maximum Packet Size */
    uint32_t size;     /* `rr-size`: bytes of the whole */
    uint32_t offset;   /* `rr-offset`: where the piece belongs */
    uint32_t want;     /* `rr-want`: so many pieces more may come */
    uint32_t sequence; /* `rr-seq` */
    struct span hash;  /* `rr-hash`, of the whole; data == NULL: not said */
};

struct chunk_terms chunk_terms_unsaid(void);
/* Reads one User Property, if it is one of these. */
void chunk_terms_read(struct chunk_terms *t, struct span name, struct span value);
struct chunk_terms chunk_terms_of(const struct wilco_message *m);

/* How much of the payload goes into a packet that has `overhead` bytes without any; 0: nothing. */
size_t chunk_bytes(size_t packet_bytes_max, size_t overhead);

/* What is wrong with a payload that was put together, for people; NULL: nothing. `*is_garbled`: all
 * of it has come, but it is not what was sent. */
const char *chunk_fault(struct span whole, const struct chunk_terms *t, bool *is_garbled);

/* The parts that may be on their way for a request that says these numbers. */
uint32_t chunk_credit(uint32_t parts_max, size_t response_bytes_max);

#endif
