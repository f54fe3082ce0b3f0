#include "frame.h"

static struct happening begun = HAPPENING_INIT;
static struct happening ended = HAPPENING_INIT;

/* The first step lasts until the requester has its end, so that what is printed has one order. */
static int
look_further(void)
{
    happen(&begun);
    await(&ended, 1);
    take_a_while(1);
    return 1;
}

/* SNIPPET */

static pthread_t searcher;

static void *
work(void *call)
{
    search(call);
    wilco_call_unref(call);
    return NULL;
}

static void
begin_search(void *context, struct wilco_call *call)
{
    (void)context;
    (void)pthread_create(&searcher, NULL, work, wilco_call_ref(call));
}

static void
on_end(void *context, enum wilco_status status, const struct wilco_message *response)
{
    (void)context;
    (void)response;
    printf("the requester: %s\n", wilco_status_text(status));
    happen(&ended);
}

int
main(void)
{
    struct wilco *service = open_client();
    struct wilco *client = open_client();
    uint64_t call = 0;

    respond(service, "search", begin_search);
    must("request", begin(client, on_end, &call));
    await(&begun, 1);
    give_up(client, call);
    (void)pthread_join(searcher, NULL);
    wilco_close(client);
    wilco_close(service);
    return 0;
}
