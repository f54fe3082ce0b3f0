#ifndef WILCO_BROKER_CORE_SYS_TABLE_H
#define WILCO_BROKER_CORE_SYS_TABLE_H

#include "broker/core/stats.h"
#include "broker/core/sys.h"
#include "broker/core/sys_load.h"

/* The table of $SYS topics: what each is called, and where its value is taken from. A new counter
 * of stats.h is a topic at once; anything else is a row here. */

/* What is known under a name that other brokers gave it. X(name, "topic", "what") */
#define SYS_FIGURES(X)                                                                             \
    X(bytes_received, "bytes/received", "bytes received since the broker started")                 \
    X(bytes_sent, "bytes/sent", "bytes sent since the broker started")                             \
    X(clients_connected, "clients/connected", "clients connected now")                             \
    X(clients_disconnected, "clients/disconnected",                                                \
      "sessions that are kept while their client is not connected")                                \
    X(clients_total, "clients/total", "sessions, their clients connected or not")                  \
    X(clients_maximum, "clients/maximum", "the most clients that were ever connected at once")     \
    X(clients_expired, "clients/expired", "sessions that ended because nobody came back in time")  \
    X(messages_received, "messages/received", "packets of any type received")                      \
    X(messages_sent, "messages/sent", "packets of any type sent")                                  \
    X(messages_inflight, "messages/inflight",                                                      \
      "QoS 1 and 2 messages sent and not yet completely acknowledged")                             \
    X(messages_stored, "messages/stored", "the same as store/messages/count")                      \
    X(store_count, "store/messages/count",                                                         \
      "messages kept: those retained, and those kept in sessions, once for each session")          \
    X(store_bytes, "store/messages/bytes", "packet bytes of the messages kept")                    \
    X(retained_count, "retained messages/count", "retained messages, without those of $SYS")       \
    X(subscriptions, "subscriptions/count", "subscriptions, without the shared ones")              \
    X(shared_subscriptions, "shared_subscriptions/count",                                          \
      "subscriptions that are a member of a group")                                                \
    X(publish_received, "publish/messages/received", "PUBLISH packets received")                   \
    X(publish_sent, "publish/messages/sent", "PUBLISH packets sent")                               \
    X(publish_dropped, "publish/messages/dropped",                                                 \
      "messages that a session was entitled to and did not get; counters/dropped_* say why")       \
    X(publish_bytes_received, "publish/bytes/received", "bytes of payload received in PUBLISH")    \
    X(publish_bytes_sent, "publish/bytes/sent", "bytes of payload sent in PUBLISH")

struct sys_figures {
#define FIGURE_FIELD(name, topic, what) uint64_t name;
    SYS_FIGURES(FIGURE_FIELD)
#undef FIGURE_FIELD
};

/* What there is a load of. X(name, "topic", "what") */
#define SYS_LOADS(X)                                                                               \
    X(connections, "connections", "CONNECT packets received")                                      \
    X(sockets, "sockets", "network connections accepted")                                          \
    X(messages_received, "messages/received", "packets of any type received")                      \
    X(messages_sent, "messages/sent", "packets of any type sent")                                  \
    X(publish_received, "publish/received", "PUBLISH packets received")                            \
    X(publish_sent, "publish/sent", "PUBLISH packets sent")                                        \
    X(publish_dropped, "publish/dropped", "messages dropped")                                      \
    X(bytes_received, "bytes/received", "bytes received")                                          \
    X(bytes_sent, "bytes/sent", "bytes sent")

enum sys_load_index {
#define LOAD_INDEX(name, topic, what) SYS_LOAD_##name,
    SYS_LOADS(LOAD_INDEX)
#undef LOAD_INDEX
        SYS_LOAD_COUNT
};

/* Where a row's value comes from. */
enum sys_source {
    SYS_SOURCE_NONE, /* no row */
    SYS_SOURCE_VERSION,
    SYS_SOURCE_UPTIME,
    SYS_SOURCE_FIGURE,  /* `at`: its offset in struct sys_figures */
    SYS_SOURCE_COUNTER, /* `at`: its offset in struct stats */
    SYS_SOURCE_LOAD,    /* `at`: enum sys_load_index times SYS_LOAD_SPANS, plus which span */
};

struct sys_topic {
    struct sys_row name;
    enum sys_source source;
    size_t at;
};

/* SYS_SOURCE_NONE rows included. */
size_t sys_topic_count(void);
const struct sys_topic *sys_topic_at(size_t index);

#endif
