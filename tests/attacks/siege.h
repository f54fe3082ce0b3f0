#ifndef WILCO_TEST_SIEGE_H
#define WILCO_TEST_SIEGE_H

#include "base/span.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Attacks on a broker in a process of its own, one after the other, while a probe asks and answers.
 * What is not as it should be is an error of the program's, not an assertion: the other attacks are
 * still of interest. */
struct siege {
    struct sockaddr_in address;
    pid_t broker;
    unsigned scale; /* how often, how many: 1 is what `make check` has time for */
    const char *attack;
    size_t broken; /* expectations, of all attacks */
};

/* Says what was not as it should be. */
void siege_expect(struct siege *s, bool is_so, const char *what);

/* ---- Connections: blocking, with patience ---- */

/* Exits if the broker cannot be reached at all. */
int siege_connect(const struct siege *s);
/* Notation of support/bytes.h, with printf's. False: the broker has closed. */
bool siege_say(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool siege_send(int fd, struct span bytes);
/* CONNECT of MQTT 5.0 with Clean Start, CONNACK 0. -1: it was not let in. */
int siege_client(const struct siege *s, const char *client_id, uint32_t expiry_s);
/* One packet; its length, header included. 0: the broker has closed, or kept quiet for too long. */
size_t siege_take(int fd, uint8_t *packet, size_t capacity);
/* All until the broker closes: the reason code of its DISCONNECT, or 0. -1: it did not close. */
int siege_take_end(int fd);
/* Sends `bytes` again and again, and reads nothing, until `total` bytes have gone or the broker has
 * taken nothing for a quarter of a second. How many have gone. */
size_t siege_flood(int fd, struct span bytes, size_t total);

/* ---- Of the broker ---- */
uint64_t siege_resident_bytes(pid_t pid);
uint64_t siege_cpu_us(pid_t pid);

/* ---- The attacks ---- */
struct siege_attack {
    const char *name; /* as in attacks.tsv */
    void (*run)(struct siege *s);
    uint64_t growth_bytes_max; /* of the broker's resident memory, while it lasts */
};

/* NULL name: no more. */
const struct siege_attack *siege_attacks(void);

/* ---- The probe: a thread that asks and is answered, without a pause ---- */
struct siege_probe;
struct siege_figures {
    uint64_t count;
    uint64_t p99_us;
    uint64_t worst_us;
    uint64_t resident_bytes_max; /* of the broker */
};

struct siege_probe *siege_probe_start(const struct siege *s);
struct siege_figures siege_probe_stop(struct siege_probe *p);

#endif
