#ifndef WILCO_TEST_CLIENT_PEER_H
#define WILCO_TEST_CLIENT_PEER_H

#include "base/buffer.h"
#include "base/random.h"
#include "client/core.h"
#include "support/failing_alloc.h"
#include "wire/any.h"

/* A client core and, at its other end, a server that a test plays by hand: what the core wrote is
 * taken apart packet by packet, and packets go in. No sockets, no threads; the clock moves when
 * told. Any broken expectation fails the test. */
struct peer {
    struct failing_alloc alloc;
    struct random_seeded random;
    struct core *core;
    uint64_t now_ms;
    struct buffer written; /* by the core, ever; spans into it live until more is taken */
    size_t seen;           /* how much of it has been looked at */
};

#define PEER_START_MS 1000000U

/* A core that has written CONNECT, which is not yet looked at. `options` may be NULL. */
void peer_start(struct peer *p, const struct wilco_options *options);
/* The same, and connected: CONNACK has these properties (NULL: none). */
void peer_open(struct peer *p, const struct wilco_options *options,
               const struct wire_properties *connack);
void peer_close(struct peer *p); /* fails if anything leaked */

/* The next packet the core has written. */
void peer_expect(struct peer *p, enum wire_type type, struct wire_any *out);
/* The same, byte for byte, as bytes_from() reads them. */
void peer_expect_bytes(struct peer *p, const char *bytes);
void peer_expect_nothing(struct peer *p);
/* DISCONNECT with this reason code, and nothing behind it; the core is closed. */
void peer_expect_end(struct peer *p, uint8_t reason_code);

void peer_send(struct peer *p, const struct wire_any *packet);
void peer_send_bytes(struct peer *p, struct span bytes); /* from a block of just this size */
void peer_advance(struct peer *p, uint64_t ms);

/* The next event of each queue, of this kind. */
void peer_event(struct peer *p, enum core_event_kind kind, struct core_event *out);
void peer_awaited(struct peer *p, enum core_event_kind kind, struct core_event *out);
void peer_no_event(struct peer *p); /* in neither */

/* ---- What happens often ---- */

void peer_ack(struct peer *p, enum wire_type type, uint16_t packet_id, uint8_t reason_code);
/* PUBLISH with this payload; packet identifier 0 means QoS 0, otherwise `qos`. */
void peer_publish(struct peer *p, const char *topic, const char *payload, uint8_t qos,
                  uint16_t packet_id);
/* Takes a SUBSCRIBE, answers it, and says which Subscription Identifier it had. */
uint32_t peer_grant(struct peer *p, uint8_t reason_code);

/* A request that has been seen: what it takes to answer it. */
struct peer_request {
    char topic[128];
    uint8_t correlation[64];
    size_t correlation_len;
    uint16_t packet_id;
    uint8_t qos;
};
/* Takes a PUBLISH that is a request. */
void peer_take_request(struct peer *p, struct peer_request *out);
/* QoS 0. `status` may be NULL: no `__stat`. */
void peer_answer(struct peer *p, const struct peer_request *request, const char *payload,
                 const char *status);
/* The same with any User Properties; `retain` is the flag of PUBLISH. */
void peer_answer_with(struct peer *p, const struct peer_request *request, const char *payload,
                      const struct wire_user_property *users, size_t count, bool retain);

/* What our broker says in the place of an answer; NULL: without that property. */
struct peer_status {
    const char *status, *text, *source, *stage, *executed;
};
/* Its User Properties, of which there are as many as this returns. */
size_t peer_status_users(const struct peer_status *s, struct wire_user_property users[5]);
void peer_say_status(struct peer *p, const struct peer_request *request,
                     const struct peer_status *s);
/* A message as it arrives, with these User Properties. */
struct wilco_message *peer_message(const struct wire_user_property *users, size_t count);

/* Starts an asynchronous request that must be accepted; its call. The callback is peer_on_response.
 */
uint64_t peer_ask(struct peer *p, const struct wilco_request *r);
void peer_on_response(void *context, enum wilco_status status,
                      const struct wilco_message *response);
struct wilco_counters peer_counters(const struct peer *p);

/* Gives back a reference of a call, as the application does. */
void peer_drop_call(struct peer *p, struct wilco_call *call);

/* The first request of a client: the SUBSCRIBE for its responses is granted on the way. */
uint64_t peer_ask_first(struct peer *p, const struct wilco_request *r, struct peer_request *out);

#endif
