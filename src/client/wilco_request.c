#define _POSIX_C_SOURCE 200809L

#include "wilco/wilco.h"

#include "base/clock.h"
#include "client/client.h"
#include "client/explain.h"
#include "client/message.h"

/* What became of a request that was not even filed. */
static void
explain_refusal(struct wilco_error *why, enum wilco_status status, uint8_t reason_code)
{
    explain_outcome(why, &(struct outcome){
                             .status = status,
                             .reason_code = reason_code,
                             .stage = reason_code != 0 ? WILCO_STAGE_REJECTED : WILCO_STAGE_UNSENT,
                             .executed = WILCO_EXECUTED_NO,
                         });
}

/* ---- Blocking ---- */

/* Somebody who waits for the end of a request with parts: as those are told by the client's thread,
 * it tells the end as well, so that it comes behind them. */
struct last_in_line {
    struct wilco *client;
    struct waiter *waiter;
};

static void
tell_waiter(void *context, enum wilco_status status, const struct wilco_message *response)
{
    const struct last_in_line *last = context;

    (void)pthread_mutex_lock(&last->client->lock);
    last->waiter->is_done = true;
    last->waiter->status = status;
    last->waiter->message = response == NULL ? NULL : wilco_message_ref(response);
    (void)pthread_cond_signal(&last->waiter->cond);
    (void)pthread_mutex_unlock(&last->client->lock);
}

/* Asks if that is possible now, so that it ends at `deadline_ms`. */
static enum wilco_status
ask_at(struct last_in_line *last, const struct wilco_request *wanted, uint64_t now_ms,
       uint64_t deadline_ms)
{
    struct core_asker asker = {.context = last->waiter, .error = wanted->error};
    struct wilco *c = last->client;
    struct wilco_request r = *wanted;
    uint64_t call = 0;

    if (c->core == NULL) {
        return WILCO_ECLOSED;
    }
    if (now_ms >= deadline_ms) {
        return WILCO_ETIMEDOUT;
    }
    if (wanted->on_part != NULL) {
        asker.on_response = tell_waiter;
        asker.context = last;
    }
    r.timeout_ms = (uint32_t)(deadline_ms - now_ms);
    return core_request(c->core, &r, &asker, now_ms, &call, &last->waiter->reason_code);
}

static enum wilco_status
ask_and_wait(struct last_in_line *last, const struct wilco_request *r)
{
    struct wilco *c = last->client;
    uint64_t now_ms = clock_monotonic_ms();
    uint64_t deadline_ms = now_ms + core_timeout_ms(r);
    enum wilco_status st = ask_at(last, r, now_ms, deadline_ms);

    while (st == WILCO_AGAIN) {
        client_wait_for_room(c, deadline_ms);
        st = ask_at(last, r, clock_monotonic_ms(), deadline_ms);
    }
    if (st != WILCO_OK) {
        explain_refusal(r->error, st, last->waiter->reason_code);
        return st;
    }
    client_asked(c, r->hedge_after_ms != 0); /* which is the thread's to do in time */
    waiter_wait(last->waiter, c, deadline_ms + r->responder_wait_ms);
    return last->waiter->status;
}

enum wilco_status
wilco_request(struct wilco *client, const struct wilco_request *request,
              struct wilco_message **response)
{
    struct waiter w = {.is_done = false};
    struct last_in_line last = {.client = client, .waiter = &w};
    enum wilco_status st = client_enter(client, true);

    *response = NULL;
    explain_request(request->error, request->topic);
    if (st == WILCO_OK) {
        st = waiter_init(&w);
    }
    if (st == WILCO_OK) {
        st = ask_and_wait(&last, request);
        waiter_fini(&w);
    } else {
        explain_refusal(request->error, st, 0);
    }
    client_leave(client);
    *response = message_as_response(w.message, st);
    if (*response == NULL) {
        wilco_message_unref(w.message);
    }
    return st;
}

/* ---- Not blocking ---- */

static enum wilco_status
start(struct wilco *c, const struct wilco_request *r, const struct core_asker *asker,
      uint64_t *call, uint8_t *reason_code)
{
    enum wilco_status st = core_request(c->core, r, asker, clock_monotonic_ms(), call, reason_code);

    if (st == WILCO_OK) {
        client_asked(c, true);
    }
    return st == WILCO_AGAIN ? WILCO_ELIMIT : st;
}

enum wilco_status
client_start_request(struct wilco *c, const struct wilco_request *r, const struct core_asker *asker,
                     uint64_t *call)
{
    uint64_t number = 0;
    uint8_t reason_code = 0;
    enum wilco_status st = client_enter(c, false);

    explain_request(r->error, r->topic);
    if (st == WILCO_OK && asker->on_response == NULL) {
        st = WILCO_EINVAL;
    }
    if (st == WILCO_OK) {
        st = start(c, r, asker, &number, &reason_code);
    }
    if (st != WILCO_OK) {
        explain_refusal(r->error, st, reason_code);
    } else if (call != NULL) {
        *call = number;
    }
    client_leave(c);
    return st;
}

enum wilco_status
wilco_request_start(struct wilco *client, const struct wilco_request *request,
                    wilco_response_fn *on_response, void *context, uint64_t *call)
{
    const struct core_asker asker = {
        .on_response = on_response,
        .context = context,
        .error = request->error,
    };

    return client_start_request(client, request, &asker, call);
}

enum wilco_status
wilco_request_cancel(struct wilco *client, uint64_t call)
{
    enum wilco_status st = client_enter(client, false);

    if (st == WILCO_OK) {
        st = core_cancel(client->core, call);
    }
    if (st == WILCO_OK) {
        client_asked(client, true);
    }
    client_leave(client);
    return st;
}
