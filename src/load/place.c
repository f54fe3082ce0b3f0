#include "load/place.h"

#include <stdio.h>
#include <string.h>

#define KINDS 4U /* of enum place_kind */

struct place
place_of(const char *name, enum place_kind kind, unsigned index)
{
    static const char *const words[KINDS] = {"", "ask", "answer", "feed"};
    struct place p = {.text = "", .room = PLACE_ROOM_NONE};

    if (kind != PLACE_NONE) {
        (void)snprintf(p.text, sizeof(p.text), "%s/%s/%u", name, words[kind], index);
        p.room = index * KINDS + kind;
    }
    return p;
}

struct place
place_of_topic(const char *topic)
{
    struct place p = {.text = "", .room = PLACE_ROOM_NONE};

    (void)snprintf(p.text, sizeof(p.text), "%s", topic);
    return p;
}

bool
place_is_topic(const char *topic)
{
    size_t len = strlen(topic);

    return len > 0 && len < PLACE_BYTES && strpbrk(topic, "+#") == NULL;
}

enum place_kind
place_kind_of(uint32_t room)
{
    return (enum place_kind)(room % KINDS);
}
