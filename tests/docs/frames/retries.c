#include "frame.h"

/* SNIPPET */

static struct happening first_has_it = HAPPENING_INIT;
static struct wilco_call *never_answered;

static void
hang(void *context, struct wilco_call *call)
{
    (void)context;
    never_answered = wilco_call_ref(call);
    happen(&first_has_it);
}

static void
set(void *context, struct wilco_call *call)
{
    struct wilco_bytes degrees = wilco_message_payload(wilco_call_message(call));

    (void)context;
    printf("the second heating is set to %.*s\n", WILCO_PRINTF_BYTES(degrees));
    (void)wilco_reply_bytes(call, degrees);
}

static void *
crash(void *first)
{
    struct wilco *second = open_client();

    await(&first_has_it, 1);
    respond(second, "heating/kitchen/set", set);
    puts("the first heating had it and is gone");
    wilco_close(first);
    wilco_call_unref(never_answered);
    return second;
}

int
main(void)
{
    struct wilco *client = open_client();
    struct wilco *first = open_client();
    pthread_t thread;
    void *second;
    enum wilco_status status;

    respond(first, "heating/kitchen/set", hang);
    (void)pthread_create(&thread, NULL, crash, first);
    status = set_temperature(client, "21");
    (void)pthread_join(thread, &second);
    printf("set_temperature: %s\n", status == WILCO_OK ? "OK" : wilco_status_text(status));
    wilco_close(client);
    wilco_close(second);
    return 0;
}
