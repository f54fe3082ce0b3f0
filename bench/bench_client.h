#ifndef WILCO_BENCH_CLIENT_H
#define WILCO_BENCH_CLIENT_H

#include "base/buffer.h"
#include "link/framer.h"
#include "wire/any.h"

#include <stdnoreturn.h>

/* An MQTT 5.0 client of the programs that measure: a non-blocking socket, its framer, and what it
 * has yet to write. Whatever goes wrong ends the program. */
struct client {
    int fd;
    uint16_t next_id;
    struct framer framer;
    struct buffer out;
};

/* Says what failed, and errno. */
noreturn void die(const char *what);

/* Connects to 127.0.0.1 under this name; returns when CONNACK has come. `inbox` (NULL: none is
 * wanted) gets the Response Information that the broker gives; it must give one. */
#define INBOX_BYTES 128U
void client_open(struct client *c, uint16_t port, const char *name, char inbox[INBOX_BYTES]);
/* Returns when SUBACK has come. */
void client_subscribe(struct client *c, const char *filter, uint8_t qos);
uint16_t client_packet_id(struct client *c);

/* Appends to what is to be written. */
void client_put(struct client *c, const struct wire_any *packet);
/* Writes it, and waits where the broker does not read. */
void client_flush(struct client *c);

/* Seconds of CPU that a process has used; 0 without a pid. */
double cpu_of(const char *pid);

#endif
