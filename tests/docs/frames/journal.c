#include "frame.h"

/* SNIPPET */

static void
pay(void *context, struct wilco_call *call)
{
    (void)context;
    puts("paid");
    (void)wilco_reply_bytes(call, WILCO_TEXT("receipt 1"));
}

static void
ask(struct wilco *client)
{
    const struct wilco_request request = {
        .topic = "payments/pay", .correlation_data = WILCO_TEXT("payment 1"), .timeout_ms = 60000};
    struct wilco_message *response = NULL;

    must("request", wilco_request(client, &request, &response));
    printf("answered: %.*s\n", WILCO_PRINTF_BYTES(wilco_message_payload(response)));
    wilco_message_unref(response);
}

int
main(void)
{
    struct wilco *client = open_client();
    struct wilco *service = open_client();

    must("serve", serve_payments(service, pay));
    ask(client);
    ask(client);
    wilco_close(service);
    puts("the responder was restarted");
    service = open_client();
    must("serve", serve_payments(service, pay));
    ask(client);
    wilco_close(client);
    wilco_close(service);
    return 0;
}
