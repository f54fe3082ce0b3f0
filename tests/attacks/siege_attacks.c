#define _GNU_SOURCE

#include "siege.h"
#include "support/bytes.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define KIB       1024ULL
#define MIB       (1024 * KIB)
#define FLOOD_MAX (64 * MIB) /* sent at most, times the scale */
#define MANY      20U
#define CROWD     500U /* connections at once, times the scale */
#define IN_ALL    (1U << 20)

/* What settings allow one client, with what it takes to keep it. */
#define OUTPUT_BYTES (1 * MIB)  /* output_bytes_max */
#define QUEUE_BYTES  (14 * MIB) /* queued_messages_max times a KiB, and what is kept of each */

static void
pause_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

static int
client(struct siege *s, const char *client_id)
{
    int fd = siege_client(s, client_id, 0);

    siege_expect(s, fd >= 0, "a client is let in");
    return fd < 0 ? siege_connect(s) : fd;
}

static void
expect_end(struct siege *s, int fd, int code, const char *what)
{
    siege_expect(s, siege_take_end(fd) == code, what);
    (void)close(fd);
}

/* Whether the broker still answers on this connection; passes over what comes first. */
static bool
is_served(int fd)
{
    uint8_t packet[4096];

    if (!siege_say(fd, "C0 00")) {
        return false;
    }
    for (;;) {
        size_t len = siege_take(fd, packet, sizeof(packet));

        if (len == 0 || packet[0] == 0xD0) {
            return len > 0;
        }
    }
}

/* 256 MiB are announced, in CONNECT, in place of it, and behind it. */
static void
bigpacket(struct siege *s)
{
    for (unsigned i = 0; i < MANY * s->scale; i++) {
        int fd = siege_connect(s);

        (void)siege_say(fd, "10 FF FF FF 7F");
        expect_end(s, fd, 0, "a CONNECT of 256 MiB ends the connection");
        fd = siege_connect(s);
        (void)siege_say(fd, "30 FF FF FF 7F");
        expect_end(s, fd, 0, "a PUBLISH in place of CONNECT ends the connection");
        fd = client(s, "bigpacket");
        (void)siege_say(fd, "30 FF FF FF 7F {'t'} 00 'x'*4000");
        expect_end(s, fd, 0x95, "a PUBLISH of 256 MiB is answered with 0x95");
    }
}

/* Nearly all of the largest packet, by one client. */
static void
halfpacket(struct siege *s)
{
    struct span bytes = bytes_from("30 FC FF 7F {'t'} 00 'x'*2000000");
    int fd = client(s, "halfpacket");

    siege_expect(s, siege_send(fd, bytes), "most of a packet is taken");
    pause_ms(100);
    (void)close(fd);
    bytes_free(bytes);
}

static void
reflect(struct siege *s, const char *client_id, const char *packets)
{
    struct span bytes = bytes_from(packets);
    int fd = client(s, client_id);
    size_t sent = siege_flood(fd, bytes, s->scale * FLOOD_MAX);

    siege_expect(s, sent < s->scale * FLOOD_MAX, "who does not read is not read");
    bytes_free(bytes);
    (void)close(fd);
}

static void
reflect_pings(struct siege *s)
{
    reflect(s, "pings", "(C0 00)*1000");
}

static void
reflect_subscribes(struct siege *s)
{
    reflect(s, "subscribes", "(82 [ 00 01 [ ] ({'a/b'} 00)*200 ])*20");
}

/* PUBACKs, too, are answers. */
static void
reflect_publishes(struct siege *s)
{
    reflect(s, "publishes", "(32 [ {'t'} 00 01 [ ] ])*1000");
}

static void
subscribe(struct siege *s, int fd, const char *filter, unsigned qos)
{
    uint8_t packet[512];

    (void)siege_say(fd, "82 [ 00 01 [ ] {'%s'} %02X ]", filter, qos);
    siege_expect(s, siege_take(fd, packet, sizeof(packet)) > 0, "SUBSCRIBE is answered");
}

/* A subscriber that has stopped reading, and a publisher who has not noticed. */
static void
slow_subscriber(struct siege *s, unsigned qos)
{
    struct span bytes = bytes_from(qos == 0 ? "(30 [ {'slow'} [ ] 'x'*1024 ])*100"
                                            : "(32 [ {'slow'} 00 01 [ ] 'x'*1024 ])*100");
    int slow = client(s, "slow");
    int publisher = client(s, "publisher");

    subscribe(s, slow, "slow", qos);
    for (unsigned i = 0; i < 300 * s->scale; i++) {
        siege_expect(s, siege_send(publisher, bytes), "the publisher is served");
        siege_expect(s, is_served(publisher), "the publisher is answered");
    }
    bytes_free(bytes);
    (void)close(publisher);
    (void)close(slow);
}

