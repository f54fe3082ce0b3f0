#ifndef WILCO_SUPPORT_ASKING_H
#define WILCO_SUPPORT_ASKING_H

#include "support/rig.h"

/* Clients of a rig that ask, and what they ask. */

/* How a requester introduces itself. */
enum asker_kind {
    ASKER_PLAIN = 0, /* as any client */
    ASKER_RRI = 1,   /* Request Response Information 1 */
    ASKER_RR = 2,    /* User Property rr=1: takes status responses */
    ASKER_FULL = ASKER_RRI | ASKER_RR,
    ASKER_LASTS = 4, /* Clean Start 0, Session Expiry never */
};

#define INBOX_TEXT_BYTES 128U

/* Connects; `inbox` gets the Response Information as text, "" if the CONNACK had none. */
void asker_connect(struct rig *r, struct rig_client *c, const char *client_id, unsigned kind,
                   char inbox[INBOX_TEXT_BYTES]);

/* A request; zero fields say nothing. */
struct ask {
    const char *topic;
    const char *response_topic;
    const char *correlation; /* NULL: no Correlation Data */
    const char *payload;     /* NULL: empty */
    uint8_t qos;
    uint16_t packet_id;
    bool retain;
    uint32_t expiry_s; /* 0: no Message Expiry Interval */
    const struct wire_user_property *users;
    size_t user_count;
};
#define USERS(...)                                                                                 \
    .users = (const struct wire_user_property[]){__VA_ARGS__},                                     \
    .user_count = sizeof((const struct wire_user_property[]){__VA_ARGS__}) /                       \
                  sizeof(struct wire_user_property)
#define USER(name_text, value_text)                                                                \
    {                                                                                              \
        .name = SPAN_INIT(name_text), .value = SPAN_INIT(value_text)                               \
    }
/* Publishes it, and takes nothing from what the broker says to that. */
void ask(struct rig_client *c, const struct ask *a);

/* The next packet is a request; acknowledges it unless `ack` is false. */
void expect_request(struct rig_client *c, bool ack, struct wire_any *out);
/* Responds to it, at this QoS. */
void respond(struct rig_client *c, const struct wire_publish *request, const char *payload,
             uint8_t qos, uint16_t packet_id);
/* The next packet is a response with this payload and correlation; acknowledges it. */
void expect_response(struct rig_client *c, const char *correlation, const char *payload);
/* The next packet is a status response of the broker; acknowledges it. */
void expect_status(struct rig_client *c, const char *correlation, const char *status,
                   const char *stage, const char *exec);
/* The value of a User Property of a decoded PUBLISH; fails if it has none. */
struct span user_of(const struct wire_publish *p, const char *name);

/* What all shards have counted. */
struct stats rig_stats(const struct rig *r);

#endif
