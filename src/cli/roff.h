#ifndef WILCO_CLI_ROFF_H
#define WILCO_CLI_ROFF_H

#include <stdio.h>

/* Writes the parts of a man page in the language of man(7). Text may hold any characters. */

/* `name` is that of the page, "wilco-request"; `what` is what it is, in a few words. */
void roff_begin(FILE *out, const char *name, int section, const char *what);

void roff_heading(FILE *out, const char *text);
void roff_subheading(FILE *out, const char *text);
void roff_text(FILE *out, const char *text);      /* the first paragraph below a heading */
void roff_paragraph(FILE *out, const char *text); /* a further one */
/* Lines that stay as they are. */
void roff_verbatim(FILE *out, const char *lines);

/* Begins an item of a list, whose tag is written with the three below ... */
void roff_item(FILE *out);
void roff_bold(FILE *out, const char *text);
void roff_italic(FILE *out, const char *text);
void roff_plain(FILE *out, const char *text);
/* ... and ends with what it means. */
void roff_meaning(FILE *out, const char *text);

#endif