static void
slow_qos_0(struct siege *s)
{
    slow_subscriber(s, 0);
}

static void
slow_qos_1(struct siege *s)
{
    slow_subscriber(s, 1);
}

/* The same QoS 2 message again and again: one stored identifier. */
static void
qos2_duplicates(struct siege *s)
{
    struct span bytes = bytes_from("(3C [ {'t'} 00 01 [ ] 'x'*10000 ])*10");
    int fd = client(s, "duplicates");

    for (unsigned i = 0; i < 200 * s->scale; i++) {
        siege_expect(s, siege_send(fd, bytes) && is_served(fd), "duplicates are answered");
    }
    bytes_free(bytes);
    (void)close(fd);
}

static void
qos2_many(struct siege *s)
{
    int fd = client(s, "many");

    for (unsigned id = 1; id <= 1025; id++) {
        (void)siege_say(fd, "34 [ {'t'} %04X [ ] 'x' ]", id);
    }
    expect_end(s, fd, 0x93, "one more than Receive Maximum is answered with 0x93");
}

static uint64_t
cpu_of_connects(struct siege *s, const char *connect, int code)
{
    struct span bytes = bytes_from(connect);
    uint64_t start_us = siege_cpu_us(s->broker);

    for (unsigned i = 0; i < 100 * s->scale; i++) {
        int fd = siege_connect(s);

        (void)siege_send(fd, bytes);
        if (code != 0) {
            expect_end(s, fd, code, "so many User Properties are answered with 0x97");
        } else {
            siege_expect(s, is_served(fd), "one large User Property is taken");
            (void)close(fd);
        }
    }
    bytes_free(bytes);
    return siege_cpu_us(s->broker) - start_us;
}

/* Thousands of small ones cost about what one large one costs (counted in ticks of 10 ms). */
static void
user_properties(struct siege *s)
{
    uint64_t many_us = cpu_of_connects(
        s, "10 [ {'MQTT'} 05 02 00 00 [ (26 {'k'} {'v'})*6000 ] {'userprops'} ]", 0x97);
    uint64_t one_us =
        cpu_of_connects(s, "10 [ {'MQTT'} 05 02 00 00 [ 26 {'k'} {'v'*42000} ] {'userprops'} ]", 0);

    siege_expect(s, many_us <= 3 * one_us + 100000 * s->scale,
                 "6000 User Properties cost no more than three times one as large");
}

/* Ever more filters: the ten-thousand-and-first is refused, and all memory comes back. */
static void
subscriptions(struct siege *s)
{
    uint8_t packet[64];
    int fd = client(s, "subscriptions");
    unsigned granted = 0;

    for (unsigned i = 0; i < 10100; i++) {
        (void)siege_say(fd, "82 [ 00 01 [ ] {'flood/%u'} 00 ]", i);
        if (siege_take(fd, packet, sizeof(packet)) < 6) {
            break;
        }
        granted += packet[5] == 0;
    }
    siege_expect(s, granted == 10000, "10 000 subscriptions are granted and no more");
    (void)close(fd);
}

/* Filters of 60 KB: the account refuses them long before there are ten thousand. */
static void
long_filters(struct siege *s)
{
    uint8_t packet[4096];
    int fd = client(s, "longfilters");
    unsigned granted = 0;

    for (unsigned i = 0; i < 2000; i++) {
        (void)siege_say(fd, "82 [ 00 01 [ ] { '%u'*15000 } 00 ]", 1000 + i);
        if (siege_take(fd, packet, sizeof(packet)) < 6) {
            break;
        }
        granted += packet[5] == 0;
        if (packet[5] != 0) {
            break;
        }
    }
    siege_expect(s, granted > 1000 && granted < 1500, "filters of 60 KB are refused with 0x97");
    (void)close(fd);
}

