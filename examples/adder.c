/* A remote procedure: rpc/add takes two numbers and returns their sum. */
#define _POSIX_C_SOURCE 200809L

#include <wilco/wilco.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void
add(void *context, struct wilco_call *call)
{
    struct wilco_bytes payload = wilco_message_payload(wilco_call_message(call));
    char text[64], result[64];
    double a, b;
    int len;

    (void)context;
    snprintf(text, sizeof(text), "%.*s",
             WILCO_PRINTF_BYTES(payload)); /* a payload does not end in 0 */
    if (sscanf(text, "%lf %lf", &a, &b) != 2) {
        (void)wilco_reply_error(call, 400, "two numbers are wanted");
        return;
    }
    len = snprintf(result, sizeof(result), "%.10g", a + b);
    (void)wilco_reply_bytes(call, (struct wilco_bytes){result, (size_t)len});
}

/* Requests are answered by the client's own thread, until a signal ends the program. It then closes
 * the client, so that the server knows that nobody is here any more. */
static void
serve_until_stopped(void)
{
    sigset_t ends;
    int end;

    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    puts("ready");
    fflush(stdout);
    sigwait(&ends, &end);
}

int
main(void)
{
    struct wilco *client = NULL;
    struct wilco_error error = {0};
    enum wilco_status status =
        wilco_open(&client, &(struct wilco_options){.url = getenv("WILCO_URL"), .error = &error});

    if (status != WILCO_OK) {
        fprintf(stderr, "adder: %s\n", error.text);
        return 1;
    }
    status = wilco_respond(client, &(struct wilco_responder){.filter = "rpc/add"}, add, NULL, NULL);
    if (status != WILCO_OK) {
        fprintf(stderr, "adder: %s\n", wilco_status_text(status));
        wilco_close(client);
        return 1;
    }
    serve_until_stopped();
    wilco_close(client);
    return 0;
}
