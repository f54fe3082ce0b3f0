#ifndef WILCO_CLI_SCREEN_H
#define WILCO_CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

/* The whole terminal of standard output, for as long as a command shows something there; what was
 * there before comes back. */
bool screen_is_there(void); /* standard output is a terminal */

void screen_enter(void); /* keys of standard input come one by one and unseen, if it is one, too */
void screen_leave(void);

size_t screen_lines(void); /* how high it is now */

/* Puts `text` in the place of what is there; lines that are too long are cut. */
void screen_draw(const char *text);

/* Waits for wake_up(), a signal or a key; at most `timeout_ms`. The key, or 0. */
char screen_wait(int timeout_ms);

#endif
