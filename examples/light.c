/* A light that can be switched, and says so: answers requests to lights/kitchen/set. */
#define _POSIX_C_SOURCE 200809L

#include <wilco/wilco.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
says(struct wilco_bytes payload, const char *word)
{
    return payload.len == strlen(word) && memcmp(payload.data, word, payload.len) == 0;
}

/* Runs for each request. What it answers is the acknowledgement: the light is now as it says. */
static void
switch_light(void *context, struct wilco_call *call)
{
    struct wilco_bytes wanted = wilco_message_payload(wilco_call_message(call));

    (void)context;
    if (!says(wanted, "on") && !says(wanted, "off")) {
        (void)wilco_reply_error(call, 400, "a light can be on or off");
        return;
    }
    printf("the light is %.*s\n", WILCO_PRINTF_BYTES(wanted));
    fflush(stdout);
    (void)wilco_reply_bytes(call, wanted);
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
        fprintf(stderr, "light: %s\n", error.text);
        return 1;
    }
    status = wilco_respond(client, &(struct wilco_responder){.filter = "lights/kitchen/set"},
                           switch_light, NULL, NULL);
    if (status != WILCO_OK) {
        fprintf(stderr, "light: %s\n", wilco_status_text(status));
        wilco_close(client);
        return 1;
    }
    serve_until_stopped();
    wilco_close(client);
    return 0;
}
