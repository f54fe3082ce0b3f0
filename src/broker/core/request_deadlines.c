#include "broker/core/request_deadlines.h"

#include "broker/core/request.h"

void
request_deadlines_init(struct request_deadlines *d)
{
    *d = (struct request_deadlines){.timer = {.kind = SHARD_TIMER_REQUESTS}};
    list_init(&d->fresh);
    list_init(&d->aging);
}

uint64_t
request_deadline_ms(const struct request *r)
{
    const struct message *m = r->message;

    return m->received_ms + (WILCO_UNLIKELY(m->life_ms == UINT64_MAX)
                                 ? r->holder->shard->broker->settings.request_deadline_ms
                                 : m->life_ms);
}

/* A request is in the lists for two ticks of the timer at most, and one that is late by a tick or
 * more empties both lists: so a deadline this far away cannot be missed. */
#define FAR_MS (3 * REQUEST_FRESH_MS)

void
request_deadlines_add(struct shard *s, struct request *r)
{
    struct request_deadlines *d = &s->request_deadlines;
    uint64_t deadline_ms = request_deadline_ms(r);

    if (deadline_ms <= s->now_ms + FAR_MS) {
        wheel_start(&s->wheel, &r->timer, deadline_ms);
        return;
    }
    list_push_back(&d->fresh, &r->fresh_link);
    if (!timer_is_running(&d->timer)) {
        wheel_start(&s->wheel, &d->timer, s->now_ms + REQUEST_FRESH_MS);
    }
}

void
request_deadlines_remove(struct shard *s, struct request *r)
{
    if (WILCO_LIKELY(list_is_linked(&r->fresh_link))) {
        list_remove(&r->fresh_link);
    } else {
        wheel_stop(&s->wheel, &r->timer);
    }
}

/* The wheel does not fire again at once. */
static void
file_all(struct shard *s, struct list *requests)
{
    for (struct list *link = list_pop_front(requests); link != NULL;
         link = list_pop_front(requests)) {
        struct request *r = CONTAINER_OF(link, struct request, fresh_link);
        uint64_t deadline_ms = request_deadline_ms(r);

        if (deadline_ms <= s->now_ms) {
            request_timer_fired(r);
        } else {
            wheel_start(&s->wheel, &r->timer, deadline_ms);
        }
    }
}

void
request_deadlines_timer_fired(struct shard *s)
{
    struct request_deadlines *d = &s->request_deadlines;

    file_all(s, &d->aging);
    if (s->now_ms >= d->timer.deadline_ms + REQUEST_FRESH_MS) {
        file_all(s, &d->fresh);
    }
    list_append(&d->aging, &d->fresh);
    if (!list_is_empty(&d->aging)) {
        wheel_start(&s->wheel, &d->timer, s->now_ms + REQUEST_FRESH_MS);
    }
}