/* 4096 filters that all match one topic: one copy. */
static void
wildcards(struct siege *s)
{
    uint8_t packet[64];
    int fd = client(s, "wildcards");
    unsigned copies = 0;

    for (unsigned bits = 0; bits < 4096; bits++) {
        char filter[32] = "";

        for (unsigned level = 0; level < 12; level++) {
            filter[2 * level] = (bits >> level & 1) != 0 ? '+' : 'a';
            filter[2 * level + 1] = '/';
        }
        filter[23] = '\0';
        (void)siege_say(fd, "82 [ 00 01 [ ] {'%s'} 00 ]", filter);
        (void)siege_take(fd, packet, sizeof(packet));
    }
    for (unsigned i = 0; i < 100 * s->scale; i++) {
        (void)siege_say(fd, "30 [ {'a/a/a/a/a/a/a/a/a/a/a/a'} [ ] 'x' ] C0 00");
        while (siege_take(fd, packet, sizeof(packet)) > 0 && packet[0] != 0xD0) {
            copies++;
        }
    }
    siege_expect(s, copies == 100 * s->scale, "one copy of each message");
    (void)close(fd);
}

static void
retained(struct siege *s)
{
    int fd = client(s, "retained");

    for (unsigned clear = 0; clear < 2; clear++) {
        for (unsigned i = 0; i < 20000 * s->scale; i++) {
            (void)siege_say(fd,
                            clear != 0 ? "31 [ {'retained/%u'} [ ] ]"
                                       : "31 [ {'retained/%u'} [ ] 'x'*100 ]",
                            i);
        }
        siege_expect(s, is_served(fd), "retained messages are taken");
    }
    (void)close(fd);
}

static void
aliases(struct siege *s)
{
    for (unsigned i = 0; i < MANY * s->scale; i++) {
        int fd = client(s, "aliases");

        for (unsigned alias = 1; alias <= 4; alias++) {
            (void)siege_say(fd, "30 [ { 'a'*60000 } [ 23 %04X ] ]", alias);
        }
        expect_end(s, fd, 0x97, "aliases for 240 KB of topics are answered with 0x97");
    }
}

/* Connections that say nothing; the broker was told to wait for half a second. */
static void
half_open(struct siege *s)
{
    unsigned count = CROWD * s->scale;
    int *fds = calloc(count, sizeof(*fds));
    unsigned closed = 0;

    for (unsigned i = 0; fds != NULL && i < count; i++) {
        fds[i] = siege_connect(s);
    }
    for (unsigned i = 0; fds != NULL && i < count; i++) {
        closed += siege_take_end(fds[i]) == 0;
        (void)close(fds[i]);
    }
    siege_expect(s, closed == count, "who says nothing is closed");
    free(fds);
}

/* Byte by byte: a CONNECT, and a packet behind one. */
static void
trickle(struct siege *s)
{
    int first[MANY];
    int later[MANY];

    for (unsigned i = 0; i < MANY; i++) {
        char client_id[32];

        (void)snprintf(client_id, sizeof(client_id), "trickle-%u", i);
        first[i] = siege_connect(s);
        later[i] = client(s, client_id);
        (void)siege_say(first[i], "10 7F");
        (void)siege_say(later[i], "30 7F");
    }
    for (unsigned k = 0; k < 60; k++) { /* both deadlines are 500 ms here */
        for (unsigned i = 0; i < MANY; i++) {
            (void)siege_say(first[i], "00");
            (void)siege_say(later[i], "00");
        }
        pause_ms(10);
    }
    for (unsigned i = 0; i < MANY; i++) {
        siege_expect(s, siege_take_end(first[i]) >= 0, "a CONNECT that trickles ends");
        siege_expect(s, siege_take_end(later[i]) >= 0, "a packet that trickles ends");
        (void)close(first[i]);
        (void)close(later[i]);
    }
}

/* Sessions that are to last, one after the other. */
static void
sessions(struct siege *s)
{
    for (unsigned i = 0; i < 2000 * s->scale; i++) {
        char client_id[32];
        int fd = -1;

        (void)snprintf(client_id, sizeof(client_id), "session-%u", i);
        fd = siege_client(s, client_id, 1);
        siege_expect(s, fd >= 0, "a session is made");
        (void)close(fd);
    }
}

static void
takeover(struct siege *s)
{
    int old = client(s, "takeover");

    for (unsigned i = 0; i < 1000 * s->scale; i++) {
        int fresh = client(s, "takeover");

        expect_end(s, old, 0x8E, "who is taken over is told so with 0x8E");
        old = fresh;
    }
    (void)close(old);
}

