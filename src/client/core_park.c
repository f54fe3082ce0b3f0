#include "client/core_private.h"

/* A session that goes on brings what has waited in it, or was not acknowledged when the connection
 * was lost, right behind CONNACK, when a process that has just started has had no time to make its
 * responders. Requests wait for those, unacknowledged, for a while. */

#define PARK_MS 5000U

void
core_park(struct core *c)
{
    c->calls.park_timer.kind = TIMER_PARKED;
    wheel_start(&c->calls.timers, &c->calls.park_timer, c->now_ms + PARK_MS);
}

bool
core_park_message(struct core *c, struct wilco_message *m)
{
    if (!timer_is_running(&c->calls.park_timer) || m->response_topic.data == NULL) {
        return false;
    }
    list_push_back(&c->calls.parked, &m->event.link);
    return true;
}

void
core_offer_parked(struct core *c)
{
    LIST_EACH(node, &c->calls.parked)
    {
        struct wilco_message *m = CONTAINER_OF(node, struct wilco_message, event.link);

        m->has_identifiers = false; /* they are those of another life */
    }
    list_append(&c->calls.parked, &c->events); /* they were there before */
    list_append(&c->events, &c->calls.parked);
}

void
core_let_parked_go(struct core *c)
{
    struct list *node = NULL;

    while ((node = list_pop_front(&c->calls.parked)) != NULL) {
        core_let_go(c, CONTAINER_OF(node, struct wilco_message, event.link));
    }
}

void
core_drop_parked(struct core *c)
{
    struct list *node = NULL;

    while ((node = list_pop_front(&c->calls.parked)) != NULL) {
        wilco_message_unref(CONTAINER_OF(node, struct wilco_message, event.link));
    }
}
