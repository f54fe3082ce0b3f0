/* Random valid clients over real sockets against a broker in this process, in rounds. Each round
 * lives for a while, comes to rest, and then checks: what the model says is due has arrived, QoS 2
 * once, in order; the broker's counters agree with what went over the wire; with all sessions
 * ended, the broker's memory and the process's descriptors are back where they were. The choices of
 * a round follow from its seed; how threads take turns does not.
 *
 *     soak SECONDS [SHARDS [SEED]] */
#define _POSIX_C_SOURCE 200809L

#include "base/clock.h"
#include "broker/server/server.h"
#include "person.h"
#include "support/counting_alloc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    STEPS = 4000,
    STEPS_A_PUMP = 6,
    PATIENCE_MS = 60000,
    CALM_EVERY = 4,        /* rounds */
    MADE_WHEN_NEEDED = 16, /* small blocks, once in a shard */
    POOL_CHUNKS = 256,     /* large blocks that a shard keeps for later */
};

struct world {
    struct soak soak;
    struct counting_alloc memory;
    struct server *server;
    struct line witness; /* somebody who is always there */
    struct model model;
    struct traffic traffic;
    struct person people[PEOPLE];
    unsigned rounds;
    uint64_t messages;
    unsigned shards;
    size_t small; /* blocks of a broker with nobody but the witness */
    size_t large;
    size_t descriptors;
};

static size_t
count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;

    SOAK_CHECK(folder != NULL);
    while (readdir(folder) != NULL) {
        count++;
    }
    SOAK_CHECK(closedir(folder) == 0);
    return count;
}

static void
start_server(struct world *w, unsigned shards)
{
    static const char *const listen[] = {"mqtt://127.0.0.1:0"};
    struct server_config config = {
        .listen = listen,
        .listen_count = 1,
        .shard_count = shards,
        .settings = settings_default(),
        .alloc = &w->memory.alloc,
    };
    char reason[SERVER_REASON_BYTES] = "";

    config.settings.sys_interval_s = 0; /* what $SYS says is kept, and comes when it likes */
    counting_alloc_init(&w->memory);
    SOAK_CHECK(server_start(&w->server, &config, reason) == WILCO_OK);
    w->soak.address = *server_address(w->server, 0);
}

/* The witness. */

static void
ask_witness(struct world *w, const struct wire_any *question, enum wire_type answer)
{
    struct wire_any packet;

    line_send(&w->witness, question);
    SOAK_CHECK(line_wait(&w->witness, &packet) && packet.type == answer);
}

static void
call_witness(struct world *w)
{
    const struct wire_any packet = {.type = WIRE_CONNECT,
                                    .as.connect = {.version = WIRE_V5,
                                                   .clean_start = true,
                                                   .client_id = SPAN_LITERAL("witness")}};

    line_open(&w->witness, &w->soak.address, WIRE_V5);
    ask_witness(w, &packet, WIRE_CONNACK);
}

/* Subscribes to all retained topics, hears no more than one message of each, and clears them. */
static void
check_retained(struct world *w)
{
    const struct wire_subscription how = {.filter = SPAN_LITERAL("r/+")};
    struct wire_any packet = {
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = 1, .count = 1, .subscriptions = &how},
    };
    unsigned count = 0;

    ask_witness(w, &packet, WIRE_SUBACK);
    packet = (struct wire_any){.type = WIRE_UNSUBSCRIBE};
    packet.as.unsubscribe =
        (struct wire_unsubscribe){.packet_id = 1, .count = 1, .filters = &how.filter};
    line_send(&w->witness, &packet);
    while (line_wait(&w->witness, &packet) && packet.type == WIRE_PUBLISH) {
        model_check_retained(&w->model, &packet.as.publish);
        w->traffic.publish_got++;
        count++;
    }
    SOAK_CHECK(packet.type == WIRE_UNSUBACK);
    SOAK_CHECK(count <= RETAINED_TOPICS && count >= model_retained_count(&w->model));
}

static void
clear_retained(struct world *w)
{
    for (unsigned i = FIRST_RETAINED; i < FIRST_RETAINED + RETAINED_TOPICS; i++) {
        const struct wire_any packet = {
            .type = WIRE_PUBLISH,
            .as.publish = {
                .qos = 1, .retain = true, .packet_id = 1, .topic = span_of_text(topic_names[i])}};

        ask_witness(w, &packet, WIRE_PUBACK);
    }
}

/* A round. */

static void
pump_all(struct world *w, bool all)
{
    for (unsigned i = 0; i < PEOPLE; i++) {
        person_pump(&w->people[i], all);
    }
}

static void
live(struct world *w)
{
    for (unsigned i = 0; i < STEPS; i++) {
        person_step(&w->people[soak_pick(&w->soak, PEOPLE)]);
        if (i % STEPS_A_PUMP == 0) {
            pump_all(w, false);
        }
    }
}

static void
wait_for_any(struct world *w)
{
    struct line *lines[PEOPLE];
    size_t count = 0;

    for (unsigned i = 0; i < PEOPLE; i++) {
        if (w->people[i].state != PERSON_AWAY) {
            lines[count++] = &w->people[i].line;
        }
    }
    (void)lines_wait(lines, count, 100);
}

