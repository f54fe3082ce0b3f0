#include "library_requester.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

void
library_requester_init(struct library_requester *q, struct sim *s)
{
    q->link.sim = s;
    q->keeps_session = sim_chance(s, 2);
}

void
library_requester_start(struct library_requester *q)
{
    const struct wilco_options options = {
        .reconnect_max_ms = 200,
        .keep_session = q->keeps_session,
        .session_expiry_s = q->keeps_session ? 600 : 0,
        .retry_percent = 100,
    };

    library_link_start(&q->link, &options);
}

void
library_requester_run(struct library_requester *q)
{
    assert_int_equal(library_link_run(&q->link), WILCO_OK);
}

/* ---- Asking ---- */

static void
note_end(struct asked *a, enum wilco_status status)
{
    const struct sim *s = a->sim;

    a->ends++;
    a->status = status;
    a->ended_ms = s->r.now_ms;
    sim_say(s, "request %u ends: %s", a->number, status == WILCO_OK ? "answered" : a->error.text);
}

/* What a response says; UINT_MAX: it does not. */
static unsigned
number_in(const struct wilco_message *response)
{
    struct wilco_bytes payload = {.len = 0};
    unsigned number = UINT_MAX;

    if (response != NULL) {
        payload = wilco_message_payload(response);
    }
    if (payload.len == sizeof(number)) {
        memcpy(&number, payload.data, sizeof(number));
    }
    return number;
}

static void
draw_request(struct wilco_request *r, struct sim *s)
{
    static const uint32_t timeouts_ms[] = {100, 500, 2000, 10000};

    r->timeout_ms = timeouts_ms[sim_pick(s, 4)];
    r->responder_wait_ms = sim_chance(s, 3) ? 1 + sim_pick(s, 2000) : 0;
    r->qos = (uint8_t)sim_pick(s, 3);
    r->qos_0 = r->qos == 0;
    r->idempotent = sim_chance(s, 3);
    r->fail_if_offline = sim_chance(s, 4);
    r->fail_fast = sim_chance(s, 4);
    r->retries_max = sim_pick(s, 3);
    r->hedge_after_ms = sim_chance(s, 4) ? 50 : 0;
}

static void
on_response(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct asked *a = context;

    a->answer = number_in(response);
    note_end(a, status);
}

void
library_requester_ask(struct library_requester *q)
{
    struct sim *s = q->link.sim;
    unsigned number = q->asked_count;
    struct asked *a = &q->asked[number];
    struct wilco_request *r = &a->request;
    enum wilco_status st = WILCO_OK;

    if (number == ASKED_MAX) {
        return;
    }
    q->asked_count++;
    *a = (struct asked){.sim = s, .number = number, .asked_ms = s->r.now_ms, .answer = UINT_MAX};
    a->correlation_data[0] = (uint8_t)number; /* the time is in those of the library */
    draw_request(r, s);
    r->topic = "do";
    r->payload = (struct wilco_bytes){&a->number, sizeof(a->number)};
    r->correlation_data = (struct wilco_bytes){a->correlation_data, sizeof(a->correlation_data)};
    r->error = &a->error;
    sim_say(s, "request %u: QoS %d, %u ms, waits %u ms%s%s%s, %u retries%s", number,
            r->qos_0 ? 0 : r->qos, r->timeout_ms, r->responder_wait_ms,
            r->idempotent ? ", idempotent" : "", r->fail_if_offline ? ", fails if offline" : "",
            r->fail_fast ? ", fails fast" : "", r->retries_max,
            r->hedge_after_ms > 0 ? ", hedged" : "");
    st = wilco_request_start(q->link.client, r, on_response, a, &a->call);
    if (st != WILCO_OK) {
        note_end(a, st);
    }
}

void
library_requester_cancel(struct library_requester *q)
{
    struct sim *s = q->link.sim;
    struct asked *a = q->asked_count == 0 ? NULL : &q->asked[sim_pick(s, q->asked_count)];

    if (a == NULL || a->is_left) {
        return;
    }
    if (wilco_request_cancel(q->link.client, a->call) == WILCO_OK) {
        sim_say(s, "request %u is cancelled", a->number);
        a->is_cancelled = true;
    }
}

void
library_requester_stop(struct library_requester *q)
{
    for (unsigned i = 0; i < q->asked_count; i++) {
        q->asked[i].is_left = true;
    }
    library_link_stop(&q->link);
}
