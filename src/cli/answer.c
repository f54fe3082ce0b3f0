#include "cli/answer.h"

#include "cli/output.h"
#include "cli/say.h"
#include "cli/wake.h"

#include <stdio.h>

bool
answer_is_last(const struct answers *a)
{
    return a->count.is_set && atomic_load(&a->answered) >= a->count.value;
}

/* Response Topic and Correlation Data of the request are those of the answer. */
static void
show_answer(const struct wilco_message *request, const struct wilco_reply *reply)
{
    const struct wilco_user_property error = {"__stMsg", reply->status_text};
    bool is_error = reply->status_text != NULL;
    struct view view = view_of_publish(&(struct wilco_publish){
        .payload = reply->payload,
        .is_utf8 = reply->is_utf8,
        .content_type = reply->content_type,
        .user_properties = is_error ? &error : reply->user_properties,
        .user_property_count = is_error ? 1 : reply->user_property_count,
    });

    view.topic = wilco_message_response_topic(request);
    view.correlation_data = wilco_message_correlation_data(request);
    view.status = reply->status;
    output_show(stderr, "response", &view);
    view_fini(&view);
}

void
answer_reply(struct answers *a, struct wilco_call *call, const struct wilco_reply *reply)
{
    enum wilco_status status = wilco_reply(call, reply);

    if (status == WILCO_OK && a->show) {
        show_answer(wilco_call_message(call), reply);
    }
    if (status == WILCO_ETIMEDOUT) {
        say("an answer came too late and was not sent");
    } else if (status == WILCO_ECANCELLED) {
        say_debug("an answer was not sent: the request has been taken back");
    } else if (status != WILCO_OK && status != WILCO_ECLOSED) {
        say("an answer could not be sent: %s", wilco_status_text(status));
    }
    (void)atomic_fetch_add(&a->answered, 1);
    if (answer_is_last(a)) {
        wake_up();
    }
}

bool
answer_accept(struct answers *a, struct wilco_call *call)
{
    if (a->count.is_set && atomic_fetch_add(&a->accepted, 1) >= a->count.value) {
        (void)wilco_reply_error(call, 503, "the responder is about to end");
        return false;
    }
    if (a->show) {
        struct view view = view_of_message(wilco_call_message(call));

        output_show(stderr, "request", &view);
        view_fini(&view);
    }
    return true;
}

void
answer_bytes(struct answers *a, struct wilco_call *call, struct wilco_bytes payload)
{
    const struct properties *p = &a->properties;

    answer_reply(a, call,
                 &(struct wilco_reply){
                     .payload = payload,
                     .is_utf8 = p->is_utf8,
                     .content_type = p->content_type,
                     .user_properties = p->user,
                     .user_property_count = p->user_count,
                 });
}

void
answer_error(struct answers *a, struct wilco_call *call, int status, const char *text)
{
    answer_reply(a, call, &(struct wilco_reply){.status = status, .status_text = text});
}
