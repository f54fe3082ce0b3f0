#include <wilco/wilco.h>

#include <stdio.h>
#include <stdlib.h>

/* A user's program: asks itself. It has a function that the library has, too, under the same name
 * and for something else; neither may get the other's. */

int buffer_append(int a, int b);

static int own_calls;

int
buffer_append(int a, int b)
{
    own_calls++;
    return a + b;
}

static void
echo(void *context, struct wilco_call *call)
{
    (void)context;
    (void)wilco_reply_bytes(call, wilco_message_payload(wilco_call_message(call)));
}

int
main(void)
{
    struct wilco_error error = {0};
    struct wilco_options options = {.url = getenv("WILCO_URL"), .error = &error};
    struct wilco_responder responder = {.filter = "echo"};
    struct wilco_request request = {
        .topic = "echo", .payload = WILCO_TEXT("hello"), .error = &error};
    struct wilco_message *response = NULL;
    struct wilco *client = NULL;
    enum wilco_status status = wilco_open(&client, &options);

    if (status == WILCO_OK) {
        status = wilco_respond(client, &responder, echo, NULL, NULL);
    }
    if (status == WILCO_OK) {
        status = wilco_request(client, &request, &response);
    }
    if (status == WILCO_OK) {
        int sum = buffer_append(1, 2);

        printf("%.*s %d %d\n", WILCO_PRINTF_BYTES(wilco_message_payload(response)), sum, own_calls);
    } else {
        fprintf(stderr, "%s: %s\n", wilco_status_text(status), error.text);
    }
    wilco_message_unref(response);
    wilco_close(client);
    return status == WILCO_OK ? 0 : 1;
}
