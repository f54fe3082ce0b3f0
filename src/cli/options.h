#ifndef WILCO_CLI_OPTIONS_H
#define WILCO_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* The options of a command as tables: one row serves parsing and --help. A row says where its value
 * goes as an offset into the target of its group, so tables are constant and commands share them.
 */

/* The words that an option takes as its argument, most often one. */
struct option_input {
    const char *attached; /* what stands behind "=" or the letter; NULL: nothing, or taken */
    char **next, **end;
    const char
        *word; /* the last one taken: what a complaint is about; NULL: there was none to take */
};

/* The next word, or NULL at the end of the command line. */
const char *option_take(struct option_input *in);

/* Takes the argument and stores it. NULL, or what the word taken last should have been, such as
 * "a number from 0 to 2". */
typedef const char *option_parse_fn(void *field, struct option_input *in);

struct option {
    const char *name; /* long, without dashes; NULL: the end of the rows */
    char letter;      /* 0: none */
    /* NULL: a flag. In capitals what help calls it, "HOST"; FILE and PATH are names of files. Any
     * other is the words that it can be: "0|1|2". */
    const char *argument;
    const char *help; /* may have several lines */
    option_parse_fn *parse;
    size_t offset;
};

struct option_group {
    const char *title; /* NULL: goes on with the group before */
    const struct option *rows;
    size_t offset; /* of the rows' target in the target of the whole command line */
};

/* What fields hold. */
const char *option_flag(void *field, struct option_input *in);  /* bool, becomes true */
const char *option_text(void *field, struct option_input *in);  /* const char *, borrowed */
const char *option_texts(void *field, struct option_input *in); /* struct option_list */
const char *option_qos(void *field, struct option_input *in);   /* struct option_number */
const char *option_u16(void *field, struct option_input *in);   /* struct option_number */
const char *option_u32(void *field, struct option_input *in);   /* struct option_number */
const char *option_count(void *field, struct option_input *in); /* struct option_number, not 0 */
const char *option_bytes(void *field, struct option_input *in); /* struct option_number */
const char *option_duration_ms(void *field,
                               struct option_input *in); /* struct option_number, not 0 */

struct option_number {
    unsigned value;
    bool is_set;
};

/* Each use of a repeatable option adds one. */
struct option_list {
    const char **words; /* an array from the heap, of borrowed words */
    size_t count;
};
void option_list_add(struct option_list *list, const char *word);
void option_list_fini(struct option_list *list);

struct command;

/* --help and what else every command has. */
extern const struct option_group options_common;

/* The groups of a command, options_common as the last one; NULL: there are no more. */
const struct option_group *options_group(const struct command *command, size_t i);

/* Reads a command line into `target`, argv[0] being the command's name. Words that are no options
 * move to the front of argv, behind it, and are counted in `*word_count`; behind "--" everything is
 * such a word. True: go on. False: it is done (--help, --version) or wrong (which has been said);
 * end with `*exit_code`. */
bool options_parse(const struct command *command, void *target, int argc, char **argv,
                   size_t *word_count, int *exit_code);

/* Says what is wrong with a command line and where help is; the exit code for it. */
int options_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
