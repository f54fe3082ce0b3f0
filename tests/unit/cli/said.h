#ifndef WILCO_TESTS_UNIT_CLI_SAID_H
#define WILCO_TESTS_UNIT_CLI_SAID_H

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

/* What a function says on a standard stream: begin, call it, end. Needs _POSIX_C_SOURCE. */
struct said {
    FILE *stream, *kept;
    int original;
    char text[8192];
};

static inline void
said_begin(struct said *s, FILE *stream)
{
    *s = (struct said){.stream = stream, .kept = tmpfile(), .original = -1};
    assert(s->kept != NULL);
    (void)fflush(stream);
    s->original = dup(fileno(stream));
    assert(s->original >= 0);
    assert(dup2(fileno(s->kept), fileno(stream)) >= 0);
}

static inline const char *
said_end(struct said *s)
{
    size_t len;

    (void)fflush(s->stream);
    assert(dup2(s->original, fileno(s->stream)) >= 0);
    (void)close(s->original);
    rewind(s->kept);
    len = fread(s->text, 1, sizeof(s->text) - 1, s->kept);
    s->text[len] = '\0';
    (void)fclose(s->kept);
    return s->text;
}

#endif
