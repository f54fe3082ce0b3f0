#ifndef WILCO_CLI_MESSAGE_JSON_H
#define WILCO_CLI_MESSAGE_JSON_H

#include "cli/view.h"

#include <jansson.h>

/* Messages as JSON objects: topic, payload, qos, retain, status (of a response), properties and
 * user_properties. Text that is not UTF-8 stands in base64 under its name with "_base64" behind it.
 */

/* To be given back with json_decref(). */
json_t *message_json(const struct view *v);

/* The reverse, as far as it can be published: false when it is no message. The view borrows from
 * `object`, and from memory that goes to `*memory`. */
struct message_json_memory {
    void **blocks;
    size_t count;
};
bool message_json_read(struct view *out, const json_t *object, struct message_json_memory *memory);
void message_json_memory_fini(struct message_json_memory *m); /* not the view's array of pairs */

/* What else goes into an object; NULL: nothing. */
void message_json_put_text(json_t *object, const char *name, const char *text);
void message_json_put_number(json_t *object, const char *name, uint64_t number);

#endif
