#ifndef WILCO_BROKER_CORE_STATS_H
#define WILCO_BROKER_CORE_STATS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* What a shard counts, from its start. One row a counter: X(name, "what"). Each row is a topic
 * under $SYS/broker/counters/ (sys.h) by itself, with its line in docs/sys.md, and a key of the log
 * line `stopped`. Those that begin with dropped_ add up to $SYS/broker/publish/messages/dropped. */
#define STATS(X)                                                                                   \
    X(connections, "connections accepted into a session")                                          \
    X(connects_refused, "CONNECT packets refused")                                                 \
    X(logins_failed, "of these, those that the authentication did not let in")                     \
    X(publish_received, "PUBLISH packets received")                                                \
    X(publish_sent, "PUBLISH packets sent")                                                        \
    X(publish_unmatched, "messages that no subscription wanted")                                   \
    X(publish_refused, "messages of clients refused, at any QoS")                                  \
    X(subscribe_refused, "filters in SUBSCRIBE packets refused")                                   \
    X(access_denied, "messages and filters refused, and wills withheld: they are not permitted")   \
    X(deliveries_denied, "messages withheld from sessions that may not receive them")              \
    X(retained_denied, "retained messages withheld: their publisher may not publish there now")    \
    X(dropped_output_full, "QoS 0 messages dropped: too many bytes wait for the client")           \
    X(dropped_queue_full, "QoS 1 and 2 messages dropped: the session's queue is full")             \
    X(dropped_too_large, "messages dropped: above the client's Maximum Packet Size")               \
    X(dropped_expired, "messages dropped: their expiry passed")                                    \
    X(refused_retained_full, "messages refused: no more can be retained")                          \
    X(dropped_no_memory, "messages dropped: out of memory")                                        \
    X(passed_on, "messages of a group given to another member, because theirs was lost")           \
    X(protocol_errors, "connections ended by malformed packets or protocol errors")                \
    X(sessions_expired, "sessions that ended because nobody came back in time")                    \
    X(connect_timeouts, "connections ended because no whole CONNECT came in time")                 \
    X(sockets, "network connections accepted")                                                     \
    X(sockets_refused, "network connections closed at once: there were too many")                  \
    X(bytes_received, "bytes received")                                                            \
    X(bytes_sent, "bytes sent")                                                                    \
    X(publish_bytes_received, "bytes of payload received in PUBLISH packets")                      \
    X(publish_bytes_sent, "bytes of payload sent in PUBLISH packets")

/* The same of requests (MQTT 5.0, 4.10). Each row is a topic under $SYS/rr/, and a field rr_<name>
 * of struct stats. */
#define REQUEST_STATS(X)                                                                           \
    X(requests, "messages with a Response Topic that clients have published")                      \
    X(answered, "requests answered: their last or only response has come")                         \
    X(no_responder, "requests that nobody had subscribed to")                                      \
    X(offline, "requests for which no responder was connected")                                    \
    X(refused, "requests refused: Response Topic, identity, User Properties or quota")             \
    X(not_taken, "requests that their responder could not be given, or declined")                  \
    X(lost, "requests whose responder was lost")                                                   \
    X(timed_out, "requests whose deadline passed")                                                 \
    X(cancelled, "requests that their requester cancelled")                                        \
    X(response_lost, "responses that could not be given to the requester")                         \
    X(untracked, "requests passed on without being tracked: there are too many")                   \
    X(passed_on, "idempotent requests given to another member of a group, theirs being lost")      \
    X(left_out, "times that a member of a group was left out: it did not answer")                  \
    X(responses_second, "responses to an inbox refused: there was one before")                     \
    X(responses_late, "responses to an inbox refused: the request had ended without one")          \
    X(responses_unknown, "messages to an inbox refused: its client was not asked this")            \
    X(statuses, "status responses sent")                                                           \
    X(ops, "words about requests (rr-op) that clients have published")                             \
    X(ops_not_taken, "words about requests whose responder has not said that it takes them")       \
    X(traces, "traces of requests sent")

/* What there is now. Each is changed by the shard that has it, so none is ever below 0. */
#define GAUGES(X)                                                                                  \
    X(subscriptions, "subscriptions, without the shared ones")                                     \
    X(shared_subscriptions, "subscriptions that are a member of a group")                          \
    X(inflight, "QoS 1 and 2 messages sent and not yet completely acknowledged")                   \
    X(held, "messages kept in sessions")                                                           \
    X(held_bytes, "packet bytes of the messages kept in sessions")                                 \
    X(rr_in_flight, "requests that responders have and have not answered")                         \
    X(rr_in_flight_bytes, "packet bytes of these requests")

#define STATS_PACKET_TYPES 16 /* by enum wire_type */
#define STATS_REASONS      64 /* reason codes from 0x80 on */

struct stats {
#define STATS_FIELD(name, what) uint64_t name;
    STATS(STATS_FIELD)
    GAUGES(STATS_FIELD)
#undef STATS_FIELD
#define REQUEST_STATS_FIELD(name, what) uint64_t rr_##name;
    REQUEST_STATS(REQUEST_STATS_FIELD)
#undef REQUEST_STATS_FIELD
    uint64_t received[STATS_PACKET_TYPES]; /* packets */
    uint64_t sent[STATS_PACKET_TYPES];
    /* Connections, messages and subscriptions refused or ended, and connections that the broker
     * ended for other reasons, by the reason code that says why. */
    uint64_t reasons[STATS_REASONS];
};

/* All of it is counters of one width, so that it can be copied and added as an array. */
#define STATS_WORDS (sizeof(struct stats) / sizeof(uint64_t))

static inline void
stats_count_reason(struct stats *s, uint8_t reason_code)
{
    if (reason_code >= 0x80 && reason_code < 0x80 + STATS_REASONS) {
        s->reasons[reason_code - 0x80]++;
    }
}

/* Adds 1 to the counter that is word number `at`. */
void stats_increment(struct stats *s, size_t at);
/* Adds every counter of `more`. */
void stats_add(struct stats *sum, const struct stats *more);

/* A copy that other threads may read at any time without a lock. Each number is one that was true;
 * numbers read together may be of different moments. `out` has one writer, and starts as zeros. */
struct stats_shared {
    _Atomic uint64_t words[STATS_WORDS];
};
void stats_share(struct stats_shared *out, const struct stats *s);
/* Adds every counter of `more`; from any thread. */
void stats_add_shared(struct stats *sum, const struct stats_shared *more);

#endif
