#include "frame.h"

#define REQUESTS 5

/* SNIPPET */

static struct happening begun = HAPPENING_INIT;
static struct happening refused = HAPPENING_INIT;
static struct wilco_call *running[REQUESTS];

static void
begin_backup(void *context, struct wilco_call *call)
{
    (void)context;
    running[begun.count] = wilco_call_ref(call);
    happen(&begun);
}

static void
on_end(void *context, enum wilco_status status, const struct wilco_message *response)
{
    (void)context;
    if (status == WILCO_EREMOTE && wilco_message_status(response) == 429) {
        happen(&refused);
    }
}

int
main(void)
{
    struct wilco *service = open_client();
    struct wilco *client = open_client();

    must("respond", serve_backups(service, begin_backup));
    for (int i = 0; i < REQUESTS; i++) {
        must("request",
             wilco_request_start(client, &(struct wilco_request){.topic = "backups/begin"}, on_end,
                                 NULL, NULL));
    }
    await(&begun, 2);
    await(&refused, 2);
    printf("%u have begun, %u waits, %u were refused with status 429\n", begun.count,
           REQUESTS - begun.count - refused.count, refused.count);
    wilco_close(client);
    wilco_close(service);
    for (unsigned i = 0; i < begun.count; i++) {
        wilco_call_unref(running[i]);
    }
    return 0;
}
