#define _GNU_SOURCE

#include "base/clock.h"
#include "siege.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Buckets of 10 us; what takes longer than all of them is in the last. */
#define BUCKET_US 10U
#define BUCKETS   100000U
#define PAUSE_US  1000

struct siege_probe {
    const struct siege *siege;
    pthread_t thread;
    atomic_bool is_over;
    int requester;
    int responder;
    struct siege_figures figures;
    uint64_t buckets[BUCKETS];
};

static void
fail(const char *what)
{
    (void)fprintf(stderr, "siege: the probe %s\n", what);
    exit(1);
}

static void
take_publish(int fd)
{
    uint8_t packet[512];
    size_t len = 0;

    do {
        len = siege_take(fd, packet, sizeof(packet));
        if (len == 0) {
            fail("was not served");
        }
    } while (packet[0] >> 4 != 3);
}

/* A request on its way there, and its answer on its way back. */
static void
ask(struct siege_probe *p, unsigned number)
{
    uint64_t start_ns = clock_monotonic_ns();
    uint64_t took_us = 0;
    size_t bucket = 0;

    (void)siege_say(p->requester, "30 [ {'probe/q'} [ 08 {'probe/a'} 09 {'%08u'} ] 'q' ]", number);
    take_publish(p->responder);
    (void)siege_say(p->responder, "30 [ {'probe/a'} [ 09 {'%08u'} ] 'a' ]", number);
    take_publish(p->requester);
    took_us = (clock_monotonic_ns() - start_ns) / 1000;
    bucket = took_us / BUCKET_US;
    p->buckets[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    p->figures.count++;
    if (took_us > p->figures.worst_us) {
        p->figures.worst_us = took_us;
    }
}

static void *
run(void *argument)
{
    const struct timespec pause = {.tv_nsec = PAUSE_US * 1000};
    struct siege_probe *p = argument;

    for (unsigned number = 0; !atomic_load(&p->is_over); number++) {
        uint64_t resident = siege_resident_bytes(p->siege->broker);

        if (resident > p->figures.resident_bytes_max) {
            p->figures.resident_bytes_max = resident;
        }
        ask(p, number % 100000000);
        (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

static int
join(const struct siege *s, const char *client_id, const char *topic)
{
    uint8_t packet[512];
    int fd = siege_client(s, client_id, 0);

    if (fd < 0 || !siege_say(fd, "82 [ 00 01 [ ] {'%s'} 00 ]", topic) ||
        siege_take(fd, packet, sizeof(packet)) == 0) {
        fail("cannot subscribe");
    }
    return fd;
}

struct siege_probe *
siege_probe_start(const struct siege *s)
{
    struct siege_probe *p = calloc(1, sizeof(*p));

    if (p == NULL) {
        fail("has no memory");
        return NULL;
    }
    p->siege = s;
    p->responder = join(s, "probe-responder", "probe/q");
    p->requester = join(s, "probe-requester", "probe/a");
    for (unsigned i = 0; i < 10; i++) {
        ask(p, i);
    }
    memset(p->buckets, 0, sizeof(p->buckets));
    p->figures = (struct siege_figures){.count = 0};
    if (pthread_create(&p->thread, NULL, run, p) != 0) {
        fail("has no thread");
    }
    return p;
}

struct siege_figures
siege_probe_stop(struct siege_probe *p)
{
    struct siege_figures figures;
    uint64_t sum = 0;

    atomic_store(&p->is_over, true);
    (void)pthread_join(p->thread, NULL);
    figures = p->figures;
    for (size_t i = 0; i < BUCKETS && sum * 100 < figures.count * 99; i++) {
        sum += p->buckets[i];
        figures.p99_us = (i + 1) * BUCKET_US;
    }
    (void)close(p->requester);
    (void)close(p->responder);
    free(p);
    return figures;
}
