#include "frame.h"

static void
write_block(int block)
{
    (void)block;
    take_a_while(1);
}

/* SNIPPET */

static pthread_t worker;

static void *
work(void *call)
{
    update_firmware(call);
    wilco_call_unref(call);
    return NULL;
}

static void
begin(void *context, struct wilco_call *call)
{
    (void)context;
    (void)pthread_create(&worker, NULL, work, wilco_call_ref(call));
}

int
main(void)
{
    struct wilco *device = open_client();
    struct wilco *client = open_client();
    struct wilco_message *response = NULL;
    enum wilco_status status;

    respond(device, "device1/update", begin);
    status = update(client, &response);
    show(status, response);
    (void)pthread_join(worker, NULL);
    wilco_close(client);
    wilco_close(device);
    return 0;
}
