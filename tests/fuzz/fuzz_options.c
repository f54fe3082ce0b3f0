#include "fuzz.h"

#include "cli/ask_options.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/properties.h"

#include <assert.h>
#include <stdlib.h>

/* The command line of a command that has every option that others share. Words end with a line
 * feed. */
enum {
    WORDS_MAX = 40,
};

struct target {
    struct connection_options connection;
    struct ask_options ask;
    struct properties properties;
};

#define FIELD(name) offsetof(struct target, name)

static const struct manual manual = {
    .name = "wilco fuzz",
    .synopsis = "wilco fuzz [OPTION]...",
    .about = "Takes what comes.",
    .examples = "  wilco fuzz\n",
};
static const struct option_group groups[] = {
    {"Connection", connection_server_rows, FIELD(connection)},
    {NULL, connection_rows, FIELD(connection)},
    {"Asking", ask_rows, FIELD(ask)},
    {NULL, ask_answers_rows, FIELD(ask)},
    {"Properties", properties_common_rows, FIELD(properties)},
    {NULL, properties_request_rows, FIELD(properties)},
};
static const struct command command = {
    .name = "fuzz",
    .manual = &manual,
    .groups = groups,
    .group_count = sizeof(groups) / sizeof(groups[0]),
    .words_max = 3,
};

/* Each word in a block of its own; how many there are. */
static int
read_words(char *argv[WORDS_MAX + 1], struct span text)
{
    int count = 0;

    while (text.len > 0 && count < WORDS_MAX) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.data);
        char *word = malloc(len + 1);

        assert(word != NULL);
        memcpy(word, text.data, len);
        word[len] = '\0';
        argv[count++] = word;
        text = span_skip(text, end == NULL ? len : len + 1);
    }
    argv[count] = NULL;
    return count;
}

/* What is taken must be usable: only reading files is left out. */
static void
use(struct target *t)
{
    struct wilco_request request = {.topic = "t"};

    if (t->connection.password_file == NULL && !t->connection.password_fd.is_set &&
        connection_prepare(&t->connection) == 0) {
        assert(t->connection.address != NULL);
        assert(connection_server(&t->connection) != NULL);
    }
    if (ask_options_check(&t->ask) == 0) {
        ask_options_apply(&t->ask, &request);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char name[] = "fuzz";
    char *argv[WORDS_MAX + 2] = {name};
    char *owned[WORDS_MAX + 1];
    struct target target = {.ask = {.idempotent = false}};
    size_t word_count = 0;
    int exit_code = -1;
    int count = read_words(owned, span_of(data, size));

    memcpy(argv + 1, owned, ((size_t)count + 1) * sizeof(owned[0]));
    if (options_parse(&command, &target, count + 1, argv, &word_count, &exit_code)) {
        assert(word_count <= command.words_max);
        use(&target);
    } else {
        assert(exit_code >= 0);
    }
    connection_options_fini(&target.connection);
    properties_fini(&target.properties);
    for (int i = 0; i < count; i++) {
        free(owned[i]);
    }
    return 0;
}
