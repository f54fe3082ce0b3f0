#ifndef WILCO_LOAD_PLACE_H
#define WILCO_LOAD_PLACE_H

#include <stdbool.h>
#include <stdint.h>

/* Where messages go: a topic for MQTT, a subject for NATS, the number of a room for frames. */
enum place_kind {
    PLACE_NONE,
    PLACE_ASK,    /* requests */
    PLACE_ANSWER, /* responses */
    PLACE_FEED,   /* plain messages */
};

#define PLACE_BYTES     128U
#define PLACE_ROOM_NONE UINT32_MAX

struct place {
    char text[PLACE_BYTES]; /* "<name>/ask/<index>"; empty for PLACE_NONE */
    uint32_t room;
};

/* `name` is what topics of this run begin with, so that runs beside each other do not meet. */
struct place place_of(const char *name, enum place_kind kind, unsigned index);
/* Somewhere that somebody else has chosen; `topic` is valid. */
struct place place_of_topic(const char *topic);
/* Whether it is short enough, and nothing but a topic. */
bool place_is_topic(const char *topic);
/* The kind of a room. */
enum place_kind place_kind_of(uint32_t room);

#endif