static bool
all_settled(struct world *w)
{
    bool settled = true;

    for (unsigned i = 0; i < PEOPLE; i++) {
        person_settle(&w->people[i]);
        settled = settled && person_is_settled(&w->people[i]);
    }
    return settled;
}

static void
settle(struct world *w)
{
    uint64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;

    while (!all_settled(w) || !model_is_fulfilled(&w->model, false)) {
        if (clock_monotonic_ms() > until_ms) {
            SOAK_CHECK(all_settled(w));
            (void)model_is_fulfilled(&w->model, true);
        }
        wait_for_any(w);
        pump_all(w, true);
    }
}

/* Until all have finished and got what is due to them; and then until nobody has got anything while
 * the broker said three times that it had read everything: what clients have sent, what shards have
 * sent each other, what clients get of that. What is not due must not come either. */
static void
come_to_rest(struct world *w)
{
    unsigned quiet = 0;

    settle(w);
    while (quiet < 3) {
        uint64_t got = w->traffic.publish_got;

        for (unsigned i = 0; i < PEOPLE; i++) {
            person_ping(&w->people[i]);
        }
        settle(w);
        quiet = got == w->traffic.publish_got ? quiet + 1 : 0;
    }
}

static void
check_counters(struct world *w, const struct stats *before)
{
    const struct stats now = server_stats(w->server);
    const struct traffic *t = &w->traffic;
    uint64_t received = now.publish_received - before->publish_received;
    uint64_t sent = now.publish_sent - before->publish_sent;
    uint64_t connections = now.connections - before->connections;

    SOAK_CHECK(t->publish_done <= received && received <= t->publish_sent);
    SOAK_CHECK(t->publish_got <= sent);
    SOAK_CHECK(connections == t->connacks);
    if (t->is_calm) {
        SOAK_CHECK(received == t->publish_sent);
        SOAK_CHECK(sent == t->publish_got);
    }
    SOAK_CHECK(now.connects_refused == 0 && now.protocol_errors == 0);
    SOAK_CHECK(now.dropped_queue_full == 0 && now.dropped_too_large == 0);
    SOAK_CHECK(now.dropped_expired == 0 && now.dropped_no_memory == 0);
    SOAK_CHECK(now.refused_retained_full == 0 && now.sessions_expired == 0);
}

static bool
has_more_than_before(struct world *w)
{
    return w->memory.small > w->small + w->shards * MADE_WHEN_NEEDED ||
           w->memory.large > w->large + w->shards * POOL_CHUNKS ||
           count_descriptors() > w->descriptors;
}

/* As soon as the broker has had time to clean up. */
static void
check_leftovers(struct world *w)
{
    const struct wire_any ping = {.type = WIRE_PINGREQ};
    uint64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;

    while (has_more_than_before(w)) {
        if (clock_monotonic_ms() > until_ms) {
            (void)fprintf(
                stderr,
                "soak: %zu small and %zu large blocks, %zu descriptors; were %zu, %zu, %zu\n",
                w->memory.small, w->memory.large, count_descriptors(), w->small, w->large,
                w->descriptors);
            SOAK_CHECK(!has_more_than_before(w));
        }
        ask_witness(w, &ping, WIRE_PINGRESP);
    }
}

static void
play_round(struct world *w, uint64_t seed, unsigned shards)
{
    const struct stats before = server_stats(w->server);

    soak_name(seed, shards);
    random_seeded_init(&w->soak.random, seed);
    w->soak.now = 0;
    model_init(&w->model, &w->soak, seed);
    w->traffic = (struct traffic){.is_calm = seed % CALM_EVERY == 0};
    for (unsigned i = 0; i < PEOPLE; i++) {
        person_init(&w->people[i], i, &w->model, &w->traffic);
    }
    live(w);
    come_to_rest(w);
    check_retained(w);
    check_counters(w, &before);
    for (unsigned i = 0; i < PEOPLE; i++) {
        person_end(&w->people[i]);
    }
    clear_retained(w);
    check_leftovers(w);
    w->messages += w->model.message_count;
    w->rounds++;
}

static void
play(double seconds, unsigned shards, uint64_t seed)
{
    static struct world world;
    struct world *w = &world;
    size_t descriptors = count_descriptors();
    uint64_t start_ms = clock_monotonic_ms();

    start_server(w, shards);
    call_witness(w);
    w->shards = shards;
    w->small = w->memory.small;
    w->large = w->memory.large;
    w->descriptors = count_descriptors();
    do {
        play_round(w, seed + w->rounds, shards);
    } while ((double)(clock_monotonic_ms() - start_ms) < seconds * 1000.0);
    line_close(&w->witness);
    server_stop(w->server);
    SOAK_CHECK(w->memory.bytes == 0);
    SOAK_CHECK(count_descriptors() == descriptors);
    printf("%u shards: %u rounds from seed %llu, %llu messages, %.1f s\n", shards, w->rounds,
           (unsigned long long)seed, (unsigned long long)w->messages,
           (double)(clock_monotonic_ms() - start_ms) / 1000.0);
    memset(w, 0, sizeof(*w));
}

int
main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 5.0;
    unsigned shards = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (shards > 0) {
        play(seconds, shards, seed);
    } else { /* half of the time each */
        play(seconds / 2, 1, seed);
        play(seconds / 2, 4, seed);
    }
    return 0;
}
