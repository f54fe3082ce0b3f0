#ifndef WILCO_BROKER_CORE_HOST_H
#define WILCO_BROKER_CORE_HOST_H

#include <stdint.h>

struct conn;

/* Where a connection comes from, as far as its transport knows. */
struct conn_origin {
    uint8_t address[16];
    uint8_t address_bytes; /* 4: IPv4, 16: IPv6; 0: a Unix socket, or nothing is known */
    char user[256];        /* whom its certificate names; "": nobody */
};

/* What the core asks of those who drive its shards. A function that is NULL has no answer. */
struct broker_host {
    void *context;
    /* In the thread of the connection's shard; `out` is all zero before. */
    void (*describe)(struct conn *c, struct conn_origin *out);
    /* From any thread: the shard of this number has got mail from none of the shards. */
    void (*wake)(void *context, unsigned shard);
};

#endif
