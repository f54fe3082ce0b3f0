#include "frame.h"

/* SNIPPET */

static atomic_uint asked;
static struct wilco_call *stuck;

static void
tell(void *context, struct wilco_call *call)
{
    (void)context;
    if (atomic_fetch_add(&asked, 1) == 0) {
        stuck = wilco_call_ref(call);
    } else {
        (void)wilco_reply_bytes(call, WILCO_TEXT("4.20"));
    }
}

int
main(void)
{
    const struct wilco_responder member = {.filter = "prices/coffee", .group = "prices"};
    struct wilco *client = open_client();
    struct wilco *members[] = {open_client(), open_client()};
    struct wilco_message *response = NULL;
    enum wilco_status status;

    for (size_t i = 0; i < 2; i++) {
        must("respond", wilco_respond(members[i], &member, tell, NULL, NULL));
    }
    status = read_price(client, &response);
    show(status, response);
    wilco_call_unref(stuck);
    wilco_close(client);
    for (size_t i = 0; i < 2; i++) {
        wilco_close(members[i]);
    }
    return 0;
}
