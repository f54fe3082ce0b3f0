#include "library_responder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    ANSWER_LATE_MS = 400,
    EXECUTION_TIMEOUT_MS = 200,
};

void
library_responder_init(struct library_responder *r, struct sim *s, struct asked *asked,
                       const char *group, bool may_be_busy)
{
    struct wilco_responder *how = &r->how;

    r->link.sim = s;
    r->asked = asked;
    *how = (struct wilco_responder){.filter = "do", .group = group};
    how->qos = (uint8_t)sim_pick(s, 3);
    how->qos_0 = how->qos == 0;
    if (may_be_busy) {
        how->concurrency_max = 1 + sim_pick(s, 2);
        how->queue_max = sim_pick(s, 3);
    }
    how->execution_timeout_ms = sim_chance(s, 4) ? EXECUTION_TIMEOUT_MS : 0;
    how->ack_late = sim_chance(s, 4);
}

static struct executed *
free_place(struct library_responder *r)
{
    struct executed *e = r->executed;

    while (e->call != NULL) {
        e++;
        assert_true(e < r->executed + CALLS_MAX);
    }
    return e;
}

/* What was asked is done now, and answered then. */
static void
on_request(void *context, struct wilco_call *call)
{
    struct library_responder *r = context;
    struct sim *s = r->link.sim;
    struct wilco_bytes payload = wilco_message_payload(wilco_call_message(call));
    struct executed *e = free_place(r);

    assert_int_equal(payload.len, sizeof(e->number));
    memcpy(&e->number, payload.data, sizeof(e->number));
    sim_say(s, "%s executes request %u", r->link.client_id, e->number);
    asked_execute(&r->asked[e->number]);
    e->call = wilco_call_ref(call);
    e->until_ms = s->r.now_ms + (sim_chance(s, 2) ? 0 : sim_pick(s, ANSWER_LATE_MS));
    e->how = sim_chance(s, 4) ? sim_pick(s, ANSWER_WAYS) : ANSWER_WELL;
}

void
library_responder_start(struct library_responder *r)
{
    const struct wilco_options options = {
        .reconnect_max_ms = 200,
        .keep_session = true,
        .session_expiry_s = 600,
    };

    library_link_start(&r->link, &options);
    assert_int_equal(wilco_respond_start(r->link.client, &r->how, on_request, r, NULL, NULL),
                     WILCO_OK);
}

static void
answer(struct library_responder *r, struct executed *e)
{
    enum wilco_status st = WILCO_OK;

    if (e->how == ANSWER_WELL) {
        st = wilco_reply_bytes(e->call, (struct wilco_bytes){&e->number, sizeof(e->number)});
    } else if (e->how == ANSWER_BADLY) {
        st = wilco_reply_error(e->call, 500, "no");
    }
    sim_say(r->link.sim, "%s answers request %u: way %d, %s", r->link.client_id, e->number,
            (int)e->how, wilco_status_text(st));
    wilco_call_unref(e->call);
    e->call = NULL;
}

void
library_responder_run(struct library_responder *r)
{
    enum wilco_status st = library_link_run(&r->link);

    if (r->link.client == NULL) {
        return;
    }
    assert_int_equal(st, WILCO_OK);
    for (unsigned i = 0; i < CALLS_MAX; i++) {
        if (r->executed[i].call != NULL && r->executed[i].until_ms <= r->link.sim->r.now_ms) {
            answer(r, &r->executed[i]);
        }
    }
}

void
library_responder_kill(struct library_responder *r)
{
    library_link_stop(&r->link);
    for (unsigned i = 0; i < CALLS_MAX; i++) {
        wilco_call_unref(r->executed[i].call);
        r->executed[i].call = NULL;
    }
}
