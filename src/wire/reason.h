#ifndef WILCO_WIRE_REASON_H
#define WILCO_WIRE_REASON_H

#include "wire/packet.h"

#include <stdbool.h>

/* Reason Codes (MQTT 5.0, 2.4) as one table.
 * X(code, NAME, "words of the standard", packets it may appear in) */
#define WIRE_REASON_ACKS  (1U << WIRE_PUBACK | 1U << WIRE_PUBREC)
#define WIRE_REASON_RELS  (1U << WIRE_PUBREL | 1U << WIRE_PUBCOMP)
#define WIRE_REASON_CON   (1U << WIRE_CONNACK)
#define WIRE_REASON_SUB   (1U << WIRE_SUBACK)
#define WIRE_REASON_UNSUB (1U << WIRE_UNSUBACK)
#define WIRE_REASON_DIS   (1U << WIRE_DISCONNECT)
#define WIRE_REASON_AUTH  (1U << WIRE_AUTH)

#define WIRE_REASONS(X)                                                                            \
    X(0x00, SUCCESS, "Success",                                                                    \
      WIRE_REASON_CON | WIRE_REASON_ACKS | WIRE_REASON_RELS | WIRE_REASON_SUB |                    \
          WIRE_REASON_UNSUB | WIRE_REASON_DIS | WIRE_REASON_AUTH)                                  \
    X(0x01, GRANTED_QOS_1, "Granted QoS 1", WIRE_REASON_SUB)                                       \
    X(0x02, GRANTED_QOS_2, "Granted QoS 2", WIRE_REASON_SUB)                                       \
    X(0x04, DISCONNECT_WITH_WILL, "Disconnect with Will Message", WIRE_REASON_DIS)                 \
    X(0x10, NO_MATCHING_SUBSCRIBERS, "No matching subscribers", WIRE_REASON_ACKS)                  \
    X(0x11, NO_SUBSCRIPTION_EXISTED, "No subscription existed", WIRE_REASON_UNSUB)                 \
    X(0x18, CONTINUE_AUTHENTICATION, "Continue authentication", WIRE_REASON_AUTH)                  \
    X(0x19, RE_AUTHENTICATE, "Re-authenticate", WIRE_REASON_AUTH)                                  \
    X(0x80, UNSPECIFIED_ERROR, "Unspecified error",                                                \
      WIRE_REASON_CON | WIRE_REASON_ACKS | WIRE_REASON_SUB | WIRE_REASON_UNSUB | WIRE_REASON_DIS)  \
    X(0x81, MALFORMED_PACKET, "Malformed Packet", WIRE_REASON_CON | WIRE_REASON_DIS)               \
    X(0x82, PROTOCOL_ERROR, "Protocol Error", WIRE_REASON_CON | WIRE_REASON_DIS)                   \
    X(0x83, IMPLEMENTATION_SPECIFIC_ERROR, "Implementation specific error",                        \
      WIRE_REASON_CON | WIRE_REASON_ACKS | WIRE_REASON_SUB | WIRE_REASON_UNSUB | WIRE_REASON_DIS)  \
    X(0x84, UNSUPPORTED_PROTOCOL_VERSION, "Unsupported Protocol Version", WIRE_REASON_CON)         \
    X(0x85, CLIENT_IDENTIFIER_NOT_VALID, "Client Identifier not valid", WIRE_REASON_CON)           \
    X(0x86, BAD_USER_NAME_OR_PASSWORD, "Bad User Name or Password", WIRE_REASON_CON)               \
    X(0x87, NOT_AUTHORIZED, "Not authorized",                                                      \
      WIRE_REASON_CON | WIRE_REASON_ACKS | WIRE_REASON_SUB | WIRE_REASON_UNSUB | WIRE_REASON_DIS)  \
    X(0x88, SERVER_UNAVAILABLE, "Server unavailable", WIRE_REASON_CON)                             \
    X(0x89, SERVER_BUSY, "Server busy", WIRE_REASON_CON | WIRE_REASON_DIS)                         \
    X(0x8A, BANNED, "Banned", WIRE_REASON_CON)                                                     \
    X(0x8B, SERVER_SHUTTING_DOWN, "Server shutting down", WIRE_REASON_DIS)                         \
    X(0x8C, BAD_AUTHENTICATION_METHOD, "Bad authentication method",                                \
      WIRE_REASON_CON | WIRE_REASON_DIS)                                                           \
    X(0x8D, KEEP_ALIVE_TIMEOUT, "Keep Alive timeout", WIRE_REASON_DIS)                             \
    X(0x8E, SESSION_TAKEN_OVER, "Session taken over", WIRE_REASON_DIS)                             \
    X(0x8F, TOPIC_FILTER_INVALID, "Topic Filter invalid",                                          \
      WIRE_REASON_SUB | WIRE_REASON_UNSUB | WIRE_REASON_DIS)                                       \
    X(0x90, TOPIC_NAME_INVALID, "Topic Name invalid",                                              \
      WIRE_REASON_CON | WIRE_REASON_ACKS | WIRE_REASON_DIS)                                        \
    X(0x91, PACKET_IDENTIFIER_IN_USE, "Packet identifier in use",                                  \
      WIRE_REASON_ACKS | WIRE_REASON_SUB | WIRE_REASON_UNSUB)                                      \
    X(0x92, PACKET_IDENTIFIER_NOT_FOUND, "Packet Identifier not found", WIRE_REASON_RELS)          \
    X(0x93, RECEIVE_MAXIMUM_EXCEEDED, "Receive Maximum exceeded", WIRE_REASON_DIS)                 \
    X(0x94, TOPIC_ALIAS_INVALID, "Topic Alias invalid", WIRE_REASON_DIS)                           \
    X(0x95, PACKET_TOO_LARGE, "Packet too large", WIRE_REASON_CON | WIRE_REASON_DIS)               \
    X(0x96, MESSAGE_RATE_TOO_HIGH, "Message rate too high", WIRE_REASON_DIS)                       \
    X(0x97, QUOTA_EXCEEDED, "Quota exceeded",                                                      \
      WIRE_REASON_CON | WIRE_REASON_ACKS | WIRE_REASON_SUB | WIRE_REASON_DIS)                      \
    X(0x98, ADMINISTRATIVE_ACTION, "Administrative action", WIRE_REASON_DIS)                       \
    X(0x99, PAYLOAD_FORMAT_INVALID, "Payload format invalid",                                      \
      WIRE_REASON_CON | WIRE_REASON_ACKS | WIRE_REASON_DIS)                                        \
    X(0x9A, RETAIN_NOT_SUPPORTED, "Retain not supported", WIRE_REASON_CON | WIRE_REASON_DIS)       \
    X(0x9B, QOS_NOT_SUPPORTED, "QoS not supported", WIRE_REASON_CON | WIRE_REASON_DIS)             \
    X(0x9C, USE_ANOTHER_SERVER, "Use another server", WIRE_REASON_CON | WIRE_REASON_DIS)           \
    X(0x9D, SERVER_MOVED, "Server moved", WIRE_REASON_CON | WIRE_REASON_DIS)                       \
    X(0x9E, SHARED_SUBSCRIPTIONS_NOT_SUPPORTED, "Shared Subscriptions not supported",              \
      WIRE_REASON_SUB | WIRE_REASON_DIS)                                                           \
    X(0x9F, CONNECTION_RATE_EXCEEDED, "Connection rate exceeded",                                  \
      WIRE_REASON_CON | WIRE_REASON_DIS)                                                           \
    X(0xA0, MAXIMUM_CONNECT_TIME, "Maximum connect time", WIRE_REASON_DIS)                         \
    X(0xA1, SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED, "Subscription Identifiers not supported",      \
      WIRE_REASON_SUB | WIRE_REASON_DIS)                                                           \
    X(0xA2, WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED, "Wildcard Subscriptions not supported",          \
      WIRE_REASON_SUB | WIRE_REASON_DIS)

enum wire_reason {
#define WIRE_REASON_CODE(code, NAME, words, packets) WIRE_REASON_##NAME = (code),
    WIRE_REASONS(WIRE_REASON_CODE)
#undef WIRE_REASON_CODE
};

/* The words of the standard; "Unknown reason code" for a code it does not have. Static storage. */
const char *wire_reason_text(uint8_t code);
/* Whether the standard lets a packet of `type` carry `code`. */
bool wire_reason_is_valid(uint8_t code, enum wire_type type);
static inline bool
wire_reason_is_error(uint8_t code)
{
    return code >= 0x80;
}

#endif
