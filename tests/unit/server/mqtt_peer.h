#ifndef WILCO_TEST_SERVER_MQTT_PEER_H
#define WILCO_TEST_SERVER_MQTT_PEER_H

#include "net/address.h"
#include "wire/any.h"
#include "wire/reason.h"

/* A client of the tests: a blocking socket and the wire codec. Everything that should work and does
 * not fails the test; nothing waits longer than MQTT_PEER_PATIENCE_S. */
#define MQTT_PEER_PATIENCE_S 20

struct mqtt_peer {
    int fd;
    uint8_t *in;
    size_t in_len;
    size_t used; /* of `in`, by the packet handed out last */
    uint16_t packet_id;
};

/* A socket that is connected and now the peer's. */
void mqtt_peer_adopt(struct mqtt_peer *p, int fd);
void mqtt_peer_open(struct mqtt_peer *p, const struct address *a);
void mqtt_peer_close(struct mqtt_peer *p); /* the socket, without DISCONNECT */
void mqtt_peer_send_bytes(struct mqtt_peer *p, struct span bytes);
void mqtt_peer_send(struct mqtt_peer *p, const struct wire_any *packet);

/* The next packet, which lives until the next call; false: the server has closed. */
bool mqtt_peer_next(struct mqtt_peer *p, struct wire_any *out);
/* The next packet, which must be of this type. */
void mqtt_peer_expect(struct mqtt_peer *p, enum wire_type type, struct wire_any *out);
/* The next is a DISCONNECT with this reason code, and then the server closes. */
void mqtt_peer_expect_disconnect(struct mqtt_peer *p, uint8_t reason_code);
/* The server closes without another word. */
void mqtt_peer_expect_close(struct mqtt_peer *p);

/* A CONNECT of MQTT 5.0 with Clean Start and no Keep Alive. */
struct wire_any mqtt_connect(const char *client_id);
struct wire_any mqtt_publish(const char *topic, struct span payload);
/* As bytes that bytes_free() frees. */
struct span mqtt_bytes(const struct wire_any *packet);

/* Opens, sends CONNECT, expects a CONNACK that accepts. */
void mqtt_peer_connect(struct mqtt_peer *p, const struct address *a, const char *client_id);
/* At QoS 0; waits for the SUBACK. */
void mqtt_peer_subscribe(struct mqtt_peer *p, const char *filter);
void mqtt_peer_publish(struct mqtt_peer *p, const char *topic, const char *payload);
/* Expects this PUBLISH. */
void mqtt_peer_expect_message(struct mqtt_peer *p, const char *topic, const char *payload);
/* Whether the server answers a PINGREQ; packets on the way are passed over. */
void mqtt_peer_ping(struct mqtt_peer *p);

#endif
