#ifndef WILCO_BROKER_SERVER_SUPERVISOR_H
#define WILCO_BROKER_SERVER_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

/* Tells whoever has started the broker how it is: systemd, or anything else that speaks its
 * protocol (sd_notify(3)), which is one datagram of text to the socket that NOTIFY_SOCKET names. */
struct supervisor {
    int fd;               /* -1: nobody wants to know */
    uint64_t watchdog_ms; /* wants a sign of life at least this often; 0: does not */
};

/* Looks at the environment, and connects: later the sandbox may not let it. Never fails: who cannot
 * be told is not told. */
void supervisor_init(struct supervisor *s);
void supervisor_fini(struct supervisor *s);

/* "READY=1" and the like; several in one, a line each. */
void supervisor_tell(const struct supervisor *s, const char *state);
/* The same with the time, which systemd wants to have with RELOADING=1. */
void supervisor_tell_reloading(const struct supervisor *s);

#endif
