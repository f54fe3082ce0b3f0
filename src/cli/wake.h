#ifndef WILCO_CLI_WAKE_H
#define WILCO_CLI_WAKE_H

#include <stdbool.h>
#include <stdint.h>

/* How the main thread waits: for callbacks of the library, which call wake_up() from another
 * thread, and for signals. One per process.
 *
 * Until wake_on_signals() SIGINT ends the process with code 130 and SIGTERM as ever. From then on
 * the first of either only wakes, so that the connection can be closed properly, and a second one
 * ends it. */
void wake_init(void); /* also makes a broken pipe an error instead of a signal */
void wake_on_signals(void);
void wake_on_children(void); /* SIGCHLD wakes, too */

void wake_up(void); /* from any thread, and from a signal handler */

/* Waits for wake_up() or a signal, at most `timeout_ms` (-1: as long as it takes). It may return
 * early: look again at what you are waiting for. */
void wake_wait(int timeout_ms);

/* The same as a descriptor to poll for input, with what makes it quiet again. */
int wake_descriptor(void);
void wake_clear(void);

bool wake_signalled(void);

/* The last thing before the exit: `exit_code`, or what a signal that came asks for: 130 for SIGINT,
 * and SIGTERM ends the process here. */
int wake_exit(int exit_code);

uint64_t wake_now_ms(void); /* a steady clock ... */
uint64_t wake_now_us(void); /* ... and a finer one */

#endif