/* As many levels as there can be, and as many as are allowed. */
static void
deep(struct siege *s)
{
    uint8_t packet[512];
    int fd = client(s, "deep");

    for (unsigned i = 0; i < 50 * s->scale; i++) {
        (void)siege_say(fd, "32 [ { '/'*65535 } 00 01 [ ] ]");
        siege_expect(s, siege_take(fd, packet, sizeof(packet)) > 4 && packet[4] == 0x90,
                     "65 536 levels are answered with 0x90");
        (void)siege_say(fd, "82 [ 00 01 [ ] { '+/'*32767 } 00 ]");
        siege_expect(s, siege_take(fd, packet, sizeof(packet)) > 5, "SUBSCRIBE is answered");
        (void)siege_say(fd, "33 [ { 'a/'*126 '%u' } 00 01 [ ] 'x' ]", i);
        siege_expect(s, siege_take(fd, packet, sizeof(packet)) > 0, "127 levels are taken");
    }
    for (unsigned i = 0; i < 50 * s->scale; i++) {
        (void)siege_say(fd, "31 [ { 'a/'*126 '%u' } [ ] ]", i);
    }
    siege_expect(s, is_served(fd), "the broker goes on");
    (void)close(fd);
}

static void
storm(struct siege *s)
{
    for (unsigned i = 0; i < 1000 * s->scale; i++) {
        char client_id[32];

        (void)snprintf(client_id, sizeof(client_id), "storm-%u", i);
        (void)close(client(s, client_id));
    }
}

/* Guesses at a password, all at once. What has not been looked at in time is refused too. */
static void
wrong_passwords(struct siege *s)
{
    unsigned count = 50 * s->scale;
    int *fds = calloc(count, sizeof(*fds));
    unsigned refused = 0;

    for (unsigned i = 0; fds != NULL && i < count; i++) {
        fds[i] = siege_connect(s);
        (void)siege_say(fds[i], "10 [ {'MQTT'} 05 C2 00 00 00 {'guess-%u'} {'ann'} {'guess %u'} ]",
                        i, i);
    }
    for (unsigned i = 0; fds != NULL && i < count; i++) {
        refused += siege_take_end(fds[i]) >= 0;
        (void)close(fds[i]);
    }
    siege_expect(s, refused == count, "no guess lets in");
    free(fds);
}

/* Everything that is wrong, as fast as it goes: what is logged of it has a bound. */
static void
offences(struct siege *s)
{
    for (unsigned i = 0; i < 500 * s->scale; i++) {
        int fd = client(s, "offences");

        (void)siege_say(fd, "36 [ {'t'} 00 01 [ ] ]");
        expect_end(s, fd, 0x81, "QoS 3 is answered with 0x81");
        fd = siege_connect(s);
        (void)siege_say(fd, "10 [ {'MQTT'} 06 02 00 00 00 {'f'} ]");
        expect_end(s, fd, 0x84, "MQTT 6 is answered with 0x84");
    }
}

const struct siege_attack *
siege_attacks(void)
{
    static const struct siege_attack attacks[] = {
        {"bigpacket", bigpacket, 1 * MIB},
        {"halfpacket", halfpacket, 2 * 2 * MIB},
        {"reflect-pings", reflect_pings, OUTPUT_BYTES + 1 * MIB},
        {"reflect-subscribes", reflect_subscribes, OUTPUT_BYTES + 1 * MIB},
        {"reflect-publishes", reflect_publishes, OUTPUT_BYTES + 1 * MIB},
        {"slow-qos-0", slow_qos_0, OUTPUT_BYTES + 2 * MIB},
        {"slow-qos-1", slow_qos_1, QUEUE_BYTES + OUTPUT_BYTES + 2 * MIB},
        {"qos2-duplicates", qos2_duplicates, 1 * MIB},
        {"qos2-many", qos2_many, 1 * MIB},
        {"user-properties", user_properties, 1 * MIB},
        {"subscriptions", subscriptions, 10000 * 200 + 1 * MIB},
        {"long-filters", long_filters, 80 * MIB + 2 * MIB},
        {"wildcards", wildcards, 4 * MIB},
        {"retained", retained, 0},
        {"aliases", aliases, 3 * MIB},
        {"half-open", half_open, 0},
        {"trickle", trickle, 1 * MIB},
        {"sessions", sessions, 0},
        {"takeover", takeover, 1 * MIB},
        {"deep", deep, 4 * MIB},
        {"storm", storm, 1 * MIB},
        {"offences", offences, 2 * MIB},
        {"wrong-passwords", wrong_passwords, 0}, /* last: some are still looked at behind it */
        {.name = NULL},
    };

    return attacks;
}
