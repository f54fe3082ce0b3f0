#ifndef WILCO_WIRE_PROPERTY_H
#define WILCO_WIRE_PROPERTY_H

#include "base/span.h"
#include "base/status.h"
#include "wire/packet.h"
#include "wire/reader.h"
#include "wire/writer.h"

#include <stdbool.h>

/* The properties of MQTT 5.0, section 2.2.2, as one table. Everything that knows properties is made
 * from it: the enum, the decoder, the encoder, the names, the fuzz dictionary.
 *
 * X(identifier, NAME, field of struct wire_properties, type, where allowed, rule)
 *   type:  BYTE U16 U32 VARINT STRING BINARY PAIR
 *   where: a mask of WIRE_IN(packet type), or WIRE_IN_WILL
 *   rule:  ANY, BOOL (0 or 1), NONZERO, TOPIC (a valid Topic Name), MANY (may be repeated),
 *          SUBID (not 0; may be repeated except in SUBSCRIBE) */
#define WIRE_IN(type) (1U << (type))
#define WIRE_WILL     0U /* stands where a packet type does, for the Will Properties of CONNECT */
#define WIRE_IN_WILL  WIRE_IN(WIRE_WILL)
#define WIRE_IN_ACKS                                                                               \
    (WIRE_IN(WIRE_PUBACK) | WIRE_IN(WIRE_PUBREC) | WIRE_IN(WIRE_PUBREL) | WIRE_IN(WIRE_PUBCOMP) |  \
     WIRE_IN(WIRE_SUBACK) | WIRE_IN(WIRE_UNSUBACK))
#define WIRE_IN_ENDS     (WIRE_IN(WIRE_CONNACK) | WIRE_IN(WIRE_DISCONNECT) | WIRE_IN(WIRE_AUTH))
#define WIRE_IN_MESSAGES (WIRE_IN(WIRE_PUBLISH) | WIRE_IN_WILL)
#define WIRE_IN_CONN     (WIRE_IN(WIRE_CONNECT) | WIRE_IN(WIRE_CONNACK))
#define WIRE_IN_AUTHS    (WIRE_IN_CONN | WIRE_IN(WIRE_AUTH))
#define WIRE_IN_USER                                                                               \
    (WIRE_IN_MESSAGES | WIRE_IN_ACKS | WIRE_IN_ENDS | WIRE_IN(WIRE_CONNECT) |                      \
     WIRE_IN(WIRE_SUBSCRIBE) | WIRE_IN(WIRE_UNSUBSCRIBE))

#define WIRE_PROPERTIES(X)                                                                         \
    X(0x01, PAYLOAD_FORMAT_INDICATOR, payload_format_indicator, BYTE, WIRE_IN_MESSAGES, BOOL)      \
    X(0x02, MESSAGE_EXPIRY_INTERVAL, message_expiry_interval, U32, WIRE_IN_MESSAGES, ANY)          \
    X(0x03, CONTENT_TYPE, content_type, STRING, WIRE_IN_MESSAGES, ANY)                             \
    X(0x08, RESPONSE_TOPIC, response_topic, STRING, WIRE_IN_MESSAGES, TOPIC)                       \
    X(0x09, CORRELATION_DATA, correlation_data, BINARY, WIRE_IN_MESSAGES, ANY)                     \
    X(0x0B, SUBSCRIPTION_IDENTIFIER, subscription_identifier, VARINT,                              \
      WIRE_IN(WIRE_PUBLISH) | WIRE_IN(WIRE_SUBSCRIBE), SUBID)                                      \
    X(0x11, SESSION_EXPIRY_INTERVAL, session_expiry_interval, U32,                                 \
      WIRE_IN_CONN | WIRE_IN(WIRE_DISCONNECT), ANY)                                                \
    X(0x12, ASSIGNED_CLIENT_IDENTIFIER, assigned_client_identifier, STRING, WIRE_IN(WIRE_CONNACK), \
      ANY)                                                                                         \
    X(0x13, SERVER_KEEP_ALIVE, server_keep_alive, U16, WIRE_IN(WIRE_CONNACK), ANY)                 \
    X(0x15, AUTHENTICATION_METHOD, authentication_method, STRING, WIRE_IN_AUTHS, ANY)              \
    X(0x16, AUTHENTICATION_DATA, authentication_data, BINARY, WIRE_IN_AUTHS, ANY)                  \
    X(0x17, REQUEST_PROBLEM_INFORMATION, request_problem_information, BYTE, WIRE_IN(WIRE_CONNECT), \
      BOOL)                                                                                        \
    X(0x18, WILL_DELAY_INTERVAL, will_delay_interval, U32, WIRE_IN_WILL, ANY)                      \
    X(0x19, REQUEST_RESPONSE_INFORMATION, request_response_information, BYTE,                      \
      WIRE_IN(WIRE_CONNECT), BOOL)                                                                 \
    X(0x1A, RESPONSE_INFORMATION, response_information, STRING, WIRE_IN(WIRE_CONNACK), ANY)        \
    X(0x1C, SERVER_REFERENCE, server_reference, STRING,                                            \
      WIRE_IN(WIRE_CONNACK) | WIRE_IN(WIRE_DISCONNECT), ANY)                                       \
    X(0x1F, REASON_STRING, reason_string, STRING, WIRE_IN_ACKS | WIRE_IN_ENDS, ANY)                \
    X(0x21, RECEIVE_MAXIMUM, receive_maximum, U16, WIRE_IN_CONN, NONZERO)                          \
    X(0x22, TOPIC_ALIAS_MAXIMUM, topic_alias_maximum, U16, WIRE_IN_CONN, ANY)                      \
    X(0x23, TOPIC_ALIAS, topic_alias, U16, WIRE_IN(WIRE_PUBLISH), ANY)                             \
    X(0x24, MAXIMUM_QOS, maximum_qos, BYTE, WIRE_IN(WIRE_CONNACK), BOOL)                           \
    X(0x25, RETAIN_AVAILABLE, retain_available, BYTE, WIRE_IN(WIRE_CONNACK), BOOL)                 \
    X(0x26, USER_PROPERTY, users, PAIR, WIRE_IN_USER, MANY)                                        \
    X(0x27, MAXIMUM_PACKET_SIZE, maximum_packet_size, U32, WIRE_IN_CONN, NONZERO)                  \
    X(0x28, WILDCARD_SUBSCRIPTION_AVAILABLE, wildcard_subscription_available, BYTE,                \
      WIRE_IN(WIRE_CONNACK), BOOL)                                                                 \
    X(0x29, SUBSCRIPTION_IDENTIFIER_AVAILABLE, subscription_identifier_available, BYTE,            \
      WIRE_IN(WIRE_CONNACK), BOOL)                                                                 \
    X(0x2A, SHARED_SUBSCRIPTION_AVAILABLE, shared_subscription_available, BYTE,                    \
      WIRE_IN(WIRE_CONNACK), BOOL)

