#ifndef WILCO_SUPPORT_RIG_H
#define WILCO_SUPPORT_RIG_H

#include "broker/core/conn.h"
#include "support/failing_alloc.h"
#include "wire/any.h"

/* A whole broker core with its clients in one thread: no sockets, a clock that only moves when
 * told, a seeded random source. A client is a conn and what the broker has written to it. Packets
 * go in as struct wire_any and come out decoded. Any broken expectation fails the cmocka test at
 * hand. */
#define RIG_UNIX_MS UINT64_C(1767225600000) /* its birthday: 2026-01-01T00:00:00.000Z */

struct rig {
    struct broker broker;
    struct failing_alloc alloc;
    struct random_seeded random;
    uint64_t now_ms;
};

void rig_open(struct rig *r, unsigned shards, const struct settings *settings); /* NULL: defaults */
/* The same for a broker that has these Authentication Methods. */
void rig_open_with_methods(struct rig *r, unsigned shards, const struct auth_method *methods,
                           size_t count);
/* The same for a broker made with `config`, but for allocator, randomness and birthday. */
void rig_open_as(struct rig *r, const struct broker_config *config);
/* The same where allocation number `fail_at` (counted from 1; 0: none) will fail: what
 * broker_init() says. Unless it is WILCO_OK there is nothing to close. */
enum wilco_status rig_try_open(struct rig *r, unsigned shards, const struct settings *settings,
                               size_t fail_at);
void rig_close(struct rig *r); /* clients are closed; fails if anything leaked */
/* A thread that has had rigs, other than the first one, is about to end. */
void rig_thread_leave(void);
/* Runs all shards until nothing is left to do; then moves the clock. */
void rig_settle(struct rig *r);
void rig_advance(struct rig *r, uint64_t ms);

/* A client identifier that begins with `prefix` and belongs to this shard (modulo how many there
 * are). */
#define RIG_NAME_BYTES 16
void rig_name_in(const struct rig *r, unsigned shard, const char *prefix, char out[RIG_NAME_BYTES]);

struct referee_line;

struct rig_client {
    struct rig *rig;
    struct conn conn;
    struct referee_line *line; /* told what the client sends (referee.h); NULL: nobody is */
    bool is_open;              /* conn_init() without conn_fini() */
    bool is_stuck;             /* does not read what it is sent */
    enum wire_version version;
    uint8_t *input; /* what the broker has written and the client not yet looked at */
    size_t input_len;
    size_t input_at;
    size_t input_capacity;
};

/* A connection in the shard that `client_id` belongs to (the first, when it is empty). */
void rig_client_open(struct rig *r, struct rig_client *c, const char *client_id,
                     enum wire_version version);
/* Opens, sends CONNECT with Clean Start 1 and nothing else, and takes the CONNACK (which must be
 * 0). */
void rig_client_connect(struct rig *r, struct rig_client *c, const char *client_id);
/* Opens, sends this CONNECT and takes the CONNACK, whatever it says. */
void rig_connect(struct rig *r, struct rig_client *c, const struct wire_connect *how,
                 struct wire_any *connack);
/* The same for a session that lasts, MQTT 5.0; CONNACK must be 0 and say `session_present`. */
void rig_resume(struct rig *r, struct rig_client *c, const char *client_id, bool session_present);
void rig_client_drop(struct rig_client *c);  /* the transport breaks */
void rig_client_close(struct rig_client *c); /* forgets everything; harmless twice */

/* For those who choose themselves which shard does what, and when. A part of one turn of one shard;
 * like a driver each of these tells the shard the time first. */
enum rig_part {
    RIG_CLOCK,  /* just what is due */
    RIG_MAIL,   /* what other shards have sent it */
    RIG_OUTPUT, /* what it has for its clients */
};
void rig_step(struct rig *r, unsigned shard, enum rig_part part);
/* rig_send(), and nothing is settled; the broker must be willing to read. */
void rig_post(struct rig_client *c, const struct wire_any *packet);
/* The transport breaks and the client forgets everything; nothing is settled. Harmless twice. */
void rig_client_cut(struct rig_client *c);
/* Just before that: what the broker has written and the client would never have read comes out of
 * rig_next() too. */
void rig_client_see_lost(struct rig_client *c);

void rig_send(struct rig_client *c, const struct wire_any *packet);
void rig_send_bytes(struct rig_client *c, const void *bytes, size_t len);
/* The next packet the broker sent; its spans live until the client is closed or gets more. */
void rig_expect(struct rig_client *c, enum wire_type type, struct wire_any *out);
void rig_expect_nothing(struct rig_client *c);
/* Any packet; false: nothing more has come. */
bool rig_next(struct rig_client *c, struct wire_any *out);
/* A PUBLISH with this payload. */
void rig_expect_publish(struct rig_client *c, const char *payload, struct wire_any *out);
/* DISCONNECT with this reason code and then the end (MQTT 5.0), or just the end (before). */
void rig_expect_end(struct rig_client *c, uint8_t reason_code);
bool rig_client_is_ended(const struct rig_client *c);

/* PUBACK, PUBREC, PUBREL or PUBCOMP with just this. */
void rig_expect_ack(struct rig_client *c, enum wire_type type, uint16_t packet_id,
                    uint8_t reason_code);

/* The common packets. */
struct wire_any rig_connect_packet(const struct rig_client *c, const char *client_id);
void rig_subscribe(struct rig_client *c, const char *filter, uint8_t qos);
void rig_subscribe_with(struct rig_client *c, const struct wire_subscription *w,
                        uint32_t identifier, uint8_t reason_code);
struct wire_any rig_publish_packet(const char *topic, const char *payload, uint8_t qos,
                                   uint16_t packet_id);
void rig_publish(struct rig_client *c, const char *topic, const char *payload); /* QoS 0 */
void rig_publish_qos(struct rig_client *c, const char *topic, const char *payload, uint8_t qos,
                     uint16_t packet_id);
void rig_ack(struct rig_client *c, enum wire_type type, uint16_t packet_id);
void rig_disconnect(struct rig_client *c, uint8_t reason_code);
/* A CONNECT of a session that lasts: MQTT 5.0, Clean Start 0, Session Expiry in seconds. */
struct wire_connect rig_lasting(const char *client_id, uint32_t expiry_s);

#endif
