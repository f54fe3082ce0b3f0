#include "frame.h"

/* SNIPPET */

static void
tell(void *context, struct wilco_call *call)
{
    (void)context;
    (void)wilco_reply_bytes(call, WILCO_TEXT("1204 kWh"));
}

/* Long enough for the request to come first. If it does not, the meter answers all the same. */
static void *
wake(void *context)
{
    struct wilco *meter = open_client();

    (void)context;
    take_a_while(300);
    respond(meter, "meters/7/read", tell);
    return meter;
}

int
main(void)
{
    struct wilco *client = open_client();
    struct wilco_message *response = NULL;
    pthread_t thread;
    void *meter;
    enum wilco_status status;

    (void)pthread_create(&thread, NULL, wake, NULL);
    status = read_meter(client, &response);
    show(status, response);
    (void)pthread_join(thread, &meter);
    wilco_close(client);
    wilco_close(meter);
    return 0;
}
