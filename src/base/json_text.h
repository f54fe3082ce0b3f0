#ifndef WILCO_BASE_JSON_TEXT_H
#define WILCO_BASE_JSON_TEXT_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

/* Writes JSON (RFC 8259) behind what is in a buffer, without spaces, one token a call: begin and
 * end of objects and arrays, keys, values; commas and colons come by themselves. That the calls
 * make a whole is the caller's business. The first failure sticks, and later calls write nothing:
 *
 *     struct json_text j = json_text_init(&out);
 *
 *     json_text_begin_object(&j);
 *     json_text_key(&j, "topic");
 *     json_text_string(&j, topic);
 *     json_text_end_object(&j);
 *     return j.status;
 */
struct json_text {
    struct buffer *out;       /* the caller's; its ceiling bounds the text */
    enum wilco_status status; /* WILCO_ELIMIT, WILCO_ENOMEM: the text is cut short */
    bool is_behind_value;     /* the next one needs a comma */
};

struct json_text json_text_init(struct buffer *out);

void json_text_begin_object(struct json_text *j);
void json_text_end_object(struct json_text *j);
void json_text_begin_array(struct json_text *j);
void json_text_end_array(struct json_text *j);
void json_text_key(struct json_text *j, const char *name);
void json_text_key_of(struct json_text *j, struct span name); /* the same for any text */

/* UTF-8 is written as it is; what must be escaped is. */
void json_text_string(struct json_text *j, struct span text);
void json_text_integer(struct json_text *j, uint64_t number);
void json_text_bool(struct json_text *j, bool is_true);
/* A value that is JSON already. */
void json_text_value(struct json_text *j, struct span json);

#endif
