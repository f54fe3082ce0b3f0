#define _POSIX_C_SOURCE 200809L

#include "stage.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PACKETS_DEFAULT 20000U
#define TELL_EVERY_S    10

/* Known to the sanitizers' runtime, where there is one. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static struct stage stage;
static uint64_t seed_at_hand;

static void
say_where(void)
{
    if (seed_at_hand != 0) {
        (void)fprintf(stderr, "mutate: again: MUTATE_PACKETS=1 MUTATE_SEED=%llu mutate\n",
                      (unsigned long long)seed_at_hand);
        seed_at_hand = 0;
    }
}

static void
aborted(int signal_number)
{
    (void)signal_number;
    say_where();
}

static uint64_t
number_from(const char *name, uint64_t standard)
{
    const char *text = getenv(name);
    char *end = NULL;
    uint64_t value = text == NULL ? standard : strtoull(text, &end, 10);

    if (text != NULL && (end == text || *end != '\0' || value == 0)) {
        (void)fprintf(stderr, "mutate: %s is no number above 0: %s\n", name, text);
        exit(2);
    }
    return value;
}

static void
tell(time_t started)
{
    (void)printf("%llu spoiled packets of %llu on %llu connections, %llu requests of the probe "
                 "answered, %lld s\n",
                 (unsigned long long)stage.spoiled, (unsigned long long)stage.packets,
                 (unsigned long long)stage.connections, (unsigned long long)stage.probes,
                 (long long)(time(NULL) - started));
    (void)fflush(stdout);
}

/* MUTATE_PACKETS=n MUTATE_SEED=n mutate */
int
main(void)
{
    struct sigaction action = {.sa_handler = aborted};
    uint64_t packets = number_from("MUTATE_PACKETS", PACKETS_DEFAULT);
    uint64_t seed = number_from("MUTATE_SEED", 1);
    time_t started = time(NULL);
    time_t told = started;

    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGABRT, &action, NULL);
    (void)atexit(say_where);
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(say_where);
    }
    while (stage.spoiled < packets) {
        seed_at_hand = seed++;
        stage_run(&stage, seed_at_hand);
        if (time(NULL) - told >= TELL_EVERY_S) {
            told = time(NULL);
            tell(started);
        }
    }
    seed_at_hand = 0;
    tell(started);
    return 0;
}
