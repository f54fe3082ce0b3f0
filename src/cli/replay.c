#include "cli/replay.h"

#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/memory.h"
#include "cli/wake.h"

#include <stdlib.h>
#include <string.h>

void
replay_init(struct replay *r, const struct recording *recording, const struct replay_options *o,
            struct wilco *client)
{
    *r = (struct replay){
        .recording = recording,
        .options = o,
        .client = client,
        .start_us = wake_now_us(),
    };
}

void
replay_fini(struct replay *r)
{
    free(r->users);
    r->users = NULL;
}

/* It ends in zero, having been read. */
static const char *
text_of(struct wilco_bytes bytes)
{
    return bytes.data;
}

static size_t
take_users(struct replay *r, const struct view *m, bool all)
{
    size_t count = 0;

    free(r->users);
    r->users = memory_get(m->user_property_count, sizeof(*r->users));
    for (size_t i = 0; i < m->user_property_count; i++) {
        const struct view_pair *pair = &m->user_properties[i];

        if (all || !exchange_is_librarys(pair)) {
            r->users[count++] =
                (struct wilco_user_property){text_of(pair->name), text_of(pair->value)};
        }
    }
    return count;
}

static enum asker_next
ask(struct replay *r, const struct view *m, struct question *q)
{
    const char *is_idempotent = exchange_user_property(m, "rr-idem");

    q->tag = r->at;
    q->request = (struct wilco_request){
        .topic = text_of(m->topic),
        .payload = m->payload,
        .timeout_ms = r->options->timeout_ms,
        .qos = m->qos,
        .qos_0 = m->qos == 0,
        .is_utf8 = m->is_utf8,
        .content_type = text_of(m->content_type),
        .partition = exchange_user_property(m, "$partition"),
        .idempotent = is_idempotent != NULL && strcmp(is_idempotent, "1") == 0,
        .user_property_count = take_users(r, m, false),
    };
    q->request.user_properties = r->users;
    r->at++;
    r->asked++;
    return ASKER_ASK;
}

#define QUEUE_FULL_US 10000U

static enum asker_next
publish(struct replay *r, const struct view *m, struct question *q)
{
    struct wilco_publish p = {
        .topic = text_of(m->topic),
        .payload = m->payload,
        .qos = m->qos,
        .retain = m->retain,
        .is_utf8 = m->is_utf8,
        .has_expiry = m->has_expiry,
        .expiry_s = m->expiry_s,
        .content_type = text_of(m->content_type),
        .correlation_data = m->correlation_data,
        .user_property_count = take_users(r, m, true),
    };
    enum wilco_status status;

    p.user_properties = r->users;
    status = wilco_publish_start(r->client, &p, NULL, NULL);
    if (status == WILCO_ELIMIT) { /* too much is queued */
        q->due_us = wake_now_us() + QUEUE_FULL_US;
        return ASKER_LATER;
    }
    if (status != WILCO_OK) {
        (void)connection_failed("publish to", p.topic, status, 0);
        return ASKER_FAILED;
    }
    r->at++;
    r->published++;
    return ASKER_AGAIN;
}

static uint64_t
due_us(const struct replay *r, const struct exchange *e)
{
    if (r->options->rate > 0) {
        return r->start_us + (uint64_t)((double)r->asked * 1e6 / r->options->rate);
    }
    return r->start_us +
           (uint64_t)((double)(e->time_us - r->recording->all[0].time_us) / r->options->speed);
}

enum asker_next
replay_next(struct replay *r, struct question *q)
{
    const struct recording *all = r->recording;
    const struct exchange *e;
    uint64_t now_us = q->due_us;

    while (r->at < all->count && all->all[r->at].response_to != 0) {
        r->at++;
    }
    if (r->at == all->count) {
        return ASKER_END;
    }
    e = &all->all[r->at];
    if (!r->options->is_hasty) {
        q->due_us = due_us(r, e);
        if (q->due_us > now_us) {
            return ASKER_LATER;
        }
    }
    return exchange_is_request(e) ? ask(r, &e->message, q) : publish(r, &e->message, q);
}

static bool
is_identical(const struct view *recorded, const struct wilco_message *response)
{
    struct wilco_bytes payload;

    if (response == NULL || wilco_message_status(response) != recorded->status) {
        return false;
    }
    payload = wilco_message_payload(response);
    return payload.len == recorded->payload.len &&
           (payload.len == 0 || memcmp(payload.data, recorded->payload.data, payload.len) == 0);
}

bool
replay_compare(struct replay *r, const struct ending *e)
{
    const struct exchange *recorded = recording_answer(r->recording, (size_t)e->tag);
    bool is_same;

    if (recorded == NULL) {
        r->unknown++;
        return true;
    }
    is_same = is_identical(&recorded->message, e->response);
    r->identical += is_same;
    r->different += !is_same;
    return is_same;
}
