#include "load/place.h"

#include <stdio.h>

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

enum place_kind
place_kind_of(uint32_t room)
{
    return (enum place_kind)(room % KINDS);
}
