#ifndef WILCO_CLI_PAGE_H
#define WILCO_CLI_PAGE_H

#include <stdbool.h>
#include <stdio.h>

/* The man pages: one for the tool, one for each command, and one for each file that a command
 * reads. All are made from the table of commands. */

/* Writes the names of all, one a line: "wilco.1", "wilco-request.1", ... */
void page_list(FILE *out);

/* Writes the one of that name, whose section may be missing. False: there is none. */
bool page_write(FILE *out, const char *name);

#endif
