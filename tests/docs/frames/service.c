#include "frame.h"

/* SNIPPET */

static void
greet(void *context, struct wilco_call *call)
{
    (void)context;
    (void)wilco_reply_bytes(call, WILCO_TEXT("hello"));
}

int
main(void)
{
    struct wilco *service = open_client();
    int code;

    must("serve", serve(service, greet));
    puts("$ mosquitto_rr -V 5 -t '$SRV/PING/greeter' -e my/answers -m ''");
    fflush(stdout);
    code = system("mosquitto_rr -V 5 -t '$SRV/PING/greeter' -e my/answers -m ''");
    wilco_close(service);
    return code;
}
