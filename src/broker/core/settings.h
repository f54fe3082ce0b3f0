#ifndef WILCO_BROKER_CORE_SETTINGS_H
#define WILCO_BROKER_CORE_SETTINGS_H

#include "base/compiler.h"
#include "base/span.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Every bound of the broker: its name (which is its configuration key), default, smallest and
 * largest value, and what it means. One row a setting; nothing else knows them all. X(name,
 * default, min, max, "what it bounds") */
#define SETTINGS(X)                                                                                \
    X(connect_timeout_ms, 10000, 1, 3600000,                                                       \
      "milliseconds from accepting a connection to its whole CONNECT")                             \
    X(connect_bytes_max, 65536, 64, 268435460, "bytes of a CONNECT packet")                        \
    X(packet_bytes_max, 2097152, 64, 268435460,                                                    \
      "bytes of any packet from a client; announced as Maximum Packet Size")                       \
    X(receive_maximum, 1024, 1, 65535,                                                             \
      "QoS 2 PUBLISH packets from one client not yet released; announced as Receive Maximum")      \
    X(topic_alias_maximum, 32, 0, 65535, "topic aliases a client may set; announced")              \
    X(topic_alias_out_max, 16, 0, 65535,                                                           \
      "topic aliases the broker sets for a client that allows them")                               \
    X(packet_timeout_ms, 30000, 1, 86400000,                                                       \
      "milliseconds from the first byte of a packet to its last; a CONNECT has "                   \
      "connect_timeout_ms")                                                                        \
    X(connections_max, 1000000, 1, 4000000,                                                        \
      "connected clients; a further one gets Server busy; each takes a file descriptor, of which " \
      "the system may allow fewer (ulimit -n)")                                                    \
    X(connecting_max, 65536, 1, 4000000,                                                           \
      "connections that have not said CONNECT; a further one is closed at once")                   \
    X(connections_per_address_max, 0, 0, 4000000,                                                  \
      "connections from one IPv4 address or IPv6 /64 network (Unix sockets do not count); a "      \
      "further one is closed at once; 0: any number")                                              \
    X(auth_threads, 1, 1, 64, "threads, of the lowest priority, that check passwords")             \
    X(auth_queue_max, 1000, 1, 1000000,                                                            \
      "CONNECTs whose password waits to be checked; a further one gets Server busy")               \
    X(login_failures_max, 10, 0, 1000000,                                                          \
      "wrong passwords from one IPv4 address or IPv6 /64 network (Unix sockets do not count) in "  \
      "login_failures_window_s; until that is over, whoever names a user there gets Connection "   \
      "rate exceeded; 0: any number")                                                              \
    X(login_failures_window_s, 60, 1, 86400,                                                       \
      "seconds from the first wrong password of an address until all of them are forgotten")       \
    X(login_failure_delay_ms, 500, 0, 60000,                                                       \
      "milliseconds until a client is told that its password was wrong")                           \
    X(login_bytes_max, 1048576, 1024, 1099511627776,                                               \
      "bytes kept in a shard of clients whose CONNECT has come and whose password is being "       \
      "checked; a further one gets Server busy")                                                   \
    X(jwt_bytes_max, 8192, 256, 65535, "bytes of a JSON Web Token")                                \
    X(jwt_leeway_s, 10, 0, 3600,                                                                   \
      "seconds by which the clocks of the broker and of those who make JSON Web Tokens may "       \
      "differ")                                                                                    \
    X(log_refusals_max, 10, 0, 1000000,                                                            \
      "log lines in a second and shard about refused CONNECTs and protocol errors; of the others " \
      "their number is logged")                                                                    \
    X(topic_alias_bytes_max, 131072, 1024, 1099511627776,                                          \
      "bytes of memory for the topics behind one client's aliases, in each direction")             \
    X(topic_bytes_max, 65535, 1, 65535, "bytes of a topic name or filter")                         \
    X(user_properties_max, 256, 0, 1000000000,                                                     \
      "User Properties of a CONNECT, of its will, or of a PUBLISH, SUBSCRIBE or UNSUBSCRIBE")      \
    X(keep_alive_max_s, 0, 0, 65535,                                                               \
      "seconds of Keep Alive a client may have, in place of a longer one or of none; announced "   \
      "as Server Keep Alive; 0: whatever it asks for")                                             \
    X(maximum_qos, 2, 0, 2, "highest QoS of messages and subscriptions; announced")                \
    X(retain_available, 1, 0, 1, "0: no message may be retained; announced")                       \
    X(wildcard_subscriptions, 1, 0, 1, "0: no wildcards in topic filters; announced")              \
    X(subscription_identifiers, 1, 0, 1, "0: no Subscription Identifiers; announced")              \
    X(shared_subscriptions, 1, 0, 1, "0: no Shared Subscriptions; announced")                      \
    X(no_matching_subscribers, 1, 0, 1,                                                            \
      "0: a publisher is not told (reason code 0x10) that nobody has subscribed to its message")   \
    X(topic_levels_max, 128, 1, 65535, "levels of a topic name or filter")                         \
    X(inflight_max, 1024, 1, 65535,                                                                \
      "QoS 1 and 2 messages on their way to one client, if its Receive Maximum allows as many")    \
    X(queued_messages_max, 10000, 1, 1000000000,                                                   \
      "QoS 1 and 2 messages waiting in one session; later ones are dropped and counted")           \
    X(queued_bytes_max, 67108864, 1024, 1099511627776,                                             \
      "packet bytes of the messages waiting in one session; later ones are dropped and counted")   \
    X(output_bytes_max, 1048576, 1024, 1099511627776,                                              \
      "bytes waiting for one client's socket; beyond it QoS 0 messages are dropped and counted, "  \
      "QoS 1 and 2 wait in the session, and nothing more is read from the client")                 \
    X(client_bytes_max, 83886080, 65536, 4294967295,                                               \
      "bytes kept for one client in all: of a packet that is not whole, output, waiting, in "      \
      "flight, aliases, subscriptions; what would go beyond it is refused or dropped, and who "    \
      "is beyond it is disconnected (Quota exceeded)")                                             \
    X(subscriptions_max, 10000, 1, 1000000000, "subscriptions of one session")                     \
    X(sessions_max, 1000000, 1, 4000000, "sessions, connected or not")                             \
    X(session_expiry_max_s, 4294967295, 0, 4294967295,                                             \
      "seconds a session is kept without a connection; 4294967295 is for ever")                    \
    X(retained_messages_max, 1000000, 0, 1000000000, "retained messages")                          \
    X(retained_bytes_max, 1073741824, 0, 1099511627776, "packet bytes of all retained messages")   \
    X(request_tracking, 1, 0, 1,                                                                   \
      "0: messages with a Response Topic are like all others: no inboxes, no status responses, "   \
      "nothing below $SYS/rr")                                                                     \
    X(request_deadline_ms, 30000, 1, 86400000,                                                     \
      "milliseconds a request is tracked that says itself (Message Expiry, rr-ttl) no deadline")   \
    X(requests_held_max, 65536, 1, 1000000000,                                                     \
      "requests that one responder has and has not answered; further ones are passed on "          \
      "untracked, and refused if they want their response in an inbox")                            \
    X(requests_held_bytes_max, 67108864, 1024, 1099511627776,                                      \
      "packet bytes of the requests that one responder has and has not answered; likewise")        \
    X(requests_max, 1000000, 1, 1000000000,                                                        \
      "requests not yet answered, of all responders; each shard has its part; likewise")           \
    X(requests_bytes_max, 1073741824, 1024, 1099511627776,                                         \
      "packet bytes of the requests not yet answered, of all responders; likewise")                \
    X(requests_in_flight_max, 0, 0, 1000000000,                                                    \
      "requests of one client not yet answered; a further one is refused (Quota exceeded, 429); "  \
      "0: any number")                                                                             \
    X(requests_per_second_max, 0, 0, 1000000000,                                                   \
      "requests of one client in a second; a further one is refused; 0: any number")               \
    X(verify_source_id, 1, 0, 1,                                                                   \
      "0: a request may name another client than its publisher as its sender (__srcId)")           \
    X(retained_requests, 1, 0, 1,                                                                  \
      "0: messages with a Response Topic or Correlation Data must not be retained")                \
    X(group_strategy, 0, 0, 2,                                                                     \
      "which member of a group gets a request: 0: the one with the fewest in flight, then the "    \
      "fastest; 1: always the same one for the same $partition; 2: always the same one for the "   \
      "same requester")                                                                            \
    X(outlier_deadlines, 3, 0, 1000000,                                                            \
      "deadlines in a row that a member of a group lets pass before it is left out; 0: never")     \
    X(outlier_pause_ms, 5000, 1, 86400000,                                                         \
      "milliseconds that such a member is left out before it is tried again, one request at a "    \
      "time")                                                                                      \
    X(slow_request_ms, 1000, 0, 86400000,                                                          \
      "milliseconds from which on an answered request is logged as slow; 0: none is")              \
    X(request_filters_max, 1000, 1, 1000000,                                                       \
      "filters and groups that have figures of their own below $SYS/rr; further ones share some")  \
    X(services_max, 10000, 0, 1000000,                                                             \
      "instances of services that clients have registered by subscribing; a SUBSCRIBE for a "      \
      "further one is refused; likewise with the next three")                                      \
    X(services_per_client_max, 16, 0, 1000, "instances of services of one client")                 \
    X(service_endpoints_max, 64, 1, 1000, "subscriptions that make up one instance of a service")  \
    X(service_metadata_bytes_max, 4096, 2, 1048576,                                                \
      "bytes of the description of a service and of its metadata, as JSON")                        \
    X(service_answer_bytes_max, 65536, 256, 16777216,                                              \
      "bytes of what the broker answers about one service below $SRV; in place of more there is "  \
      "a status, 413")                                                                             \
    X(sys_interval_s, 10, 0, 86400,                                                                \
      "seconds between two looks at what has changed below $SYS; 0: nothing is published there")   \
    X(ending_timeout_ms, 1000, 1, 600000,                                                          \
      "milliseconds a client has to read the last bytes of a connection that the broker ends")     \
    X(drain_timeout_ms, 2000, 0, 600000,                                                           \
      "milliseconds a stopping broker waits for its last bytes to be read")                        \
    X(bulk_turn_us, 50, 0, 1000000,                                                                \
      "microseconds for bulk, which is neither request nor response, before a shard looks after "  \
      "requests and responses again; 0: all are served alike")                                     \
    X(bulk_read_bytes, 8192, 256, 65536,                                                           \
      "bytes after which a client that sends neither requests nor responses is bulk; so many are " \
      "read of it at a time at first, then fewer or more, by the time it takes")

struct settings {
#define SETTING_FIELD(name, standard, min, max, what) uint64_t name;
    SETTINGS(SETTING_FIELD)
#undef SETTING_FIELD
};

struct settings settings_default(void);

/* Applies "name=value". WILCO_ENOTFOUND: no setting has this name; WILCO_EINVAL: not a whole number
 * between the setting's bounds. Then `reason` holds one line that says so and what would be right.
 */
#define SETTINGS_REASON_BYTES 200
WILCO_MUST_CHECK enum wilco_status settings_apply(struct settings *s, const char *assignment,
                                                  char reason[SETTINGS_REASON_BYTES]);

/* Row `index` of the table, for help and documentation; NULL name behind the last. */
struct setting_row {
    const char *name;
    uint64_t standard;
    uint64_t min;
    uint64_t max;
    const char *what;
};
struct setting_row settings_row(size_t index);
/* The value of row `index`, which exists. */
uint64_t settings_value(const struct settings *s, size_t index);
/* Gives row `index` of `to` the value that it has in `from`. */
void settings_copy_value(struct settings *to, const struct settings *from, size_t index);

#endif
