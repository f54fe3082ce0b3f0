#ifndef WILCO_BROKER_CORE_STATS_H
#define WILCO_BROKER_CORE_STATS_H

#include <stdint.h>

/* What a shard counts. One row a metric: X(name, "what"). */
#define STATS(X)                                                                                   \
    X(connections, "connections accepted into a session")                                          \
    X(connects_refused, "CONNECT packets refused")                                                 \
    X(publish_received, "PUBLISH packets received")                                                \
    X(publish_sent, "PUBLISH packets sent")                                                        \
    X(publish_unmatched, "messages that no subscription wanted")                                   \
    X(dropped_output_full, "QoS 0 messages dropped: too many bytes wait for the client")           \
    X(dropped_queue_full, "QoS 1 and 2 messages dropped: the session's queue is full")             \
    X(dropped_too_large, "messages dropped: above the client's Maximum Packet Size")               \
    X(dropped_expired, "messages dropped: their expiry passed")                                    \
    X(refused_retained_full, "messages refused: no more can be retained")                          \
    X(dropped_no_memory, "messages dropped: out of memory")                                        \
    X(protocol_errors, "connections ended by malformed packets or protocol errors")                \
    X(sessions_expired, "sessions that ended because nobody came back in time")

struct stats {
#define STATS_FIELD(name, what) uint64_t name;
    STATS(STATS_FIELD)
#undef STATS_FIELD
};

#endif
