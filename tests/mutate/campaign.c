#define _POSIX_C_SOURCE 200809L

#include "campaign.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    TELL_EVERY_S = 10,
    RUN_S_MAX = 120, /* then it hangs */
};

/* Known to the sanitizers' runtime, where there is one. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static const struct campaign *present;
static uint64_t seed_at_hand; /* 0: none */

static void
say_where(void)
{
    if (seed_at_hand != 0) {
        (void)fprintf(stderr, "%s: again: %s=1 %s=%llu %s\n", present->program, present->count_name,
                      present->seed_name, (unsigned long long)seed_at_hand, present->program);
        seed_at_hand = 0;
    }
}

static void
died(int signal_number)
{
    say_where();
    if (signal_number == SIGALRM) {
        (void)fputs("it hangs\n", stderr);
        abort();
    }
}

static uint64_t
number_from(const char *name, uint64_t standard)
{
    const char *text = getenv(name);
    char *end = NULL;
    uint64_t value = text == NULL ? standard : strtoull(text, &end, 10);

    if (text != NULL && (end == text || *end != '\0' || value == 0)) {
        (void)fprintf(stderr, "%s is no number above 0: %s\n", name, text);
        exit(2);
    }
    return value;
}

static void
tell(time_t started)
{
    present->tell();
    (void)printf(", %lld s\n", (long long)(time(NULL) - started));
    (void)fflush(stdout);
}

int
campaign_main(const struct campaign *c)
{
    struct sigaction action = {.sa_handler = died};
    uint64_t count = number_from(c->count_name, c->count);
    uint64_t seed = number_from(c->seed_name, 1);
    time_t started = time(NULL);
    time_t told = started;

    present = c;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGABRT, &action, NULL);
    (void)sigaction(SIGALRM, &action, NULL);
    (void)atexit(say_where);
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(say_where);
    }
    while (c->done() < count) {
        seed_at_hand = seed++;
        (void)alarm(RUN_S_MAX);
        c->run(seed_at_hand);
        if (time(NULL) - told >= TELL_EVERY_S) {
            told = time(NULL);
            tell(started);
        }
    }
    seed_at_hand = 0;
    (void)alarm(0);
    tell(started);
    return 0;
}
