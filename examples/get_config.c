/* Reads a device's configuration, with a response topic and correlation data of our own choice. */
#include <wilco/wilco.h>

#include <stdio.h>
#include <stdlib.h>

int
main(void)
{
    /* The client subscribes to the response topic and waits for the SUBACK before the request
     * leaves; it takes as the response only what arrives there with these correlation data. Both
     * can be left out: then the response topic is one that nobody can guess, and each request gets
     * its own correlation. */
    const struct wilco_request request = {
        .topic = "requests/device1/getConfig",
        .response_topic = "responses/device1/getConfig",
        .correlation_data = WILCO_TEXT("{ \"requestId\": \"abcdef12345\" }"),
        .payload = WILCO_TEXT("{}"),
    };
    struct wilco *client = NULL;
    struct wilco_message *response = NULL;
    enum wilco_status status =
        wilco_open(&client, &(struct wilco_options){.url = getenv("WILCO_URL")});

    if (status == WILCO_OK) {
        status = wilco_request(client, &request, &response);
    }
    if (status == WILCO_OK) {
        printf("%.*s", WILCO_PRINTF_BYTES(wilco_message_payload(response)));
    } else {
        fprintf(stderr, "get_config: %s\n", wilco_status_text(status));
    }
    wilco_message_unref(response);
    wilco_close(client);
    return status == WILCO_OK ? 0 : 1;
}
