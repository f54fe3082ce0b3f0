#include "broker/core/request_view.h"

#include "broker/core/message.h"
#include "broker/core/request.h"

static struct request_view
view_of(const struct shard *s, const struct request *r)
{
    const struct message *m = r->message;
    uint64_t age_ms = s->now_ms > m->received_ms ? s->now_ms - m->received_ms : 0;
    uint64_t deadline_ms = request_deadline_ms(r);

    return (struct request_view){
        .requester = m->publisher,
        .responder = r->holder->id,
        .responder_client_id = session_client_id(r->holder),
        .topic = message_topic(m),
        .response_topic = message_response_topic(m),
        .correlation = message_correlation(m),
        .age_ms = age_ms,
        .left_ms = deadline_ms > s->now_ms ? deadline_ms - s->now_ms : 0,
        .bytes = m->packet_bytes,
        .stage = (enum request_stage)r->stage,
        .service = r->service,
        .is_idempotent = m->request.is_idempotent,
    };
}

/* Where a listing is. */
struct listing {
    const struct shard *shard;
    size_t to_skip;
    struct request_view *out;
    size_t count;
    size_t max;
};

static void
list_session(struct listing *l, struct session *holder)
{
    if (l->to_skip >= holder->request_count) {
        l->to_skip -= holder->request_count;
        return;
    }
    for (struct list *i = holder->requests.next; i != &holder->requests && l->count < l->max;
         i = i->next) {
        if (l->to_skip > 0) {
            l->to_skip--;
        } else {
            l->out[l->count++] = view_of(l->shard, CONTAINER_OF(i, struct request, of_holder));
        }
    }
}

size_t
request_view_list(struct shard *s, size_t from, struct request_view *out, size_t max)
{
    const struct map *sessions = &s->sessions.by_client_id;
    struct listing l = {.shard = s, .to_skip = from, .out = out, .max = max};

    for (size_t i = 0; i < sessions->bucket_count && l.count < max; i++) {
        for (struct map_node *n = sessions->buckets[i]; n != NULL; n = n->next) {
            list_session(&l, CONTAINER_OF(n, struct session, by_client_id));
        }
    }
    return l.count;
}
