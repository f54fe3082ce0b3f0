#include "broker/core/delivery.h"

#include "broker/core/request.h"
#include "broker/core/shard.h"

#include <assert.h>

struct delivery *
delivery_new(struct shard *s, struct message *m, const struct delivery_terms *t)
{
    size_t identifiers = sizeof(uint32_t) * t->identifier_count;
    struct delivery *d = mem_alloc(s->broker->alloc, sizeof(*d) + identifiers);

    if (d == NULL) {
        return NULL;
    }
    *d = (struct delivery){
        .message = message_ref(m),
        .request = t->request,
        .qos = t->qos,
        .retain = t->retain,
        .identifier_count = t->identifier_count,
        .group = t->group,
        .access_changes = s->broker->access_changes,
    };
    if (identifiers > 0) {
        memcpy(d->identifiers, t->identifiers, identifiers);
    }
    if (d->request != NULL) {
        d->request->delivery = d;
    }
    s->stats.held++;
    s->stats.held_bytes += m->packet_bytes;
    return d;
}

void
delivery_free(struct shard *s, struct delivery *d)
{
    if (d != NULL) {
        if (d->request != NULL) {
            d->request->delivery = NULL;
        }
        s->stats.held--;
        s->stats.held_bytes -= d->message->packet_bytes;
        message_unref(d->message);
        mem_free(s->broker->alloc, d);
    }
}

struct delivery_terms
delivery_terms_of(const struct delivery *d)
{
    return (struct delivery_terms){
        .qos = d->qos,
        .retain = d->retain,
        .identifier_count = d->identifier_count,
        .group = d->group,
        .identifiers = d->identifiers,
        .request = d->request,
    };
}

static void
account(struct delivery_queue *q, const struct delivery *d)
{
    q->count++;
    q->bytes += d->message->packet_bytes;
    q->qos_0_count += d->qos == 0;
    q->shared_count += d->group != 0;
}

/* Nothing is ever written to it. */
static struct delivery_queue none;

struct delivery_queue *
delivery_queue_none(void)
{
    return &none;
}

bool
delivery_queue_own(struct delivery_queue **q, const struct wilco_alloc *a)
{
    struct delivery_queue *own = *q;

    if (own == &none) {
        own = mem_zalloc(a, sizeof(*own));
        if (own == NULL) {
            return false;
        }
        *q = own;
    }
    return true;
}

void
delivery_queue_free(struct delivery_queue *q, struct shard *s)
{
    struct delivery *d = delivery_queue_pop(q);

    while (d != NULL) {
        delivery_free(s, d);
        d = delivery_queue_pop(q);
    }
    if (q != &none) {
        mem_free(s->broker->alloc, q);
    }
}

void
delivery_queue_push(struct delivery_queue *q, struct delivery *d)
{
    assert(q != &none);
    d->next = NULL;
    if (q->last == NULL) {
        q->first = d;
    } else {
        q->last->next = d;
    }
    q->last = d;
    account(q, d);
}

void
delivery_queue_push_front(struct delivery_queue *q, struct delivery *d)
{
    d->next = q->first;
    q->first = d;
    if (q->last == NULL) {
        q->last = d;
    }
    account(q, d);
}

struct delivery *
delivery_queue_pop(struct delivery_queue *q)
{
    struct delivery *d = q->first;

    if (d == NULL) {
        return NULL;
    }
    q->first = d->next;
    if (q->first == NULL) {
        q->last = NULL;
    }
    q->count--;
    q->bytes -= d->message->packet_bytes;
    q->qos_0_count -= d->qos == 0;
    q->shared_count -= d->group != 0;
    d->next = NULL;
    return d;
}
