#ifndef WILCO_CLI_ARGUMENTS_H
#define WILCO_CLI_ARGUMENTS_H

#include <stddef.h>

/* The words of the command line, which everybody on the machine can read as long as the process
 * runs, in the list of processes. */

/* Those of main(). */
void arguments_remember(char **argv);

/* Overwrites `len` bytes of a word with stars, as it holds a secret that has been copied elsewhere.
 * Text that is in no word is left alone. */
void arguments_hide(const char *text, size_t len);

#endif
