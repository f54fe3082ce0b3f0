#include "customer.h"

#include <assert.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const topics[] = {"t/a", "t/b", "do", "t/a/b"};
static const char *const filters[] = {"t/#", "t/a", "#", "$share/g/t/+", "t/+/b"};

static uint64_t
tell_time(void *context)
{
    const struct customer *c = context;

    return c->now_ms;
}

static bool
throw_dice(void *context, void *out, size_t len)
{
    struct customer *c = context;
    struct dice mine = {.state = c->random_state};
    uint8_t *bytes = out;

    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)dice_roll(&mine);
    }
    c->random_state = mine.state;
    return true;
}

/* ---- Callbacks ---- */

static void
end_deed(struct deed *deed, enum wilco_status status)
{
    deed->ends++;
    deed->status = status;
    assert(deed->ends == 1);
    assert(status <= 0 && status >= WILCO_ELOST);
}

static void
look_at(const struct wilco_message *m)
{
    struct wilco_bytes payload = wilco_message_payload(m);
    volatile uint8_t sum = 0;

    for (size_t i = 0; i < payload.len; i++) {
        sum = (uint8_t)(sum + ((const uint8_t *)payload.data)[i]);
    }
}

static void
on_message(void *context, const struct wilco_message *m)
{
    struct customer *c = context;

    look_at(m);
    c->messages++;
}

static void
on_response(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct deed *deed = context;

    if (response != NULL) {
        look_at(response);
    }
    assert((status != WILCO_OK && status != WILCO_EREMOTE) || deed->may_be_answered);
    end_deed(deed, status);
}

static void
on_published(void *context, enum wilco_status status, uint8_t reason_code)
{
    (void)reason_code;
    end_deed(context, status);
}

static void
on_request(void *context, struct wilco_call *call)
{
    struct customer *c = context;

    look_at(wilco_call_message(call));
    if (c->call_count < CUSTOMER_CALLS) {
        c->calls[c->call_count++] = wilco_call_ref(call);
    }
}

static void
on_changed(void *context, struct wilco_call *call)
{
    struct customer *c = context;

    c->messages += wilco_call_is_cancelled(call);
}

static void
on_state(void *context, const struct wilco_state *state)
{
    struct customer *c = context;

    c->closed += state->kind == WILCO_CLOSED;
    assert(c->closed <= 1);
    assert(state->kind == WILCO_CONNECTED || state->why->text[0] != '\0');
}

static bool
authenticate(void *context, const struct wilco_challenge *challenge, struct wilco_bytes *answer)
{
    struct customer *c = context;

    (void)challenge;
    *answer = WILCO_TEXT("an answer");
    return dice_percent(c->dice, 90);
}

/* ---- Its life ---- */

void
customer_open(struct customer *c, struct dice *d)
{
    const struct wilco_publish will = {.topic = "t/will", .payload = WILCO_TEXT("gone")};
    struct wilco_options o = {
        .io = WILCO_IO_NONE,
        .open_offline = true,
        .client_id = dice_percent(d, 70) ? "customer" : NULL,
        .keep_session = dice_percent(d, 30),
        .reconnect_off = dice_percent(d, 20),
        .reconnect_max_ms = 500,
        .packet_bytes_max = dice_percent(d, 50) ? 2048 : 0,
        .receive_maximum = (uint16_t)dice_below(d, 4),
        .pending_max = 16,
        .queue_bytes_max = 65536,
        .retry_percent = 100,
        .will = dice_percent(d, 20) ? &will : NULL,
        .state_changed = on_state,
        .now_ms = tell_time,
        .random = throw_dice,
        .context = c,
    };
    enum wilco_status status = WILCO_OK;

    memset(c, 0, sizeof(*c));
    c->dice = d;
    c->now_ms = 1000000;
    c->random_state = dice_roll(d);
    if (o.keep_session) {
        o.client_id = "customer";
        o.session_expiry_s = 600;
    }
    if (dice_percent(d, 40)) {
        o.unmatched = on_message;
        o.unmatched_request = on_request;
    }
    if (dice_percent(d, 10)) {
        o.authentication_method = "a method";
        o.authentication_data = WILCO_TEXT("first");
        o.authenticate = dice_percent(d, 80) ? authenticate : NULL;
    }
    status = wilco_open(&c->client, &o);
    assert(status == WILCO_OK);
    (void)status;
}

