#include "broker/core/sys_table.h"

#include "wire/packet.h"
#include "wire/reason.h"

#include <assert.h>

#define ROOT          "$SYS/broker/"
#define REQUESTS_ROOT "$SYS/rr/"

#define RECEIVED_AT(type) (offsetof(struct stats, received) + sizeof(uint64_t) * (type))
#define SENT_AT(type)     (offsetof(struct stats, sent) + sizeof(uint64_t) * (type))
#define REASON_AT(code)   (offsetof(struct stats, reasons) + sizeof(uint64_t) * ((code)&0x3FU))

/* Macros that bring their own commas: laid out by hand. */
/* clang-format off */
static const struct sys_topic rows[] = {
    {{ROOT "version", "the broker's name and version"}, SYS_SOURCE_VERSION, 0},
    {{ROOT "uptime", "seconds since the broker started"}, SYS_SOURCE_UPTIME, 0},
#define FIGURE_ROW(name, topic, what)                                                              \
    {{ROOT topic, what}, SYS_SOURCE_FIGURE, offsetof(struct sys_figures, name)},
    SYS_FIGURES(FIGURE_ROW)
#undef FIGURE_ROW
#define LOAD_ROW(name, topic, what, span, i)                                                       \
    {{ROOT "load/" topic "/" span, what " in a minute, averaged over " span},                      \
     SYS_SOURCE_LOAD,                                                                              \
     SYS_LOAD_##name * SYS_LOAD_SPANS + (i)},
#define LOAD_ROWS(name, topic, what)                                                               \
    LOAD_ROW(name, topic, what, "1min", 0)                                                         \
    LOAD_ROW(name, topic, what, "5min", 1)                                                         \
    LOAD_ROW(name, topic, what, "15min", 2)
    SYS_LOADS(LOAD_ROWS)
#undef LOAD_ROWS
#undef LOAD_ROW
#define COUNTER_ROW(name, what)                                                                    \
    {{ROOT "counters/" #name, what}, SYS_SOURCE_COUNTER, offsetof(struct stats, name)},
    STATS(COUNTER_ROW)
#undef COUNTER_ROW
#define RECEIVED_ROW(type, topic)                                                                  \
    {{ROOT "packets/received/" topic, #type " packets received"},                                  \
     SYS_SOURCE_COUNTER,                                                                           \
     RECEIVED_AT(WIRE_##type)},
    RECEIVED_ROW(CONNECT, "connect")
    RECEIVED_ROW(PUBLISH, "publish")
    RECEIVED_ROW(PUBACK, "puback")
    RECEIVED_ROW(PUBREC, "pubrec")
    RECEIVED_ROW(PUBREL, "pubrel")
    RECEIVED_ROW(PUBCOMP, "pubcomp")
    RECEIVED_ROW(SUBSCRIBE, "subscribe")
    RECEIVED_ROW(UNSUBSCRIBE, "unsubscribe")
    RECEIVED_ROW(PINGREQ, "pingreq")
    RECEIVED_ROW(DISCONNECT, "disconnect")
    RECEIVED_ROW(AUTH, "auth")
#undef RECEIVED_ROW
#define SENT_ROW(type, topic)                                                                      \
    {{ROOT "packets/sent/" topic, #type " packets sent"}, SYS_SOURCE_COUNTER, SENT_AT(WIRE_##type)},
    SENT_ROW(CONNACK, "connack")
    SENT_ROW(PUBLISH, "publish")
    SENT_ROW(PUBACK, "puback")
    SENT_ROW(PUBREC, "pubrec")
    SENT_ROW(PUBREL, "pubrel")
    SENT_ROW(PUBCOMP, "pubcomp")
    SENT_ROW(SUBACK, "suback")
    SENT_ROW(UNSUBACK, "unsuback")
    SENT_ROW(PINGRESP, "pingresp")
    SENT_ROW(DISCONNECT, "disconnect")
    SENT_ROW(AUTH, "auth")
#undef SENT_ROW
/* The codes below 0x80 refuse nothing. */
#define REASON_ROW(code, name, words, packets)                                                     \
    {{ROOT "reasons/" #code, "refused or ended: " words},                                          \
     (code) < 0x80 ? SYS_SOURCE_NONE : SYS_SOURCE_COUNTER,                                         \
     REASON_AT(code)},
    WIRE_REASONS(REASON_ROW)
#undef REASON_ROW
#define REQUEST_ROW(name, what)                                                                    \
    {{REQUESTS_ROOT #name, what}, SYS_SOURCE_COUNTER, offsetof(struct stats, rr_##name)},
    REQUEST_STATS(REQUEST_ROW)
    REQUEST_ROW(in_flight, "requests that responders have and have not answered, now")
    REQUEST_ROW(in_flight_bytes, "packet bytes of these requests")
#undef REQUEST_ROW
};
/* clang-format on */

#define ROWS (sizeof(rows) / sizeof(rows[0]))

size_t
sys_topic_count(void)
{
    return ROWS;
}

const struct sys_topic *
sys_topic_at(size_t index)
{
    assert(index < ROWS);
    return &rows[index];
}

struct sys_row
sys_row(size_t index)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].source != SYS_SOURCE_NONE && index-- == 0) {
            return rows[i].name;
        }
    }
    return (struct sys_row){.topic = NULL};
}
