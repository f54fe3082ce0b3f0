#define _POSIX_C_SOURCE 200809L

#include "cli/bench/progress.h"

#include "cli/bench/figure.h"
#include "cli/say.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_SECONDS 5.0
#define BAR_CHARS    24

struct progress
progress_init(const struct load_options *o, bool is_quiet, bool is_verbose)
{
    bool is_terminal = isatty(STDERR_FILENO) == 1;

    return (struct progress){
        .options = o,
        .is_terminal = is_terminal && !is_quiet,
        .has_lines = is_verbose && !is_terminal,
    };
}

/* Connections are counted, everything else has its time. */
static double
done(const struct progress *p, double at)
{
    const struct load_options *o = p->options;
    bool is_counted = strcmp(o->mode, "connect") == 0;
    double part = is_counted ? (double)p->count / o->connections : at / o->seconds;

    return part < 1 ? part : 1;
}

static void
write_bar(const struct progress *p, const struct load_moment *m)
{
    static const char full[] = "########################";
    int chars = (int)(done(p, m->at) * BAR_CHARS);

    (void)fprintf(stderr, "\r[%-*.*s] %s  %s per second  p99 %s\033[K", BAR_CHARS, chars, full,
                  figure_seconds(m->at).text, figure_rough((double)m->count / m->seconds).text,
                  figure_us(m->p99_us).text);
    (void)fflush(stderr);
}

void
progress_add(struct progress *p, const struct load_moment *m)
{
    p->count += m->count;
    if (p->is_terminal) {
        write_bar(p, m);
    } else if (p->has_lines && m->at >= p->said_at + LINE_SECONDS) {
        p->said_at = m->at;
        say_note("%s: %s per second, p99 %s", figure_seconds(m->at).text,
                 figure_rough((double)m->count / m->seconds).text, figure_us(m->p99_us).text);
    }
}

void
progress_fini(struct progress *p)
{
    if (p->is_terminal) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
    }
}
