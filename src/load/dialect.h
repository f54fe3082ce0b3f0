#ifndef WILCO_LOAD_DIALECT_H
#define WILCO_LOAD_DIALECT_H

#include "load/stencil.h"

/* How a server is spoken to. A dialect has no state; what it borrows lives as long as the input. */
enum arrival_kind {
    ARRIVAL_WELCOME, /* CONNACK, INFO */
    ARRIVAL_SUBSCRIBED,
    ARRIVAL_UNSUBSCRIBED,
    ARRIVAL_MESSAGE,
    ARRIVAL_ACK, /* PUBACK */
    ARRIVAL_PING,
    ARRIVAL_PONG,
    ARRIVAL_GOODBYE, /* DISCONNECT, -ERR */
    ARRIVAL_OTHER,
};

struct arrival {
    enum arrival_kind kind;
    uint8_t qos;
    uint8_t reason_code; /* of WELCOME, SUBSCRIBED (the worst one), ACK and GOODBYE */
    uint16_t packet_id;
    struct span body;     /* of WELCOME and GOODBYE */
    const uint8_t *word;  /* of a MESSAGE: LOAD_WORD_BYTES; NULL: it has none */
    struct span reply_to; /* of a request */
    struct span payload;  /* without the word, where that is a part of it */
};

/* Who a peer is: asked for once it is connected, and again when it goes on. */
struct introduction {
    char client_id[64];
    const char *username, *password; /* NULL: none */
    struct place listens;            /* PLACE_NONE: to nothing */
    const char *group;               /* shares what it listens to; NULL: alone */
    char *inbox; /* PLACE_BYTES for the inbox that the broker gives; NULL: not wanted */
    uint8_t qos;
};

/* What the broker has said it takes. */
struct terms {
    uint16_t receive_maximum;
};

struct dialect {
    const char *name;
    bool is_mqtt;
    void (*hello)(struct outbox *out, const struct introduction *who);
    /* Goes on after `a`. WILCO_OK: the peer is ready. WILCO_AGAIN: not yet. WILCO_EREFUSED. */
    enum wilco_status (*greet)(struct outbox *out, const struct introduction *who,
                               const struct arrival *a, struct terms *terms);
    /* Takes the next packet off `*in`. WILCO_AGAIN: it is not complete. WILCO_EMALFORMED. */
    enum wilco_status (*cut)(struct span *in, struct arrival *out);
    /* WILCO_ENOMEM; WILCO_EINVAL: this cannot be said. */
    enum wilco_status (*draw)(struct stencil *s, const struct wording *w);
    /* The response to `request`: its word and payload, to where it wants it. */
    void (*answer)(struct outbox *out, const struct arrival *request, uint16_t packet_id);
    void (*acknowledge)(struct outbox *out, const struct arrival *a);
    void (*pong)(struct outbox *out);
};

extern const struct dialect dialect_mqtt;
extern const struct dialect dialect_frames;
extern const struct dialect dialect_nats;

const struct dialect *dialect_named(const char *name); /* NULL: there is none */

#endif
