#include "frame.h"

/* SNIPPET */

static struct happening begun = HAPPENING_INIT;
static struct wilco_call *running;

static void
begin_backup(void *context, struct wilco_call *call)
{
    (void)context;
    running = wilco_call_ref(call);
    happen(&begun);
}

static void *
back_up(void *context)
{
    await(&begun, 1);
    take_a_while(200);
    (void)wilco_reply_bytes(running, WILCO_TEXT("done"));
    wilco_call_unref(running);
    return context;
}

static void *
ask(void *client)
{
    struct wilco_message *response = NULL;

    must("request",
         wilco_request(client, &(struct wilco_request){.topic = "backups/begin"}, &response));
    return response;
}

int
main(void)
{
    const struct wilco_responder responder = {.filter = "backups/begin", .group = "backups"};
    struct wilco *service = open_client();
    struct wilco *client = open_client();
    pthread_t worker, requester;
    void *response;

    must("respond", wilco_respond(service, &responder, begin_backup, NULL, NULL));
    (void)pthread_create(&worker, NULL, back_up, NULL);
    (void)pthread_create(&requester, NULL, ask, client);
    await(&begun, 1);
    leave(service);
    (void)pthread_join(requester, &response);
    (void)pthread_join(worker, NULL);
    printf("left; the request that was running got its answer: %.*s\n",
           WILCO_PRINTF_BYTES(wilco_message_payload(response)));
    wilco_message_unref(response);
    wilco_close(client);
    return 0;
}
