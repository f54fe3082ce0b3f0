#include "broker/core/explain.h"

#include "link/fault.h"

#include <stdio.h>

#define ACKS (WIRE_REASON_ACKS)
#define ENDS (WIRE_REASON_CON | WIRE_REASON_DIS)

/* The first row whose packets hold the type applies. */
static const struct {
    uint8_t reason_code;
    uint32_t packets; /* a mask of 1 << enum wire_type */
    const char *words;
} rows[] = {
    {WIRE_REASON_UNSUPPORTED_PROTOCOL_VERSION, WIRE_REASON_CON,
     "MQTT 5.0, 3.1.1 and 3.1 are spoken here"},
    {WIRE_REASON_CLIENT_IDENTIFIER_NOT_VALID, WIRE_REASON_CON,
     "this Client Identifier cannot be used here"},
    {WIRE_REASON_NOT_AUTHORIZED, WIRE_REASON_CON,
     "the Will may not be published, or answered at its Response Topic, or names another sender"},
    {WIRE_REASON_NOT_AUTHORIZED, WIRE_REASON_SUB,
     "this client may not receive what it is for, such as the inbox of another client"},
    {WIRE_REASON_IMPLEMENTATION_SPECIFIC_ERROR, WIRE_REASON_CON,
     "the Will is a request with a User Property that makes no sense, or must not be retained"},
    {WIRE_REASON_IMPLEMENTATION_SPECIFIC_ERROR, WIRE_REASON_SUB,
     "rr-observe is neither 0 nor 1, or is said of a shared subscription or an inbox"},
    {WIRE_REASON_NOT_AUTHORIZED, ACKS, "topics that begin with $ are the broker's own"},
    {WIRE_REASON_SERVER_UNAVAILABLE, WIRE_REASON_CON, "the broker cannot serve anybody just now"},
    {WIRE_REASON_SERVER_BUSY, WIRE_REASON_CON, "as many clients are connected as the broker takes"},
    {WIRE_REASON_SERVER_SHUTTING_DOWN, WIRE_REASON_DIS, "the broker is being stopped"},
    {WIRE_REASON_BAD_AUTHENTICATION_METHOD, WIRE_REASON_CON,
     "the broker does not have this Authentication Method"},
    {WIRE_REASON_KEEP_ALIVE_TIMEOUT, WIRE_REASON_DIS,
     "no whole packet has come for one and a half times the Keep Alive"},
    {WIRE_REASON_SESSION_TAKEN_OVER, WIRE_REASON_DIS,
     "another connection has come with the same Client Identifier"},
    {WIRE_REASON_TOPIC_FILTER_INVALID, WIRE_REASON_SUB,
     "it is no Topic Filter, or longer or deeper than the broker takes"},
    {WIRE_REASON_TOPIC_NAME_INVALID, WIRE_REASON_CON,
     "the Will Topic is no Topic Name, or longer or deeper than the broker takes"},
    {WIRE_REASON_TOPIC_NAME_INVALID, WIRE_REASON_DIS,
     "a PUBLISH names a topic that is empty or has wildcards in it"},
    {WIRE_REASON_TOPIC_NAME_INVALID, ACKS, "the topic is longer or deeper than the broker takes"},
    {WIRE_REASON_RECEIVE_MAXIMUM_EXCEEDED, WIRE_REASON_DIS,
     "more QoS 2 messages are not yet released than the broker's Receive Maximum allows"},
    {WIRE_REASON_TOPIC_ALIAS_INVALID, WIRE_REASON_DIS,
     "the Topic Alias is 0, above the broker's Topic Alias Maximum, or was never set"},
    {WIRE_REASON_PACKET_TOO_LARGE, WIRE_REASON_CON,
     "the CONNACK is larger than the client's Maximum Packet Size"},
    {WIRE_REASON_PACKET_TOO_LARGE, WIRE_REASON_DIS,
     "the packet is larger than the broker's Maximum Packet Size"},
    {WIRE_REASON_QUOTA_EXCEEDED, WIRE_REASON_CON, "as many sessions exist as the broker keeps"},
    {WIRE_REASON_QUOTA_EXCEEDED, WIRE_REASON_DIS, "the broker has no room for this"},
    {WIRE_REASON_QUOTA_EXCEEDED, ACKS,
     "the broker has no room for this message, or it has too many User Properties"},
    {WIRE_REASON_QUOTA_EXCEEDED, WIRE_REASON_SUB,
     "this session has as many subscriptions, or this client as much memory, as the broker allows"},
    {WIRE_REASON_RETAIN_NOT_SUPPORTED, ENDS, "the broker retains no messages"},
    {WIRE_REASON_QOS_NOT_SUPPORTED, ENDS, "the QoS is above the broker's Maximum QoS"},
    {WIRE_REASON_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED, WIRE_REASON_DIS,
     "the broker has no Shared Subscriptions"},
    {WIRE_REASON_SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED, WIRE_REASON_DIS,
     "the broker has no Subscription Identifiers"},
    {WIRE_REASON_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED, WIRE_REASON_DIS,
     "the broker has no Wildcard Subscriptions"},
};

const char *
explain(enum wire_type type, uint8_t reason_code)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].reason_code == reason_code && (rows[i].packets >> type & 1U) != 0) {
            return rows[i].words;
        }
    }
    return NULL;
}

void
explain_fault(enum wire_type type, enum wilco_status status, char out[EXPLAIN_BYTES_MAX])
{
    const char *words = explain(WIRE_DISCONNECT, fault_reason(status));

    if (status == WILCO_EMALFORMED) {
        (void)snprintf(out, EXPLAIN_BYTES_MAX, "a malformed %s", wire_type_name(type));
    } else if (status == WILCO_EPROTOCOL) {
        (void)snprintf(out, EXPLAIN_BYTES_MAX, "a %s that breaks a rule of MQTT",
                       wire_type_name(type));
    } else {
        (void)snprintf(out, EXPLAIN_BYTES_MAX, "%s", words == NULL ? "" : words);
    }
}