static struct deed *
next_deed(struct customer *c)
{
    return c->deed_count < CUSTOMER_DEEDS ? &c->deeds[c->deed_count] : NULL;
}

/* Unless it was refused at once, it will end. */
static void
begun(struct customer *c, struct deed *deed, enum wilco_status status)
{
    assert(status <= 0 && status >= WILCO_ELOST);
    if (status == WILCO_OK) {
        deed->is_started = true;
        c->deed_count++;
    } else {
        assert(deed->ends == 0);
    }
}

static void
draw_request(struct dice *d, struct wilco_request *r)
{
    static const uint32_t timeouts_ms[] = {100, 1000, 5000};

    r->topic = topics[dice_below(d, COUNT(topics))];
    r->payload = WILCO_TEXT("what is asked");
    r->timeout_ms = timeouts_ms[dice_below(d, COUNT(timeouts_ms))];
    r->qos = (uint8_t)dice_below(d, 3);
    r->qos_0 = r->qos == 0;
    r->idempotent = dice_percent(d, 30);
    r->responder_wait_ms = dice_percent(d, 20) ? 300 : 0;
    r->retries_max = (unsigned)dice_below(d, 3);
    r->hedge_after_ms = dice_percent(d, 20) ? 50 : 0;
    r->fail_fast = dice_percent(d, 10);
    r->response_topic = dice_percent(d, 10) ? "t/answers" : NULL;
}

static void
draw_responses(struct customer *c, struct dice *d, struct wilco_request *r)
{
    switch (dice_below(d, 5)) {
    case 0: r->response_bytes_max = 10000; break;
    case 1:
        r->on_part = on_message;
        r->part_context = c;
        r->parts_max = (uint32_t)(1 + dice_below(d, 8));
        break;
    case 2:
        r->scatter = true;
        r->responses_max = dice_percent(d, 50) ? UINT32_MAX : 3;
        r->stall_ms = 200;
        break;
    case 3:
        r->chunked = true;
        r->response_bytes_max = 5000;
        break;
    default: break;
    }
}

static void
ask(struct customer *c)
{
    struct deed *deed = next_deed(c);
    struct wilco_request r = {.tally = NULL};

    if (deed == NULL) {
        return;
    }
    *deed = (struct deed){.is_request = true};
    (void)throw_dice(c, deed->correlation, sizeof(deed->correlation));
    draw_request(c->dice, &r);
    draw_responses(c, c->dice, &r);
    r.correlation_data = (struct wilco_bytes){deed->correlation, sizeof(deed->correlation)};
    r.error = &deed->error;
    r.tally = &deed->tally;
    begun(c, deed, wilco_request_start(c->client, &r, on_response, deed, &deed->call));
}

static void
publish(struct customer *c)
{
    struct deed *deed = next_deed(c);
    const struct wilco_publish p = {
        .topic = topics[dice_below(c->dice, COUNT(topics))],
        .payload = WILCO_TEXT("news"),
        .qos = (uint8_t)dice_below(c->dice, 3),
        .retain = dice_percent(c->dice, 10),
    };

    if (deed != NULL) {
        *deed = (struct deed){.is_started = false};
        begun(c, deed, wilco_publish_start(c->client, &p, on_published, deed));
    }
}

static void
subscribe(struct customer *c)
{
    struct deed *deed = next_deed(c);
    const struct wilco_subscription s = {
        .filter = filters[dice_below(c->dice, COUNT(filters))],
        .qos = (uint8_t)dice_below(c->dice, 3),
    };

    if (deed != NULL) {
        *deed = (struct deed){.is_started = false};
        begun(c, deed, wilco_subscribe_start(c->client, &s, on_message, c, on_published, deed));
    }
}

