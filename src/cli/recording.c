#define _POSIX_C_SOURCE 200809L

#include "cli/recording.h"

#include "cli/exit_code.h"
#include "cli/memory.h"
#include "cli/say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
add_line(struct recording *r, struct wilco_bytes line)
{
    struct exchange e;

    if (!exchange_read(&e, line)) {
        return false;
    }
    if (e.id <= (r->count == 0 ? 0 : r->all[r->count - 1].id)) {
        exchange_fini(&e);
        return false;
    }
    if (r->count % 1024 == 0) {
        r->all = memory_grow(r->all, r->count + 1024, sizeof(*r->all));
    }
    r->all[r->count++] = e;
    return true;
}

static int
read_lines(struct recording *r, FILE *in, const char *name)
{
    char *line = NULL;
    size_t capacity = 0, number = 0;
    int exit_code = EXIT_CODE_OK;
    ssize_t len;

    errno = 0;
    while (exit_code == EXIT_CODE_OK && (len = getline(&line, &capacity, in)) >= 0) {
        number++;
        if (!add_line(r, (struct wilco_bytes){line, (size_t)len})) {
            say("%s:%zu: this is no line of a recording, or its id does not follow", name, number);
            exit_code = EXIT_CODE_USAGE;
        }
    }
    if (exit_code == EXIT_CODE_OK && ferror(in)) {
        say("cannot read %s: %s", name, say_errno(errno).text);
        exit_code = EXIT_CODE_USAGE;
    }
    free(line);
    return exit_code;
}

static int
compare_ids(const void *key, const void *element)
{
    const uint64_t *id = key;
    const struct exchange *e = element;

    return *id < e->id ? -1 : *id > e->id;
}

static void
find_answers(struct recording *r)
{
    r->answers = memory_get(r->count, sizeof(*r->answers));
    for (size_t i = 0; i < r->count; i++) {
        const struct exchange *e = &r->all[i], *request;

        if (e->response_to == 0 || e->message.is_part) {
            continue;
        }
        request = bsearch(&e->response_to, r->all, r->count, sizeof(*r->all), compare_ids);
        if (request != NULL && r->answers[request - r->all] == 0) {
            r->answers[request - r->all] = i + 1;
        }
    }
}

int
recording_load(struct recording *r, const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *in = is_stdin ? stdin : fopen(path, "r");
    int exit_code;

    *r = (struct recording){0};
    if (in == NULL) {
        say("cannot read %s: %s", path, say_errno(errno).text);
        return EXIT_CODE_USAGE;
    }
    exit_code = read_lines(r, in, is_stdin ? "standard input" : path);
    if (!is_stdin) {
        (void)fclose(in);
    }
    find_answers(r);
    return exit_code;
}

void
recording_fini(struct recording *r)
{
    for (size_t i = 0; i < r->count; i++) {
        exchange_fini(&r->all[i]);
    }
    free(r->all);
    free(r->answers);
    *r = (struct recording){0};
}

const struct exchange *
recording_answer(const struct recording *r, size_t i)
{
    return r->answers[i] == 0 ? NULL : &r->all[r->answers[i] - 1];
}
