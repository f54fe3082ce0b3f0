#ifndef WILCO_CLI_VIEW_H
#define WILCO_CLI_VIEW_H

#include "wilco/wilco.h"

#include <stdbool.h>

/* A message as the tool writes it, whether it arrived or is about to leave: what is not carried has
 * data == NULL. Everything is borrowed, except the array of user properties. */
struct view_pair {
    struct wilco_bytes name, value;
};

struct view {
    struct wilco_bytes topic, payload;
    struct wilco_bytes content_type, response_topic, correlation_data;
    struct view_pair *user_properties;
    size_t user_property_count;
    uint8_t qos;
    bool retain, is_utf8, has_expiry;
    uint32_t expiry_s;
    int status;        /* of a response; 0: this is none */
    bool is_part;      /* others follow it */
    bool has_progress; /* it says how much is done, and is no answer */
    double progress;   /* from 0 to 1 */
};

struct view view_of_message(const struct wilco_message *m);
struct view
view_of_response(const struct wilco_message *m); /* with its status, and what it says of others */
struct view view_of_publish(const struct wilco_publish *p);
void view_fini(struct view *v);

#endif