static void
unsubscribe(struct customer *c)
{
    struct deed *deed = next_deed(c);
    const char *filter = dice_percent(c->dice, 30) ? "do" : filters[dice_below(c->dice, 5)];

    if (deed != NULL) {
        *deed = (struct deed){.is_started = false};
        begun(c, deed, wilco_unsubscribe_start(c->client, filter, on_published, deed));
    }
}

static void
respond(struct customer *c)
{
    struct deed *deed = next_deed(c);
    const struct wilco_responder r = {
        .filter = "do",
        .group = dice_percent(c->dice, 30) ? "g" : NULL,
        .concurrency_max = (uint32_t)dice_below(c->dice, 4),
        .queue_max = (uint32_t)dice_below(c->dice, 4),
        .execution_timeout_ms = dice_percent(c->dice, 30) ? 200 : 0,
        .ack_late = dice_percent(c->dice, 30),
        .repeat_bytes_max = dice_percent(c->dice, 30) ? 4096 : 0,
        .request_bytes_max = 20000,
    };

    if (deed != NULL) {
        *deed = (struct deed){.is_started = false};
        begun(c, deed, wilco_respond_start(c->client, &r, on_request, c, on_published, deed));
    }
}

static void
answer(struct customer *c)
{
    static char large[4000];
    size_t at = dice_below(c->dice, c->call_count);
    struct wilco_call *call = c->call_count == 0 ? NULL : c->calls[at];
    const struct wilco_reply part = {.payload = WILCO_TEXT("a part")};

    if (call == NULL) {
        return;
    }
    switch (dice_below(c->dice, 6)) {
    case 0: (void)wilco_reply_part(call, &part); return;
    case 1: (void)wilco_reply_progress(call, 0.5, "half of it"); return;
    case 2: wilco_call_watch(call, on_changed, c); return;
    case 3: (void)wilco_reply_error(call, 404, "no"); break;
    case 4: (void)wilco_reply_bytes(call, (struct wilco_bytes){large, sizeof(large)}); break;
    default: break; /* let go of without a word */
    }
    wilco_call_unref(call);
    c->calls[at] = c->calls[--c->call_count];
}

static void
pull(struct customer *c)
{
    struct wilco_message *response = NULL;
    struct wilco_request r = {.topic = "t/a", .timeout_ms = 1000, .parts_max = 4};

    if (c->responses == NULL) {
        (void)!wilco_responses_open(c->client, &r, &c->responses);
        return;
    }
    if (wilco_responses_next(c->responses, 0, &response) != WILCO_AGAIN &&
        dice_percent(c->dice, 50)) {
        wilco_responses_close(c->responses);
        c->responses = NULL;
    }
    wilco_message_unref(response);
}

static void
act(struct customer *c)
{
    size_t roll = dice_below(c->dice, 100);

    if (roll < 35) {
        ask(c);
    } else if (roll < 50) {
        publish(c);
    } else if (roll < 60) {
        subscribe(c);
    } else if (roll < 63) {
        unsubscribe(c);
    } else if (roll < 73) {
        respond(c);
    } else if (roll < 88) {
        answer(c);
    } else if (roll < 93) {
        pull(c);
    } else if (c->deed_count > 0) {
        (void)!wilco_request_cancel(c->client, c->deeds[dice_below(c->dice, c->deed_count)].call);
    }
}

void
customer_act(struct customer *c)
{
    do {
        act(c);
    } while (dice_percent(c->dice, 40));
}

void
customer_run(struct customer *c, uint64_t ms)
{
    enum wilco_status status = WILCO_OK;

    c->now_ms += ms;
    status = wilco_process(c->client, 0);
    assert(status == WILCO_OK || status == WILCO_ECLOSED);
    (void)status;
}

void
customer_close(struct customer *c)
{
    wilco_responses_close(c->responses);
    wilco_close(c->client);
    for (size_t i = 0; i < c->call_count; i++) {
        (void)wilco_reply_bytes(c->calls[i], WILCO_TEXT("too late"));
        wilco_call_unref(c->calls[i]);
    }
    for (size_t i = 0; i < c->deed_count; i++) {
        const struct deed *deed = &c->deeds[i];

        assert(deed->ends == 1);
        c->answered += deed->is_request && deed->status == WILCO_OK;
    }
}
