#ifndef WILCO_SUPPORT_SCENE_H
#define WILCO_SUPPORT_SCENE_H

#include "support/asking.h"

/* The smallest scene in which requests are answered: a client "asker", and a client "responder"
 * that has subscribed to "service/+" at QoS 2. */
struct scene {
    struct rig r;
    struct rig_client asker;
    struct rig_client responder;
    char inbox[INBOX_TEXT_BYTES]; /* the asker's; "": it has none */
};

void scene_open(struct scene *s, unsigned shards, const struct settings *settings, unsigned kind);
void scene_close(struct scene *s); /* fails if anything leaked */

/* `pattern` with the asker's inbox in the place of "%s", if it has one. */
#define SCENE_TEXT_BYTES (2 * INBOX_TEXT_BYTES)
void scene_text(const struct scene *s, char out[SCENE_TEXT_BYTES], const char *pattern);

/* A request to "service/x" at QoS 0, with the correlation "c"; the responder acknowledges it, and
 * answers at QoS 2. Nothing is taken from the asker. */
void scene_answer(struct scene *s, const char *response_topic, const char *payload, bool retain);
/* The same in the inbox, `rest` being what follows its name; the asker gets it, and nothing else.
 */
void scene_exchange(struct scene *s, const char *rest, const char *payload);

#endif