enum wire_property_id {
#define WIRE_PROPERTY_ID(id, NAME, field, type, where, rule) WIRE_##NAME = (id),
    WIRE_PROPERTIES(WIRE_PROPERTY_ID)
#undef WIRE_PROPERTY_ID
};

struct wire_user_property {
    struct span name;
    struct span value;
};

/* The properties of one packet, in any order [U-2.2.2-2]. Decoded: everything borrows the packet's
 * bytes; `present` has the bit 1 << identifier for each property found; `block` is the properties
 * as received, without their length; user properties and repeated subscription identifiers are read
 * from it with the iterator, and `subscription_identifier` is the first. To be encoded: either
 * `block`, written as it is, or, while block.data is NULL, the fields whose bit is set, in the
 * order of the table, and `users`. */
struct wire_properties {
    uint64_t present;
    struct span block;
    uint32_t message_expiry_interval; /* seconds */
    uint32_t subscription_identifier;
    uint32_t session_expiry_interval; /* seconds; UINT32_MAX: never */
    uint32_t will_delay_interval;     /* seconds */
    uint32_t maximum_packet_size;     /* bytes */
    uint16_t server_keep_alive;       /* seconds */
    uint16_t receive_maximum;
    uint16_t topic_alias_maximum;
    uint16_t topic_alias;
    uint8_t payload_format_indicator;
    uint8_t request_problem_information;
    uint8_t request_response_information;
    uint8_t maximum_qos;
    uint8_t retain_available;
    uint8_t wildcard_subscription_available;
    uint8_t subscription_identifier_available;
    uint8_t shared_subscription_available;
    struct span content_type;
    struct span response_topic;
    struct span correlation_data;
    struct span assigned_client_identifier;
    struct span authentication_method;
    struct span authentication_data;
    struct span response_information;
    struct span server_reference;
    struct span reason_string;
    const struct wire_user_property *users; /* for encoding from fields only */
    size_t user_count;                      /* decoded: how many there are */
};

static inline bool
wire_properties_has(const struct wire_properties *p, enum wire_property_id id)
{
    return ((p->present >> id) & 1U) != 0;
}

/* Marks a field as present, for building: wire_properties_set(&p, WIRE_RECEIVE_MAXIMUM). */
static inline void
wire_properties_set(struct wire_properties *p, enum wire_property_id id)
{
    p->present |= UINT64_C(1) << id;
}

/* Makes it say nothing: no property present, all fields zero. */
void wire_properties_clear(struct wire_properties *p);

/* Whether there is anything to write, if only an explicit Property Length of 0: packets that end
 * with their properties leave them out otherwise. */
static inline bool
wire_properties_to_write(const struct wire_properties *p)
{
    return p->block.data != NULL || p->present != 0 || p->users != NULL;
}

/* Reads a Property Length and the properties of a packet of `type`, an enum wire_type or WIRE_WILL.
 * Malformed: an unknown property, one that this packet may not carry, one cut short.
 * Protocol Error: one repeated that must not be (2.2.2.2), a value its rule forbids, an
 * Authentication Data without a Method. Failures stick in `r`. Fields that are absent are zero. */
void wire_properties_decode(struct wire_properties *out, struct wire_reader *r, unsigned type);

/* Writes a Property Length and the properties. */
void wire_properties_encode(struct wire_writer *w, const struct wire_properties *p);

/* Walks a validated block in wire order. */
struct wire_property {
    enum wire_property_id id;
    uint32_t number;   /* BYTE, U16, U32, VARINT */
    struct span value; /* STRING, BINARY, and the value of a PAIR */
    struct span name;  /* PAIR */
    struct span bytes; /* identifier and value as on the wire */
};

struct wire_property_iterator {
    struct wire_reader reader;
};

struct wire_property_iterator wire_property_iterate(struct span block);
bool wire_property_next(struct wire_property_iterator *it, struct wire_property *out);

/* The value of the first user property called `name`; false when there is none. */
bool wire_properties_user(const struct wire_properties *p, struct span name, struct span *value);

/* The name the standard gives it, in capitals with underscores:
 * "RESPONSE_TOPIC"; NULL for an unknown identifier. */
const char *wire_property_name(enum wire_property_id id);

#endif
